"""The facial midline: LOWESS through the midline landmarks, extrapolated over forehead and chin.

in: midline landmarks -> out: a curve.  Must not: know of time (smoothing over time is `filters`' work).

The curve is fitted in the head's own frame (origin between the eyes, unit = inter-ocular distance, v down the face), so
that smoothing it over time removes the detector's jitter and not the head's movement.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import FloatArray, Midline
from afet_video.errors import MidlineError, SettingsError
from afet_video.splice.lowess import lowess

SAMPLES = 33
"""Points of the curve that are kept; between them it is straight."""

_TOP, _BOTTOM = -1.3, 2.2
_FEWEST = 5


@dataclass(frozen=True, slots=True)
class MidlineSettings:
    """How the midline is fitted and smoothed.

    `frac` and `it` as in statsmodels' LOWESS: share of the points used for each local fit, robustifying rounds.
    `smoothing_s`: time scale of the centred smoothing.
    """

    frac: float = 0.5
    it: int = 1
    smoothing_s: float = 0.25

    def __post_init__(self) -> None:
        if not 0.2 <= self.frac <= 1.0:
            raise SettingsError(f"midline.frac {self.frac} is out of range: choose 0.2 to 1")
        if not 0 <= self.it <= 10:
            raise SettingsError(f"midline.it {self.it} is out of range: choose 0 to 10")
        if not 0.0 <= self.smoothing_s <= 5.0:
            raise SettingsError(f"midline.smoothing_s {self.smoothing_s} is out of range: choose 0 to 5 seconds")


@dataclass(frozen=True, slots=True, eq=False)
class HeadFrame:
    """A 2-D frame that moves with the head: `origin` (2,) between the eyes, `axes` (2, 2) rows u, v in pixels."""

    origin: NDArray[np.float64]
    axes: NDArray[np.float64]

    def to_head(self, xy: NDArray[np.floating]) -> NDArray[np.float64]:
        """Map pixels (n, 2) to head coordinates (u to the picture's right, v down the face)."""
        return (xy - self.origin) @ np.linalg.inv(self.axes)

    def to_image(self, uv: NDArray[np.floating]) -> NDArray[np.float64]:
        """Map head coordinates (n, 2) to pixels."""
        return uv @ self.axes + self.origin


def head_frame(xyz: FloatArray) -> HeadFrame:
    """Return the head's frame from landmarks (478, 3): eyes and nose bridge, which expressions do not move."""
    canthi = [
        facemesh.LEFT_EYE_OUTER,
        facemesh.LEFT_EYE_INNER,
        facemesh.RIGHT_EYE_INNER,
        facemesh.RIGHT_EYE_OUTER,
    ]
    points = xyz[canthi].astype(np.float64)
    across = points[:2].mean(axis=0) - points[2:].mean(axis=0)
    direction = across[:2] / np.linalg.norm(across[:2])
    if direction[0] < 0:
        direction = -direction
    unit = np.linalg.norm(points[0] - points[3])
    axes = unit * np.array([direction, [-direction[1], direction[0]]])
    return HeadFrame(points[:, :2].mean(axis=0), axes)


def sample_rows() -> FloatArray:
    """Return the v coordinates (K,) at which the curve is kept, in inter-ocular distances below the eyes."""
    return np.linspace(_TOP, _BOTTOM, SAMPLES, dtype=np.float32)


def fit_midline(uv: NDArray[np.floating], settings: MidlineSettings) -> FloatArray:
    """Return u (K,) of the midline at `sample_rows`, fitted to midline landmarks (n, 2) in the head's frame.

    Beyond the landmarks (forehead, chin) the end slopes of the LOWESS curve go on straight.

    Raises
    ------
    MidlineError
        With fewer than 5 finite landmarks.
    """
    uv = uv[np.isfinite(uv).all(axis=1)]
    if len(uv) < _FEWEST:
        raise MidlineError(f"a midline needs at least {_FEWEST} landmarks, got {len(uv)}: is the face in the picture?")
    rows = sample_rows().astype(np.float64)
    inside = np.clip(rows, uv[:, 1].min(), uv[:, 1].max())
    points_v, points_u = _sorted(uv)
    u = lowess(points_v, points_u, inside, settings.frac, settings.it)
    u = np.where(np.isfinite(u), u, np.interp(inside, points_v, points_u))
    for end, step in ((inside.searchsorted(inside[0], side="right") - 1, 4), (inside.searchsorted(inside[-1]), -4)):
        slope = (u[end + step] - u[end]) / (inside[end + step] - inside[end])
        u += np.where(step * (rows - inside) < 0, slope * (rows - inside), 0.0)
    return np.asarray(u, np.float32)


def _sorted(uv: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return v and u (n,) in the order of v."""
    order = np.argsort(uv[:, 1], kind="stable")
    return uv[order, 1].astype(np.float64), uv[order, 0].astype(np.float64)


def to_image(u: FloatArray, head: HeadFrame) -> Midline:
    """Return the curve u (K,) as a `Midline` in pixels.

    Raises
    ------
    MidlineError
        If the face lies on its side, so that columns no longer divide it.
    """
    points = head.to_image(np.stack([u, sample_rows()], axis=1))
    if not (np.diff(points[:, 1]) > 0).all():
        raise MidlineError("the face lies on its side: a column-wise splice needs it roughly upright")
    return Midline(y=points[:, 1].astype(np.float32), x=points[:, 0].astype(np.float32))


def midline_points(xyz: FloatArray) -> FloatArray:
    """Return the midline landmarks (28, 2) of a face (478, 3), pixels."""
    return xyz[list(facemesh.MIDLINE), :2]
