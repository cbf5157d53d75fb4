"""Weights are found, verified, and read without unpickling; or one line says what to do."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_networks import put, put_weights

from afet_video.errors import ModelFileError, SettingsError
from afet_video.liveportrait import LivePortraitPairs, open_pair_generator, torch_backend, weights
from afet_video.liveportrait.weights import CHECKPOINTS, FACEFUSION, SAFETENSORS, WeightSet, locate_weights
from afet_video.model_files import models_folder


@pytest.fixture
def small_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WeightSet:
    """A weight set of small files, complete in `tmp_path`, in place of the real ones."""
    files = {part: put(tmp_path, f"liveportrait/{part}.safetensors", part.encode()) for part in weights.PARTS}
    small = WeightSet("small", "torch", files, "for a test")
    monkeypatch.setattr(weights, "WEIGHT_SETS", (small,))
    return small


def test_what_is_missing_and_what_to_do_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError) as caught:
        locate_weights("torch", tmp_path)
    line = str(caught.value)
    assert "\n" not in line
    assert str(tmp_path) in line
    for part in weights.PARTS:
        assert f"liveportrait/{part}.safetensors" in line
    assert "afet-video models fetch` (521 MB)" in line
    assert "AFET_MODELS" in line


def test_a_checkout_of_the_authors_with_a_file_less_is_named(tmp_path: Path) -> None:
    for file in list(CHECKPOINTS.files.values())[:-1]:
        put(tmp_path, file.name, b"")
    with pytest.raises(ModelFileError, match=r": liveportrait/retargeting_models/stitching\w+\.pth\. Run"):
        locate_weights("torch", tmp_path)


def test_onnx_files_are_to_be_had_by_hand(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"live_portrait_generator\.onnx.*Get them from https://huggingface"):
        locate_weights("onnx", tmp_path)
    for file in FACEFUSION.files.values():
        put(tmp_path, file.name, b"x")
    found, paths = locate_weights("onnx", tmp_path)
    assert found is FACEFUSION
    assert paths["eyes"].name == "live_portrait_eye_retargeter.onnx"


def test_the_right_files_are_found(small_set: WeightSet, tmp_path: Path) -> None:
    found, paths = locate_weights("torch", tmp_path)
    assert found is small_set
    assert paths["spade_generator"].read_bytes() == b"spade_generator"


def test_a_wrong_hash_is_refused(small_set: WeightSet, tmp_path: Path) -> None:
    path = tmp_path / small_set.files["warping_module"].name
    path.write_bytes(b"warping_modulE")
    with pytest.raises(ModelFileError, match=r"warping_module\.safetensors is damaged .*models fetch"):
        locate_weights("torch", tmp_path)


def test_a_wrong_size_is_refused(small_set: WeightSet, tmp_path: Path) -> None:
    (tmp_path / small_set.files["warping_module"].name).write_bytes(b"short")
    with pytest.raises(ModelFileError, match=r"has 5 bytes, not the 14 of a test"):
        locate_weights("torch", tmp_path)


def test_the_models_folder_is_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AFET_MODELS", str(tmp_path))
    assert models_folder() == tmp_path
    monkeypatch.delenv("AFET_MODELS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert models_folder().parts[-2:] == ("afet-video", "models")


def test_all_that_can_be_fetched_is_described_in_full() -> None:
    for weight_set in (SAFETENSORS, CHECKPOINTS):
        assert weight_set.can_be_fetched
        for file in weight_set.files.values():
            assert len(file.sha256) == 64
            assert file.size > 0
            assert file.url.startswith("https://huggingface.co/")
            assert file.url.endswith(Path(file.name).name)
            assert file.license == "MIT"
    assert not FACEFUSION.can_be_fetched


def test_an_unknown_backend(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match='no back-end "tf": choose torch or onnx'):
        open_pair_generator("tf", folder=tmp_path)


def test_no_torch_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(
        ModelFileError, match=r"needs the package torch: run `pip install 'afet-video\[liveportrait\]'`"
    ):
        open_pair_generator(folder=tmp_path)


def test_no_onnxruntime_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(ModelFileError, match=r"needs the package onnxruntime: run `pip install 'afet-video\[onnx\]'`"):
        open_pair_generator("onnx", folder=tmp_path)


@pytest.mark.needs("torch")
class TestReading:
    """Tiny weights in both forms of file."""

    @pytest.fixture
    def folder(
        self, request: pytest.FixtureRequest, tiny_modules: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Path:
        """A models folder with the tiny weights in the form that the test asks for."""
        published = {"safetensors": SAFETENSORS, "checkpoints": CHECKPOINTS}[request.param]
        monkeypatch.setattr(weights, "WEIGHT_SETS", (put_weights(tmp_path, tiny_modules, published),))
        return tmp_path

    @pytest.mark.parametrize("folder", ["safetensors", "checkpoints"], indirect=True)
    def test_what_is_read_computes_what_was_written(self, folder: Path, tiny_modules: Any, tiny: Any) -> None:
        written = torch_backend.TorchNetworks(tiny_modules, tiny, device="cpu")
        read = torch_backend.load(folder, device="cpu", arch=tiny)
        assert read.name in ("LivePortrait (safetensors, torch)", "LivePortrait (checkpoints, torch)")
        picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
        source = written.motion(picture).placed()
        driving = read.stitch(source, source + np.float32(0.1))
        # The last digit depends on how numbers lie in memory.
        np.testing.assert_allclose(driving, written.stitch(source, source + np.float32(0.1)), atol=1e-6)
        painted = read.paint(read.appearance(picture), source, driving)
        expected = written.paint(written.appearance(picture), source, driving)
        assert np.abs(painted.astype(int) - expected.astype(int)).max() <= 1
        openings = np.array([0.3, 0.2], np.float32)
        np.testing.assert_allclose(
            read.eye_shift(source, openings, 0.0), written.eye_shift(source, openings, 0.0), atol=1e-6
        )
        assert np.abs(read.lip_shift(source, 0.4, 0.0)).max() > 0

    @pytest.mark.parametrize("folder", ["safetensors"], indirect=True)
    def test_weights_of_another_shape_are_refused(self, folder: Path, tiny: Any) -> None:
        with pytest.raises(
            ModelFileError, match=r"appearance_feature_extractor\.safetensors does not hold the weights"
        ):
            torch_backend.load(folder, device="cpu", arch=replace(tiny, residual_blocks=2))

    def test_a_pickle_that_would_run_code_is_refused(self, tmp_path: Path) -> None:
        marker = tmp_path / "was-run"
        path = tmp_path / "evil.pth"
        path.write_bytes(pickle.dumps(_Evil(marker)))
        with pytest.raises(ModelFileError, match=r"evil\.pth cannot be read as weights"):
            torch_backend.read_state(path)
        assert not marker.exists()
        pickle.loads(path.read_bytes())
        assert marker.exists()  # it would have

    @pytest.mark.parametrize("name", ["cut.safetensors", "cut.pth"])
    def test_a_cut_file_is_refused(self, name: str, tmp_path: Path) -> None:
        path = tmp_path / name
        path.write_bytes(b"PK\x03\x04 and no more")
        with pytest.raises(ModelFileError, match="cannot be read as weights"):
            torch_backend.read_state(path)

    def test_devices(self, tiny_modules: Any, tiny: Any) -> None:
        with pytest.raises(SettingsError, match="half precision needs a GPU"):
            torch_backend.TorchNetworks(tiny_modules, tiny, device="cpu", half=True)
        with pytest.raises(SettingsError, match='the device is "tpu": give auto, cpu or cuda'):
            torch_backend.TorchNetworks(tiny_modules, tiny, device="tpu")
        assert LivePortraitPairs(torch_backend.TorchNetworks(tiny_modules, tiny))


class _Evil:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return Path.touch, (self.marker,)
