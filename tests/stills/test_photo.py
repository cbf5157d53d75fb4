"""One photo becomes a still and a clip of a palsy: the whole way, with networks whose pictures still show a face."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from fake_networks import FakeNetworks
from typer.testing import CliRunner

import afet_video
from afet_video.cli import app
from afet_video.datatypes import GENERATED_SOURCE_TYPE, ByteArray, FloatArray
from afet_video.errors import ModelFileError, NoFaceError, OutputError, SettingsError
from afet_video.image_files import read_mark, read_picture
from afet_video.liveportrait import LivePortraitPairs, PairSettings
from afet_video.stills.driver import Driver
from afet_video.stills.photo import PhotoMaker
from afet_video.video.clip import write_clip
from afet_video.video.decode import VideoReader
from afet_video.video.provenance import read_mark as read_video_mark

MARK = GENERATED_SOURCE_TYPE.rpartition("/")[2]


class Mouths(FakeNetworks):
    """Fake networks at a size that shows a face; what moves is painted as a wider, lower mouth."""

    def paint(self, appearance: ByteArray, source: FloatArray, driving: FloatArray) -> ByteArray:
        self.painted.append(driving.copy())
        size = self.output_px
        larger = cv2.resize(appearance, (size, size), interpolation=cv2.INTER_CUBIC)
        amount = min(float(np.abs(driving - source).max()) * 400, 10.0)
        rows, columns = np.mgrid[0:size, 0:size].astype(np.float32)
        bump = np.exp(-(((columns - size / 2) / (0.16 * size)) ** 2) - ((rows - 0.66 * size) / (0.07 * size)) ** 2)
        # Everything around the mouth is drawn towards its middle from a little farther inside: the mouth widens.
        return np.asarray(
            cv2.remap(larger, columns - amount * bump * np.sign(columns - size / 2), rows, cv2.INTER_LINEAR), np.uint8
        )


def mouths() -> LivePortraitPairs:
    return LivePortraitPairs(Mouths(input_px=256, output_px=512))


@pytest.fixture(scope="module")
def photo(sample_pictures: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    cv2.imwrite(str(path), cv2.cvtColor(sample_pictures[325], cv2.COLOR_RGB2BGR))
    return path


def test_a_still_from_a_photo(photo: Path, tmp_path: Path) -> None:
    with PhotoMaker(mouths, Driver(name="smile")) as maker:
        report = maker.make(photo, tmp_path / "out.png", keep_pair=True)
    original, result = read_picture(photo).rgb, read_picture(report.target).rgb
    assert result.shape == original.shape
    assert (result[:, :20] == original[:, :20]).all()  # far from the crop
    assert report.pair is not None
    neutral, expressive = (read_picture(path).rgb for path in report.pair)
    changed = np.abs(neutral.astype(int) - expressive.astype(int)).max(axis=2) > 12
    columns = np.nonzero(changed)[1]
    middle = int(np.median(columns))
    # The affected left side, on the right of the picture, is nearer to the neutral than the healthy one is.
    distance = np.abs(result.astype(int) - neutral.astype(int)).sum(axis=2)
    healthy, affected = distance[:, :middle][changed[:, :middle]], distance[:, middle:][changed[:, middle:]]
    assert affected.mean() < 0.75 * healthy.mean()
    for path in (report.target, *report.pair):
        assert read_mark(path) == MARK
    sidecar = afet_video.tracks.read_sidecar(report.sidecar)
    assert sidecar["digital_source_type"] == GENERATED_SOURCE_TYPE
    assert sidecar["pair"]["made_with"] == "fake"
    assert sidecar["pair"]["expression"] == "smile"
    assert sidecar["sources"]["photo"]["name"] == "photo.png"
    assert set(report.seconds_by_stage) == {"read", "detect", "generate", "splice", "write"}


def test_a_driving_picture_and_its_neutral(photo: Path, sample_pictures: Any, tmp_path: Path) -> None:
    paths = []
    for name, index in (("smile", 184), ("calm", 45)):
        paths.append(tmp_path / f"{name}.png")
        cv2.imwrite(str(paths[-1]), cv2.cvtColor(sample_pictures[index], cv2.COLOR_RGB2BGR))
    driver = Driver(picture=paths[0], neutral=paths[1])
    with PhotoMaker(mouths, driver, how=PairSettings(strength=2.0)) as maker:
        report = maker.make(photo, tmp_path / "out.jpg")
    assert set(afet_video.tracks.read_sidecar(report.sidecar)["sources"]) == {"photo", "driving", "driving_neutral"}
    assert read_mark(report.target) == MARK


def test_a_clip_from_a_photo(photo: Path, tmp_path: Path) -> None:
    stages: list[str] = []
    with PhotoMaker(mouths, Driver(name="smile")) as maker:
        report = maker.make_ramp(
            photo,
            tmp_path / "out.mp4",
            seconds=0.6,
            keep_pair=True,
            on_progress=lambda progress: stages.append(progress.stage),
        )
    assert report.source == photo
    assert report.frames == 15
    assert list(dict.fromkeys(stages)) == ["generate", "detect", "register", "splice"]
    assert report.neutral.index == 0
    clip = [frame.rgb() for frame in VideoReader(tmp_path / "out_expression.mp4")]
    result = [frame.rgb() for frame in VideoReader(report.target)]
    assert len(clip) == len(result) == 15
    motion = [float(np.abs(frame.astype(int) - clip[0].astype(int)).mean()) for frame in clip]
    assert 4 <= int(np.argmax(motion)) <= 9
    assert motion[-1] < 0.1
    assert read_video_mark(report.target) == MARK
    with av.open(str(report.target)) as container:
        assert container.metadata["comment"].endswith(MARK)
    assert report.tracks is not None
    assert pq.read_schema(report.tracks).metadata[b"digital_source_type"].decode() == GENERATED_SOURCE_TYPE
    assert report.sidecar is not None
    sidecar = afet_video.tracks.read_sidecar(report.sidecar)
    assert sidecar["digital_source_type"] == GENERATED_SOURCE_TYPE
    assert sidecar["source"]["name"] == "out_expression.mp4"
    assert sidecar["sources"]["photo"]["name"] == "photo.png"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("out.afet.json", "out.mp4", "out.tracks.parquet", "out_expression.mp4")
    ]


def test_pictures_come_back_from_a_clip(photo: Path, tmp_path: Path) -> None:
    picture = read_picture(photo).rgb
    rate = Fraction(25)
    assert write_clip(tmp_path / "clip.mp4", [picture, picture[:, ::-1]], rate=rate) == 2
    first, second = (frame.rgb() for frame in VideoReader(tmp_path / "clip.mp4"))
    # Chroma has half the resolution; luma and colours must be right.
    assert np.abs(first.astype(int) - picture.astype(int)).mean() < 2.5
    assert np.abs(first.mean(axis=(0, 1)) - picture.mean(axis=(0, 1))).max() < 0.7
    assert np.abs(second.astype(int) - picture[:, ::-1].astype(int)).mean() < 2.5
    with pytest.raises(afet_video.EncodeError, match="no pictures"):
        write_clip(tmp_path / "none.mp4", [], rate=rate)


def test_nothing_is_opened_before_a_face_was_found_and_names_are_free(photo: Path, tmp_path: Path) -> None:
    def never() -> LivePortraitPairs:
        raise AssertionError("opened")

    blank = tmp_path / "blank.png"
    cv2.imwrite(str(blank), np.full((200, 200, 3), 128, np.uint8))
    (tmp_path / "taken_neutral.png").touch()
    with PhotoMaker(never, Driver(name="smile")) as maker:
        with pytest.raises(NoFaceError, match=r"blank\.png: no face found"):
            maker.make(blank, tmp_path / "out.png")
        with pytest.raises(OutputError, match=r"taken_neutral\.png exists already"):
            maker.make(photo, tmp_path / "taken.png", keep_pair=True)
        with pytest.raises(OutputError, match="is the photo picture itself"):
            maker.make(photo, photo, overwrite=True)
        with pytest.raises(SettingsError, match=r"a length from 0\.2 to 60"):
            maker.make_ramp(photo, tmp_path / "out.mp4", seconds=0)
        with pytest.raises(OutputError, match=r"out\.png: a ramp is a video, give a name that ends in \.mp4"):
            maker.make_ramp(photo, tmp_path / "out.png", seconds=1)
        (tmp_path / "taken.tracks.parquet").touch()
        with pytest.raises(OutputError, match=r"taken\.tracks\.parquet exists already"):
            maker.make_ramp(photo, tmp_path / "taken.mp4", seconds=1)


def test_a_painted_face_that_is_none_is_said(photo: Path, tmp_path: Path) -> None:
    class Fog(FakeNetworks):
        def paint(self, appearance: ByteArray, source: FloatArray, driving: FloatArray) -> ByteArray:
            return np.full((self.output_px, self.output_px, 3), 128, np.uint8)

    with (
        PhotoMaker(lambda: LivePortraitPairs(Fog()), Driver(name="smile")) as maker,
        pytest.raises(NoFaceError, match=r"photo\.png: the neutral picture that fake made of it shows no face"),
    ):
        maker.make(photo, tmp_path / "out.png")
    assert list(tmp_path.iterdir()) == []


def test_drivers_that_make_no_sense() -> None:
    for wrong in (
        {},
        {"picture": Path("a"), "name": "smile"},
        {"neutral": Path("a"), "name": "smile"},
        {"name": "joy"},
    ):
        with pytest.raises(SettingsError):
            Driver(**wrong)


@pytest.mark.needs("torch")
def test_tiny_networks_all_the_way(photo: Path, tmp_path: Path, tiny_face_networks: Callable[[], Any]) -> None:
    """Crop, F, M, S, W, G, paste back, splice; what is painted is faded into the photo, so that a face is left."""
    with PhotoMaker(tiny_face_networks, Driver(name="smile")) as maker:
        report = maker.make(photo, tmp_path / "out.png", keep_pair=True)
    assert report.generator == "tiny"
    assert report.pair is not None
    original, neutral = read_picture(photo).rgb, read_picture(report.pair[0]).rgb
    assert (neutral != original).any()
    assert (read_picture(report.target).rgb[:, :20] == original[:, :20]).all()


@pytest.fixture
def tiny_face_networks() -> Callable[[], Any]:
    import torch
    from tiny_networks import TINY, stir

    from afet_video.liveportrait.torch_backend import TorchNetworks, build

    class Faded(TorchNetworks):
        def appearance(self, picture: ByteArray) -> Any:
            return super().appearance(picture), picture

        def paint(self, appearance: Any, source: FloatArray, driving: FloatArray) -> ByteArray:
            volume, picture = appearance
            painted = super().paint(volume, source, driving)
            larger = cv2.resize(picture, painted.shape[:2], interpolation=cv2.INTER_CUBIC)
            return np.asarray(np.round(0.9 * larger + 0.1 * painted), np.uint8)

    def opened() -> LivePortraitPairs:
        arch = replace(TINY, input_px=128)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            modules = build(arch)
            for module in modules.by_part().values():
                stir(module)
        return LivePortraitPairs(Faded(modules, arch, device="cpu", name="tiny"))

    return opened


# --- the command ---------------------------------------------------------------------------------------------------


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["still", *map(str, arguments)])


def test_the_command(photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def opened(backend: str, *, device: str) -> LivePortraitPairs:
        asked.append((backend, device))
        return mouths()

    monkeypatch.setattr("afet_video.liveportrait.open_pair_generator", opened)
    result = run(
        photo, "--expression", "smile", "-o", tmp_path / "out.png", "--keep-pair", "--timing", "--device", "cpu"
    )
    assert result.exit_code == 0, result.output
    assert asked == [("torch", "cpu")]
    for words in ("out.png", "out_neutral.png", "made with  fake", "left side", "generate "):
        assert words in result.stdout
    clip = run(photo, "--expression", "smile", "-o", tmp_path / "clip.mp4", "--ramp-video", "0.4", "--quiet")
    assert (clip.exit_code, clip.output) == (0, "")
    assert (tmp_path / "clip.mp4").exists()


def test_missing_weights_are_one_line(photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(backend: str, *, device: str) -> LivePortraitPairs:
        raise ModelFileError("LivePortrait's weights are missing: fetch them")

    monkeypatch.setattr("afet_video.liveportrait.open_pair_generator", missing)
    result = run(photo, "--expression", "smile", "-o", tmp_path / "out.png")
    assert (result.exit_code, result.stderr) == (
        1,
        "afet-video: error: LivePortrait's weights are missing: fetch them\n",
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["--neutral", "n.png"],
        ["--expression", "smile", "--driving", "d.png"],
        ["--expression", "smile", "--from-pairs", "dir"],
        [],
    ],
)
def test_options_that_exclude_each_other(photo: Path, tmp_path: Path, arguments: list[str]) -> None:
    assert run(photo, *arguments, "-o", tmp_path / "out.png").exit_code == 2
    assert run("--driving", "d.png", "-o", tmp_path / "out.png").exit_code == 2
