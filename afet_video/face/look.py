"""What a person looks like, as far as it tells people apart: colours of skin, hair, clothes; the face's proportions.

in: a picture and the landmarks of a face in it -> out: `Look`, and how far two of them are apart.  Must not: choose.

Colours are taken in proportion to those of the skin in the middle of the face, so that other light changes little.
It is no face recognition: two people of alike hair, clothes and features are one to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import ByteArray, FloatArray
from afet_video.facemesh import TWIN

_REGION_PX = 24
_DARK = 0.002
"""Added to linear light, 0 to 1: below it a camera sees noise."""

_BINS, _RANGES = (16, 6, 6), (-5.0, 3.0, -1.5, 1.5, -1.5, 1.5)
"""Histogram of brightness against the skin's, and of red and blue against green; octaves."""

_SPANS = np.array(
    [
        *[(33, 263), (133, 362), (234, 454), (54, 284), (98, 327), (168, 4), (168, 2), (10, 168), (33, 133)],
        *[(127, 356), (64, 294), (33, 168), (133, 168), (10, 4), (33, 2), (54, 33), (234, 33), (127, 4), (132, 361)],
        (172, 397),
    ]
).T
"""Distances between landmarks that expressions move little: eyes, nose, forehead, width of the jaw."""

_SKIN_WEIGHT, _PROPORTION_WEIGHT = 2.0, 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One sighting, or the mean of several.

    `colors` (3, 576): square roots of the shares of each colour in skin, hair and clothes, NaN where those are outside
    the picture. `proportions` (20,): logarithms of distances in the face, their mean 0.
    """

    colors: FloatArray
    proportions: FloatArray

    def joined(self, other: Look, share: float) -> Look:
        """Return the mean of two looks, in which `other` has the weight `share`, 0 to 1."""
        mixed = self.colors + share * (other.colors - self.colors)
        known = np.where(np.isfinite(self.colors), self.colors, other.colors)
        colors = np.where(np.isfinite(mixed), mixed, known)
        return Look(colors, self.proportions + np.float32(share) * (other.proportions - self.proportions))


def look_of(rgb: ByteArray, xyz: FloatArray, size_wh: tuple[int, int]) -> Look:
    """Return the look of the face with landmarks `xyz` (478, 3), pixels of a frame of `size_wh` that `rgb` shows at any
    size.
    """
    xy = xyz[:, :2] * (rgb.shape[1] / size_wh[0])
    low, high = xy.min(axis=0), xy.max(axis=0)
    width, height = high - low
    skin = (low[0] + 0.2 * width, low[1] + 0.25 * height, high[0] - 0.2 * width, high[1] - 0.15 * height)
    hair = (low[0], low[1] - 0.35 * height, high[0], low[1] - 0.02 * height)
    clothes = (low[0] - 0.3 * width, high[1] + 0.25 * height, high[0] + 0.3 * width, high[1] + 0.85 * height)
    regions = [_linear(rgb, box) for box in (skin, hair, clothes)]
    unknown = np.full(int(np.prod(_BINS)), np.nan, np.float32)
    if regions[0] is None:
        return Look(np.stack([unknown] * 3), _proportions(xyz))
    reference = np.median(regions[0], axis=(0, 1)) + _DARK
    colors = [unknown if region is None else _histogram(region, reference) for region in regions]
    return Look(np.stack(colors), _proportions(xyz))


SAME_LOOK = 0.5
"""Looks nearer than this are one person's, as far as looks can say."""

OTHER_LOOK = 0.75
"""Looks farther apart than this are two people's, even where place and time would fit one."""


def look_distance(one: Look, other: Look) -> float:
    """Return how unlike two looks are, from 0.

    On eight clips the halves of one clip were 0.13 to 0.41 apart (0.42 in light that differs by half a stop, or by 35 %
    between red and blue), single sightings from them at most 0.50, different people 0.60 to 1.1.
    """
    norms = np.linalg.norm(one.colors, axis=1) * np.linalg.norm(other.colors, axis=1)
    apart = np.sqrt(np.clip(1.0 - (one.colors * other.colors).sum(axis=1) / norms, 0.0, 1.0))
    apart[0] *= _SKIN_WEIGHT
    known = apart[np.isfinite(apart)]
    color = float(known.mean()) if len(known) else 0.5
    return color + _PROPORTION_WEIGHT * float(np.sqrt(np.mean((one.proportions - other.proportions) ** 2)))


def _proportions(xyz: FloatArray) -> FloatArray:
    one, other = _SPANS
    # Both sides together: a turned head shortens the one and lengthens the other.
    spans = sum(np.linalg.norm(xyz[a] - xyz[b], axis=1) for a, b in ((one, other), (TWIN[one], TWIN[other])))
    logarithms = np.log(np.maximum(spans, 1e-6))
    return np.asarray(logarithms - logarithms.mean(), np.float32)


def _linear(rgb: ByteArray, box: tuple[float, ...]) -> FloatArray | None:
    """Return a rectangle of the picture in about linear light, (24, 24, 3), or None if it is outside."""
    limit = np.array([rgb.shape[1], rgb.shape[0]] * 2)
    x0, y0, x1, y1 = np.clip(np.round(np.array(box)), 0, limit).astype(int)
    if x1 - x0 < 4 or y1 - y0 < 4:
        return None
    part = cv2.resize(rgb[y0:y1, x0:x1], (_REGION_PX, _REGION_PX), interpolation=cv2.INTER_AREA)
    return np.asarray((part.astype(np.float32) / 255.0) ** 2.2, np.float32)


def _histogram(linear: FloatArray, reference: NDArray[np.floating]) -> FloatArray:
    octaves = np.log2((linear + _DARK) / reference)
    brightness = octaves.mean(axis=2)
    # What is nearly black has no colour that can be trusted.
    trust = np.clip((brightness + 5.0) / 2.0, 0.0, 1.0)
    red, blue = (trust * (octaves[..., channel] - octaves[..., 1]) for channel in (0, 2))
    limits = np.reshape(_RANGES, (3, 2))
    values = np.clip(np.stack([brightness, red, blue], axis=2), limits[:, 0], limits[:, 1] - 1e-3).astype(np.float32)
    counts = cv2.calcHist([values], [0, 1, 2], None, list(_BINS), list(_RANGES)).reshape(_BINS)
    # Neighbouring steps are nearly the same colour: a part of each goes to the next.
    counts = cv2.GaussianBlur(counts.reshape(_BINS[0], -1), (1, 5), 0).reshape(-1, _BINS[2])
    counts = cv2.GaussianBlur(counts, (3, 1), 0)
    return np.asarray(np.sqrt(counts / counts.sum()), np.float32).ravel()
