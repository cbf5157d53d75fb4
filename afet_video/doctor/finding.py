"""What the doctor says about one thing.

in: nothing -> out: `Finding`.  Must not: look at anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "problem"]
"""`note`: something optional is not there. `problem`: something will not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing: its `part` and name, its state, what was found, and what to do about it ("" = nothing)."""

    part: str
    name: str
    state: State
    found: str
    advice: str = ""
