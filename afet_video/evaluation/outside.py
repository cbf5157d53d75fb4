"""Whether anything outside the face changed.

in: two decoded frames, what may change -> out: counts.  Must not: keep pictures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video.video.frame import StoredFrame, plane_arrays


@dataclass(slots=True)
class OutsideCount:
    """Counts stored samples (luma and chroma alike) outside the face, and those that changed.

    `other_format` is true once source and result store their pictures differently; nothing can be counted then.
    """

    samples: int = 0
    changed: int = 0
    other_format: bool = False

    def add(self, before: StoredFrame, after: StoredFrame, outside: NDArray[np.bool_]) -> None:
        """Count one frame; `outside` (H, W) upright. A chroma sample counts if all its pixels are outside."""
        names = {before.stored.format.name, after.stored.format.name}
        is_planar = len(before.stored.planes) == len(before.stored.format.components)
        self.other_format = self.other_format or len(names) > 1 or not is_planar
        if self.other_format:
            return
        stored = before.orientation.stored(outside)
        for one, other in zip(_planes(before), _planes(after), strict=True):
            mask = _reduced(stored, one.shape)
            self.samples += int(mask.sum())
            self.changed += int(((one != other) & mask).sum())


def _planes(frame: StoredFrame) -> Iterator[NDArray[np.generic]]:
    """Yield the planes without padding."""
    for array, plane in zip(plane_arrays(frame.stored), frame.stored.planes, strict=True):
        yield array[:, : plane.width]


def _reduced(mask: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    if mask.shape == shape:
        return mask
    shrunk = cv2.resize(mask.astype(np.float32), (shape[1], shape[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(shrunk > 0.999, bool)
