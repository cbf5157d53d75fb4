"""Lids that go along with the gaze: what lowers and lifts them then is no facial nerve's.

in: what a frame moved against rest -> out: the share of the lids' movement that follows the eyeballs.  Must not: see
pixels.

The upper lid hangs on the levator (oculomotor nerve) and follows the eyeball up and down; the lower lid is carried by
it. A blink, a squint and a wink are the facial nerve's. So lids follow the gaze as far as the irises went. While lids
close the irises seem to sink too, but by half as much at most: lids that go down much farther than the irises, with the
lower lid not going down, do not follow a gaze. The eyes move together: all is measured on both. While they are shut no
gaze can be seen: then the lids stay as the last one had them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.vectors import smoothstep

FitArray = NDArray[np.float64]

_GAZE_IOD = (0.004, 0.012)
"""How far the irises go before it is a gaze, and is one for sure."""
_WITH_IRIS = (0.6, 0.85)
"""Movement of the irises, over the upper lids', from which the lids are taken to follow them, and surely do: 0.8 to 1.1
on rendered heads that look down; in blinks up to 0.6."""
_GAIN = 1.15
"""How far lids go at most, over the irises: the detector's irises lag behind a little."""
_LIFTED = 0.4
"""How far the lower lid may seem to be lifted as the upper one goes down with the gaze, over the irises' way."""
_LOWER_IOD, _UPPER_IOD = (0.0, 0.008), (0.0, 0.008)
"""How far the other lid goes the same way before a lid that closes the eye is taken to follow the gaze all the same."""
_CLOSING_IOD = (0.012, 0.03)
"""How far the upper lids come down, beyond what the gaze explains, before the gaze is not believed, and is held."""
_REACH_IOD = 0.05
"""How far around a lid's edge the skin goes along with it."""

_EYES = (np.array(facemesh.LEFT_EYE), np.array(facemesh.RIGHT_EYE))
_IRISES = np.array(facemesh.LEFT_IRIS + facemesh.RIGHT_IRIS)
_CANTHI = np.array([eye[place] for eye in _EYES for place in (0, 8)])
_UPPER, _LOWER = (np.array([eye[list(part)] for eye in _EYES]).ravel() for part in (range(2, 7), range(10, 15)))


class GazeMemory:
    """How far the lids of one person followed the gaze when it was last seen, in inter-ocular distances down."""

    def __init__(self) -> None:
        self._upper = self._lower = 0.0

    def held(self, upper: float, lower: float, closing: float) -> tuple[float, float]:
        """Return how far the lids follow the gaze; `closing`: how far the upper ones come down besides."""
        hold = smoothstep(closing, *_CLOSING_IOD)
        if hold == 0.0:
            self._upper, self._lower = upper, lower
        return upper + hold * (self._upper - upper), lower + hold * (self._lower - lower)

    def remembered(self) -> dict[str, NDArray[Any]]:
        """Return what was seen last; `recall` takes it back."""
        return {"lids": np.array([self._upper, self._lower])}

    def recall(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what `remembered` gave; an empty mapping: from nothing."""
        self._upper, self._lower = (float(value) for value in arrays.get("lids", np.zeros(2)))


@dataclass(frozen=True, slots=True, eq=False)
class LidModel:
    """How far each landmark goes along with lids, 0..1.

    `share` (478, 2): with the upper and the lower ones. `of_eyes` (478, 2): with those of the left and the right eye.
    """

    share: FitArray
    of_eyes: FitArray
    iod_px: float

    def followed(self, moved: FitArray, memory: GazeMemory | None) -> tuple[FitArray | None, float]:
        """Return which share of its movement each landmark follows the gaze by, and how much narrower the eyes get.

        Parameters
        ----------
        moved : (478, 2) displacement from rest, of irises too, pixels of the neutral's frame.
        memory : of the frames before; None: each frame by itself.

        Returns
        -------
        (478,) shares in 0..1, None where nothing follows; inter-ocular distances.
        """
        canthi = float(moved[_CANTHI, 1].mean())
        upper, lower, iris = (float(moved[part, 1].mean() - canthi) / self.iod_px for part in (_UPPER, _LOWER, _IRISES))
        with_upper, with_lower = _explained(iris, upper, lower)
        if memory is not None:
            with_upper, with_lower = memory.held(with_upper, with_lower, upper - with_upper)
        shares = np.array([_share(with_upper, upper), _share(with_lower, lower)])
        return (self.share @ shares if shares.any() else None), with_upper - with_lower


def lid_model(rest: FitArray, iod_px: float) -> LidModel:
    """Return which landmarks go along with the lids of a rest shape (478, 3) in pixels of a near-frontal face."""
    share, of_eyes = np.zeros((len(rest), 2)), np.zeros((len(rest), 2))
    for side, eye in enumerate(_EYES):
        middle = rest[eye[[0, 8]], 1].mean()
        for lid, places in enumerate((eye[1:8], eye[9:])):
            away = np.linalg.norm(rest[:, None, :2] - rest[None, places, :2], axis=2).min(axis=1)
            near = np.exp(-0.5 * (away / (_REACH_IOD * iod_px)) ** 2)
            near[(rest[:, 1] > middle) if lid == 0 else (rest[:, 1] <= middle)] = 0.0
            near[places] = 1.0
            share[:, lid] = np.maximum(share[:, lid], near)
            of_eyes[:, side] = np.maximum(of_eyes[:, side], near)
    share[facemesh.SKIN_COUNT :] = of_eyes[facemesh.SKIN_COUNT :] = 0.0
    return LidModel(share, of_eyes, iod_px)


def _explained(iris: float, upper: float, lower: float) -> tuple[float, float]:
    """Return how far the upper and the lower lids go with the irises."""
    sure = smoothstep(abs(iris), *_GAZE_IOD)
    with_upper, with_lower = (sure * _common(_GAIN * iris, lid) for lid in (upper, lower))
    if iris > 0:
        surely = smoothstep(iris / upper, *_WITH_IRIS) if upper > 0 else 0.0
        if lower < 0:  # no blink: then the detector alone lifts the lower lid
            with_lower = sure * surely * max(lower, -_LIFTED * iris)
        return with_upper * max(surely, smoothstep(lower, *_LOWER_IOD)), with_lower
    return with_upper, with_lower * smoothstep(-upper, *_UPPER_IOD)


def _common(a: float, b: float) -> float:
    """Return what two movements have in common: the smaller of them if they go the same way."""
    if a * b <= 0:
        return 0.0
    return min(a, b) if a > 0 else max(a, b)


def _share(part: float, whole: float) -> float:
    return min(max(part / whole, 0.0), 1.0) if part * whole > 0 else 0.0
