"""Robust slopes with an honest standard error.

in: movement of a place before and after -> out: `Slope`.  Must not: know what moved.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FitArray = NDArray[np.float64]

FEWEST_FRAMES = 4
"""Frames with clear movement below which a slope says nothing: a blink has four or five."""

_HUBER = 1.345
_LEAST_SPREAD = 1e-4
_ROUNDS = 12
_BLOCKS = 10
_LEAST_OWN_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class Slope:
    """A slope `value`, its standard `error`, and the number `n` of frames with clear movement that it rests on."""

    value: float
    error: float
    n: int


def robust_slope(x: FitArray, y: FitArray, covariates: FitArray) -> Slope | str:
    """Return how much of `x` is in `y`: k of ``y = k x + B covariates``, the same k for all components.

    Parameters
    ----------
    x, y : (T, C) movement from rest before and after; rows with NaN are left out.
    covariates : (T, J) what else may move both, from rest; each component has coefficients of its own for them. J may
        be 0.

    Returns
    -------
    The slope, or the reason why there is none.

    Notes
    -----
    Huber's M-estimate (Huber 1964, *Ann. Math. Stat.* 35: 73) by reweighting whole frames. The standard error is that
    of the jackknife over ten blocks of consecutive frames (Künsch 1989, *Ann. Stat.* 17: 1217), since neighbouring
    frames are alike.
    """
    use = np.isfinite(np.hstack([x, y, covariates])).all(axis=1)
    x, y, covariates = (values[use].astype(np.float64) for values in (x, y, covariates))
    n = len(x)
    if n < FEWEST_FRAMES:
        return f"moves clearly in {n} frames only, {FEWEST_FRAMES} are needed"
    own = _without(x, covariates, np.ones(n))
    if (own**2).sum() < _LEAST_OWN_SHARE * (x**2).sum():
        return "moves only together with the healthy side, so that its own share cannot be told"
    value = _fit(x, y, covariates)
    others = []
    for block in np.array_split(np.arange(n), min(_BLOCKS, n)):
        kept = np.ones(n, bool)
        kept[block] = False
        others.append(_fit(x[kept], y[kept], covariates[kept]))
    spread = np.array(others) - np.mean(others)
    error = float(np.sqrt((len(spread) - 1) / len(spread) * (spread**2).sum()))
    return Slope(value, error, n)


def _fit(x: FitArray, y: FitArray, covariates: FitArray) -> float:
    weights = np.ones(len(x))
    value = 0.0
    for _ in range(_ROUNDS):
        own, rest = _without(x, covariates, weights), _without(y, covariates, weights)
        power = float((weights[:, None] * own * own).sum())
        value = float((weights[:, None] * own * rest).sum()) / power if power > 0 else 0.0
        residual = np.linalg.norm(rest - value * own, axis=1)
        spread = max(1.4826 * float(np.median(residual)), _LEAST_SPREAD)
        weights = np.minimum(1.0, _HUBER * spread / np.maximum(residual, 1e-12))
    return value


def _without(values: FitArray, covariates: FitArray, weights: FitArray) -> FitArray:
    """Return values (T, C) with what a weighted least-squares fit of the covariates (T, J) explains taken out."""
    root = np.sqrt(weights)[:, None]
    coefficients = np.linalg.lstsq(root * covariates, root * values, rcond=1e-9)[0]
    result: FitArray = values - covariates @ coefficients
    return result


def line_through(requested: FitArray, measured: FitArray) -> tuple[Slope, float] | str:
    """Return slope and intercept of measured against requested shares of several conversions, or why there is none.

    Ordinary least squares; the standard error is that of the residuals (NaN for two conversions).
    """
    good = np.isfinite(requested) & np.isfinite(measured)
    x, y = requested[good], measured[good]
    if len(x) < 2 or np.ptp(x) == 0:
        return "fewer than two conversions could be measured"
    deviation = x - x.mean()
    power = float((deviation**2).sum())
    value = float(deviation @ (y - y.mean())) / power
    intercept = float(y.mean() - value * x.mean())
    free = len(x) - 2
    residual = y - intercept - value * x
    error = float(np.sqrt((residual**2).sum() / free / power)) if free > 0 else float("nan")
    return Slope(value, error, len(x)), intercept
