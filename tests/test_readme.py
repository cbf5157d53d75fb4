"""What the README says to type works."""

from __future__ import annotations

import re
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import afet_video
from afet_video.cli import app

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def clone(tmp_path: Path, short_clip: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like a clone, with the first frames of the sample in the sample's place."""
    (tmp_path / "samples").mkdir()
    shutil.copy(short_clip, tmp_path / "samples" / "webcam.mp4")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_python_example_runs(clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = blocks("python")
    exec(compile(example, "README.md", "exec"), {"__name__": "readme"})
    printed = capsys.readouterr().out
    assert "'detected': " in printed
    assert re.search(r"^\d+ frames, largest shift \d+\.\d px$", printed, re.MULTILINE)
    assert (clone / "from-python.mp4").stat().st_size > 0


def test_the_commands_run(clone: Path) -> None:
    (block,) = blocks("console")
    commands = [line.removeprefix("$ ") for line in block.splitlines()]
    assert len(commands) == 3
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "afet-video"
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, (command, result.output)
    for name in ("palsy.mp4", "palsy.tracks.parquet", "right.mkv", "right.csv", "sheet.mp4", "sheet.png"):
        assert (clone / name).stat().st_size > 0, name
    assert len(afet_video.load_tracks(clone / "right.csv")) == len(afet_video.load_tracks("palsy.tracks.parquet"))


def test_the_settings_example_is_valid(tmp_path: Path) -> None:
    (example,) = blocks("toml")
    path = tmp_path / "my.toml"
    path.write_text(example, encoding="utf-8")
    settings = afet_video.load_settings(afet_video.ConvertSettings, path)
    assert settings.profile == replace(afet_video.preset("complete", side=afet_video.Side.RIGHT), movement_kept=0.25)
    assert settings != afet_video.ConvertSettings()


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert f"\n{target}:" in makefile, target


def test_the_table_of_track_fields_is_complete() -> None:
    table = README.partition("## Landmark tracks")[2].partition("## How it works")[0]
    named = set(re.findall(r"`(\w+)`", table))
    fields = {name for name in afet_video.Tracks.__dataclass_fields__}
    assert fields <= named, fields - named


def test_system_packages_are_the_same_everywhere() -> None:
    """The README, the error message and the continuous integration name the same Debian packages."""
    from afet_video.cli.failures import DEBIAN_PACKAGES

    assert DEBIAN_PACKAGES in README
    assert DEBIAN_PACKAGES in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert link.startswith("https://") or (ROOT / link).exists(), link
    for path in re.findall(r"`((?:samples|afet_video|tests)/[\w./]+)`", README):
        assert (ROOT / path).exists(), path
