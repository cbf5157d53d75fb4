from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

import afet_video
from afet_video.datatypes import ZONES, PalsyProfile, Side
from afet_video.profiles import PRESETS


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
    assert afet_video.preset("complete") == PalsyProfile()


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


@pytest.mark.parametrize("name", [*ZONES, "droop", "synkinesis"])
@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_values_out_of_range_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(afet_video.SettingsError, match=rf"profile\.{name} is .*: give a share from 0 to 1"):
        PalsyProfile(**{name: value})  # type: ignore[arg-type]


def test_a_file_holds_the_keys_of_the_table(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("brow = 1.0\nmovement_kept = 0.2\n")
    assert afet_video.load_profile(str(path), side=Side.RIGHT) == PalsyProfile(Side.RIGHT, 0.2, brow=1.0)
    path.write_text('side = "left"\n')
    assert afet_video.load_profile(str(path), side=Side.RIGHT).side is Side.LEFT


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(afet_video.SettingsError, match='"Bell": did you mean "bell-acute"'):
        afet_video.preset("Bell")
