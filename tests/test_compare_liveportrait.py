"""The paper's baselines with LivePortrait, beside the other methods."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from fake_networks import FakeNetworks
from numpy.typing import NDArray
from synthetic import ClipSpec, make_clip
from tiny_networks import TINY, build_tiny, put_weights
from typer.testing import CliRunner

import afet_video
from afet_video.cli import app
from afet_video.comparison import Comparison, LivePortraitSettings, compare_methods
from afet_video.comparison import liveportrait as baselines
from afet_video.comparison.methods import chosen_methods
from afet_video.comparison.repaint import Columns, Repainted, activity_shares, alpha_in_crop, column_count
from afet_video.datatypes import GENERATED_SOURCE_TYPE, ByteArray, FaceStatus, Midline, Timestamp
from afet_video.errors import InputError, NoFaceError, SettingsError
from afet_video.face.activity import EXPRESSION
from afet_video.image_files import Picture, write_picture
from afet_video.liveportrait import Portrait, weights
from afet_video.liveportrait.crop import Crop, crop_around
from afet_video.liveportrait.reenactment import Reenactment
from afet_video.liveportrait.weights import SAFETENSORS
from afet_video.passes.render import FaceMoment
from afet_video.passes.settings import ConvertSettings
from afet_video.splice.alpha import AlphaField
from afet_video.stills.frame import PictureFrame
from afet_video.tracks import read_sidecar, sha256_file
from afet_video.video.decode import VideoReader

DIRECT, COLUMNS = "liveportrait-direct", "liveportrait-columns"


@pytest.fixture(scope="module")
def palsy(sample_pictures: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of a face that does something."""
    path = tmp_path_factory.mktemp("palsy") / "palsy.png"
    write_picture(path, Picture(sample_pictures[74], name="palsy.png"), is_synthetic=False)
    return path


@pytest.fixture
def no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty models folder."""
    folder = tmp_path / "models"
    monkeypatch.setenv("AFET_MODELS", str(folder))
    return folder


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["compare", *map(str, arguments)])


# --- the command, with networks of the real architecture -----------------------------------------------------------


@pytest.fixture(scope="module")
def shown(tiny_clip: Path, palsy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Any]]:
    """The folder and the JSON of both baselines made by the command from weights in the models folder."""
    from afet_video.liveportrait import torch_backend

    folder = tmp_path_factory.mktemp("baselines")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AFET_MODELS", str(folder / "models"))
        patch.setattr(weights, "WEIGHT_SETS", (put_weights(folder / "models", build_tiny(), SAFETENSORS),))
        patch.setitem(torch_backend.load.__kwdefaults__, "arch", TINY)
        wishes = ["--palsy-picture", palsy, "--intermediates", 4, "--device", "cpu", "--keep", folder / "kept"]
        result = run(tiny_clip, "--baselines", f"{DIRECT},{COLUMNS}", *wishes, "-o", folder / "sheet.png", "--json")
    assert result.exit_code == 0, result.output
    yield folder, json.loads(result.stdout)


@pytest.mark.needs("torch")
class TestTinyNetworks:
    """Weights found and read, crop, F, M, W, G, columns, paste back, encode, measure."""

    def test_both_have_the_figures_that_all_methods_have(self, shown: tuple[Path, Any]) -> None:
        ours, *others = shown[1]["methods"]
        assert [one["name"] for one in others] == [DIRECT, COLUMNS]
        names = [(figure["part"], figure["name"]) for figure in ours["report"]["figures"]]
        for one in others:
            assert one["missing"] is None
            assert [(figure["part"], figure["name"]) for figure in one["report"]["figures"]] == names
            values = {(figure["part"], figure["name"]): figure for figure in one["report"]["figures"]}
            assert values["seam", "line, median"]["value"] > 0
            assert values["container", "frame times changed"]["value"] == 0
            assert values["outside the face", "samples changed"]["value"] > 0

    def test_what_rests_on_exact_landmarks_is_not_told(self, shown: tuple[Path, Any]) -> None:
        ours, *others = (
            {(figure["part"], figure["name"]): figure for figure in one["report"]["figures"]}
            for one in shown[1]["methods"]
        )
        unknown = {("movement kept", "brow, track"), ("jitter", "affected side, track"), ("stillness", "affected half")}
        unknown |= {("found again", "whole face"), ("asymmetry", "at rest"), ("warping error", "affected half")}
        assert ours["found again", "whole face"]["value"] is not None
        assert ours["warping error", "affected half"]["value"] is not None
        for figures in others:
            for name in unknown:
                assert figures[name]["value"] is None, name
                assert "not known" in figures[name]["note"], name
            assert figures["warping error", "healthy half"]["value"] is not None

    def test_what_is_painted_stays_in_the_crop_and_changes_with_the_frame(
        self, shown: tuple[Path, Any], tiny_clip: Path
    ) -> None:
        source = np.array([frame.rgb() for frame in VideoReader(tiny_clip)], np.int16)
        for name in (DIRECT, COLUMNS):
            result = np.array([frame.rgb() for frame in VideoReader(shown[0] / "kept" / f"{name}.mkv")], np.int16)
            assert result.shape == source.shape
            assert (result[:, :, :15] == source[:, :, :15]).all()
            assert np.abs(result - source)[:, 100:200, 150:250].mean() > 10
            assert np.abs(result[-1] - result[0])[100:200, 150:250].max() > 5
        direct, columns = (list(VideoReader(shown[0] / "kept" / f"{name}.mkv"))[-1] for name in (DIRECT, COLUMNS))
        assert (direct.rgb() != columns.rgb()).any()

    def test_side_car_and_track_say_what_they_are(self, shown: tuple[Path, Any], palsy: Path, tiny_clip: Path) -> None:
        kept = shown[0] / "kept"
        direct, columns = (read_sidecar(kept / f"{name}.afet.json") for name in (DIRECT, COLUMNS))
        for told in (direct, columns):
            assert told["made_with"] == "LivePortrait (safetensors, torch)"
            assert told["digital_source_type"] == GENERATED_SOURCE_TYPE
            assert told["exact_landmarks"] is False
        assert direct["palsy_picture"] == {"name": "palsy.png", "sha256": sha256_file(palsy)}
        assert columns["intermediates"] == 4
        assert columns["settings"]["splice"]["ramp"] == "linear"
        tracks = afet_video.load_tracks(kept / f"{COLUMNS}.tracks.parquet")
        assert tracks.output_xyz is not None
        assert tracks.alpha is not None
        assert np.isfinite(tracks.output_xyz).all()
        assert tracks.alpha.min() == 0 < tracks.alpha.max() <= 1
        # measured again from the files, it is the same
        again = afet_video.evaluate(tiny_clip, kept / f"{DIRECT}.mkv")
        assert again.find("found again", "whole face").value is None

    def test_the_sheet_shows_all(self, shown: tuple[Path, Any]) -> None:
        picture = cv2.imread(str(shown[0] / "sheet.png"))
        assert picture is not None
        assert picture.shape[0] > 4 * 200


# --- what lacks, and wishes that cannot be -------------------------------------------------------------------------


def test_without_weights_and_other_methods_one_line_says_what_is_needed(tiny_clip: Path, no_weights: Path) -> None:
    result = run(tiny_clip, "--baselines", f"{COLUMNS},{DIRECT}")
    assert result.exit_code == 1
    line = result.stderr.removesuffix("\n")
    assert "\n" not in line
    assert line.startswith(f"afet-video: error: cannot run {COLUMNS} or {DIRECT}: LivePortrait's weights are missing")
    assert line.count("spade_generator.safetensors") == 1
    assert "afet-video models fetch" in line
    assert line.endswith(f"{DIRECT} needs a picture of a person with a palsy: give one with --palsy-picture FILE")
    onnx = run(tiny_clip, "--baselines", COLUMNS, "--backend", "onnx")
    assert "live_portrait_generator.onnx" in onnx.stderr
    assert "--palsy-picture" not in onnx.stderr


def test_beside_other_methods_the_column_says_why_it_is_empty(tiny_clip: Path, no_weights: Path) -> None:
    result = run(tiny_clip, "--baselines", f"cross-fade,{COLUMNS}", "--markdown")
    assert result.exit_code == 0, result.output
    table, notes = result.stdout.split("\n\n")
    assert table.splitlines()[0] == "| Figure | afet-video | cross-fade | liveportrait-columns | Target |"
    assert all(line.split("|")[4].strip() == "n/a" for line in table.splitlines()[2:])
    assert notes.startswith(f"{COLUMNS}: n/a, LivePortrait's weights are missing in {no_weights}: liveportrait/")
    assert "Run `afet-video models fetch` (521 MB)" in notes


def test_weights_that_are_fetched_meanwhile_are_found(no_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (_, columns) = chosen_methods([COLUMNS])
    assert columns.missing()
    monkeypatch.setattr(baselines, "locate_weights", lambda backend: None)
    monkeypatch.setattr(baselines, "open_networks", lambda backend, device: FakeNetworks())
    (_, columns) = chosen_methods([COLUMNS])
    assert columns.missing() == ()


def test_a_package_that_is_not_there_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "locate_weights", lambda backend: None)
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    (_, columns) = chosen_methods([COLUMNS])
    (reason,) = columns.missing()
    assert "needs the package torch: run `pip install 'afet-video[liveportrait]'`" in reason


def test_wishes_that_cannot_be_are_one_line(
    tiny_clip: Path, palsy: Path, no_weights: Path, tmp_path: Path, sample_pictures: NDArray[np.uint8]
) -> None:
    with pytest.raises(SettingsError, match='has no "liveportrait-column": did you mean "liveportrait-columns"'):
        chosen_methods(["liveportrait-column"])
    with pytest.raises(SettingsError, match="drives liveportrait-direct, which is not among"):
        compare_methods(tiny_clip, [COLUMNS], liveportrait=LivePortraitSettings(palsy))
    with pytest.raises(SettingsError, match="1 intermediates: give 2 or more"):
        LivePortraitSettings(intermediates=1)
    with pytest.raises(SettingsError, match='no back-end "tf"'):
        LivePortraitSettings(backend="tf")
    with pytest.raises(InputError, match=r"gone\.png"):
        compare_methods(tiny_clip, [DIRECT], liveportrait=LivePortraitSettings(tmp_path / "gone.png"))
    wall = tmp_path / "wall.png"
    write_picture(wall, Picture(np.full((200, 200, 3), 90, np.uint8), name="wall.png"), is_synthetic=False)
    with pytest.raises(NoFaceError, match=r"wall\.png: no face found"):
        compare_methods(tiny_clip, ["all"], liveportrait=LivePortraitSettings(wall))
    for wish in (("--palsy-picture", palsy), ("--intermediates", "5")):
        assert run(tiny_clip, "result.mp4", *wish).exit_code == 2


# --- with networks whose answers are known -------------------------------------------------------------------------


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, palsy: Path) -> Callable[[Path], Comparison]:
    """Compare a clip with networks that paint the neutral itself, darker as keypoints move."""
    monkeypatch.setattr(baselines, "locate_weights", lambda backend: None)
    monkeypatch.setattr(baselines, "open_networks", lambda backend, device: FakeNetworks(input_px=384, output_px=384))

    def compare(clip: Path) -> Comparison:
        wishes = LivePortraitSettings(palsy, intermediates=5)
        return compare_methods(clip, [DIRECT, COLUMNS], liveportrait=wishes, keep=tmp_path / "kept")

    return compare


def test_a_head_that_only_moves_comes_back_as_it_was(
    compared: Callable[[Path], Comparison], sample_pictures: NDArray[np.uint8], tmp_path: Path
) -> None:
    """Shift, turn and zoom of one picture: what is painted lies on the head in every frame."""
    pictures = []
    for k in range(5):
        move = cv2.getRotationMatrix2D((200, 150), 10 * np.sin(k / 2), 1 + 0.1 * np.sin(k / 3))
        move[:, 2] += (15 * np.sin(k / 3), 6 * np.sin(k / 2))
        pictures.append(cv2.warpAffine(sample_pictures[325], move, (400, 300), borderMode=cv2.BORDER_REPLICATE))
    clip = make_clip(tmp_path / "moved.mp4", ClipSpec(size_wh=(400, 300), frames=5), pictures=np.array(pictures))
    compared(clip)
    window = cv2.createHanningWindow((140, 140), cv2.CV_32F)
    kept = VideoReader(tmp_path / "kept" / f"{COLUMNS}.mkv")
    for before, after in zip(VideoReader(clip), kept, strict=True):
        grays = [frame.rgb()[80:220, 130:270].mean(axis=2).astype(np.float32) for frame in (before, after)]
        (right, down), _ = cv2.phaseCorrelate(*grays, window)
        assert np.hypot(right, down) < 1.5, before.index  # these networks do not see what the landmarks miss


def test_only_the_direct_one_darkens_as_the_face_gets_active(
    compared: Callable[[Path], Comparison], sample_pictures: NDArray[np.uint8], tmp_path: Path
) -> None:
    frames = [*range(132, 137), *range(181, 185)]  # at rest, then a smile
    spec = ClipSpec(size_wh=(400, 300), frames=len(frames))
    clip = make_clip(tmp_path / "smile.mp4", spec, pictures=sample_pictures[frames])
    for one in compared(clip).methods[1:]:
        by_track, light = one.figure("jitter", "affected side, track"), one.figure("healthy half", "mean")
        assert by_track is not None
        assert (by_track.value, by_track.n) == (None, 0)
        assert "exact places of its landmarks are not known" in by_track.note
        assert light is not None
        assert light.value is not None or "no pixel lies beyond the ramp" in light.note
    brightness = {
        name: np.array([frame.rgb()[100:200, 150:250].mean() for frame in VideoReader(tmp_path / "kept" / name)])
        for name in (f"{DIRECT}.mkv", f"{COLUMNS}.mkv")
    }
    rest, smile = brightness[f"{DIRECT}.mkv"][2:5].mean(), brightness[f"{DIRECT}.mkv"][-3:].mean()
    assert rest > 2 * smile
    columns = brightness[f"{COLUMNS}.mkv"]
    assert columns[-3:].mean() > 0.7 * columns[2:5].mean()


def test_columns_go_from_rest_on_the_affected_half_to_the_frames_own_expression(real_faces: Any) -> None:
    networks = FakeNetworks(input_px=128, output_px=128)
    redder = np.full_like(real_faces["neutral"].rgb, 120)
    resting = Portrait(redder, real_faces["neutral"].xyz)
    face = Reenactment(networks, resting)
    redder = redder.copy()
    redder[..., 0] = 170
    head = face.look(Portrait(redder, resting.landmarks))
    rows = np.arange(300, dtype=np.float32)
    middle = float(resting.landmarks[1, 0])
    ramp = AlphaField(Midline(rows, np.full(300, middle, np.float32)), -1.0, 0.0, 60.0, True)
    networks.painted.clear()
    picture = Columns().paint(face, head, ramp, 0)[64, :, 0].astype(int)
    assert len(networks.painted) == column_count(head.crop, ramp)
    x = (np.array([[c, 64] for c in range(128)]) @ head.crop.to_photo[:, :2].T + head.crop.to_photo[:, 2])[:, 0]
    inside = (x > middle - 60) & (x < middle)
    assert np.ptp(picture[x > middle + 1]) == 0  # the affected half, at the right of the picture, is at rest
    assert np.ptp(picture[(x < middle - 61)]) == 0
    steps = np.diff(picture[inside])
    assert (steps >= 0).all()
    assert len(np.unique(picture[inside])) > 20
    np.testing.assert_allclose(alpha_in_crop(head.crop, ramp)[64], np.clip((middle - x) / 60, 0, 1), atol=1e-4)


def test_there_are_as_many_intermediates_as_columns() -> None:
    crop = crop_around(np.random.default_rng(0).uniform(100, 300, (478, 3)), 512)
    double = Crop(2 * crop.from_photo, crop.to_photo / 2, 512)
    half = Crop(0.5 * crop.from_photo, crop.to_photo * 2, 512)
    rows = np.arange(10, dtype=np.float32)
    ramp = AlphaField(Midline(rows, rows), 1.0, 0.0, 80.0, True)
    scale = float(np.hypot(*half.from_photo[:, 0]))
    assert column_count(double, ramp) == 81
    assert column_count(half, ramp) == int(np.ceil(80 * scale)) + 1 < 81


# --- the renderer by itself ----------------------------------------------------------------------------------------


class _Track(SimpleNamespace):
    def __len__(self) -> int:
        return len(self.shot)


def test_activity_is_a_share_of_the_strongest_and_nothing_at_rest() -> None:
    smile = np.array([0.0, 0.1, 4.0, np.nan, 2.0, 0.0, 3.0], np.float32)
    blendshapes = np.zeros((7, 52), np.float32)
    blendshapes[:, EXPRESSION[5]] = smile
    blendshapes[5:] += 0.3  # another shot, whose neutral is another frame
    shots = np.array([0, 0, 0, 0, 0, 1, 1], np.int32)
    models = {0: 0, 1: 5}
    track = _Track(people=(2,), face_id=np.full(7, 2), shot=shots, blendshapes=blendshapes)
    renderer: Any = SimpleNamespace(
        track=track, model_at=lambda index: SimpleNamespace(neutral=SimpleNamespace(index=models[int(shots[index])]))
    )
    shares = activity_shares(renderer)
    np.testing.assert_allclose(shares[[0, 2, 4, 5, 6]], [0, 1, 0.5, 0, 0.75], atol=0.01)
    assert shares[1] < 0.001
    assert shares[3] == pytest.approx((shares[2] + shares[4]) / 2)
    blendshapes[2:5] = blendshapes[6] = np.nan  # nobody who does more than this is driven by noise
    assert activity_shares(renderer).max() < 0.001


@dataclass
class CountingNetworks(FakeNetworks):
    """Knows which of the appearances that it gave away are still held by somebody."""

    given: list[weakref.ref[Any]] = field(default_factory=list)

    def appearance(self, picture: ByteArray) -> ByteArray:
        volume = picture.copy()
        self.given.append(weakref.ref(volume))
        return volume


def _repainted(real_faces: Any, networks: FakeNetworks, models: list[Any], shrunk: float = 1.0) -> Any:
    """A renderer of frames that all show the neutral face, with a model for each."""
    face = real_faces["neutral"]
    xyz = face.xyz * np.float32(shrunk)
    rows = np.arange(300, dtype=np.float32)
    moment = FaceMoment(
        xyz=xyz,
        midline=Midline(rows, np.full(300, xyz[1, 0], np.float32)),
        strength=1.0,
        status=FaceStatus.DETECTED,
        face_id=0,
        shot=0,
        blendshapes=face.landmarks.blendshapes,
        transform=face.landmarks.transform,
        hands=np.zeros((0, 21, 2), np.float32),
    )
    renderer = SimpleNamespace(
        model_at=lambda index: models[index],
        moment_at=lambda index: moment,
        settings=ConvertSettings(),
        followed=SimpleNamespace(xyz=lambda index: xyz),
    )
    reader = SimpleNamespace(frame_at=lambda timestamp: PictureFrame(face.rgb))
    return Repainted(renderer, reader, networks, Columns(3))  # type: ignore[arg-type]


def _model() -> Any:
    return SimpleNamespace(neutral=SimpleNamespace(index=0, timestamp=Timestamp(0, Fraction(1, 25))))


def test_of_many_neutrals_one_is_held_at_a_time(real_faces: Any) -> None:
    networks = CountingNetworks()
    kinds = [_model() for _ in range(4)]
    models = [kind for kind in kinds for _ in range(3)]
    repainted = _repainted(real_faces, networks, models)
    for index in range(len(models)):
        frame = PictureFrame(real_faces["neutral"].rgb)
        frame.index = index
        row = repainted.render(frame)
        gc.collect()
        assert sum(1 for given in networks.given if given() is not None) == 1
        assert (frame.rgb() != real_faces["neutral"].rgb).any()
        assert row.strength == 1
    assert len(networks.given) == 4


def test_a_face_too_small_for_the_networks_stays_as_it_is(real_faces: Any) -> None:
    frame = PictureFrame(real_faces["neutral"].rgb)
    row = _repainted(real_faces, FakeNetworks(), [_model()], shrunk=0.15).render(frame)
    np.testing.assert_array_equal(frame.rgb(), real_faces["neutral"].rgb)
    assert (row.strength, row.status) == (0.0, FaceStatus.REDUCED)
    np.testing.assert_array_equal(row.output_xyz, row.source_xyz)
    assert (row.alpha == 1).all()
