"""What a batch makes of each clip, and how.

in: nothing -> out: `BatchSettings`.  Must not: hold anything that is not a setting.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from afet_video.errors import SettingsError
from afet_video.passes.settings import ConvertSettings

Engine = Literal["local", "ray"]
SIDES = ("left", "right", "random")
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """Every clip becomes one video for each of `sides` and `profiles`.

    `profiles`: presets or TOML files. `seed`: of random sides and of the splits. `shares`: of people in train,
    validation and test. `person`: regular expression that finds in a clip's path who is seen, as `read_inputs` says.
    `engine`: `local` = processes of this computer, `ray` = a Ray cluster, at `ray_address` or one
    started for the batch. `workers`: None = as many as memory and cores allow. `max_failures`: the batch stops when
    more jobs than this have failed, None = never. `shards`, `croissant`: also write WebDataset archives of at most
    `shard_mb`, or the data set's description in Croissant. `convert`: everything else about a conversion.

    Raises
    ------
    SettingsError
        If a value is out of range.
    """

    sides: tuple[str, ...] = ("left", "right")
    profiles: tuple[str, ...] = ("complete",)
    seed: int = 0
    shares: tuple[float, float, float] = (0.8, 0.1, 0.1)
    engine: Engine = "local"
    workers: int | None = None
    ray_address: str | None = None
    max_failures: int | None = None
    shards: bool = False
    shard_mb: int = 1000
    croissant: bool = False
    root: Path | None = None
    person: str | None = None
    convert: ConvertSettings = field(default_factory=ConvertSettings)

    def __post_init__(self) -> None:
        for side in self.sides:
            if side not in SIDES:
                raise SettingsError(f'side "{side}" is unknown: choose among {", ".join(SIDES)}')
        for name, values in (("sides", self.sides), ("profiles", self.profiles)):
            if not values or len(set(values)) < len(values):
                raise SettingsError(f"{name} are {', '.join(values) or 'none'}: name each of them once")
        _check_pattern(self.person)
        if self.engine not in get_args(Engine):
            raise SettingsError(f'engine "{self.engine}" is unknown: choose local or ray')
        if self.ray_address is not None and self.engine != "ray":
            raise SettingsError("a Ray address says nothing to the local engine: add --engine ray")
        if self.workers is not None and self.workers < 1:
            raise SettingsError(f"workers is {self.workers}: give a number from 1 on")
        if min(self.shares) < 0 or abs(sum(self.shares) - 1) > 1e-6:
            raise SettingsError(f"split shares {self.shares} are wrong: give three numbers from 0 on whose sum is 1")


def _check_pattern(person: str | None) -> None:
    try:
        re.compile(person or "")
    except re.error as error:
        raise SettingsError(f'person "{person}" is no regular expression: {error}') from error
