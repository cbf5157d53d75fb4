"""What raters could tell: the paper's Table I, with intervals, sensitivity and agreement.

in: a study's folder, decisions -> out: `StudyScore`.  Must not: print, or guess at what is missing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from afet_video.errors import InputError
from afet_video.metrics.raters import agreement, sensitivity, wilson
from afet_video.study.decisions import ANSWERS, Decisions, StudyKey, read_decisions, read_key

DEFINITIONS = {
    "taken for real": "Share of the generated items that were labeled real: how often the rater is convinced.",
    "real recognized": "Share of the real items that were labeled real.",
    "correct": "Share of all answers that are right; half is chance where both kinds are as many.",
    "d'": "Sensitivity z(H) - z(F): H = share of generated items labeled generated, F = share of real items labeled "
    "generated, log-linear correction (Hautus 1995). 0 = cannot tell; 1 = about 69 % correct without bias.",
    "c": "Criterion -(z(H) + z(F)) / 2: above 0 the rater says real when in doubt.",
    "Fleiss' kappa": "Agreement of raters beyond chance (Fleiss 1971), over items that all of them decided: "
    "1 = always, 0 = as by chance.",
    "interval": "95 %, Wilson (1927). That of all answers together takes them for independent, which answers to one "
    "item are not: it is somewhat too narrow.",
}


@dataclass(frozen=True, slots=True)
class RaterScore:
    """One rater's answers, or those of all together: `generated_as_real` is generated items labeled real, and so on."""

    name: str
    generated_as_generated: int
    generated_as_real: int
    real_as_generated: int
    real_as_real: int

    @property
    def generated(self) -> int:
        """Generated items answered."""
        return self.generated_as_generated + self.generated_as_real

    @property
    def real(self) -> int:
        """Real items answered."""
        return self.real_as_generated + self.real_as_real

    def shares(self) -> dict[str, tuple[int, int]]:
        """Return each share as (count, of)."""
        right = self.generated_as_generated + self.real_as_real
        return {
            "taken for real": (self.generated_as_real, self.generated),
            "real recognized": (self.real_as_real, self.real),
            "correct": (right, self.generated + self.real),
        }

    def signal(self) -> tuple[float, float]:
        """Return d' and c."""
        return sensitivity(self.generated_as_generated, self.generated, self.real_as_generated, self.real)

    def to_mapping(self) -> dict[str, Any]:
        """Return counts and figures as plain values for JSON; what cannot be computed is null."""
        found: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("name", "generated_as_generated", "generated_as_real", "real_as_generated", "real_as_real")
        }
        for name, (count, of) in self.shares().items():
            value = count / of if of else None
            found[name] = {"value": value, "interval": [_finite(end) for end in wilson(count, of)], "of": of}
        d_prime, criterion = self.signal()
        return found | {"d'": _finite(d_prime), "c": _finite(criterion)}


PAPER = (
    RaterScore("R1, paper", 7, 132, 6, 133),
    RaterScore("R2, paper", 21, 118, 34, 105),
    RaterScore("R3, paper", 16, 123, 22, 117),
)
"""Tan & Iren, Table I: 139 real and 139 generated pictures. They were pictures of patients against stills made by
AFET; the answers to each item are not published, so that there is no kappa."""


@dataclass(frozen=True, slots=True)
class StudyScore:
    """All raters of a study. `kappa` is None where it cannot be computed, and `kappa_note` says why, or on how many
    items it rests. `bad`: a line for each file that was left out.
    """

    study: str
    items: int
    raters: tuple[RaterScore, ...]
    together: RaterScore
    kappa: float | None
    kappa_note: str
    warnings: tuple[str, ...] = ()
    bad: tuple[str, ...] = field(default=())

    def to_mapping(self) -> dict[str, Any]:
        """Return the score as plain values for JSON, with definitions and the paper's figures."""
        return {
            "study": self.study,
            "items": self.items,
            "raters": [rater.to_mapping() for rater in self.raters],
            "together": self.together.to_mapping(),
            "fleiss_kappa": self.kappa,
            "fleiss_kappa_note": self.kappa_note,
            "paper": [rater.to_mapping() for rater in PAPER],
            "definitions": DEFINITIONS,
            "warnings": list(self.warnings),
            "bad": list(self.bad),
        }


def score_study(folder: str | Path, files: Sequence[str | Path]) -> StudyScore:
    """Count what raters decided.

    Parameters
    ----------
    folder : made by `make_study`; its key is read.
    files : decisions that raters saved; bad ones are left out, with a line each in `StudyScore.bad`.

    Raises
    ------
    InputError
        If the folder is no study, or no file can be used.
    """
    key = read_key(Path(folder))
    good: dict[str, Decisions] = {}
    bad, warnings = [], []
    for path in map(Path, files):
        try:
            found = read_decisions(path, key)
            if found.rater in good:
                raise InputError(f"{path}: {good[found.rater].path} is of the same rater ({found.rater}): give one")
        except InputError as error:
            bad.append(str(error))
            continue
        good[found.rater] = found
        if len(found.answers) < len(key.actual):
            warnings.append(f"{path}: {len(found.answers)} of {len(key.actual)} items are answered")
    if not good:
        raise InputError("; ".join(bad) or "no file of decisions was named")
    raters = [_counted(rater, [one], key) for rater, one in good.items()]
    kappa, note = _kappa(list(good.values()), key)
    return StudyScore(
        study=key.study,
        items=len(key.actual),
        raters=tuple(raters),
        together=_counted("together", list(good.values()), key),
        kappa=kappa,
        kappa_note=note,
        warnings=tuple(warnings),
        bad=tuple(bad),
    )


def paper_together() -> RaterScore:
    """Return the paper's three raters taken together."""
    names = ("generated_as_generated", "generated_as_real", "real_as_generated", "real_as_real")
    return RaterScore("together, paper", *(sum(getattr(rater, name) for rater in PAPER) for name in names))


def _counted(name: str, decisions: Sequence[Decisions], key: StudyKey) -> RaterScore:
    pairs = [(key.actual[item], answer) for one in decisions for item, answer in one.answers.items()]
    return RaterScore(
        name,
        *(pairs.count((actual, answer)) for actual in ("generated", "real") for answer in ("generated", "real")),
    )


def _kappa(decisions: Sequence[Decisions], key: StudyKey) -> tuple[float | None, str]:
    shared = [item for item in key.actual if all(item in one.answers for one in decisions)]
    table = np.array([[ANSWERS.index(one.answers[item]) for one in decisions] for item in shared], np.int64)
    found = agreement(table.reshape(len(shared), len(decisions)))
    if isinstance(found, str):
        return None, found
    return found, f"over {len(shared)} items that all {len(decisions)} raters decided"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
