"""What the frames so far say of one eyeball: where its iris is beside the detector's, its size, and its light.

in: circles and colours of frames with open eyes -> out: the same for the next frame.  Must not: paint.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import FloatArray
from afet_video.splice.limbus import Limbus

_SETTLES_S = 0.08
"""Time constant in which the iris' place follows what is seen: the detector's shaking is not the eye's."""
_TINT_SETTLES_S = 0.15
"""The same for colours: light changes slowly, and a patch must not flicker."""
_MOST_SEEN = 20.0
"""Sightings of the radius after which the next one counts no less: faces come nearer, lenses distort."""
_ENOUGH_PX = 10.0
"""Seen pixels of white or iris from which their colour is believed by half."""
_TINT_LIMITS = (0.6, 1.25)


class EyeballFit:
    """Fits an eyeball to what frames show of it."""

    def __init__(self) -> None:
        self._radius, self._weight = 1.0, 0.0
        self._offset, self._offset_s = np.zeros(2), -np.inf
        self._tint: FloatArray = np.ones((2, 3), np.float32)
        self._tint_s = -np.inf

    @property
    def radii(self) -> NDArray[np.float32]:
        """The iris' radius, in those of the detector; (1,)."""
        return np.array([self._radius], np.float32)

    @property
    def tint(self) -> FloatArray:
        """Factors (2, 3) on the colours of white and iris."""
        return self._tint

    def see_radius(self, share: float, sure: float) -> None:
        """Take in the radius of an iris, in those of the detector: a person's are all the same."""
        if sure > 0:
            self._weight = min(self._weight + sure, _MOST_SEEN)
            self._radius += sure / self._weight * (share - self._radius)

    def see_limbus(self, limbus: Limbus, iris: FloatArray, canthi: FloatArray, seconds: float) -> None:
        """Take in where an iris is, and where (5, 2) the detector has it, between the corners (2, 2) of the eye."""
        if limbus.sure <= 0:
            return
        now = np.linalg.solve(_axes(canthi), limbus.middle - iris[0])
        known = np.isfinite(self._offset_s)
        share = limbus.sure * _followed(seconds - self._offset_s, _SETTLES_S) if known else 1.0
        self._offset = self._offset + share * (now - self._offset)
        self._offset_s = seconds

    def offset(self, canthi: FloatArray) -> FloatArray:
        """Return where the iris is beside the detector's, (2,) pixels, in an eye with these corners (2, 2)."""
        return np.asarray(_axes(canthi) @ self._offset, np.float32)

    def see_colors(
        self, own: FloatArray, painted: FloatArray, weights: tuple[FloatArray, FloatArray], seconds: float
    ) -> None:
        """Take in the colours (h, w, 3) of a frame and of what would be painted there.

        `weights`: (h, w) each, how surely a pixel is the same of both: white, iris.
        """
        latest = np.ones((2, 3), np.float32)
        sure = np.zeros((2, 1), np.float32)
        for i, weight in enumerate(weights):
            total = float(weight.sum())
            if total > 0:
                flat = weight.ravel()
                latest[i] = (flat @ own.reshape(-1, 3)) / np.maximum(flat @ painted.reshape(-1, 3), 1.0)
                sure[i] = total / (total + _ENOUGH_PX)
        latest = latest.clip(*_TINT_LIMITS)
        share = _followed(seconds - self._tint_s, _TINT_SETTLES_S) if np.isfinite(self._tint_s) else 1.0
        self._tint = self._tint + np.float32(share) * sure * (latest - self._tint)
        self._tint_s = seconds

    def remembered(self) -> dict[str, NDArray[Any]]:
        """Return what it knows; `recall` takes it back."""
        numbers = [self._radius, self._weight, *self._offset, self._offset_s, self._tint_s]
        return {"fit": np.array(numbers, np.float64), "tint": self._tint}

    def recall(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what `remembered` gave."""
        self._radius, self._weight, x, y, self._offset_s, self._tint_s = (float(value) for value in arrays["fit"])
        self._offset = np.array([x, y])
        self._tint = arrays["tint"]


def _followed(seconds: float, settles_s: float) -> float:
    """Return which share of a change is taken over after a time."""
    return 1.0 - float(np.exp(-max(seconds, 0.0) / settles_s))


def _axes(canthi: FloatArray) -> NDArray[np.float64]:
    """Return the eye's own axes as columns (2, 2), as long as the eye is wide: outwards, and across that."""
    x, y = (canthi[0] - canthi[1]).astype(np.float64)
    length = max(x * x + y * y, 1e-6)
    return np.array([[x, -y], [y, x]]) if length > 1e-6 else np.eye(2)
