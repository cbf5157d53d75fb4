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


def robust_slope(x: FitArray, y: FitArray, covariates: FitArray, moving: NDArray[np.bool_]) -> Slope | str:
    """Return how much of `x` is in `y`: k of ``y = k x + a + B covariates``, the same k for all components.

    Parameters
    ----------
    x, y : (T, C) movement before and after; rows with NaN are left out.
    covariates : (T, J) what else may move both; each component has coefficients of its own for them. J may be 0.
    moving : (T,) frames with clear movement. The others anchor the intercept.

    Returns
    -------
    The slope, or the reason why there is none.

    Notes
    -----
    Huber's M-estimate (Huber 1964, *Ann. Math. Stat.* 35: 73) by reweighting whole frames; the spread is that of the
    moving frames alone, because any number of frames at rest fit exactly. The standard error is that of the jackknife
    over ten blocks of consecutive frames (Künsch 1989, *Ann. Stat.* 17: 1217), since neighbouring frames are alike.
    """
    use = np.isfinite(np.hstack([x, y, covariates])).all(axis=1)
    x, y, moving = x[use].astype(np.float64), y[use].astype(np.float64), moving[use]
    nuisance = np.column_stack([np.ones(len(x)), covariates[use].astype(np.float64)])
    n = int(moving.sum())
    if n < FEWEST_FRAMES:
        return f"moves clearly in {n} frames only, {FEWEST_FRAMES} are needed"
    own = _without(x, nuisance, np.ones(len(x)))
    if (own**2).sum() < _LEAST_OWN_SHARE * ((x - x.mean(axis=0)) ** 2).sum():
        return "moves only together with the head, the jaw or the healthy side, so that its own share cannot be told"
    value = _fit(x, y, nuisance, moving)
    parts = [block for block in np.array_split(np.arange(len(x)), _BLOCKS) if len(block)]
    others = []
    for block in parts:
        kept = np.ones(len(x), bool)
        kept[block] = False
        if moving[kept].sum() >= 2:
            others.append(_fit(x[kept], y[kept], nuisance[kept], moving[kept]))
    spread = np.array(others) - np.mean(others) if others else np.array([np.nan])
    error = float(np.sqrt((len(spread) - 1) / len(spread) * (spread**2).sum()))
    return Slope(value, error, n)


def _fit(x: FitArray, y: FitArray, nuisance: FitArray, moving: NDArray[np.bool_]) -> float:
    weights = np.ones(len(x))
    value = 0.0
    for _ in range(_ROUNDS):
        own, rest = _without(x, nuisance, weights), _without(y, nuisance, weights)
        power = float((weights[:, None] * own * own).sum())
        value = float((weights[:, None] * own * rest).sum()) / power if power > 0 else 0.0
        residual = np.linalg.norm(rest - value * own, axis=1)
        spread = max(1.4826 * float(np.median(residual[moving])), _LEAST_SPREAD)
        weights = np.minimum(1.0, _HUBER * spread / np.maximum(residual, 1e-12))
    return value


def _without(values: FitArray, nuisance: FitArray, weights: FitArray) -> FitArray:
    """Return values (T, C) with what a weighted least-squares fit of the nuisance (T, J) explains taken out."""
    root = np.sqrt(weights)[:, None]
    coefficients = np.linalg.lstsq(root * nuisance, root * values, rcond=1e-9)[0]
    result: FitArray = values - nuisance @ coefficients
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
