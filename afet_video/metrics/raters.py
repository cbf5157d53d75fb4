"""What raters' decisions say: shares with intervals, sensitivity, agreement.

in: counts, decisions -> out: numbers.  Must not: know files.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa
from statsmodels.stats.proportion import proportion_confint


def wilson(count: int, of: int) -> tuple[float, float]:
    """Return the 95 % interval of a share by Wilson (1927); NaN twice for a share of nothing."""
    if of == 0:
        return float("nan"), float("nan")
    low, high = proportion_confint(count, of, alpha=0.05, method="wilson")
    return float(low), float(high)


def sensitivity(hits: int, signals: int, false_alarms: int, noises: int) -> tuple[float, float]:
    """Return d' and the criterion c of signal detection; NaN twice without signals or noises.

    Parameters
    ----------
    hits, signals : of so many generated items, so many were called generated.
    false_alarms, noises : of so many real items, so many were called generated.

    Notes
    -----
    d' = z(H) - z(F), c = -(z(H) + z(F)) / 2, with H = (hits + 0.5) / (signals + 1) and F alike (the log-linear
    correction, Hautus 1995), so that both stay finite. d' = 0: generated items cannot be told from real ones. c > 0: in
    doubt the rater says "real".
    """
    if signals == 0 or noises == 0:
        return float("nan"), float("nan")
    hit, alarm = norm.ppf((hits + 0.5) / (signals + 1)), norm.ppf((false_alarms + 0.5) / (noises + 1))
    return float(hit - alarm), float(-(hit + alarm) / 2)


def agreement(decisions: NDArray[np.int64]) -> float | str:
    """Return Fleiss' kappa of decisions (items, raters), a category each, or the reason why there is none.

    Notes
    -----
    (P - Pe) / (1 - Pe): agreement of pairs of raters beyond chance (Fleiss 1971). 1 = always agree, 0 = as by chance.
    """
    if decisions.ndim != 2 or decisions.shape[1] < 2:
        return "agreement needs at least two raters"
    if decisions.shape[0] < 2:
        return "agreement needs at least two items that all raters decided"
    table, categories = aggregate_raters(decisions)
    if len(categories) < 2:
        return "all raters gave all items the same answer, so that chance explains all agreement"
    return float(fleiss_kappa(table))
