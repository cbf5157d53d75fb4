"""Several neutrals of one person, in several poses of the head: the nearest one's pixels are used.

in: the frames at rest, a frame's pose -> out: the neutral's texture for that frame.  Must not: choose the frames.

Where two are about equally near both are mixed, in shares that change smoothly with the pose: nothing pops as the head
turns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from afet_video.splice.compose import NeutralTexture
from afet_video.splice.eye import EyeMemory
from afet_video.splice.texture import TextureModel

HANDOVER_DEG = 5.0
"""Difference of the distances to two neutrals below which both are used."""


@dataclass(frozen=True, slots=True, eq=False)
class BankEntry:
    """One neutral: its frame, its head's yaw and pitch, its texture, and the affected eye laid into it."""

    index: int
    turn_deg: tuple[float, float]
    texture: TextureModel
    eye: EyeMemory


def nearest(bank: Sequence[BankEntry], turn_deg: tuple[float, float]) -> tuple[BankEntry, BankEntry | None, float]:
    """Return the nearest neutral to a pose, the next one if it is used too, and its share (0 to 0.5)."""
    order = sorted((math.dist(entry.turn_deg, turn_deg), place) for place, entry in enumerate(bank))
    first = bank[order[0][1]]
    if len(bank) == 1:
        return first, None, 0.0
    lead = (order[1][0] - order[0][0]) / HANDOVER_DEG
    if lead >= 1.0:
        return first, None, 0.0
    t = 0.5 * (1.0 - lead)
    return first, bank[order[1][1]], t * t * (3 - 2 * t)


def mixed(first: NeutralTexture, second: NeutralTexture, share: float) -> NeutralTexture:
    """Return the first texture with the second one's pixels in `share` (0 to 0.5) of its own."""
    weight = (1 - share) * first.weight + share * second.weight
    return replace(first, weight=np.asarray(weight, np.float32), second=second, mix=share)
