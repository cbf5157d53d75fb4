"""`afet-video compare`: simpler methods made on the spot, and results that are there, side by side."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import literal
import numpy as np
import pytest
from numpy.typing import NDArray
from synthetic import ClipSpec, make_clip
from typer.testing import CliRunner

import afet_video
from afet_video import facemesh
from afet_video.cli import app
from afet_video.comparison import METHODS, Comparison, compare_methods, compare_results
from afet_video.comparison.methods import OURS, chosen_methods
from afet_video.comparison.pictures import mixed, similarity
from afet_video.datatypes import Midline
from afet_video.errors import InputError, OutputError, SettingsError
from afet_video.passes.settings import ConvertSettings
from afet_video.splice.alpha import AlphaField
from afet_video.verification import verify
from afet_video.video.decode import VideoReader

FRAMES = [*range(132, 142), *range(178, 192)]
"""Frames of the sample: at rest, then a smile that opens the mouth."""

MADE = (OURS, "direct-stitch", "cross-fade", "vertical-midline", "raw-lowess", "linear-ramp")
RESTING, SMILING = 4, 20


@dataclass(frozen=True)
class Compared:
    source: Path
    folder: Path
    sheet: Path
    found: Comparison

    def value(self, method: str, part: str, name: str) -> float:
        (one,) = (one for one in self.found.methods if one.name == method)
        figure = one.figure(part, name)
        assert figure is not None
        assert figure.value is not None, figure.note
        return figure.value

    def pictures(self, method: str) -> NDArray[np.int16]:
        return np.array([frame.rgb() for frame in VideoReader(self.folder / f"{method}.mkv")], np.int16)

    def tracks(self, method: str) -> afet_video.Tracks:
        return afet_video.load_tracks(self.folder / f"{method}.tracks.parquet")


@pytest.fixture(scope="module")
def compared(sample_pictures: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Compared:
    folder = tmp_path_factory.mktemp("compare")
    spec = ClipSpec(size_wh=(400, 300), frames=len(FRAMES))
    source = make_clip(folder / "clip.mp4", spec, pictures=sample_pictures[FRAMES])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AFET_MODELS", str(folder / "models"))  # without LivePortrait's weights
        found = compare_methods(source, keep=folder / "kept", sheet=folder / "sheet.png")
    return Compared(source, folder / "kept", folder / "sheet.png", found)


def test_every_method_is_there_or_says_why_not(compared: Compared) -> None:
    assert [one.name for one in compared.found.methods] == list(METHODS)
    for one in compared.found.methods:
        assert (one.report is not None) == (one.name in MADE)
        assert ("weights are missing" in one.missing) == one.name.startswith("liveportrait")
    assert compared.sheet.stat().st_size > 10_000


def test_kept_results_can_be_verified(compared: Compared) -> None:
    for method in MADE:
        checks = verify(compared.folder / f"{method}.mkv").checks
        assert len(checks) >= 4, method  # the side-car, the video, its track, the marks
        assert all(check.fits for check in checks), method


def test_the_first_column_is_what_convert_makes(compared: Compared, tmp_path: Path) -> None:
    settings = afet_video.replace_nested(ConvertSettings(), {"encode.lossless": True})
    afet_video.convert(compared.source, tmp_path / "out.mkv", settings=settings)
    converted = np.array([frame.rgb() for frame in VideoReader(tmp_path / "out.mkv")], np.int16)
    assert np.array_equal(compared.pictures(OURS), converted)


def test_a_direct_stitch_has_the_seam_that_a_morph_has_not(compared: Compared) -> None:
    seam = ("seam", "line, 95th percentile")
    assert compared.value("direct-stitch", *seam) > compared.value(OURS, *seam) + 0.02
    assert compared.value("direct-stitch", *seam) > compared.value("cross-fade", *seam)


def test_pasting_the_neutral_changes_the_face_at_rest_more(compared: Compared) -> None:
    rest = ("rest", "result against source")
    for method in ("direct-stitch", "cross-fade", "linear-ramp"):
        assert compared.value(method, *rest) < compared.value(OURS, *rest) - 3.0, method


def test_nothing_changes_on_the_healthy_half_and_outside(compared: Compared) -> None:
    for method in MADE:
        assert compared.value(method, "outside the face", "samples changed") == 0, method
        if method != "linear-ramp":  # it reaches to the face's edge
            assert compared.value(method, "healthy half", "largest") <= 2, method


def test_midlines_are_what_their_names_say(compared: Compared) -> None:
    vertical = compared.tracks("vertical-midline")
    assert vertical.midline_x is not None
    assert np.ptp(vertical.midline_x, axis=1).max() < 1e-3
    jitter = ("midline", "jitter")
    assert compared.value("raw-lowess", *jitter) > 2 * compared.value(OURS, *jitter)
    ours, raw = compared.tracks(OURS).midline_x, compared.tracks("raw-lowess").midline_x
    assert ours is not None
    assert raw is not None
    assert 0 < np.abs(ours - raw).max() < 5


def test_the_stitch_is_neutral_up_to_the_midline_and_the_frame_beyond(compared: Compared) -> None:
    source = np.array([frame.rgb() for frame in VideoReader(compared.source)], np.int16)
    stitched, tracks = compared.pictures("direct-stitch"), compared.tracks("direct-stitch")
    assert tracks.midline_x is not None
    assert tracks.midline_y is not None
    midline = Midline(tracks.midline_y[SMILING], tracks.midline_x[SMILING])
    rows, columns = np.mgrid[:300, :400].astype(np.float32)
    healthy = columns < midline.x_at(rows) - 2  # the left side is affected, at the right of the picture
    difference = np.abs(stitched[SMILING] - source[SMILING]).max(axis=2)
    assert difference[healthy].max() == 0
    assert difference.max() > 60
    assert tracks.output_xyz is not None
    corner = tracks.output_xyz[:, facemesh.LEFT_COMMISSURE, :2]
    assert np.linalg.norm(corner[SMILING] - corner[RESTING]) < 6, "the neutral's corner stays where it is on the head"


def _scene() -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64], NDArray[np.int32]]:
    """Two pictures (40, 60, 3), and a mesh of two triangles over all of both."""
    random = np.random.default_rng(5)
    expression, neutral = (random.uniform(0, 255, (40, 60, 3)).astype(np.float32) for _ in range(2))
    corners = np.array([[-1, -1], [60, -1], [-1, 40], [60, 40]], np.float64)
    return expression, neutral, corners, np.array([[0, 1, 2], [1, 3, 2]], np.int32)


@pytest.mark.parametrize("is_stitch", [True, False])
@pytest.mark.parametrize("direction", [1, -1])
def test_pictures_are_mixed_as_the_paper_stitches_columns_where_nothing_is_warped(
    is_stitch: bool, direction: int
) -> None:
    """With both landmark sets alike the paper's morph is a dissolve: that of the baselines."""
    expression, neutral, corners, triangles = _scene()
    divide = np.round(30 + 4 * np.sin(np.arange(40) / 9)).astype(int)
    field = AlphaField(Midline(np.arange(40), divide.astype(np.float32)), float(direction), -6.0, 6.0, False)
    rows, columns = np.mgrid[:40, :60].astype(np.float32)
    if is_stitch:
        alphas = {-1: 0.0, 0: 1.0}
        alpha = (direction * (columns - field.midline.x_at(rows)) >= 0).astype(np.float32)
    else:
        alphas = {i: float(field.at(np.float32(divide[0] + direction * i), np.float32(0))) for i in range(-6, 7)}
        alpha = field.at(columns, rows)
    expected = literal.stitch(
        expression.astype(np.float64), neutral.astype(np.float64), corners, corners, corners, triangles, divide,
        direction, alphas,
    )  # fmt: skip
    assert np.abs(mixed(expression, neutral, 1 - alpha) - expected).max() < 0.01


def test_the_neutral_is_laid_under_the_head_as_a_whole(real_faces: Any) -> None:
    xyz = real_faces["neutral"].xyz
    angle, scale = np.radians(12), 1.3
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    target = np.column_stack([xyz[:, :2] @ turn.T + (30, -12), xyz[:, 2]]).astype(np.float32)
    target[list(facemesh.LIPS_OUTER)] += 9.0  # an expression has no say
    found = similarity(xyz, target)
    assert np.abs(found - np.column_stack([turn, (30, -12)])).max() < 0.01


def test_the_linear_ramp_is_the_papers() -> None:
    settings = METHODS["linear-ramp"].settings_for(ConvertSettings())
    assert (settings.splice.ramp, settings.splice.texture) == ("linear", "neutral")


def test_results_that_are_there_can_be_compared(compared: Compared, tmp_path: Path) -> None:
    results = [compared.folder / "cross-fade.mkv", compared.folder / "linear-ramp.mkv"]
    found = compare_results(compared.source, results)
    assert [one.name for one in found.methods] == ["cross-fade", "linear-ramp"]
    for one in found.methods:
        assert one.figure("seam", "line, 95th percentile").value == compared.value(  # type: ignore[union-attr]
            one.name, "seam", "line, 95th percentile"
        )
    with pytest.raises(InputError, match="named twice"):
        compare_results(compared.source, [results[0], results[0]])
    other = tmp_path / "cross-fade.mkv"
    shutil.copy(results[0], other)
    with pytest.raises(afet_video.TrackFileError, match=r"name the track of cross-fade\.mkv"):
        compare_results(compared.source, [results[0], other])


def test_wishes_that_cannot_be_are_one_line(compared: Compared, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match='has no "stich": did you mean "direct-stitch"'):
        chosen_methods(["stich"])
    with pytest.raises(SettingsError, match=r'has no "x": choose from direct-stitch, .*liveportrait-columns, or all'):
        chosen_methods(["x"])
    with pytest.raises(OutputError, match="not empty"):
        compare_methods(compared.source, ["cross-fade"], keep=compared.folder)
    with pytest.raises(OutputError, match=r"ends in \.png"):
        compare_methods(compared.source, ["cross-fade"], sheet=tmp_path / "s.jpg")
    assert run(compared.source).exit_code == 2
    assert run(compared.source, "a.mkv", "--baselines", "all").exit_code == 2
    assert run(compared.source, "a.mkv", "--side", "left").exit_code == 2


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["compare", *map(str, arguments)])


def test_tables(compared: Compared, tmp_path: Path) -> None:
    result = compared.folder / "direct-stitch.mkv"
    shown = run(compared.source, result, "-o", tmp_path / "s.png")
    assert shown.exit_code == 0, shown.output
    for words in ("direct-stitch", "movement kept: commissure, track", "<= 1.05"):
        assert words in shown.stdout, words
    assert cv2.imread(str(tmp_path / "s.png")) is not None
    table = run(compared.source, result, "--markdown", "--all").stdout.splitlines()
    assert table[0] == "| Figure | direct-stitch | Target |"
    assert table[1] == "| --- | ---: | ---: |"
    assert all(line.count("|") == 4 for line in table)
    assert len(table) > 25
    found = json.loads(run(compared.source, result, "--json").stdout)
    assert found["methods"][0]["report"]["frames"] == len(FRAMES)
