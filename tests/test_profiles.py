from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

import afet_video
from afet_video.datatypes import ZONES, PalsyProfile, Side
from afet_video.profiles import PRESETS

SETTINGS = afet_video.ConvertSettings()


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("side", Side)
def test_every_preset_is_a_profile_of_either_side(name: str, side: Side) -> None:
    profile = afet_video.preset(name, side=side)
    assert profile.side is side
    assert profile.kept == PRESETS[name].profile.kept
    assert not profile.changes_nothing
    assert PRESETS[name].shows
    assert PRESETS[name].source


def test_the_grades_get_worse() -> None:
    grades = [afet_video.preset(f"hb{grade}") for grade in range(2, 7)]
    for better, worse in pairwise(grades):
        assert all(a >= b for a, b in zip(better.kept, worse.kept, strict=True))
        assert better.droop <= worse.droop
    assert [grade.brow for grade in grades[2:]] == [0, 0, 0], "no forehead from grade IV on"
    assert afet_video.preset("complete") == afet_video.ConvertSettings().profile, "the default"


def test_eyes_that_cannot_close_do_what_such_eyes_do() -> None:
    """The upper lid comes down in part, and the eye turns up; the method as published knows neither."""
    for name, profile in ((name, preset.profile) for name, preset in PRESETS.items() if name != "paper"):
        cannot = profile.kept[ZONES.index("eye")] < 0.5
        assert (profile.bell > 0, profile.lid_fall > 0) == (cannot, cannot), name
    paper = PRESETS["paper"].profile
    assert (paper.bell, paper.lid_fall) == (0, 0)


def test_the_papers_preset_brings_its_splice() -> None:
    settings = afet_video.replace_nested(afet_video.ConvertSettings(), {"profile.side": "right", "encode.crf": 20})
    paper = afet_video.with_profile(settings, "paper")
    assert (paper.splice.ramp, paper.splice.texture) == ("linear", "neutral")
    assert paper.profile == afet_video.preset("paper", side=Side.RIGHT)
    assert set(paper.profile.kept) == {0.0}
    assert (paper.profile.droop, paper.encode.crf) == (0.0, 20)
    other = afet_video.with_profile(settings, "hb5")
    assert other.profile == afet_video.preset("hb5", side=Side.RIGHT)
    assert other.splice == settings.splice


def test_zones_without_a_value_keep_the_overall_share() -> None:
    assert PalsyProfile(movement_kept=0.3, eye=1.0).kept == (0.3, 1.0, 0.3, 0.3, 0.3)


@pytest.mark.parametrize("name", [*ZONES, "droop", "synkinesis", "bell", "lid_fall"])
@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan"), float("inf"), "0.5"])
def test_values_out_of_range_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(afet_video.SettingsError, match=rf"profile\.{name} is .*: give a share from 0 to 1"):
        PalsyProfile(**{name: value})  # type: ignore[arg-type]


def test_a_file_holds_the_keys_of_the_table(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("brow = 1.0\nmovement_kept = 0.2\n")
    complete = afet_video.preset("complete", side=Side.RIGHT)
    assert afet_video.load_profile(str(path), side=Side.RIGHT) == replace(complete, movement_kept=0.2, brow=1.0)
    path.write_text('side = "left"\n')
    assert afet_video.load_profile(str(path), side=Side.RIGHT).side is Side.LEFT


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(afet_video.SettingsError, match='"Bell": did you mean "bell-acute"'):
        afet_video.preset("Bell")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("hb33", 'did you mean "hb3"'),
        ("HB-5", 'did you mean "hb5"'),
        ("centrl", 'did you mean "central"'),
        ("Paper", 'did you mean "paper"'),
        ("marginal", 'did you mean "marginal-mandibular"'),
        ("", "choose complete, paper, hb2"),
        ("palsy.tml", "choose complete, .*a file must end in .toml"),
    ],
)
def test_a_name_that_is_none_is_one_line(name: str, hint: str) -> None:
    for call in (afet_video.preset, afet_video.load_profile, lambda n: afet_video.with_profile(SETTINGS, n)):
        with pytest.raises(afet_video.SettingsError, match=f'unknown profile "{name}": {hint}') as caught:
            call(name)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("borw = 0.5", r'unknown setting "borw" in .*mine\.toml: did you mean "brow"'),
        ("lowerlip = 0.5", r'"lowerlip" in .*: did you mean "lower_lip"'),
        ("ramp = 'linear'", r'unknown setting "ramp" in .*mine\.toml: known settings are side, movement_kept, brow'),
        ("brow = 1.5", r"profile\.brow is 1\.5: give a share from 0 to 1 \(in .*mine\.toml"),
        ("droop = -1", r"profile\.droop is -1\.0: give a share from 0 to 1"),
        ("eye = nan", r'"eye" in .*mine\.toml is nan: give a finite number'),
        ("eye = 'shut'", r'"eye" in .*mine\.toml is "shut": give a number'),
        ("eye = true", r'"eye" in .*mine\.toml is true: give a number'),
        ("side = 'both'", r'"side" in .*mine\.toml is "both": give one of "left", "right"'),
        ("brow = ", r"mine\.toml is not valid TOML"),
        ("[profile]\neye = 1", r"mine\.toml is a settings file .*: give it with --settings"),
        (
            "brow=0\neye=0\ncheek=0\ncommissure=0\nlower_lip=0\nmovement_kept=0.5",
            r"mine\.toml gives every zone a value, so that movement_kept says nothing",
        ),
    ],
)
def test_a_file_that_cannot_be_right_is_one_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(content + "\n")
    with pytest.raises(afet_video.SettingsError, match=message) as caught:
        afet_video.load_profile(str(path))
    assert "\n" not in str(caught.value)
