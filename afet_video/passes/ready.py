"""All that comes before the first changed picture, as `convert` does it; other programs take it from here.

in: a video, settings -> out: who is in it (`found_people`), and what changes them (`prepared`).  Must not: write files,
or change a picture.

What is found depends on few settings, and takes most of the time: it is shared by all methods that are compared on
one clip. What is prepared remembers the frames before: it serves one run through the video.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from afet_video.datatypes import ByteArray, FloatArray, ProgressCallback
from afet_video.passes.analyze import Analysis, analyze
from afet_video.passes.checkpoint import Checkpoints
from afet_video.passes.follow import FollowedFace, follow
from afet_video.passes.neutrals import NeutralChoices, choose_neutrals
from afet_video.passes.prepare import FaceModels, prepare
from afet_video.passes.register import register
from afet_video.passes.render import Renderer
from afet_video.passes.settings import ConvertSettings
from afet_video.passes.strength import frame_strength
from afet_video.video.decode import VideoReader

Stage = Callable[[str], AbstractContextManager[None]]
"""Times a stage: "detect", "register", "prepare"."""


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """Everybody in a video, with exact landmarks, and the best neutral of each in every shot."""

    analysis: Analysis
    choices: NeutralChoices


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """What pass 2 needs: for each lane of the analysis the followed face, the strength and a renderer; the models."""

    followed: tuple[FollowedFace, ...]
    strength: tuple[FloatArray, ...]
    models: FaceModels
    renderers: tuple[Renderer, ...]


def _untimed(_: str) -> AbstractContextManager[None]:
    return nullcontext()


@contextlib.contextmanager
def found_people(
    reader: VideoReader,
    settings: ConvertSettings,
    on_progress: ProgressCallback,
    *,
    stage: Stage = _untimed,
    on_detected: Callable[[Analysis], None] | None = None,
    kept: Checkpoints | None = None,
) -> Iterator[People]:
    """Give the people of a video; their temporary files go when the context is left.

    Parameters
    ----------
    stage : times the stages.
    on_detected : called with the landmarks as detected, before registration; they are gone afterwards.
    kept : where what is found is kept, and looked for first; None: nowhere.

    Raises
    ------
    NoFaceError
        As `analyze` does.
    """
    kept = kept or Checkpoints(None, reader.info.path, settings)
    with stage("detect"):
        exact = kept.load("registered")
        analysis = exact or kept.load("detected") or kept.keep("detected", analyze(reader, settings, on_progress))
    with contextlib.ExitStack() as stack:
        raw = stack.enter_context(contextlib.closing(analysis))
        choices = choose_neutrals(raw)
        if on_detected is not None:
            on_detected(raw)
        with stage("register"):
            analysis = exact or kept.keep("registered", register(reader, raw, choices, on_progress))
        stack.callback(analysis.close)
        yield People(analysis, choices)


@contextlib.contextmanager
def prepared(
    reader: VideoReader,
    people: People,
    settings: ConvertSettings,
    image: ByteArray | None = None,
    *,
    stage: Stage = _untimed,
) -> Iterator[Prepared]:
    """Give what changes the people of a video; its temporary files go when the context is left.

    Parameters
    ----------
    image : (H, W, 3) the neutral, if the settings name a picture (`load_neutral_image`).

    Raises
    ------
    NoNeutralError
        As `prepare` does.
    """
    analysis = people.analysis
    with contextlib.ExitStack() as stack:
        with stage("prepare"):
            followed = []
            for lane in analysis.lanes:
                followed.append(follow(lane.track, settings))
                stack.callback(followed[-1].close)
            models = prepare(reader, analysis, followed, people.choices, settings, image)
            reader.forget()
            strength = [
                frame_strength(lane.track, face, reader.info.size_wh, settings.profile.side)
                for lane, face in zip(analysis.lanes, followed, strict=True)
            ]
        renderers = tuple(
            Renderer(lane.track, face, models, settings, shown, analysis.hands)
            for lane, face, shown in zip(analysis.lanes, followed, strength, strict=True)
        )
        yield Prepared(tuple(followed), tuple(strength), models, renderers)
