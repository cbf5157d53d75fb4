"""How two pictures of the same moment differ, and how strong a seam is.

in: grey pictures, masks -> out: numbers, histograms.  Must not: know faces or files.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import ByteArray, FloatArray

_LEAST_ROWS = 5


def gradient_across(gray: FloatArray, mask: NDArray[np.bool_]) -> float:
    """Return the mean of |d luma / dx| (central difference, grey levels a pixel) over `mask`; NaN if it is empty.

    Parameters
    ----------
    gray : (h, w) luma on the 0..255 scale.
    mask : (h, w) pixels that count; those in the first and last column do not.
    """
    inside = mask[:, 1:-1]
    if not inside.any():
        return float("nan")
    slope = np.abs(gray[:, 2:].astype(np.float32) - gray[:, :-2].astype(np.float32)) / 2.0
    return float(slope[inside].mean())


def line_along(gray: FloatArray, across: FloatArray, mask: NDArray[np.bool_], *, parts: int = 4) -> float:
    """Return how steep luma is across a curve once texture is averaged out along it (grey levels a pixel), or NaN.

    Parameters
    ----------
    gray : (h, w) luma on the 0..255 scale.
    across : (h, w) signed distance of each pixel from the curve, along the row, pixels.
    mask : (h, w) pixels that count.
    parts : stretches of rows that are averaged each by itself.

    Notes
    -----
    In each stretch of rows the steps from pixel to pixel are averaged at equal distance from the curve; the result is
    their RMS over all distances and stretches, each counted by its rows. A seam runs along the curve and stays; texture
    does not. Both pixels of a step count, so that at the mask's ragged edges no rows are compared with others.
    """
    both = mask[:, :-1] & mask[:, 1:]
    rows, columns = np.nonzero(both)
    if not len(rows):
        return float("nan")
    pixels = gray.astype(np.float64)
    steps = pixels[rows, columns + 1] - pixels[rows, columns]
    place = np.round(across[rows, columns]).astype(np.int64)
    place -= place.min()
    part = np.minimum((rows - rows[0]) * parts // (rows[-1] - rows[0] + 1), parts - 1)
    cell = part * (int(place.max()) + 1) + place
    count = np.bincount(cell)
    mean = np.bincount(cell, weights=steps) / np.maximum(count, 1)
    enough = count >= _LEAST_ROWS
    return float(np.sqrt((count * mean**2)[enough].sum() / count[enough].sum())) if enough.any() else float("nan")


def psnr_db(squared_error: float, samples: int) -> float:
    """Return the peak signal-to-noise ratio in dB of 8-bit samples from their summed squared error; inf if it is 0."""
    if samples == 0:
        return float("nan")
    return math.inf if squared_error == 0 else 10.0 * math.log10(255.0**2 * samples / squared_error)


@dataclass(slots=True)
class Differences:
    """Collects absolute differences of 8-bit pictures over a whole video, as a histogram: its size does not grow."""

    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, np.int64))
    frames: int = 0

    def add(self, one: ByteArray, other: ByteArray, mask: NDArray[np.bool_]) -> None:
        """Add the differences of two grey pictures (h, w) where `mask` holds."""
        if mask.any():
            size = np.abs(one[mask].astype(np.int16) - other[mask].astype(np.int16))
            self.counts += np.bincount(size, minlength=256)
            self.frames += 1

    @property
    def samples(self) -> int:
        """Pixels so far."""
        return int(self.counts.sum())

    @property
    def largest(self) -> float:
        """Largest difference, grey levels; NaN without pixels."""
        return float(np.flatnonzero(self.counts)[-1]) if self.samples else float("nan")

    @property
    def mean(self) -> float:
        """Mean difference, grey levels; NaN without pixels."""
        return float(self.counts @ np.arange(256)) / self.samples if self.samples else float("nan")

    @property
    def psnr_db(self) -> float:
        """PSNR of all pixels, dB."""
        return psnr_db(float(self.counts @ np.arange(256) ** 2), self.samples)

    def quantile(self, share: float) -> float:
        """Return the smallest difference that at least `share` of the pixels do not exceed, grey levels."""
        if not self.samples:
            return float("nan")
        return float(np.searchsorted(np.cumsum(self.counts), share * self.samples))
