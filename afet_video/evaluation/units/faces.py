"""Half faces, mirrored to whole ones, and what a back-end makes of them.

in: a video, landmarks and midlines -> out: pictures of mirrored halves.  Must not: detect anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import ByteArray, FloatArray, Midline, Side
from afet_video.splice.midline import head_frame
from afet_video.video.decode import VideoReader

SIDE_PX = 256
"""Side of the square picture of a mirrored half."""

SIDES = (Side.LEFT, Side.RIGHT)
"""Order of the second axis of `UnitScores`."""

_IOD_SHARE, _EYES_AT = 0.38, 0.42
_STRETCH = (0.5, 1.5)
"""How far a half may be stretched to undo a turn of the head: beyond, the far half has too few pixels."""

ScoreArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class UnitScores:
    """Scores (F, 2, 12) of frames, sides (left, right) and the paper's units, NaN = not known; `active` the same."""

    scores: ScoreArray
    threshold: ScoreArray

    @property
    def active(self) -> NDArray[np.bool_]:
        """Whether a unit is active: its score reaches its threshold (12,)."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.scores >= self.threshold, bool)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Units (12,) that the back-end knows at all."""
        return np.asarray(np.isfinite(self.scores).any(axis=(0, 1)), bool)


@dataclass(frozen=True, slots=True, eq=False)
class HalfFaces:
    """The faces of one video at some of its frames.

    `role`: "source" or "result". `frames`: indices, increasing. `xyz` (T, 478, 3) and `midline` say where the head is;
    they are the source's for both videos, so that halves differ by nothing but pixels. `neutral`: which of `frames`
    show rest (in the source). `on_frame` is called once a frame.
    """

    role: str
    reader: VideoReader
    frames: tuple[int, ...]
    xyz: FloatArray
    midline: Callable[[int], Midline | None]
    neutral: tuple[int, ...]
    on_frame: Callable[[], None] = lambda: None

    def __iter__(self) -> Iterator[tuple[int, dict[Side, ByteArray]]]:
        """Yield the place in `frames` and the two mirrored halves (S, S, 3); none for a frame without a face."""
        wanted = {frame: place for place, frame in enumerate(self.frames)}
        for frame in self.reader:
            place = wanted.get(frame.index)
            if place is None:
                continue
            midline = self.midline(frame.index)
            if midline is not None and np.isfinite(self.xyz[frame.index]).all():
                rgb = frame.rgb()
                yield place, {side: mirrored_half(rgb, self.xyz[frame.index], midline, side) for side in SIDES}
            self.on_frame()
            if place == len(self.frames) - 1:
                return


class UnitBackend(Protocol):
    """Somebody who tells units; what is no AU detector calls itself "AU proxy"."""

    @property
    def title(self) -> str:
        """What figures are called."""
        ...

    @property
    def note(self) -> str:
        """What was used; complete once scores were asked for."""
        ...

    def scores(self, source: HalfFaces, result: HalfFaces) -> tuple[UnitScores, UnitScores]:
        """Return the scores of both videos."""
        ...


def mirrored_half(
    rgb: ByteArray, xyz: FloatArray, midline: Midline, side: Side, *, side_px: int = SIDE_PX
) -> ByteArray:
    """Return a whole face made of one half and its mirror image, (S, S, 3), upright and of standard size.

    Parameters
    ----------
    rgb : (H, W, 3) upright frame.
    xyz : (478, 3) landmarks, pixels of the frame.
    midline : of the frame; it becomes the vertical in the middle.
    side : the half that is kept, the subject's own.

    Notes
    -----
    Roll and size are undone by the head's frame; a turn of the head by stretching the half sideways until the outer
    corner of its eye is half an inter-ocular distance from the midline.
    """
    head = head_frame(xyz)
    curve = head.to_head(np.stack([midline.x, midline.y], axis=1))
    outer = xyz[[facemesh.LEFT_EYE_OUTER if side is Side.LEFT else facemesh.RIGHT_EYE_OUTER], :2]
    corner = head.to_head(outer)[0]
    across = float(corner[0] - np.interp(corner[1], curve[:, 1], curve[:, 0]))
    stretch = float(np.clip(abs(across) / 0.5, *_STRETCH)) * (1.0 if across > 0 else -1.0)
    unit = _IOD_SHARE * side_px
    y, x = np.mgrid[0:side_px, 0:side_px].astype(np.float64)
    v = (y - _EYES_AT * side_px) / unit
    u = np.interp(v, curve[:, 1], curve[:, 0]) + stretch * np.abs(x - (side_px - 1) / 2) / unit
    where = head.to_image(np.stack([u.ravel(), v.ravel()], axis=1)).astype(np.float32).reshape(side_px, side_px, 2)
    picture = cv2.remap(rgb, where[..., 0], where[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(picture, np.uint8)
