"""What the README and the pages under docs/ say to type works, and what they link to exists."""

from __future__ import annotations

import importlib
import re
import shlex
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import afet_video
from afet_video.cli import app
from tests.conftest import ROOT
from tests.pages import PAGES, anchors, blocks, commands, links

EXAMPLES = {
    "README.md": ("palsy.mp4 palsy.tracks.parquet palsy.afet.json hb5.mp4", r"'detected': .*\(\d+, 478, 2\)$"),
    "docs/convert.md": ("palsy.mp4 palsy.tracks.parquet palsy.afet.json right.mkv right.csv sheet.mp4 sheet.png", r""),
    "docs/python.md": (
        "from-python.mp4",
        r"'detected': [^$]*^\d+ frames, largest shift \d+\.\d px$[^$]*^right linear neutral$",
    ),
    "docs/tracks.md": (
        "palsy.mp4 palsy.tracks.parquet palsy.afet.json",
        r"^\d+ of \d+ frames, largest shift \d+\.\d px$",
    ),
}
"""Pages whose examples are run: files that they write, and what their Python prints."""

OTHERS = ("CHANGELOG.md", "SECURITY.md", "afet_video/data/README.md", "samples/README.md")


@pytest.fixture
def clone(tmp_path: Path, short_clip: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like a clone, with the first frames of the sample in the sample's place."""
    (tmp_path / "samples").mkdir()
    shutil.copy(short_clip, tmp_path / "samples" / "webcam.mp4")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_all_pages_with_examples_are_run() -> None:
    assert {page for page, text in PAGES.items() if blocks(text, "console", "python")} == EXAMPLES.keys()


@pytest.mark.parametrize("page", EXAMPLES)
def test_the_examples_run(page: str, clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for language, code in blocks(PAGES[page], "console", "python"):
        if language == "python":
            exec(compile(code, page, "exec"), {"__name__": "page"})
            continue
        for line in code.splitlines():
            program, *arguments = shlex.split(line.removeprefix("$ "))
            assert program == "afet-video"
            result = CliRunner().invoke(app, arguments)
            assert result.exit_code == 0, (line, result.output)
    files, printed = EXAMPLES[page]
    for name in files.split():
        assert (clone / name).stat().st_size > 0, name
    assert re.search(printed, capsys.readouterr().out, re.MULTILINE)
    lengths = {len(afet_video.load_tracks(path)) for path in clone.iterdir() if path.suffix in (".csv", ".parquet")}
    assert len(lengths) == 1


@pytest.mark.parametrize("line", sorted({line for text in PAGES.values() for line in commands(text)}))
def test_every_command_is_understood(line: str) -> None:
    """A command in a block of code has arguments and options that exist, with values that they take."""
    _, *words = shlex.split(line.partition(" > ")[0], comments=True)
    command: Any = typer.main.get_command(app)
    name = "afet-video"
    while hasattr(command, "commands"):
        name, *words = words
        command = command.commands[name]
    command.make_context(name, words).close()


def test_the_settings_examples_are_valid(tmp_path: Path) -> None:
    examples = {page: code for page, text in PAGES.items() for _, code in blocks(text, "toml")}
    assert examples.keys() == {"docs/convert.md"}
    path = tmp_path / "my.toml"
    path.write_text(examples["docs/convert.md"], encoding="utf-8")
    settings = afet_video.load_settings(afet_video.ConvertSettings, path)
    assert settings.profile == replace(afet_video.preset("complete", side=afet_video.Side.RIGHT), movement_kept=0.25)
    assert settings != afet_video.ConvertSettings()


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"(?:^|`)make (\w+)(?!=)\b", "\n".join(PAGES.values()), re.MULTILINE)
    assert {"demo", "test", "check", "bench", "inputs"} <= set(targets)
    for target in targets:
        assert f"\n{target}:" in makefile, target


def test_the_table_of_track_fields_is_complete() -> None:
    table = PAGES["docs/tracks.md"].partition("\n## Fields\n")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(\w+)`", table))
    fields = {name for name in afet_video.Tracks.__dataclass_fields__}
    assert fields <= named, fields - named


def test_the_table_of_functions_is_complete_and_true() -> None:
    table = PAGES["docs/python.md"].partition("\n## Functions\n")[2].partition("\n## ")[0]
    rows = [line.partition(" | ")[0] for line in table.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([\w.]+)`", row)}
    public = {name for name in afet_video.__all__ if name[0].islower()}
    assert public <= named
    for name in named:
        module, _, function = f"afet_video.{name}".rpartition(".")
        assert hasattr(importlib.import_module(module), function), name


def test_system_packages_are_the_same_everywhere() -> None:
    """The README, the error message and the continuous integration name the same Debian packages."""
    from afet_video.cli.failures import DEBIAN_PACKAGES

    assert DEBIAN_PACKAGES in PAGES["README.md"]
    assert DEBIAN_PACKAGES in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_every_page_begins_with_something_to_try() -> None:
    for page, text in PAGES.items():
        if page not in ("README.md", "docs/inputs.md"):
            assert "samples/webcam.mp4" in blocks(text)[0][1], page


def test_the_readme_leads_to_every_page() -> None:
    assert PAGES.keys() - {"README.md"} <= {file for file, _ in links(PAGES["README.md"])}


@pytest.mark.parametrize("page", [*PAGES, *OTHERS])
def test_links_and_headings_lead_somewhere(page: str) -> None:
    text = PAGES.get(page) or (ROOT / page).read_text(encoding="utf-8")
    for file, heading in links(text):
        if file.startswith("https://"):
            continue
        target = (ROOT / page).parent / file if file else ROOT / page
        assert target.exists(), (file, heading)
        assert not heading or heading in anchors(target.read_text(encoding="utf-8")), (file, heading)
    for path in re.findall(r"`((?:samples|afet_video|tests|docs)/[\w./]+)`", text):
        assert (ROOT / path).exists(), path
