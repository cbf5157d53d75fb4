"""What the paper's method costs as it is written: one whole intermediate picture for each column beside the midline.

in: a clip in which the face is as large as it shall be, the literal method's file -> out: figures on one core.
Must not: know how the literal method works.

The literal method is a test of this project's clone, `tests/literal.py`, and is not part of the installed package.
"""

from __future__ import annotations

import importlib.util
import time
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

import afet_video
from afet_video.bench.figures import Figure, samples_ms
from afet_video.bench.scene import Moment, strongest_moment, use_one_core
from afet_video.datatypes import Box, FloatArray, Midline
from afet_video.passes.prepare import around_face
from afet_video.splice.alpha import AlphaField
from afet_video.splice.compose import NeutralTexture, splice

PART = "naive"
_LITERAL = Path("tests") / "literal.py"
_RUNS = 11
_GRAY_LEVELS = 2.0


def literal_file() -> Path | None:
    """Return the literal method of the clone that this package lies in, or None: it does not ship with the package."""
    path = Path(afet_video.__file__).resolve().parent.parent / _LITERAL
    return path if path.is_file() else None


def paper_figure() -> Figure:
    """Return the paper's own time, which is quoted and not measured: nothing here is its hardware."""
    note = (
        "Tan & Iren, section IV: blending of a 512x512 picture, PyTorch on an RTX 3090; "
        "their 6.2 s for warping the expression come on top"
    )
    return Figure(PART, "paper: blending", "s", 3.4, 0.0, 0, note=note, frame_ms=3400.0)


def measure_naive(clip: Path, literal: Path) -> list[Figure]:
    """Run the literal method and the kernel once more on the same pictures, with the paper's settings.

    The frame is the one with the strongest expression. To be called in a process of its own in which BLAS was started
    with one thread (see `run`): the process is left bound to one core.

    Parameters
    ----------
    clip : video of a face.
    literal : file with the literal method (`literal_file`).

    Raises
    ------
    FaceError, InputError
        If the clip cannot be used.
    """
    with strongest_moment(clip) as moment:
        use_one_core()
        pictures = _Pictures(moment)
        ours, samples = pictures.spliced(), samples_ms(pictures.spliced, _RUNS)
        method = _loaded(literal)
        start = time.perf_counter()
        theirs = pictures.stitched(method)
        seconds = time.perf_counter() - start
        share = pictures.share_that_differs(method, ours, theirs)
    what = f"{pictures.describe()}; one core"
    same = (
        f"the same pictures; {100 * share:.2g} % of the face's pixels differ by more than {_GRAY_LEVELS:g} grey levels"
    )
    literally = Figure.of(PART, "literal method", "s", [seconds], note=what, frames=1)
    kernel = Figure.of(PART, "afet-video", "ms", samples, note=same, frames=1)
    return [literally, kernel, Figure.of(PART, "literal / afet-video", "x", [1e3 * seconds / kernel.median])]


def whole_columns(alpha: AlphaField, height: int) -> AlphaField:
    """Return the field for pictures of `height` rows with a midline, and offsets, that run from pixel to pixel."""
    rows = np.arange(height, dtype=np.float32)
    midline = Midline(rows, np.round(alpha.midline.x_at(rows)))
    return replace(alpha, midline=midline, start=float(np.floor(alpha.start)), stop=float(np.ceil(alpha.stop)))


def alphas_by_offset(alpha: AlphaField) -> dict[int, float]:
    """Return alpha at each offset of a field of whole columns: one intermediate picture each."""
    offsets = np.arange(int(np.floor(alpha.start)), int(np.ceil(alpha.stop)) + 1)
    row = alpha.midline.y.mean(keepdims=True)
    shares = alpha.at(alpha.midline.x_at(row) + np.float32(alpha.direction) * offsets, row)
    return dict(zip(offsets.tolist(), shares.tolist(), strict=True))


class _Pictures:
    """What both methods are given: the pictures, landmarks in their pixels, the mesh, alpha of whole columns."""

    def __init__(self, moment: Moment) -> None:
        scene = moment.scene("linear")
        box = around_face(moment.xyz, moment.frame.size_wh)
        self.expression = moment.frame.read_box(box)
        self.expression_xy, self.rest_xy = (_within(box, xyz) for xyz in (moment.xyz, scene.rest.xyz))
        self.neutral = moment.model.bank[0].texture
        self.triangles = moment.model.triangles
        rows = np.arange(box.y0, box.y1, dtype=np.float32)
        midline = Midline(rows - box.y0, scene.field.midline.x_at(rows) - np.float32(box.x0))
        self.alpha = whole_columns(replace(scene.field, midline=midline), len(rows))
        self.alphas = alphas_by_offset(self.alpha)

    def spliced(self) -> FloatArray:
        """Return the picture as this package makes it, with the neutral's own pixels on the whole half."""
        ones = np.ones((len(self.neutral.xy), 3), np.float32)
        texture = NeutralTexture(self.neutral.rgb, self.neutral.xy, ones[:, 0].copy(), ones)
        return splice(self.expression, self.expression_xy, self.rest_xy, texture, self.triangles, self.alpha)

    def stitched(self, method: ModuleType) -> NDArray[np.float64]:
        """Return the picture as the literal method makes it."""
        pictures = (self.expression.astype(float), self.neutral.rgb.astype(float))
        landmarks = (xy.astype(float) for xy in (self.expression_xy, self.rest_xy, self.neutral.xy))
        divide, direction = self.alpha.midline.x.astype(int), int(self.alpha.direction)
        result: NDArray[np.float64] = method.stitch(
            *pictures, *landmarks, self.triangles, divide, direction, self.alphas
        )
        return result

    def share_that_differs(self, method: ModuleType, one: FloatArray, other: NDArray[np.float64]) -> float:
        """Return the share of the face's pixels that the two methods do not agree on."""
        xy = self.expression_xy.astype(float)
        face = method.piecewise_affine(xy, (xy, xy), self.triangles, one.shape[:2])[0]
        return float((np.abs(one - other).max(axis=2)[face] > _GRAY_LEVELS).mean())

    def describe(self) -> str:
        """Say what the literal method has to do."""
        height, width = self.expression.shape[:2]
        count = len(self.alphas)
        return f"tests/literal.py: {count} intermediate pictures of {width}x{height} px, the paper's linear ramp"


def _within(box: Box, xyz: FloatArray) -> FloatArray:
    return np.ascontiguousarray(xyz[:, :2] - np.array([box.x0, box.y0], np.float32))


def _loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("afet_literal", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python module")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
