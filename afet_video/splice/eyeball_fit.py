"""What the frames so far say of one eyeball: where its iris is beside the detector's, its size, and its light.

in: circles and colours of frames with open eyes -> out: the same for the next frame.  Must not: paint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import FloatArray
from afet_video.splice.limbus import Limbus
from afet_video.splice.sclera import Sclera

_SETTLES_S = 0.08
"""Time constant in which the iris' place follows what is seen: the detector's shaking is not the eye's."""
_USUAL_SETTLES_S = 1.0
"""The same for where it usually is. That is learnt from eyes that are open, and shown where no iris is seen: in an eye
that closes the lids' edges are taken for the iris', and what it said last would stay for as long as it is shut."""
_TINT_SETTLES_S = 0.15
"""The same for colours: light changes slowly, and a patch must not flicker."""
_EDGES_SETTLE_S = (0.08, 0.5)
"""The same for the lids' edges: the lower one moves over its landmarks as the cheek does, the upper one hardly."""
_RISE = 0.035
"""How far above its landmarks the upper lid begins in an eye that was never seen, in the eye's width."""
_MOST_SEEN = 20.0
"""Sightings of the radius after which the next one counts no less: faces come nearer, lenses distort."""
_ENOUGH_PX = 10.0
"""Seen pixels of white or iris from which their colour is believed by half."""
_TINT_LIMITS, _TINT_COLOR = (0.6, 1.25), 0.05
"""How much darker and brighter a frame's eye may be than it was, and how much that may differ between its colours."""


class EyeballFit:
    """Fits an eyeball to what frames show of it.

    Attributes
    ----------
    sclera : its white.
    """

    def __init__(self) -> None:
        self._radius, self._weight = 1.0, 0.0
        self._offset, self._usual, self._size, self._offset_s = 0j, 0j, 0.0, -np.inf
        self._edges, self._edges_s = np.array([0.0, _RISE]), np.full(2, -np.inf)
        self._tint: FloatArray = np.ones((2, 3), np.float32)
        self._tint_s = -np.inf
        self.sclera = Sclera()

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

    def see_limbus(
        self, limbus: Limbus, iris: FloatArray, canthi: FloatArray, shown_width: float, opened: float, seconds: float
    ) -> None:
        """Take in where an iris is, and where (5, 2) the detector has it, between the corners (2, 2) of the eye.

        `shown_width`: that of the eye in the result, whose lids are quiet; pixels. `opened` in 0..1: how far it is
        open in the frame.
        """
        if limbus.sure <= 0:
            return
        width = canthi[0] - canthi[1]
        now = complex(*(limbus.middle - iris[0])) / (complex(*width) or 1.0)
        known = np.isfinite(self._offset_s)
        passed = seconds - self._offset_s
        share, of_usual = (
            weight * _followed(passed, settles_s) if known else 1.0
            for weight, settles_s in ((limbus.sure, _SETTLES_S), (limbus.sure * opened, _USUAL_SETTLES_S))
        )
        self._usual += of_usual * (now - self._usual)
        self._offset = self._offset + share * (now - self._offset)
        self._size += share * (limbus.radius / max(shown_width, 1e-6) - self._size)
        self._offset_s = seconds

    def offset(self, canthi: FloatArray, own: float) -> FloatArray:
        """Return where the iris is beside the detector's, (2,) pixels, in an eye with these corners (2, 2).

        `own` in 0..1: how much of its own iris the frame shows.
        """
        turned = complex(*(canthi[0] - canthi[1])) * (self._usual + own * (self._offset - self._usual))
        return np.array([turned.real, turned.imag], np.float32)

    def radius(self, shown_width: float) -> float | None:
        """Return the iris' radius in an eye that is so wide in the result, pixels; None if none was seen."""
        return self._size * shown_width if np.isfinite(self._offset_s) else None

    def see_edges(self, found: NDArray[np.float64], width: float, seconds: float) -> None:
        """Take in how far (2, 2) beyond their landmarks lids begin, see `find_edges`, in an eye that is so wide."""
        for lid, settles_s in enumerate(_EDGES_SETTLE_S):
            if found[lid, 1] > 0:
                share = _followed(seconds - self._edges_s[lid], settles_s) if np.isfinite(self._edges_s[lid]) else 1.0
                self._edges[lid] += share * (found[lid, 0] / width - self._edges[lid])
                self._edges_s[lid] = seconds

    def beyond(self, width: float) -> tuple[float, float]:
        """Return how far beyond their landmarks upper and lower lid begin in an eye that is so wide, pixels."""
        return float(self._edges[1]) * width, float(self._edges[0]) * width

    def see_colors(self, own: Sequence[FloatArray], painted: Sequence[FloatArray], seconds: float) -> None:
        """Take in the pixels (n, 3) of a frame that show white and iris, and what would be painted there."""
        latest = np.ones((2, 3), np.float32)
        sure = np.zeros((2, 1), np.float32)
        for i, (there, here) in enumerate(zip(own, painted, strict=True)):
            if len(there):
                latest[i] = there.sum(axis=0) / np.maximum(here.sum(axis=0), 1.0)
                sure[i] = len(there) / (len(there) + _ENOUGH_PX)
        level = latest.mean(axis=1, keepdims=True).clip(*_TINT_LIMITS)
        latest = latest.clip(level * (1.0 - _TINT_COLOR), level * (1.0 + _TINT_COLOR))
        share = _followed(seconds - self._tint_s, _TINT_SETTLES_S) if np.isfinite(self._tint_s) else 1.0
        self._tint = self._tint + np.float32(share) * sure * (latest - self._tint)
        self._tint_s = seconds

    def remembered(self) -> dict[str, NDArray[Any]]:
        """Return what it knows; `recall` takes it back."""
        numbers = [
            self._radius,
            self._weight,
            self._offset.real,
            self._offset.imag,
            self._usual.real,
            self._usual.imag,
            self._size,
            self._offset_s,
            self._tint_s,
        ]
        edges = np.stack([self._edges, self._edges_s])
        known: dict[str, NDArray[Any]] = {"fit": np.array(numbers, np.float64), "tint": self._tint, "edges": edges}
        return known | self.sclera.remembered()

    def recall(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what `remembered` gave."""
        self._radius, self._weight, *places, self._size, self._offset_s, self._tint_s = arrays["fit"].tolist()
        self._offset, self._usual = complex(*places[:2]), complex(*places[2:])
        self._edges, self._edges_s = arrays["edges"].copy()
        self._tint = arrays["tint"]
        self.sclera.recall(arrays)


def _followed(seconds: float, settles_s: float) -> float:
    """Return which share of a change is taken over after a time."""
    return 1.0 - float(np.exp(-max(seconds, 0.0) / settles_s))
