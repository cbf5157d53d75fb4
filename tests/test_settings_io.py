from __future__ import annotations

import enum
import json
import math
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from afet_video.errors import SettingsError
from afet_video.settings_io import load_settings, replace_nested, settings_from_mapping, settings_to_mapping


class Flavor(enum.StrEnum):
    SWEET = "sweet"
    SALTY = "salty"


@dataclass(frozen=True)
class Profile:
    side: Flavor = Flavor.SWEET
    kept: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.kept <= 1:
            raise SettingsError(f"kept must lie in 0..1, not {self.kept}")


@dataclass(frozen=True)
class Encode:
    crf: int | None = None
    lossless: bool = False
    mode: Literal["slow", "fast"] = "slow"
    folder: Path = Path("out")
    size: tuple[int, int] = (1, 2)
    weights: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    profile: Profile = Profile()
    encode: Encode = Encode()
    name: str | Path = "x"


def test_a_mapping_gives_the_types_that_the_class_declares() -> None:
    settings = settings_from_mapping(
        Settings,
        {
            "profile": {"side": "salty", "kept": 1},
            "encode": {"crf": 18, "folder": "a/b", "size": [3, 4], "weights": {"x": 1}},
        },
    )
    assert settings.profile == Profile(Flavor.SALTY, 1.0)
    assert isinstance(settings.profile.kept, float)
    assert settings.encode == Encode(crf=18, folder=Path("a/b"), size=(3, 4), weights={"x": 1.0})
    assert settings.name == "x"


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"profile": {"sied": "salty"}}, 'unknown setting "profile.sied" in my.toml: did you mean "profile.side"?'),
        ({"side": "salty"}, 'unknown setting "side" in my.toml: did you mean "profile.side"?'),
        ({"profil": {}}, 'unknown setting "profil" in my.toml: did you mean "profile"?'),
        ({"zzzzzz": 1}, 'unknown setting "zzzzzz" in my.toml: known settings are profile, profile.side, profile.kept,'),
        ({"profile": {"side": "salt"}}, 'setting "profile.side" in my.toml is "salt": give one of "sweet", "salty"'),
        ({"encode": {"mode": 3}}, 'setting "encode.mode" in my.toml is 3: give one of "slow", "fast"'),
        ({"profile": {"kept": "lots"}}, 'setting "profile.kept" in my.toml is "lots": give a number'),
        ({"profile": {"kept": True}}, 'setting "profile.kept" in my.toml is true: give a number'),
        ({"profile": {"kept": math.nan}}, 'setting "profile.kept" in my.toml is nan: give a finite number'),
        ({"profile": {"kept": 2}}, "kept must lie in 0..1, not 2.0 (in [profile] of my.toml)"),
        ({"encode": {"crf": 1.5}}, 'setting "encode.crf" in my.toml is 1.5: give a whole number'),
        ({"encode": {"crf": True}}, 'setting "encode.crf" in my.toml is true: give a whole number'),
        ({"encode": {"lossless": 1}}, 'setting "encode.lossless" in my.toml is 1: give true or false'),
        ({"encode": {"folder": 1}}, 'setting "encode.folder" in my.toml is 1: give a path'),
        ({"encode": {"size": [1]}}, 'setting "encode.size" in my.toml is [1]: give a list of 2 values'),
        ({"encode": {"size": [1, "2"]}}, 'setting "encode.size[1]" in my.toml is "2": give a whole number'),
        ({"encode": {"weights": {"a": "b"}}}, 'setting "encode.weights.a" in my.toml is "b": give a number'),
        ({"encode": 3}, 'setting "encode" in my.toml is 3: give a table ([encode]) of crf, lossless,'),
        ({"name": 1}, 'setting "name" in my.toml is 1: give a text or a path'),
    ],
)
def test_a_wrong_setting_is_named_in_full(mapping: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings_from_mapping(Settings, mapping, source="my.toml")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_settings_go_to_plain_values_and_back() -> None:
    settings = Settings(Profile(Flavor.SALTY, 0.25), Encode(crf=3, folder=Path("p"), weights={"a": 0.5}))
    plain = json.loads(json.dumps(settings_to_mapping(settings), allow_nan=False))
    assert plain["profile"] == {"side": "salty", "kept": 0.25}
    assert settings_from_mapping(Settings, plain) == settings


def test_numbers_of_other_kinds_become_plain() -> None:
    @dataclass(frozen=True)
    class Odd:
        rate: Fraction = Fraction(30000, 1001)
        score: float = math.nan
        count: Any = field(default_factory=lambda: np.int64(3))
        points: Any = field(default_factory=lambda: np.array([1.5, np.nan], np.float32))

    assert settings_to_mapping(Odd()) == {"rate": "30000/1001", "score": None, "count": 3, "points": [1.5, None]}


def test_nested_values_are_replaced_and_the_rest_stays() -> None:
    base = Settings(Profile(Flavor.SALTY, 0.5), Encode(crf=3, lossless=True))
    changed = replace_nested(base, {"profile.side": "sweet", "encode.crf": None, "name": "y"})
    assert changed == Settings(Profile(Flavor.SWEET, 0.5), Encode(crf=None, lossless=True), "y")
    assert replace_nested(base, {}) == base
    with pytest.raises(SettingsError, match=r'did you mean "profile\.side"'):
        replace_nested(base, {"profile.seid": "sweet"})
    with pytest.raises(SettingsError, match=r"0\.\.1"):
        replace_nested(base, {"profile.kept": -1})


def test_a_toml_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text('name = "n"\n[profile]\nside = "salty"\n', encoding="utf-8")
    assert load_settings(Settings, path) == Settings(Profile(Flavor.SALTY), name="n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[profile]\nside = \n", r"not valid TOML: .*line 2"),
        (b"name = '\xff'", "not a text file in UTF-8"),
        (
            b"[profile]\nsied = 'salty'",
            r'unknown setting "profile\.sied" in .*my\.toml: did you mean "profile\.side"\?',
        ),
        (None, "cannot read the settings file .*my.toml: No such file"),
    ],
)
def test_a_bad_settings_file_is_one_line(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "my.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=message):
        load_settings(Settings, path)
