"""Which people are for training, and which for validation and test.

in: groups of clips, a seed -> out: a split for each.  Must not: put a group into two of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def split_groups(groups: Iterable[str], shares: tuple[float, float, float], seed: int) -> dict[str, str]:
    """Return train, validation or test for each group, drawn from the seed and the groups' names.

    With three groups or more every split whose share is not 0 has one at least; two are train and test, one is train.
    """
    drawn = sorted(set(groups), key=lambda name: hashlib.sha256(f"afet-video split {seed} {name}".encode()).digest())
    validation, test = (_count(share, len(drawn)) for share in shares[1:])
    if shares[0] > 0 and validation + test >= len(drawn):
        validation, test = 0, min(test, len(drawn) - 1)
    ordered = ["test"] * test + ["validation"] * validation
    ordered += ["train"] * (len(drawn) - len(ordered))
    return dict(zip(drawn, ordered, strict=False))


def _count(share: float, groups: int) -> int:
    return max(int(share * groups + 0.5), 1) if share > 0 else 0
