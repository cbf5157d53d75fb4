"""Action units of mirrored halves: a real face, a tiny scripted model, tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest
from numpy.typing import NDArray

from afet_video.datatypes import Midline, Side
from afet_video.errors import ModelFileError, SettingsError, TrackFileError
from afet_video.evaluation.unit_figures import unit_report
from afet_video.evaluation.units import HalfFaces, UnitScores, UnitSettings, open_backend
from afet_video.evaluation.units.faces import SIDES, mirrored_half
from afet_video.evaluation.units.measures import measures
from afet_video.evaluation.units.names import UNITS
from afet_video.evaluation.units.opengraphau import COLUMNS, ONE_SIDED, OUTPUTS, one_sided_reading
from afet_video.evaluation.units.proxy import unit_scores
from afet_video.face.landmarker import FaceLandmarker
from afet_video.splice.midline import MidlineSettings, fit_midline, head_frame, midline_points, to_image

NUMBERS = [unit.number for unit in UNITS]


def midline_of(xyz: Any) -> Midline:
    head = head_frame(xyz)
    return to_image(fit_midline(head.to_head(midline_points(xyz)), MidlineSettings()), head)


@pytest.fixture(scope="module")
def halves(real_faces: Mapping[str, Any]) -> Mapping[str, Mapping[Side, NDArray[np.uint8]]]:
    return {
        name: {side: mirrored_half(face.rgb, face.xyz, midline_of(face.xyz), side) for side in SIDES}
        for name, face in real_faces.items()
    }


def test_a_half_becomes_a_whole_symmetric_face(halves: Mapping[str, Mapping[Side, NDArray[np.uint8]]]) -> None:
    left, right = halves["smile"][Side.LEFT], halves["smile"][Side.RIGHT]
    for picture in (left, right):
        assert picture.shape == (256, 256, 3)
        assert np.array_equal(picture, picture[:, ::-1])
    assert np.abs(left.astype(int) - right).mean() > 1, "the two halves are not the same"


def test_the_other_side_leaves_no_trace(real_faces: Mapping[str, Any]) -> None:
    face = real_faces["neutral"]
    middle = midline_of(face.xyz)
    y, x = np.mgrid[0 : face.rgb.shape[0], 0 : face.rgb.shape[1]]
    painted = face.rgb.copy()
    painted[x > middle.x_at(y) + 2] = 0  # the subject's left
    same = mirrored_half(painted, face.xyz, middle, Side.RIGHT)
    assert np.array_equal(same, mirrored_half(face.rgb, face.xyz, middle, Side.RIGHT))
    assert mirrored_half(painted, face.xyz, middle, Side.LEFT).mean() < 20


def test_the_proxy_tells_a_smile_from_raised_brows(halves: Mapping[str, Mapping[Side, NDArray[np.uint8]]]) -> None:
    with FaceLandmarker() as landmarker:
        found = {
            name: {side: measures(landmarker.detect_image(picture)[0]) for side, picture in sides.items()}
            for name, sides in halves.items()
        }
    for side in SIDES:
        scores = {name: unit_scores(found[name][side], found["neutral"][side]) for name in ("rest", "brows", "smile")}
        active = {name: {NUMBERS[k] for k in np.flatnonzero(values >= 0.5)} for name, values in scores.items()}
        assert active["rest"] == set(), side
        assert {1, 2} <= active["brows"], side
        assert 12 not in active["brows"], side
        assert 12 in active["smile"], side
        assert not {1, 2, 4} & active["smile"], side


def faces(role: str, frames: tuple[int, ...] = (0, 1, 2)) -> HalfFaces:
    """Half faces that nobody looks at."""
    return HalfFaces(role, cast(Any, None), frames, np.zeros((9, 478, 3), np.float32), lambda _: None, (0,))


def write_tables(folder: Path, *, openface: bool = False) -> None:
    for role in ("source", "result"):
        for side in SIDES:
            rows = ["frame, AU12_c, AU01_r, AU04_r"] if openface else ["frame,AU12,AU1,AU4,label"]
            for frame in range(3):
                smiles = frame > 0 and (role == "source" or side is Side.RIGHT)
                first = frame + 1 if openface else frame
                rows.append(
                    f"{first},{int(smiles)},{0.2 if frame else ''},{2 if openface else 0.9}" + ",a" * (not openface)
                )
            (folder / f"{role}-{side}.csv").write_text("\n".join(rows) + "\n")


@pytest.mark.parametrize("openface", [False, True])
def test_tables_of_other_detectors(tmp_path: Path, openface: bool) -> None:
    write_tables(tmp_path, openface=openface)
    backend = open_backend(UnitSettings.parse(f"table:{tmp_path}"))
    assert backend is not None
    source, result = backend.scores(faces("source"), faces("result"))
    smile = NUMBERS.index(12)
    assert source.active[:, :, smile].tolist() == [[False, False], [True, True], [True, True]]
    assert result.active[:, :, smile].tolist() == [[False, False], [False, True], [False, True]]
    assert [NUMBERS[k] for k in np.flatnonzero(source.known)] == [1, 4, 12]
    assert np.isnan(source.scores[0, 0, 0]), "an empty cell is not known"
    assert not source.active[1, 0, 0]
    assert source.active[:, 0, NUMBERS.index(4)].all()
    assert "Without AU2, AU6" in backend.note


def test_tables_that_do_not_do(tmp_path: Path) -> None:
    settings = UnitSettings("table", tmp_path)
    with pytest.raises(TrackFileError, match=r"source-left.csv: no such table"):
        open_backend(settings)
    write_tables(tmp_path)
    (tmp_path / "result-right.csv").unlink()
    pa_parquet.write_table(pa.table({"frame": [0, 1], "emotion": [1, 2]}), tmp_path / "result-right.parquet")
    with pytest.raises(TrackFileError, match="no column of an action unit"):
        open_backend(settings)
    pa_parquet.write_table(pa.table({"AU12": ["yes", "no"]}), tmp_path / "result-right.parquet")
    with pytest.raises(TrackFileError, match="column AU12 is not numbers"):
        open_backend(settings)
    pa_parquet.write_table(pa.table({"AU12": [0.9, 0.1]}), tmp_path / "result-right.parquet")
    backend = open_backend(settings)
    assert backend is not None
    with pytest.raises(TrackFileError, match="no value for any frame"):
        backend.scores(faces("source", (100, 200)), faces("result", (100, 200)))
    (tmp_path / "source-left.csv").write_bytes(b"\xff\xfe\x00broken")
    with pytest.raises(TrackFileError, match=r"source-left.csv"):
        open_backend(settings)


def test_settings_of_units() -> None:
    assert UnitSettings.parse("opengraphau:a/model.pt") == UnitSettings("opengraphau", Path("a/model.pt"))
    assert open_backend(UnitSettings("off")) is None
    for text, words in (("openface", "choose proxy"), ("table", "a folder of tables"), ("proxy:x", "take no path")):
        with pytest.raises(SettingsError, match=words):
            UnitSettings.parse(text)


def test_left_and_right_of_a_whole_face_by_flips() -> None:
    plain, flipped = np.zeros(OUTPUTS), np.zeros(OUTPUTS)
    plain[[37, 38]], flipped[[37, 38]] = (0.9, 0.1), (0.2, 0.8)
    reading, check = one_sided_reading(plain, flipped)
    assert reading[12] == pytest.approx((0.85, 0.15)), "37 and 38 are AU12 in spite of their name"
    assert check == pytest.approx(1.0, abs=0.05)
    assert one_sided_reading(plain, plain)[1] == pytest.approx(-1.0), "left stays left in the mirror"
    assert not set(COLUMNS.values()) & {column for pair in ONE_SIDED.values() for column in pair}


@pytest.mark.needs("torch")
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_a_torchscript_model_is_read(tmp_path: Path, halves: Mapping[str, Mapping[Side, NDArray[np.uint8]]]) -> None:
    import torch

    class Tiny(torch.nn.Module):
        """Answers with the picture's mean red, as it was before normalization, for every unit."""

        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            red = pictures[:, 0].mean(dim=(1, 2)) * 0.229 + 0.485
            return red[:, None].repeat(1, 41)

    path = tmp_path / "model.pt"
    torch.jit.script(Tiny()).save(str(path))
    backend = cast(Any, open_backend(UnitSettings("opengraphau", path)))
    red = np.zeros((256, 256, 3), np.uint8)
    red[..., 0] = 204
    values = backend.run([red, np.zeros_like(red)])
    assert values.shape == (2, OUTPUTS)
    assert values[:, 0] == pytest.approx([0.8, 0.0], abs=1e-3)
    pictures = [(place, dict(halves[name])) for place, name in enumerate(("neutral", "smile"))]

    class Shown(HalfFaces):
        def __iter__(self) -> Any:
            return iter(pictures)

    video = Shown("source", cast(Any, None), (0, 1), np.zeros((2, 478, 3), np.float32), lambda _: None, (0,))
    scores, _ = backend.scores(video, video)
    assert scores.scores.shape == (2, 2, 12)
    expected = halves["smile"][Side.RIGHT][..., 0].mean() / 255
    assert scores.scores[1, 1, 0] == pytest.approx(expected, abs=0.01)
    assert "as it should" in backend.note
    (tmp_path / "broken.pt").write_bytes(b"no model")
    with pytest.raises(ModelFileError, match="is no TorchScript file"):
        open_backend(UnitSettings("opengraphau", tmp_path / "broken.pt"))
    torch.jit.script(torch.nn.Flatten()).save(str(path))
    with pytest.raises(ModelFileError, match="not \\(1, 41\\)"):
        cast(Any, open_backend(UnitSettings("opengraphau", path))).run([red])
    with pytest.raises(ModelFileError, match="no such model file"):
        open_backend(UnitSettings("opengraphau", tmp_path / "missing.pt"))


def test_without_torch_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(ModelFileError, match="needs PyTorch"):
        open_backend(UnitSettings("opengraphau", tmp_path / "model.pt"))


def scored(active: NDArray[np.bool_]) -> UnitScores:
    return UnitScores(active.astype(np.float64), np.full(12, 0.5))


def planted(frames: int = 10) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Source: at rest in the first two frames, then AU12 and AU6 on both sides; result: the left side does nothing."""
    source = np.zeros((frames, 2, 12), bool)
    source[2:, :, [NUMBERS.index(6), NUMBERS.index(12)]] = True
    result = source.copy()
    result[:, SIDES.index(Side.LEFT)] = False
    return source, result


def test_figures_of_planted_units() -> None:
    source, result = planted()
    report = unit_report("AU", "", scored(source), scored(result), (0, 1), tuple(range(10)), Side.LEFT)
    figures = {figure.name: figure for figure in report.figures}
    assert (figures["Jaccard, both halves"].value, figures["Jaccard, both halves"].floor) == (1.0, 0.5)
    assert (figures["degree of asymmetry"].value, figures["degree of asymmetry"].floor) == (1.0, 0.0)
    assert (figures["number of units"].value, report.expressive, report.frames) == (2.0, 8, 10)
    smile = report.rows[NUMBERS.index(12)]
    assert smile is not None
    assert (smile.real, smile.generated, smile.both) == (8, 8, 8), "healthy halves alone: the neutral has none"
    result[2:6, SIDES.index(Side.LEFT), NUMBERS.index(12)] = True  # half of the frames leak to the affected side
    result[2:6, SIDES.index(Side.RIGHT), NUMBERS.index(6)] = False
    report = unit_report("AU", "", scored(source), scored(result), (0, 1), tuple(range(10)), Side.LEFT)
    smile, cheek = report.rows[NUMBERS.index(12)], report.rows[NUMBERS.index(6)]
    assert smile is not None
    assert cheek is not None
    assert smile.precision == pytest.approx(8 / 12)
    assert smile.recall == 1.0
    assert cheek.recall == 0.5
    figures = {figure.name: figure for figure in report.figures}
    assert figures["Jaccard, expressive half"].value == pytest.approx(0.75)
    assert figures["Jaccard, both halves"].value == pytest.approx((0.75 + 0.5) / 2)


def test_too_little_is_not_a_number() -> None:
    source, result = planted(4)
    report = unit_report("AU", "", scored(source), scored(result), (0, 1), tuple(range(4)), Side.LEFT)
    assert {figure.value for figure in report.figures} == {None}
    assert "in 2 frames only, 4 are needed" in report.figures[0].note
    assert set(report.rows) == {None}
    unknown = UnitScores(np.full((4, 2, 12), np.nan), np.full(12, 0.5))
    report = unit_report("AU", "", unknown, unknown, (0,), tuple(range(4)), Side.LEFT)
    assert {figure.value for figure in report.figures} == {None}


def test_frames_without_a_face_are_left_out() -> None:
    class Reader:
        def __iter__(self) -> Any:
            for index in range(4):
                yield SimpleNamespace(index=index, rgb=lambda: np.zeros((8, 8, 3), np.uint8))

    xyz = np.full((4, 478, 3), np.nan, np.float32)
    seen: list[int] = []
    video = HalfFaces("source", cast(Any, Reader()), (0, 2), xyz, lambda _: None, (), lambda: seen.append(1))
    assert list(video) == []
    assert len(seen) == 2
