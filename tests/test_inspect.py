"""`afet-video inspect`: what it shows is what `convert` does, to the last value."""

from __future__ import annotations

import csv
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from synthetic import ClipSpec, make_clip
from typer.testing import CliRunner

import afet_video
from afet_video.cli import app
from afet_video.datatypes import ZONES
from afet_video.draw import draw_arrows, draw_heat, draw_mesh
from afet_video.errors import InputError, OutputError, SettingsError
from afet_video.inspection import InspectReport, inspect_clip
from afet_video.inspection import run as inspection_run
from afet_video.inspection.seen import SeenFrame
from afet_video.passes.settings import ConvertSettings
from afet_video.video.decode import VideoReader
from afet_video.video.encoders import EncodeSettings

FRAMES = [*range(130, 148), *range(70, 77), 0, 0]
"""Frames of the sample: at rest, then rising brows; the last two become frames without a face."""

PEAK = 21


@dataclass(frozen=True)
class Inspected:
    """A clip, what `convert` made of it, and what was seen of it."""

    clip: Path
    result: Path
    report: InspectReport
    seen: SeenFrame


@pytest.fixture(scope="module")
def inspected(sample_pictures: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Inspected:
    folder = tmp_path_factory.mktemp("inspect")
    pictures = sample_pictures[FRAMES].copy()
    pictures[-2:] = 120
    clip = make_clip(folder / "clip.mp4", ClipSpec(size_wh=(400, 300), frames=len(FRAMES)), pictures=pictures)
    settings = ConvertSettings(encode=EncodeSettings(lossless=True))
    afet_video.convert(clip, folder / "out.mkv", settings=settings)
    kept: list[SeenFrame] = []
    with pytest.MonkeyPatch.context() as patch:
        draw = inspection_run.stage_sheet
        patch.setattr(inspection_run, "stage_sheet", lambda seen, **names: kept.append(seen) or draw(seen, **names))
        report = inspect_clip(clip, sheet=folder / "sheet.png", stats=folder / "stats.csv", frame=PEAK)
    return Inspected(clip, folder / "out.mkv", report, kept[0])


def rows_of(path: Path | None) -> list[dict[str, str]]:
    assert path is not None
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_result_is_that_of_convert(inspected: Inspected) -> None:
    converted = [frame.rgb() for frame in VideoReader(inspected.result)]
    assert inspected.seen.index == PEAK
    assert inspected.seen.result is not None
    assert np.array_equal(inspected.seen.result, converted[PEAK])
    assert not np.array_equal(inspected.seen.source, inspected.seen.result)


def test_figures_are_those_of_the_track(inspected: Inspected) -> None:
    rows, tracks = (
        rows_of(inspected.report.stats),
        afet_video.load_tracks(inspected.result.with_suffix(".tracks.parquet")),
    )
    assert len(rows) == len(tracks) == len(FRAMES)
    for frame, row in enumerate(rows):
        assert row["frame"] == str(frame)
        assert row["pts"] == str(tracks.pts[frame])
        assert row["status"] == tracks.status[frame]
        if row["status"] == "missing":
            assert row["strength"] == row["affected_brow"] == ""
            continue
        assert float(row["strength"]) == pytest.approx(float(tracks.strength[frame]), abs=1e-5)
        assert row["neutral_frame"] == str(tracks.neutral_index[frame])
        assert float(row["yaw_deg"]) == pytest.approx(float(tracks.pose_deg[frame][0]), abs=1e-4)
    assert rows[-1]["status"] == "missing"


def test_a_raised_brow_is_in_the_figures(inspected: Inspected) -> None:
    rows = rows_of(inspected.report.stats)
    rest, peak = rows[3], rows[PEAK]
    assert float(peak["affected_brow"]) > 0.03 > 0.01 > float(rest["affected_brow"])
    assert float(peak["healthy_brow"]) > 0.03
    assert float(peak["shown_brow"]) < 0.3 * float(peak["affected_brow"]), "the palsy keeps it down"
    assert float(peak["activity"]) > float(rest["activity"])
    assert 0 < float(peak["corrected_iod"]) < 0.1
    assert float(peak["midline_moved_iod"]) < 0.03
    assert {f"shown_{zone}" for zone in ZONES} <= set(peak)


def test_the_sheet_shows_the_stages(inspected: Inspected) -> None:
    assert inspected.report.sheet is not None
    sheet = cv2.imread(str(inspected.report.sheet))
    assert sheet.shape[0] > 1000
    assert sheet.shape[1] > 1600
    report = inspected.report
    assert (report.frame, report.status, report.frames) == (PEAK, "detected", len(FRAMES))


def test_without_a_face_there_is_a_sheet_too(inspected: Inspected, tmp_path: Path) -> None:
    report = inspect_clip(inspected.clip, sheet=tmp_path / "s.png", frame=len(FRAMES) - 1)
    assert report.status == "missing"
    assert cv2.imread(str(tmp_path / "s.png")) is not None


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["inspect", *map(str, arguments)])


def test_the_command_finds_the_strongest_expression_by_itself(inspected: Inspected, tmp_path: Path) -> None:
    shown = run(inspected.clip, "-o", tmp_path / "s.png", "--json")
    assert shown.exit_code == 0, shown.output
    found = json.loads(shown.stdout)
    assert 18 <= found["frame"] < len(FRAMES) - 2
    assert found["frames"] == found["frame"] + 1, "what comes after the frame need not be rendered"
    assert found["sheet"] == str(tmp_path / "s.png")


def test_wishes_that_cannot_be_are_one_line(inspected: Inspected, tmp_path: Path) -> None:
    sheet, clip = tmp_path / "s.png", inspected.clip
    for options, error, what in (
        ({"frame": 99}, InputError, "no frame 99: the video has frames 0 to 26"),
        ({"at": 7.0}, InputError, "no frame at 7 s"),
        ({"frame": 1, "at": 1.0}, SettingsError, "leave one of them out"),
        ({"stats": tmp_path / "s.txt"}, OutputError, r"ends in \.csv"),
    ):
        with pytest.raises(error, match=what):
            inspect_clip(clip, sheet=sheet, **options)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="nothing to write"):
        inspect_clip(clip)
    assert run(clip, "-o", sheet, "--at", "soon").exit_code == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(importlib.util.find_spec("rerun") is not None, reason="rerun-sdk is installed")
def test_without_rerun_it_is_said_how_to_get_it(inspected: Inspected, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"pip install 'afet-video\[rerun\]'"):
        inspect_clip(inspected.clip, rerun=tmp_path / "r.rrd")


@pytest.mark.needs("rerun")
def test_a_rerun_recording_holds_every_frame(inspected: Inspected, tmp_path: Path) -> None:
    report = inspect_clip(inspected.clip, rerun=tmp_path / "r.rrd")
    assert report.frames == len(FRAMES)
    assert (tmp_path / "r.rrd").read_bytes()[:4] == b"RRF2"
    assert (tmp_path / "r.rrd").stat().st_size > 2 * len(FRAMES) * 10_000


def test_drawings_leave_their_input_alone() -> None:
    rgb = np.full((40, 60, 3), 100, np.uint8)
    xy = np.array([[10, 10], [50, 10], [30, 30], [np.nan, 5]], np.float64)
    triangles = np.array([[0, 1, 2], [0, 1, 3]], np.int32)
    mesh = draw_mesh(rgb, xy, triangles)
    assert (mesh[10, 12:48] != 100).any(axis=1).all()
    assert (mesh[15, 30] == 100).all(), "edges alone"
    arrows = draw_arrows(rgb, xy, xy + np.array([[8, 0], [0.1, 0], [0, 0], [1, 1]]))
    assert (arrows[10, 12:17] != 100).any(axis=1).all()
    assert (arrows[10, 45:] == 100).all(), "shorter than wanted"
    share = np.zeros((40, 60), np.float32)
    share[:, 30:] = 1.0
    heat = draw_heat(rgb, share, color=(200, 0, 0), most=0.5)
    assert (heat[:, :30] == 100).all()
    assert heat[5, 40].tolist() == [150, 50, 50]
    assert (rgb == 100).all()
