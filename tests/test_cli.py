"""The command line in-process, and as a process where only a process will do."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import typing
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

import afet_video
from afet_video.cli import app
from afet_video.cli.convert import SETTING_OF_OPTION
from afet_video.cli.progress import shown_progress
from afet_video.cli.summary import print_summary, report_to_mapping
from afet_video.datatypes import NeutralChoice, PalsyProfile, PersonReport, Progress, RunReport, Side, Timestamp
from afet_video.errors import InputError
from afet_video.profiles import PRESETS
from afet_video.settings_io import settings_to_mapping
from tests.pages import PAGES

ROOT = Path(__file__).resolve().parent.parent
Call = dict[str, Any]


def complete(side: Side, **changes: Any) -> PalsyProfile:
    """The default profile, changed."""
    return replace(afet_video.preset("complete", side=side), **changes)


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def report(target: Path = Path("out.mp4"), **changes: Any) -> RunReport:
    neutral = NeutralChoice(12, Timestamp(400, Fraction(1, 1000)), 0.875, "auto", {"lids": 0.9}, "calm and frontal")
    values: dict[str, Any] = {
        "source": Path("in.mp4"),
        "target": target,
        "tracks": Path("out.tracks.parquet"),
        "sidecar": Path("out.json"),
        "contact_sheet": None,
        "frames": 100,
        "frames_by_status": {"detected": 90, "reduced": 7, "interpolated": 0, "missing": 3},
        "neutral": neutral,
        "profile": complete(Side.RIGHT, movement_kept=0.25),
        "duration_s": 4.0,
        "seconds_by_stage": {"detect": 1.5, "splice": 0.5},
        "warnings": ("the file ends early",),
    }
    return RunReport(**{**values, **changes})


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """What the command line asks of `afet_video.convert`, which does nothing here."""
    made: list[Call] = []

    def fake(source: Path, target: Path, **options: Any) -> RunReport:
        made.append({"source": source, "target": target, **options})
        return report(target)

    monkeypatch.setattr(afet_video, "convert", fake)
    return made


def raising(error: BaseException) -> Callable[..., RunReport]:
    def fake(*_: Any, **__: Any) -> RunReport:
        raise error

    return fake


def one_error_line(result: Any) -> str:
    """Assert that a run failed as a user should see it, and return the line."""
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("afet-video: error: ")
    assert "Traceback" not in result.stderr
    return str(lines[0]).removeprefix("afet-video: error: ")


# --- options -> settings -------------------------------------------------------------------------------------------


def test_no_option_means_the_default_settings(calls: list[Call]) -> None:
    assert run("convert", "in.mp4", "out.mp4").exit_code == 0
    (call,) = calls
    assert callable(call.pop("on_progress"))  # draws nothing here, but stops the run after Ctrl-C
    assert call == {
        "source": Path("in.mp4"),
        "target": Path("out.mp4"),
        "settings": afet_video.ConvertSettings(),
        "tracks": None,
        "contact_sheet": None,
        "resume": False,
        "overwrite": False,
        "signer": None,
    }


def test_every_option_reaches_its_setting(calls: list[Call]) -> None:
    options = "--side right --movement-kept 0.25 --ramp smooth --ramp-width 0.5 --neutral frame:7 --on-no-face hold"
    options += " --face 1 --codec hevc --crf 20 --no-synthetic-mark --hwaccel cuda"
    files = "--tracks t.csv --contact-sheet s.png --overwrite"
    result = run("convert", "in.mp4", "out.mp4", *options.split(), *files.split())
    assert result.exit_code == 0, result.output
    (call,) = calls
    settings = settings_to_mapping(call["settings"])
    assert settings["profile"] == settings_to_mapping(complete(Side.RIGHT, movement_kept=0.25))
    assert (settings["splice"]["ramp"], settings["splice"]["ramp_width"]) == ("smooth", 0.5)
    assert (settings["neutral"]["choice"], settings["tracker"]["face"]) == ("frame:7", "1")
    assert (settings["on_no_face"], settings["hwaccel"]) == ("hold", "cuda")
    encode = settings["encode"]
    assert (encode["codec"], encode["crf"]) == ("hevc", 20)
    assert (encode["lossless"], encode["mark_synthetic"]) == (False, False)
    assert (call["tracks"], call["contact_sheet"], call["overwrite"]) == (Path("t.csv"), Path("s.png"), True)


def test_options_win_over_the_settings_file_and_the_file_over_defaults(calls: list[Call], tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text('on_no_face = "hold"\n[profile]\nside = "right"\nmovement_kept = 0.5\n[encode]\ncrf = 20\n')
    assert run("convert", "a.mp4", "b.mp4", "--settings", path, "--movement-kept", "0", "--lossless").exit_code == 0
    settings = calls[0]["settings"]
    assert settings.profile == complete(Side.RIGHT, movement_kept=0.0)
    assert settings.on_no_face == "hold"
    assert (settings.encode.crf, settings.encode.lossless) == (None, True)


def test_a_profile_by_name_or_file_with_options_over_it(calls: list[Call], tmp_path: Path) -> None:
    settings, profile = tmp_path / "my.toml", tmp_path / "palsy.toml"
    settings.write_text('[profile]\nside = "right"\nbrow = 0.9\n')
    profile.write_text("movement_kept = 0.5\neye = 1\ndroop = 0.25\n")
    for arguments in (
        ["--profile", "hb3"],
        ["--profile", "hb3", "--side", "right"],
        ["--profile", "hb3", "--settings", settings],
        ["--profile", profile, "--settings", settings],
        ["--profile", profile, "--movement-kept", "0.75", "--side", "left"],
    ):
        assert run("convert", "a.mp4", "b.mp4", *arguments).exit_code == 0
    found = [call["settings"].profile for call in calls]
    assert found == [
        afet_video.preset("hb3"),
        afet_video.preset("hb3", side=Side.RIGHT),
        afet_video.preset("hb3", side=Side.RIGHT),
        complete(Side.RIGHT, movement_kept=0.5, eye=1.0, droop=0.25),
        complete(Side.LEFT, movement_kept=0.75, eye=1.0, droop=0.25),
    ]


def test_a_side_is_drawn_where_asked_for_and_a_named_one_is_not(calls: list[Call], tmp_path: Path) -> None:
    drawn, named = tmp_path / "drawn.toml", tmp_path / "named.toml"
    drawn.write_text("side_seed = 7\n")
    named.write_text('[profile]\nside = "right"\n')
    for arguments in (
        ["--side", "random"],
        ["--side", "random", "--seed", "3", "--settings", drawn],
        ["--settings", drawn],
        ["--settings", drawn, "--side", "right"],
        ["--settings", named, "--side", "random", "--seed", "5", "--profile", "hb3"],
    ):
        result = run("convert", "a.mp4", "b.mp4", *arguments)
        assert result.exit_code == 0, result.output
    assert [call["settings"].side_seed for call in calls] == [0, 3, 7, None, 5]
    assert calls[3]["settings"].profile.side is Side.RIGHT


def test_the_papers_profile_brings_its_splice_and_a_ramp_given_wins(calls: list[Call], tmp_path: Path) -> None:
    settings = tmp_path / "my.toml"
    settings.write_text('[profile]\nside = "right"\n[splice]\nramp = "smooth"\nramp_width = 0.5\n')
    for arguments in (["--settings", settings], ["--ramp", "smooth", "--ramp-width", "0.2"], ["--side", "right"]):
        result = run("convert", "a.mp4", "b.mp4", "--profile", "paper", *arguments)
        assert result.exit_code == 0, result.output
    assert run("convert", "a.mp4", "b.mp4", "--ramp", "linear").exit_code == 0
    found = [call["settings"].splice for call in calls]
    assert [(splice.ramp, splice.texture, splice.ramp_width) for splice in found] == [
        ("linear", "neutral", 0.5),
        ("smooth", "neutral", 0.2),
        ("linear", "neutral", 0.5),
        ("linear", "adaptive", 0.5),
    ]
    assert [call["settings"].profile.side for call in calls] == ["right", "left", "right", "left"]
    assert all(set(call["settings"].profile.kept) == {0.0} for call in calls)


def test_profiles_lists_every_preset_for_people_and_programs() -> None:
    text, listed = run("profiles").stdout, json.loads(run("profiles", "--json").stdout)
    assert set(listed) == set(PRESETS) >= {"hb2", "hb6", "central", "synkinetic", "complete"}
    for name, preset in PRESETS.items():
        assert name in text
        assert preset.shows in text
        assert listed[name]["splice"] == dict(preset.splice)
        assert all(f"{key} {value}" in text for key, value in preset.splice.items())
        assert afet_video.replace_nested(PalsyProfile(), listed[name]["profile"]) == preset.profile


def test_the_summary_names_the_zones_where_they_differ() -> None:
    stream = io.StringIO()
    print_summary(report(profile=afet_video.preset("hb3")), console=Console(file=stream, width=200))
    assert "brow 45%, eye 90%, cheek 60%, commissure 60%, lower_lip 60%, synkinesis 25%" in stream.getvalue()


def test_options_and_settings_offer_the_same_choices() -> None:
    """The command line repeats the choices (it must not import the stages for `--help`): they must not drift apart."""
    for option, key in SETTING_OF_OPTION.items():
        *parents, last = key.split(".")
        owner: Any = afet_video.ConvertSettings
        for name in parents:
            owner = typing.get_type_hints(owner)[name]
        declared = typing.get_type_hints(owner)[last]
        accepted = typing.get_args(typing.get_args(_hints()[option])[0]) if typing.get_args(_hints()[option]) else ()
        offered = {value for value in accepted if isinstance(value, str)}
        if typing.get_origin(declared) is typing.Literal:
            assert offered == set(typing.get_args(declared)), key
        elif declared is Side:
            assert offered == {*Side, "random"}
        elif offered:
            with pytest.raises(afet_video.SettingsError):
                afet_video.replace_nested(afet_video.ConvertSettings(), {key: "no such choice"})
            for value in offered:
                afet_video.replace_nested(afet_video.ConvertSettings(), {key: value})


def _hints() -> dict[str, Any]:
    from afet_video.cli.convert import convert

    return typing.get_type_hints(convert)


# --- what is printed -----------------------------------------------------------------------------------------------


def test_the_summary_tells_what_was_found_and_written(calls: list[Call]) -> None:
    result = run("convert", "in.mp4", "a/very/long/path/" * 8 + "out.mp4")
    assert result.exit_code == 0
    assert result.stderr == ""
    text = result.stdout
    for expected in (
        "a/very/long/path/" * 8 + "out.mp4",
        "out.tracks.parquet",
        "out.json",
        "100: 90 detected, 7 reduced, 3 missing",
        "frame 12 at 0.40 s, found (score 0.88: calm and frontal)",
        "right side (the subject's own), 25% of movement kept",
        "2.0 s = 50.0 frames/s, 2.00 x real time (detect 1.5 s, splice 0.5 s)",
        "warning: the file ends early",
    ):
        assert expected in text, text
    assert "interpolated" not in text
    assert "Contact sheet" not in text


def test_the_summary_copes_with_little_to_say() -> None:
    stream = io.StringIO()
    neutral = NeutralChoice(-1, None, 1.0, "image")
    print_summary(
        report(neutral=neutral, duration_s=0.0, seconds_by_stage={}, frames_by_status={}, contact_sheet=Path("s.png")),
        console=Console(file=stream),
    )
    assert "from a picture (score 1.00)" in stream.getvalue()
    assert "s.png" in stream.getvalue()


def several() -> RunReport:
    """Two people; the first in nine shots, in the last without rest of their own."""
    own = report().neutral
    borrowed = replace(own, explanation="from shot 0, as shot 8 shows this person nowhere at rest")
    people = (
        PersonReport(0, {"detected": 90, "held": 0}, {**dict.fromkeys(range(8), own), 8: borrowed}),
        PersonReport(1, {"detected": 40, "held": 2}, {0: own}),
    )
    return report(people=people, shots=tuple(range(0, 90, 10)))


def test_the_summary_names_every_person() -> None:
    stream = io.StringIO()
    print_summary(several(), console=Console(file=stream))
    text = " ".join(stream.getvalue().split())
    for expected in (
        "Shots 9, from frames 0, 10, 20, 30, 40, 50, 60, 70, ...",
        "Person 0 90 detected neutral in shot 0: frame 12 at 0.40 s, found",
        "and 1 more shots: see the side-car",
        "Person 1 40 detected, 2 held neutral: frame 12 at 0.40 s, found",
    ):
        assert expected in text, text


def test_json_names_every_person() -> None:
    found = report_to_mapping(several())
    assert [person["face_id"] for person in found["people"]] == [0, 1]
    assert found["people"][0]["neutrals"]["8"]["seconds"] == 0.4
    assert "from shot 0" in found["people"][0]["neutrals"]["8"]["explanation"]
    assert found["shots"][:2] == [0, 10]
    json.dumps(found, allow_nan=False)


def test_json_is_one_object_and_nothing_else(calls: list[Call]) -> None:
    result = run("convert", "in.mp4", "out.mp4", "--json")
    assert result.exit_code == 0
    assert result.stderr == ""
    found = json.loads(result.stdout)
    assert found["frames_by_status"] == {"detected": 90, "reduced": 7, "interpolated": 0, "missing": 3}
    assert found["target"] == "out.mp4"
    assert found["neutral"]["timestamp"] == {"pts": 400, "time_base": "1/1000"}
    assert found["neutral"]["seconds"] == 0.4
    assert found["profile"] == settings_to_mapping(complete(Side.RIGHT, movement_kept=0.25))
    assert found["contact_sheet"] is None


def test_quiet_prints_nothing(calls: list[Call]) -> None:
    result = run("convert", "in.mp4", "out.mp4", "--quiet")
    assert (result.exit_code, result.output) == (0, "")


def test_progress_shows_both_passes_on_a_terminal() -> None:
    stream = io.StringIO()
    with shown_progress(quiet=False, console=Console(file=stream, force_terminal=True, width=120)) as on_progress:
        assert on_progress is not None
        for done in (1, 5, 12):
            on_progress(Progress("detect", done, 10))  # the container promised 10, there are 12
        on_progress(Progress("splice", 3, None))
    text = stream.getvalue()
    assert "finding the face" in text
    assert "12/12" in text
    assert "writing the video" in text
    assert "fps" in text


def test_progress_is_silent_without_a_terminal_or_when_quiet() -> None:
    with shown_progress(quiet=False, console=Console(file=io.StringIO())) as on_progress:
        assert on_progress is None
    with shown_progress(quiet=True, console=Console(file=io.StringIO(), force_terminal=True)) as on_progress:
        assert on_progress is None


# --- failures ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["convert"],
        ["convert", "in.mp4"],
        ["convert", "in.mp4", "out.mp4", "--side", "middle"],
        ["convert", "in.mp4", "out.mp4", "--side", "random", "--seed", "-1"],
        ["convert", "in.mp4", "out.mp4", "--side", "random", "--seed", "x"],
        ["convert", "in.mp4", "out.mp4", "--movement-kept", "1.5"],
        ["convert", "in.mp4", "out.mp4", "--movement-kept", "much"],
        ["convert", "in.mp4", "out.mp4", "--ramp-width", "-1"],
        ["convert", "in.mp4", "out.mp4", "--crf", "99"],
        ["convert", "in.mp4", "out.mp4", "--codec", "cinepak"],
        ["convert", "in.mp4", "out.mp4", "--on-no-face", "explode"],
        ["convert", "in.mp4", "out.mp4", "--no-such-option"],
        ["no-such-command"],
    ],
)
def test_wrong_usage_exits_with_2(calls: list[Call], arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert calls == []


def test_an_error_of_ours_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(afet_video, "convert", raising(InputError("in.mp4 is empty:\nrecord it again")))
    assert one_error_line(run("convert", "in.mp4", "out.mp4")) == "in.mp4 is empty: record it again"


def test_an_error_in_json_mode_is_one_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(afet_video, "convert", raising(InputError("in.mp4 is empty")))
    result = run("convert", "in.mp4", "out.mp4", "--json")
    assert (result.exit_code, result.stderr) == (1, "")
    assert json.loads(result.stdout) == {"error": "in.mp4 is empty", "kind": "InputError"}


def test_a_bug_is_one_line_that_says_how_to_report_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(afet_video, "convert", raising(ZeroDivisionError("division by zero")))
    line = one_error_line(run("convert", "in.mp4", "out.mp4"))
    assert "ZeroDivisionError: division by zero" in line
    assert "AFET_DEBUG=1" in line
    monkeypatch.setenv("AFET_DEBUG", "1")
    result = run("convert", "in.mp4", "out.mp4")
    assert isinstance(result.exception, ZeroDivisionError)


def test_a_missing_system_library_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    error = OSError("libGLESv2.so.2: cannot open shared object file: No such file or directory")
    monkeypatch.setattr(afet_video, "convert", raising(error))
    line = one_error_line(run("convert", "in.mp4", "out.mp4"))
    assert line.startswith("the system library libGLESv2.so.2 is missing")
    assert "libgles2" in line


def test_ctrl_c_exits_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(afet_video, "convert", raising(KeyboardInterrupt()))
    result = run("convert", "in.mp4", "out.mp4")
    assert result.exit_code == 130
    assert result.stderr == "afet-video: error: interrupted: no output was written\n"


def test_an_exit_code_passes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(afet_video, "convert", raising(typer.Exit(7)))
    assert run("convert", "in.mp4", "out.mp4").exit_code == 7


# --- bad input, through the real program ---------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, short_clip: Path) -> Iterator[Path]:
    """A folder with a good clip and bad ones, in which a failing run must leave nothing."""
    (tmp_path / "good.mp4").write_bytes(short_clip.read_bytes())
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("this is no video\n" * 50)
    (tmp_path / "there.mp4").write_text("mine")
    (tmp_path / "bad.toml").write_text('[profile]\nsied = "left"\n')
    (tmp_path / "range.toml").write_text("[profile]\nmovement_kept = 1.5\n")
    (tmp_path / "palsy.toml").write_text("brow = 1.5\n")
    (tmp_path / "zone.toml").write_text("borw = 0.5\n")
    (tmp_path / "linear.toml").write_text('[splice]\nramp = "linear"\n')
    (tmp_path / "seed.toml").write_text("side_seed = -1\n")
    zones = "brow = 0\neye = 0\ncheek = 0\ncommissure = 0\nlower_lip = 0\n"
    (tmp_path / "zones.toml").write_text(f"[profile]\n{zones}")
    (tmp_path / "both.toml").write_text(f"{zones}movement_kept = 0.5\n")
    (tmp_path / "side.toml").write_text('[profile]\nside = "random"\n')
    (tmp_path / "folder").mkdir()
    before = {path: path.stat().st_size for path in tmp_path.rglob("*")}
    yield tmp_path
    assert {path: path.stat().st_size for path in tmp_path.rglob("*")} == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.mp4", "out.mp4"], ["missing.mp4"]),
        (["folder", "out.mp4"], ["folder"]),
        (["empty.mp4", "out.mp4"], ["empty.mp4"]),
        (["text.mp4", "out.mp4"], ["text.mp4"]),
        (["good.mp4", "good.mp4", "--overwrite"], ["good.mp4"]),
        (["good.mp4", "there.mp4"], ["there.mp4", "--overwrite"]),
        (["good.mp4", "folder"], ["folder"]),
        (["good.mp4", "nowhere/out.mp4"], ["nowhere"]),
        (["good.mp4", "out.xyz"], [".xyz"]),
        (["good.mp4", "out.mp4", "--tracks", "t.xyz"], [".xyz"]),
        (["good.mp4", "out.mp4", "--codec", "ffv1"], ["ffv1", ".mp4"]),
        (["good.mp4", "out.mp4", "--crf", "18", "--lossless"], ["crf", "lossless"]),
        (["good.mp4", "out.mp4", "--neutral", "999"], ["999"]),
        (["good.mp4", "out.mp4", "--neutral", "frame:999"], ["999"]),
        (["good.mp4", "out.mp4", "--neutral", "missing.png"], ["missing.png"]),
        (["good.mp4", "out.mp4", "--face", "nobody"], ["nobody"]),
        (["good.mp4", "out.mp4", "--settings", "missing.toml"], ["missing.toml"]),
        (["good.mp4", "out.mp4", "--settings", "bad.toml"], ['"profile.sied"', '"profile.side"', "bad.toml"]),
        (["good.mp4", "out.mp4", "--settings", "range.toml"], ["movement_kept", "1.5"]),
        (["good.mp4", "out.mp4", "--profile", "bad.toml"], ["bad.toml", "--settings"]),
        (["good.mp4", "out.mp4", "--profile", "both.toml"], ["both.toml", "movement_kept", "every zone"]),
        (["good.mp4", "out.mp4", "--profile", "palsy.yaml"], ['"palsy.yaml"', ".toml"]),
        (
            ["good.mp4", "out.mp4", "--settings", "zones.toml", "--movement-kept", "1"],
            ["--movement-kept", "zones.toml"],
        ),
        (["good.mp4", "out.mp4", "--settings", "side.toml"], ['"random"', '"left", "right"', "side.toml"]),
        (["good.mp4", "out.mp4", "--seed", "3"], ["--seed 3", "--side random"]),
        (["good.mp4", "out.mp4", "--seed", "3", "--side", "left"], ["--seed 3", "--side random"]),
        (["good.mp4", "out.mp4", "--settings", "seed.toml"], ["side_seed", "-1", "seed.toml"]),
        (["missing.mp4", "out.mp4", "--side", "random"], ["missing.mp4"]),
        (["good.mp4", "out.mp4", "--profile", "hb33"], ['"hb33"', '"hb3"']),
        (["good.mp4", "out.mp4", "--profile", "missing.toml"], ["missing.toml"]),
        (["good.mp4", "out.mp4", "--profile", "palsy.toml"], ["profile.brow", "1.5", "0 to 1", "palsy.toml"]),
        (["good.mp4", "out.mp4", "--profile", "zone.toml"], ['"borw"', '"brow"', "zone.toml"]),
        (["good.mp4", "out.mp4", "--profile", "hb3", "--movement-kept", "0.5"], ["--movement-kept", "hb3"]),
        (["good.mp4", "out.mp4", "--profile", "paper", "--movement-kept", "0.5"], ["--movement-kept", "paper"]),
        (["good.mp4", "out.mp4", "--profile", "paper", "--ramp-width", "0.5"], ["--ramp-width", "--profile paper"]),
        (["good.mp4", "out.mp4", "--ramp", "linear", "--ramp-width", "0.5"], ["--ramp-width", "--ramp linear"]),
        (["good.mp4", "out.mp4", "--settings", "linear.toml", "--ramp-width", "0.5"], ["--ramp-width", "linear.toml"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_bad_input_is_one_line_and_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: list[str]
) -> None:
    monkeypatch.chdir(folder)
    line = one_error_line(run("convert", *arguments))
    assert "unexpected" not in line
    assert [word for word in words if word not in line] == [], line


# --- as a process --------------------------------------------------------------------------------------------------


def own_lines(stderr: str) -> list[str]:
    """Lines of a process without the one that TensorFlow Lite may write at any look, as memory happens to lie."""
    return [line for line in stderr.splitlines() if "Input tensor memory is not aligned" not in line]


def test_a_clone_converts_a_clip(short_clip: Path, tmp_path: Path) -> None:
    target, sheet = tmp_path / "palsy.mp4", tmp_path / "palsy.png"
    command = [sys.executable, "cli.py", "convert", short_clip, target, "--json", "--contact-sheet", sheet]
    done = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert own_lines(done.stderr) == []
    found = json.loads(done.stdout)
    assert found["frames"] == sum(found["frames_by_status"].values()) > 0
    for key in ("target", "tracks", "sidecar", "contact_sheet"):
        assert Path(found[key]).stat().st_size > 0
    assert {path.name for path in tmp_path.iterdir()} == {
        Path(found[key]).name for key in ("target", "tracks", "sidecar", "contact_sheet")
    }


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "kill"])
def test_stopping_a_run_leaves_no_file(sample_clip: Path, tmp_path: Path, number: int, code: int) -> None:
    command = [sys.executable, "cli.py", "convert", str(sample_clip), str(tmp_path / "palsy.mp4")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not any(tmp_path.iterdir()) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, (out, err)
    assert list(tmp_path.iterdir()) == []
    assert "Traceback" not in err
    assert len(own_lines(err)) <= 1


def test_a_reader_that_leaves_early_is_no_error() -> None:
    process = subprocess.Popen(
        [sys.executable, "cli.py", "convert", "--help"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    process.wait(timeout=30)
    assert errors == b""


# --- words ---------------------------------------------------------------------------------------------------------


def test_the_version_is_printed() -> None:
    result = run("--version")
    assert (result.exit_code, result.stdout) == (0, f"afet-video {afet_video.__version__}\n")


def test_every_command_and_option_has_help_and_stands_on_a_page() -> None:
    """For each command there is a page that names it with all its arguments and options."""
    group: Any = typer.main.get_command(app)
    assert group.help
    assert "convert" in group.commands
    commands = dict(group.commands)
    for name, command in group.commands.items():
        commands |= {f"{name} {inner}": one for inner, one in getattr(command, "commands", {}).items()}
    for name, command in commands.items():
        assert command.help, name
        options = [one for one in command.params if one.param_type_name != "argument"]
        assert all(one.help for one in options), name
        named = {f"`{option}" for one in options for option in one.opts}
        named |= {f"`{one.metavar}`" for one in command.params if one.param_type_name == "argument"}
        pages = [text for text in PAGES.values() if f"afet-video {name}" in text or f"`{name}" in text]
        missing = min(({word for word in named if word not in text} for text in pages), key=len, default=None)
        assert missing == set(), name
