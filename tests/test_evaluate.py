"""`afet-video evaluate`: real conversions, identical videos, planted faults, files that do not belong together."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest
from numpy.typing import NDArray
from synthetic import ClipSpec, make_clip
from typer.testing import CliRunner

import afet_video
from afet_video.cli import app
from afet_video.datatypes import ZONES
from afet_video.errors import InputError, SettingsError, TrackFileError
from afet_video.evaluation import EvaluationReport, UnitSettings, evaluate, evaluate_dataset, sweep
from afet_video.evaluation.inputs import open_conversion
from afet_video.evaluation.regions import face_regions
from afet_video.passes.settings import ConvertSettings
from afet_video.video.decode import VideoReader
from afet_video.video.encoders import EncodeSettings

LOSSLESS = EncodeSettings(lossless=True)
OFF = UnitSettings("off")
FRAMES = [*range(130, 148), *range(60, 104)]
"""Frames of the sample: 18 at rest, then brows that rise and fall."""

Pictures = NDArray[np.uint8]


@dataclass(frozen=True)
class Made:
    source: Path
    result: Path


@pytest.fixture(scope="session")
def evaluated_clip(sample_pictures: Pictures, tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = ClipSpec(size_wh=(400, 300), frames=len(FRAMES), audio="aac")
    return make_clip(tmp_path_factory.mktemp("evaluate") / "in.mp4", spec, pictures=sample_pictures[FRAMES])


@pytest.fixture(scope="session")
def unchanged(evaluated_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made(evaluated_clip, tmp_path_factory.mktemp("unchanged") / "out.mp4", kept=1.0)


@pytest.fixture(scope="session")
def palsy(evaluated_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made(evaluated_clip, tmp_path_factory.mktemp("palsy") / "out.mp4", kept=0.0)


@pytest.fixture(scope="session")
def of_unchanged(unchanged: Made) -> EvaluationReport:
    return evaluate(unchanged.source, unchanged.result, units=OFF)


@pytest.fixture(scope="session")
def of_palsy(palsy: Made) -> EvaluationReport:
    return evaluate(palsy.source, palsy.result, units=UnitSettings(frames=15))


def made(source: Path, result: Path, *, kept: float) -> Made:
    settings = ConvertSettings(profile=afet_video.PalsyProfile(movement_kept=kept), encode=LOSSLESS)
    afet_video.convert(source, result, settings=settings)
    return Made(source, result)


def copied(of: Made, folder: Path) -> Made:
    """Copy a result with its track and side-car, to be spoilt."""
    for path in of.result.parent.glob("out*"):
        shutil.copy(path, folder / path.name)
    return Made(of.source, folder / "out.mp4")


def respoil(of: Made, change: Callable[[int, Pictures], None]) -> None:
    """Write a result anew with each picture (H, W, 3) changed in place, lossless in the same format."""
    pictures = [frame.rgb() for frame in VideoReader(of.result)]
    for index, rgb in enumerate(pictures):
        change(index, rgb)
    height, width = pictures[0].shape[:2]
    lossless = {"qp": "0", "preset": "ultrafast"}
    make_clip(of.result, ClipSpec(size_wh=(width, height), frames=len(pictures), options=lossless), pictures=pictures)


def values(report: EvaluationReport, part: str) -> dict[str, float | None]:
    return {figure.name: figure.value for figure in report.figures if figure.part == part}


def test_an_unchanged_video_is_perfect(of_unchanged: EvaluationReport) -> None:
    kept = values(of_unchanged, "movement kept")
    assert kept["brow, track"] == 1.0
    assert kept["brow, found again"] == 1.0
    # the detector sees less of a brow raise than the pixels, by which the track is corrected
    assert 0.6 < kept["brow, detector"] < 1.1  # type: ignore[operator]
    assert set(values(of_unchanged, "jitter").values()) == {1.0}
    assert set(values(of_unchanged, "seam").values()) == {1.0}
    assert set(values(of_unchanged, "healthy half").values()) == {0.0}
    assert values(of_unchanged, "rest") == {"result against source": math.inf, "liveness": 1.0}
    outside = values(of_unchanged, "outside the face")
    assert outside == {"samples changed": 0, "PSNR outside": math.inf, "PSNR inside": math.inf}
    container = values(of_unchanged, "container")
    assert container == {"frame times changed": 0, "track rows off": 0, "sound packets changed": 0}
    assert of_unchanged.find("container", "sound packets changed").n > 50
    assert [figure for figure in of_unchanged.figures if figure.met is False] == []


def test_a_palsy_is_measured(of_palsy: EvaluationReport) -> None:
    assert of_palsy.kept == dict.fromkeys(ZONES, 0.0)
    brow = of_palsy.find("movement kept", "brow, track")
    assert brow.value == pytest.approx(0.0, abs=0.25)
    assert brow.n > 15
    assert brow.error is not None
    again = of_palsy.find("movement kept", "brow, found again").value
    assert again is not None
    assert again < 0.6, "detectors symmetrise, but not as much as that"
    assert of_palsy.find("movement kept", "commissure, track").value is None, "nobody smiles in this clip"
    assert max(values(of_palsy, "healthy half").values()) == 0.0  # type: ignore[type-var]
    assert of_palsy.find("outside the face", "samples changed").value == 0
    assert of_palsy.find("outside the face", "samples changed").n > 10**6
    inside = of_palsy.find("outside the face", "PSNR inside").value
    assert inside is not None
    assert inside < 50
    assert of_palsy.find("midline", "jitter").met
    for figure in of_palsy.figures:
        assert figure.definition.endswith(".")
        assert figure.value is not None or figure.note, figure.name


def test_what_the_corner_takes_along_is_no_movement_of_the_lower_lip(sample_pictures: Pictures, tmp_path: Path) -> None:
    frames = [*range(136, 148), *range(166, 206)]  # rest, then a smile
    spec = ClipSpec(size_wh=(400, 300), frames=len(frames))
    clip = make_clip(tmp_path / "in.mp4", spec, pictures=sample_pictures[frames])
    profile = afet_video.preset("marginal-mandibular", side=afet_video.Side.LEFT)
    afet_video.convert(clip, tmp_path / "out.mp4", settings=ConvertSettings(profile=profile, encode=LOSSLESS))
    report = evaluate(clip, tmp_path / "out.mp4", units=OFF)
    assert report.find("movement kept", "commissure, track").value == pytest.approx(1.0, abs=0.05)
    assert report.find("movement kept", "lower_lip, track").value == pytest.approx(0.0, abs=0.2)


def test_a_planted_seam_is_seen(palsy: Made, of_palsy: EvaluationReport, tmp_path: Path) -> None:
    spoilt = copied(palsy, tmp_path)
    conversion = open_conversion(spoilt.source, spoilt.result)

    def brighten(index: int, rgb: Pictures) -> None:
        regions = face_regions(conversion, index)
        assert regions is not None
        box = regions.box
        part = rgb[box.y0 : box.y1, box.x0 : box.x1]
        part[regions.across < 0] = np.clip(part[regions.across < 0].astype(int) + 24, 0, 255).astype(np.uint8)

    respoil(spoilt, brighten)
    report = evaluate(spoilt.source, spoilt.result, units=OFF)
    for name in ("gradient, median", "line, median"):
        figure, before = report.find("seam", name), of_palsy.find("seam", name).value
        assert figure.value is not None
        assert before is not None
        assert figure.value > before + 0.05
    assert report.find("seam", "line, median").met is False
    assert report.find("rest", "result against source").met is False


def test_changes_where_none_may_be_are_counted(unchanged: Made, tmp_path: Path) -> None:
    spoilt = copied(unchanged, tmp_path)
    conversion = open_conversion(spoilt.source, spoilt.result)

    def touch(index: int, rgb: Pictures) -> None:
        rgb[2:4, 2:4] = 255 - rgb[2:4, 2:4]  # a corner, far from the face
        regions = face_regions(conversion, index)
        assert regions is not None
        rows, columns = np.nonzero(regions.healthy)
        y, x = rows[len(rows) // 2] + regions.box.y0, columns[len(rows) // 2] + regions.box.x0
        rgb[y : y + 2, x : x + 2] = np.where(rgb[y : y + 2, x : x + 2] > 127, 60, 190)

    respoil(spoilt, touch)
    report = evaluate(spoilt.source, spoilt.result, units=OFF)
    assert report.find("outside the face", "samples changed").met is False
    healthy = values(report, "healthy half")
    assert healthy["largest"] > 30  # type: ignore[operator]
    assert healthy["99.9th percentile"] < healthy["largest"]  # type: ignore[operator]
    assert report.find("healthy half", "largest").met is False
    assert report.find("container", "sound packets changed").met is False, "the copy was written without sound"


def test_a_flickering_side_is_no_living_one(unchanged: Made, tmp_path: Path) -> None:
    spoilt = copied(unchanged, tmp_path)

    def flicker(index: int, rgb: Pictures) -> None:
        rgb[:] = np.clip(rgb.astype(int) + 6 * (index % 2), 0, 255).astype(np.uint8)

    respoil(spoilt, flicker)
    report = evaluate(spoilt.source, spoilt.result, units=OFF)
    assert report.find("rest", "liveness").met is False
    still = copied(unchanged, tmp_path)
    first = next(iter(VideoReader(still.source))).rgb()
    respoil(still, lambda _, rgb: np.copyto(rgb, first))
    frozen = evaluate(still.source, still.result, units=OFF).find("rest", "liveness").value
    assert frozen is not None
    assert frozen < 0.1


def test_a_lossy_result_proves_nothing_about_the_outside(evaluated_clip: Path, tmp_path: Path) -> None:
    result = tmp_path / "out.mp4"
    afet_video.convert(evaluated_clip, result, tracks=tmp_path / "other.npz")
    report = evaluate(evaluated_clip, result, units=OFF)  # the side-car names the track
    assert report.tracks.name == "other.npz"
    changed = report.find("outside the face", "samples changed")
    assert changed.value is None
    assert "lossless" in changed.note
    outside = report.find("outside the face", "PSNR outside").value
    assert outside is not None
    assert 35 < outside < math.inf
    assert report.find("healthy half", "largest").met is None


def test_without_a_side_car_the_track_tells_the_side(palsy: Made, tmp_path: Path) -> None:
    alone = copied(palsy, tmp_path)
    (tmp_path / "out.afet.json").unlink()
    conversion = open_conversion(alone.source, alone.result)
    assert conversion.side is afet_video.Side.LEFT
    assert conversion.made.profile.kept == (0.0,) * 5
    assert "no side-car out.afet.json" in conversion.warnings[0]


def test_a_neutral_with_raised_brows_is_told(palsy: Made, tmp_path: Path) -> None:
    made = copied(palsy, tmp_path)
    assert not any("brows" in warning for warning in open_conversion(made.source, made.result).warnings)
    path = tmp_path / "out.afet.json"
    sidecar = json.loads(path.read_text())
    for neutral in sidecar["neutral"].values():
        neutral["brows_below_iod"] = {"left": 0.1, "right": 0.08}
    path.write_text(json.dumps(sidecar))
    assert "raised by up to 0.10" in open_conversion(made.source, made.result).warnings[-1]


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


def test_the_table_and_the_definitions(palsy: Made) -> None:
    result = run(palsy.source, palsy.result, "--definitions", "--quiet", "--units", "off")
    assert result.exit_code == 0, result.output
    for words in ("brow, track", "seam", "n/a", "-0.1 to 0.1", "left side affected", "RMS second difference"):
        assert words in result.stdout, words


def test_over_time_nothing_changes_in_an_unchanged_video(of_unchanged: EvaluationReport) -> None:
    assert values(of_unchanged, "warping error") == {"healthy half": 1.0, "affected half": 1.0}
    assert values(of_unchanged, "flicker") == {"healthy half": 1.0, "affected half": 1.0}
    assert of_unchanged.find("stillness", "affected half").value == 1.0
    assert of_unchanged.find("lag", "affected brow").value == 0.0
    for name in ("whole face", "healthy half", "affected half"):
        again = of_unchanged.find("found again", name)
        assert again.value == pytest.approx(again.floor, rel=1e-4)
        assert 0 < again.value < 0.03  # type: ignore[operator]
    for figure in of_unchanged.figures:
        if figure.part in ("asymmetry", "clinical") and figure.value is not None and figure.floor is not None:
            assert figure.value == pytest.approx(figure.floor, abs=1e-6), figure.name


def test_a_palsy_is_one_sided_and_still(of_palsy: EvaluationReport) -> None:
    brow = of_palsy.find("asymmetry", "brow, moving")
    assert brow.value == pytest.approx(1.0, abs=0.25)
    assert brow.met is not False
    peak = of_palsy.find("clinical", "brow height, peak")
    assert peak.value > peak.floor + 0.05, "the healthy brow is higher"  # type: ignore[operator]
    rest = of_palsy.find("clinical", "brow height, rest")
    assert rest.value == pytest.approx(rest.floor, abs=0.01)
    still = of_palsy.find("stillness", "affected half")
    assert still.value < 0.6  # type: ignore[operator]
    assert of_palsy.find("lag", "affected brow").value is None
    assert "asked for 0.00" in of_palsy.find("lag", "affected brow").note
    assert of_palsy.find("warping error", "healthy half").met


def test_the_papers_figures(of_palsy: EvaluationReport) -> None:
    units = of_palsy.units
    assert units is not None
    assert units.title == "AU proxy"
    assert units.expressive >= 4
    found = units.to_mapping()
    raiser = found["units"][1]
    assert (raiser["unit"], raiser["paper"]["f_score"]) == ("AU2", 0.731)
    assert raiser["ours"]["real"] > 0
    assert raiser["ours"]["recall"] > 0.8
    degree = of_palsy.find("AU proxy", "degree of asymmetry")
    assert degree.value > degree.floor + 0.3  # type: ignore[operator]
    assert "paper 0.650" in degree.note
    both = of_palsy.find("AU proxy", "Jaccard, both halves")
    assert both.value > both.floor + 0.2, "the source's affected half is not neutral"  # type: ignore[operator]


def test_a_data_set_is_measured_as_one(palsy: Made, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    copied(palsy, tmp_path / "a")
    copied(palsy, tmp_path / "b")
    (tmp_path / "b" / "out.tracks.parquet").unlink()
    found = evaluate_dataset(tmp_path, sources=palsy.source.parent, units=OFF)
    assert [report.result.parent.name for report in found.reports] == ["a"]
    assert len(found.failures) == 1
    assert "no such track file" in next(iter(found.failures.values()))
    brow = next(figure for figure in found.figures if figure.name == "brow, track")
    assert (brow.n, brow.counted) == (1, "results")
    assert brow.note in ("target met by 0 of 1", "target met by 1 of 1")
    assert brow.value == found.reports[0].find("movement kept", "brow, track").value
    json.dumps(found.to_mapping(), allow_nan=False)
    with pytest.raises(InputError, match="is nowhere in the folder searched: name it with --sources"):
        evaluate_dataset(tmp_path / "b", units=OFF)
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="holds no result"):
        evaluate_dataset(tmp_path / "none")


def test_half_faces_are_written_for_other_detectors(palsy: Made, tmp_path: Path) -> None:
    outcome = run(palsy.source, palsy.result, "--export-halves", tmp_path / "halves", "--json")
    assert outcome.exit_code == 0, outcome.output
    paths = [Path(path) for path in json.loads(outcome.stdout)]
    assert [path.name for path in paths] == [
        f"{role}-{side}.mp4" for role in ("source", "result") for side in ("left", "right")
    ]
    pictures = [[frame.rgb().astype(int) for frame in VideoReader(path)] for path in paths]
    assert [len(frames) for frames in pictures] == [len(FRAMES)] * 4, "a row of a table is a frame of the video"
    left, right, palsied, healthy = (np.array(frames) for frames in pictures)
    assert np.abs(right - healthy).mean() < 0.5 < np.abs(left - palsied).mean()
    assert np.abs(left - left[:, :, ::-1]).mean() < 3, "a face and its mirror image"
    again = run(palsy.source, palsy.result, "--export-halves", tmp_path / "halves")
    assert again.exit_code == 1
    assert "exists already" in again.stderr


def test_frames_without_landmarks_are_told(palsy: Made, tmp_path: Path) -> None:
    gaps = copied(palsy, tmp_path)
    track = tmp_path / "out.tracks.parquet"
    table = pa_parquet.read_table(track)
    told = pa_parquet.ParquetFile(track).metadata.metadata
    nothing = [float("nan")] * (478 * 3)
    for name in ("source_xyz", "output_xyz"):
        rows = table.column(name).to_pylist()
        rows[3:6], rows[9] = [nothing] * 3, nothing
        place = table.column_names.index(name)
        table = table.set_column(place, table.field(place), pa.array(rows, table.field(place).type))
    told.pop(b"ARROW:schema", None)  # it is of the table as it was
    pa_parquet.write_table(table.replace_schema_metadata(told), track)
    report = evaluate(gaps.source, gaps.result, units=OFF)
    assert report.warnings[0] == "no landmarks in 4 of 62 frames (3-5, 9): not measured there"
    assert report.find("found again", "whole face").n <= len(FRAMES) - 4
    assert report.find("movement kept", "brow, track").value == pytest.approx(0.0, abs=0.25)
    assert np.isnan(report.series["off"][4])
    json.dumps(report.to_mapping(), allow_nan=False)


def test_json_holds_value_target_and_definition(unchanged: Made) -> None:
    result = run(unchanged.source, unchanged.result, "--json", "--units", "off")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    parts = {"source", "result", "tracks", "profile", "kept", "frames", "figures", "units", "clinical", "warnings"}
    assert parts == set(found)
    assert found["frames"] == len(FRAMES)
    fields = {"part", "name", "value", "unit", "n", "counted", "definition", "target", "error", "note", "met", "floor"}
    assert all(set(figure) == fields for figure in found["figures"])
    by_name = {(figure["part"], figure["name"]): figure for figure in found["figures"]}
    assert by_name["outside the face", "PSNR outside"]["value"] == "inf"
    assert by_name["container", "frame times changed"]["met"] is True


def shorter(of: Made, folder: Path) -> tuple[Path, Path, tuple[object, ...]]:
    spoilt = copied(of, folder)
    pictures = [frame.rgb() for frame in VideoReader(of.result)][:-3]
    make_clip(spoilt.result, ClipSpec(size_wh=(400, 300), frames=len(pictures)), pictures=pictures)
    return spoilt.source, spoilt.result, ()


def other_size(of: Made, folder: Path) -> tuple[Path, Path, tuple[object, ...]]:
    return of.source, make_clip(folder / "out.mp4"), ()


def other_source(of: Made, folder: Path) -> tuple[Path, Path, tuple[object, ...]]:
    pictures = [frame.rgb() for frame in VideoReader(of.source)]
    other = make_clip(folder / "other.mp4", ClipSpec(size_wh=(400, 300), frames=len(pictures)), pictures=pictures)
    return other, of.result, ()


def other_track(of: Made, folder: Path) -> tuple[Path, Path, tuple[object, ...]]:
    pictures = [frame.rgb() for frame in VideoReader(of.source)][:20]
    clip = make_clip(folder / "short.mp4", ClipSpec(size_wh=(400, 300), frames=20), pictures=pictures)
    afet_video.convert(clip, folder / "short-out.mp4")
    (folder / "short-out.afet.json").unlink()
    return of.source, of.result, ("--tracks", folder / "short-out.tracks.parquet")


def track_of_another(of: Made, folder: Path) -> tuple[Path, Path, tuple[object, ...]]:
    """As long as the video, but its side-car names another one."""
    spoilt = copied(of, folder)
    for name in ("out.tracks.parquet", "out.afet.json"):
        shutil.copy(folder / name, folder / name.replace("out", "other"))
    sidecar = json.loads((folder / "other.afet.json").read_text())
    sidecar["source"] = {"name": "somebody.mp4", "sha256": "0" * 64}
    (folder / "other.afet.json").write_text(json.dumps(sidecar))
    return spoilt.source, spoilt.result, ("--tracks", folder / "other.tracks.parquet")


def no_track(of: Made, folder: Path) -> tuple[Path, Path, tuple[object, ...]]:
    spoilt = copied(of, folder)
    (folder / "out.tracks.parquet").unlink()
    return spoilt.source, spoilt.result, ()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (shorter, "has 59 frames"),
        (other_size, "is 96x64 pixels"),
        (other_source, "was made from another file"),
        (track_of_another, "is the track of another video"),
        (other_track, "has 20 rows, the videos have 62 frames"),
        (no_track, "no such track file; name the track of out.mp4 with --tracks"),
    ],
)
def test_files_that_do_not_belong_together_are_one_line(
    unchanged: Made,
    tmp_path: Path,
    spoil: Callable[[Made, Path], tuple[Path, Path, tuple[object, ...]]],
    words: str,
) -> None:
    source, result, more = spoil(unchanged, tmp_path)
    outcome = run(source, result, *more, "--quiet")
    assert outcome.exit_code == 1, outcome.output
    assert words in outcome.stderr
    assert len(outcome.stderr.strip().splitlines()) == 1


def test_a_track_of_68_points_is_refused(palsy: Made, tmp_path: Path) -> None:
    spoilt = copied(palsy, tmp_path)
    afet_video.convert(spoilt.source, tmp_path / "again.mp4", tracks=tmp_path / "again.csv")
    with pytest.raises(TrackFileError, match="68 points only"):
        open_conversion(spoilt.source, tmp_path / "again.mp4", tmp_path / "again.csv")


def test_wrong_use_is_told() -> None:
    assert run("in.mp4").exit_code == 2
    assert run("in.mp4", "out.mp4", "--sweep").exit_code == 2
    assert run("--dataset", "d", "--report", "r.html").exit_code == 2
    assert run("in.mp4", "out.mp4", "--dataset", "d").exit_code == 2
    outcome = run("in.mp4", "out.mp4", "--units", "openface")
    assert outcome.exit_code == 1
    assert "choose proxy, opengraphau, table, off" in outcome.stderr
    assert "model.pt" in run("in.mp4", "out.mp4", "--units", "opengraphau").stderr
    assert "ends in .html" in run("in.mp4", "out.mp4", "--report", "r.pdf").stderr
    outcome = run("in.mp4", "--sweep", "--shares", "none")
    assert outcome.exit_code == 1
    assert "as in 0,0.5,1" in outcome.stderr
    with pytest.raises(SettingsError, match="two or more"):
        sweep(Path("in.mp4"), shares=[0.5])
    with pytest.raises(InputError, match="does not exist"):
        evaluate("in.mp4", "out.mp4")


def test_a_sweep_follows_what_is_asked_for(evaluated_clip: Path) -> None:
    outcome = run(evaluated_clip, "--sweep", "--shares", "0,0.5,1", "--side", "right", "--json")
    assert outcome.exit_code == 0, outcome.output
    found = json.loads(outcome.stdout)
    assert found["shares"] == [0, 0.5, 1]
    assert found["side"] == "right"
    figures = {figure["name"]: figure for figure in found["figures"]}
    assert figures["brow, track"]["value"] == pytest.approx(1.0, abs=0.25)
    assert figures["brow, track"]["n"] == 3
    assert figures["brow, track"]["target"] == [0.9, 1.1]
    assert figures["commissure, track"]["value"] is None
    points = found["points"]["brow, track"]
    assert [point[0] for point in points] == [0, 0.5, 1]
    assert points[2][1] == pytest.approx(1.0, abs=0.001)
    assert points[0][1] < points[1][1] < points[2][1]
