"""The affected side drawn by lot, for data sets.

in: a seed, the input's content -> out: a side.  Must not: draw anything that cannot be drawn again.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from afet_video.datatypes import Side
from afet_video.passes.settings import ConvertSettings
from afet_video.tracks import sha256_file


def draw_side(seed: int, content_sha256: str) -> Side:
    """Return the side for a seed and an input.

    The draw depends on the two alone: the same everywhere and for ever, whatever the file is called and in whatever
    order a batch runs; and files of other content get a draw of their own, so that one seed serves a whole batch.
    """
    digest = hashlib.sha256(f"afet-video side {seed} {content_sha256}".encode()).digest()
    return (Side.LEFT, Side.RIGHT)[digest[0] & 1]


def with_side_drawn(settings: ConvertSettings, source: Path, *, sha256: str | None = None) -> ConvertSettings:
    """Return the settings with `profile.side` drawn for `source`, if they ask for it; `sha256`: its, where known.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    if settings.side_seed is None:
        return settings
    side = draw_side(settings.side_seed, sha256 or sha256_file(source))
    return replace(settings, profile=replace(settings.profile, side=side))


def side_choice(settings: ConvertSettings) -> dict[str, Any]:
    """Return for the side-car which side was asked for, and which it became."""
    side = settings.profile.side
    if settings.side_seed is None:
        return {"requested": side, "side": side}
    drawn = {"seed": settings.side_seed, "drawn_from": "the seed and the SHA-256 of the source"}
    return {"requested": "random", **drawn, "side": side}
