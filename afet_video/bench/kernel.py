"""Milliseconds a frame of the method itself: splice, geometry, pixels in and out.

in: a clip in which the face is as large as it shall be -> out: figures on one core.  Must not: detect or encode
while the clock runs.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from afet_video.bench.figures import Figure, samples_ms
from afet_video.bench.scene import Moment, Scene, strongest_moment, use_one_core
from afet_video.splice.alpha import RAMPS
from afet_video.splice.midline import fit_midline, head_frame, midline_points
from afet_video.splice.truth import output_landmarks

PART = "kernel"
_TARGET_MS = 4.0


def measure_kernel(clip: Path, runs: int) -> list[Figure]:
    """Return how long each step of one frame takes on one warm core.

    The frame is the one with the strongest expression. To be called in a process of its own in which BLAS was started
    with one thread (see `run`): the process is left bound to one core.

    Raises
    ------
    FaceError, InputError
        If the clip cannot be used.
    """
    with strongest_moment(clip) as moment:
        use_one_core()
        scenes = {ramp: moment.scene(ramp) for ramp in RAMPS}
        figures = [_splice_figure(ramp, scene, runs) for ramp, scene in scenes.items()]
        return figures + _step_figures(scenes["smooth"], moment, runs)


def _splice_figure(ramp: str, scene: Scene, runs: int) -> Figure:
    texture = scene.texture()
    samples = samples_ms(lambda: scene.splice(texture), runs)
    name = f"splice, {ramp} ramp"
    return Figure.of(PART, name, "ms", samples, target=_TARGET_MS, note=scene.describe(), frames=1)


def _step_figures(scene: Scene, moment: Moment, runs: int) -> list[Figure]:
    head = head_frame(scene.xyz)
    points = head.to_head(midline_points(scene.xyz))
    spliced = scene.splice(scene.texture())
    steps: dict[str, tuple[Callable[[], object], str]] = {
        "rest model": (lambda: scene.model.rest.rest(scene.xyz), ""),
        "alpha field": (scene.alpha, ""),
        "texture weights": (scene.texture, ""),
        "truth": (lambda: output_landmarks(scene.xyz, scene.rest.xyz, scene.field), ""),
        "read_box": (lambda: scene.frame.read_box(scene.box), ""),
        "write_box": (lambda: scene.frame.write_box(scene.box, scene.current, spliced), ""),
        "midline fit": (lambda: fit_midline(points, scene.settings.midline), "between the passes, once a frame"),
        "whole frame": (lambda: moment.renderer.render(scene.frame), "second pass without decoding and encoding"),
    }
    return [
        Figure.of(PART, name, "ms", samples_ms(step, runs), note=note, frames=1) for name, (step, note) in steps.items()
    ]
