"""The affected side drawn from a seed and the input's content."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from afet_video import ConvertSettings, PalsyProfile, SettingsError, Side, convert, load_tracks
from afet_video.passes.side import draw_side, with_side_drawn
from afet_video.tracks import read_sidecar


def content(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def test_a_draw_is_the_same_for_ever() -> None:
    assert [draw_side(seed, content(1)).value[0] for seed in range(12)] == list("rrrrrrllrrrr")


def test_one_seed_shares_a_batch_out_between_the_sides() -> None:
    for seed in (0, 1, 12345):
        left = sum(draw_side(seed, content(number)) is Side.LEFT for number in range(1000))
        assert 440 < left < 560  # four standard deviations


def test_seeds_draw_independently() -> None:
    same = sum(draw_side(0, content(number)) is draw_side(1, content(number)) for number in range(1000))
    assert 440 < same < 560


def test_the_content_counts_and_the_name_does_not(tmp_path: Path) -> None:
    for name, data in (("a.mp4", b"one"), ("b.mp4", b"one")):
        (tmp_path / name).write_bytes(data)
    settings = ConvertSettings(side_seed=4, profile=PalsyProfile(brow=0.5))
    sides = [with_side_drawn(settings, tmp_path / name).profile.side for name in ("a.mp4", "b.mp4")]
    assert sides == [draw_side(4, hashlib.sha256(b"one").hexdigest())] * 2
    assert with_side_drawn(settings, tmp_path / "a.mp4").profile == replace(settings.profile, side=sides[0])
    assert with_side_drawn(ConvertSettings(), tmp_path / "nothing.mp4") == ConvertSettings()


def test_the_side_drawn_is_the_one_that_is_made_and_noted(short_clip: Path, tmp_path: Path) -> None:
    sha = hashlib.sha256(short_clip.read_bytes()).hexdigest()
    seed = next(seed for seed in range(100) if draw_side(seed, sha) is Side.RIGHT)
    source = tmp_path / "other-name.mp4"
    shutil.copy(short_clip, source)
    report = convert(source, tmp_path / "out.mp4", settings=ConvertSettings(side_seed=seed))
    assert report.profile.side is Side.RIGHT
    assert report.tracks is not None
    assert report.sidecar is not None
    assert set(load_tracks(report.tracks).side.tolist()) == {"right"}
    sidecar = read_sidecar(report.sidecar)
    assert sidecar["affected_side"] == "right"
    assert sidecar["side_choice"] == {
        "requested": "random",
        "seed": seed,
        "drawn_from": "the seed and the SHA-256 of the source",
        "side": "right",
    }
    assert sidecar["source"]["sha256"] == sha


def test_a_seed_below_zero_is_refused() -> None:
    with pytest.raises(SettingsError, match="side_seed is -1: give a whole number from 0 on"):
        ConvertSettings(side_seed=-1)
