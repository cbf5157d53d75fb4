"""Source and result in one picture, so that they cannot run apart, and the frames worth a look.

in: two videos -> out: a film, chosen frames.  Must not: keep frames that were not asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from afet_video.datatypes import ByteArray
from afet_video.video.decode import VideoReader
from afet_video.video.preview import preview_film

HEIGHT_PX, WIDTH_PX, GAP_PX = 400, 480, 8
"""Largest size of each half of the film, and what lies between."""


@dataclass(slots=True, eq=False)
class Film:
    """`mp4`: the film; `size_wh` of it; `frames`: (source, result) RGB of the frames asked for."""

    mp4: bytes = b""
    size_wh: tuple[int, int] = (0, 0)
    frames: dict[int, tuple[ByteArray, ByteArray]] = field(default_factory=dict)


def side_by_side(source: Path, result: Path, wanted: Collection[int]) -> Film:
    """Read both videos once and return the film; the source is on the left."""
    film = Film()
    film.mp4 = preview_film(_joined(source, result, wanted, film))
    return film


def _joined(source: Path, result: Path, wanted: Collection[int], film: Film) -> Iterator[tuple[Fraction, ByteArray]]:
    for before, after in zip(VideoReader(source), VideoReader(result), strict=False):
        pair = before.rgb(), after.rgb()
        if before.index in wanted:
            film.frames[before.index] = pair
        height, width = pair[0].shape[:2]
        scale = min(HEIGHT_PX / height, WIDTH_PX / width, 1.0)
        size = (max(round(width * scale / 2) * 2, 2), max(round(height * scale / 2) * 2, 2))
        small = [cv2.resize(rgb, size, interpolation=cv2.INTER_AREA) for rgb in pair]
        gap = np.zeros((size[1], GAP_PX, 3), np.uint8)
        whole: ByteArray = np.ascontiguousarray(np.hstack([small[0], gap, small[1]])).astype(np.uint8)
        film.size_wh = (whole.shape[1], whole.shape[0])
        yield before.timestamp.seconds, whole
