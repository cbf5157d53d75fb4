from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from afet_video.bench import ON_REQUEST, PARTS, BenchSettings
from afet_video.bench.live import measure_live
from afet_video.cli import app
from afet_video.errors import NoFaceError, SettingsError
from tests.synthetic import ClipSpec, make_clip


def test_a_live_session_is_measured(short_clip: Path) -> None:
    done = CliRunner().invoke(app, ["bench", str(short_clip), "--only", "live", "--seconds", "1", "--json"])
    assert done.exit_code == 0, done.output
    figures = {figure["name"]: figure for figure in json.loads(done.stdout)["figures"]}
    assert {figure["part"] for figure in figures.values()} == {"live"}
    assert figures["sustained rate"]["median"] > 0
    median, most = figures["processing, median"], figures["processing, 95 % of frames"]
    assert 0 < median["median"] <= most["median"]
    assert most["target"] == 40
    assert figures["camera to screen"]["median"] >= 0
    assert figures["longest wait of a frame"]["target"] > 0
    assert figures["memory at the end"]["median"] > 50
    assert figures["memory, most"]["median"] >= figures["memory at the end"]["median"]
    stages = [
        figures[f"stage {name}"]["median"] for name in ("detect", "learn", "register", "follow", "dress", "change")
    ]
    assert all(took > 0 for took in stages)
    assert sum(stages) < 1.5 * median["median"]


def test_it_is_measured_only_on_request() -> None:
    assert "live" in ON_REQUEST and "live" not in PARTS
    with pytest.raises(SettingsError, match="seconds 0: give 1 to 86400"):
        BenchSettings(only="live", seconds=0)


def test_a_clip_without_a_face_ends_with_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("afet_video.bench.live._PATIENCE_S", 0.5)
    make_clip(tmp_path / "nobody.mp4", ClipSpec(frames=5))
    with pytest.raises(NoFaceError, match="give a clip that shows a face at rest"):
        measure_live(tmp_path / "nobody.mp4", 1.0)
