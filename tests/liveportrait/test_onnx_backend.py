"""Both exports, made of the tiny networks, say what the torch back-end says."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afet_video.errors import ModelFileError
from afet_video.liveportrait import Portrait, expression_named, onnx_backend
from afet_video.liveportrait.pair import LivePortraitPairs
from afet_video.liveportrait.reenactment import Reenactment
from afet_video.liveportrait.torch_backend import TorchNetworks
from afet_video.liveportrait.weights import FACEFUSION, FASTER

pytestmark = pytest.mark.needs("onnx")

ANGLE_SETS = ("facefusion", "fasterliveportrait")


@pytest.fixture(scope="module")
def exports(tiny_modules: Any, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """A models folder for each export."""
    folders = {name: tmp_path_factory.mktemp(name) for name in ANGLE_SETS}
    for weights, graphs in ((FASTER, _plain_graphs(tiny_modules)), (FACEFUSION, _decoded_graphs(tiny_modules))):
        for part, (module, inputs, names) in graphs.items():
            path = folders[weights.name] / weights.files[part].name
            path.parent.mkdir(exist_ok=True)
            _export(module, inputs, names, path)
    return folders


@pytest.fixture
def reference(tiny_modules: Any, tiny: Any) -> TorchNetworks:
    return TorchNetworks(tiny_modules, tiny, device="cpu")


@pytest.mark.parametrize("name", ANGLE_SETS)
def test_each_network_agrees_with_torch(
    exports: Mapping[str, Path], reference: TorchNetworks, name: str, real_faces: Mapping[str, Any]
) -> None:
    networks = onnx_backend.load(exports[name])
    assert networks.name == f"LivePortrait ({name}, onnx)"
    assert (networks.input_px, networks.output_px, networks.keypoints) == (64, 128, 21)
    picture = np.ascontiguousarray(real_faces["smile"].rgb[100:164, 150:214])
    here, there = networks.motion(picture), reference.motion(picture)
    for field in ("keypoints", "rotation", "expression", "translation"):
        np.testing.assert_allclose(getattr(here, field), getattr(there, field), atol=1e-4)
    assert here.scale == pytest.approx(there.scale, abs=1e-5)
    source = there.placed()
    driving = source + np.float32(0.07)
    np.testing.assert_allclose(networks.stitch(source, driving), reference.stitch(source, driving), atol=1e-5)
    openings = np.array([0.31, 0.27], np.float32)
    np.testing.assert_allclose(
        networks.eye_shift(source, openings, 0.1), reference.eye_shift(source, openings, 0.1), atol=1e-5
    )
    np.testing.assert_allclose(networks.lip_shift(source, 0.3, 0.0), reference.lip_shift(source, 0.3, 0.0), atol=1e-5)
    painted = networks.paint(networks.appearance(picture), source, driving)
    expected = reference.paint(reference.appearance(picture), source, driving)
    assert expected.std() > 5
    assert np.abs(painted.astype(int) - expected.astype(int)).max() <= 1
    swapped = networks.paint(networks.appearance(picture), driving, source)
    assert np.abs(swapped.astype(int) - expected.astype(int)).max() > 1


@pytest.mark.parametrize("name", ANGLE_SETS)
def test_a_pair_is_that_of_torch(
    exports: Mapping[str, Path], reference: TorchNetworks, name: str, real_faces: Mapping[str, Any]
) -> None:
    photo = Portrait(real_faces["neutral"].rgb, real_faces["neutral"].xyz)
    here = LivePortraitPairs(onnx_backend.load(exports[name])).generate_pair(photo, expression_named("smile"))
    there = LivePortraitPairs(reference).generate_pair(photo, expression_named("smile"))
    for field in ("neutral", "expressive"):
        difference = np.abs(getattr(here, field).astype(int) - getattr(there, field).astype(int))
        assert difference.max() <= 1


def test_a_frame_is_painted_as_with_torch(
    exports: Mapping[str, Path], reference: TorchNetworks, real_faces: Mapping[str, Any]
) -> None:
    resting, frame = (Portrait(real_faces[name].rgb, real_faces[name].xyz) for name in ("neutral", "smile"))
    pictures = []
    for networks in (onnx_backend.load(exports["facefusion"]), reference):
        face = Reenactment(networks, resting)
        ((_, picture),) = face.intermediates(face.look(frame), [0.5])
        pictures.append(picture.astype(int))
    assert np.abs(pictures[0] - pictures[1]).max() <= 1


def test_what_is_no_graph_is_refused(exports: Mapping[str, Path], tmp_path: Path) -> None:
    for file in FACEFUSION.files.values():
        path = tmp_path / file.name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"no graph")
    with pytest.raises(ModelFileError, match=r"live_portrait_\w+\.onnx cannot be read as an ONNX graph"):
        onnx_backend.load(tmp_path)


Graphs = dict[str, tuple[Any, tuple[Any, ...], list[str]]]


def _plain_graphs(modules: Any) -> Graphs:
    """What FasterLivePortrait exports: the networks as they are, W and G in one."""
    import torch

    class WarpAndPaint(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.warping, self.generator = modules.warping, modules.generator

        def forward(self, feature_3d: Any, kp_driving: Any, kp_source: Any) -> Any:
            return self.generator(self.warping(feature_3d, kp_driving, kp_source))

    picture, points = torch.rand(1, 3, 64, 64), torch.rand(1, 21, 3) - 0.5
    volume, small = modules.appearance(picture), modules.retargeting
    return {
        "appearance": (modules.appearance, (picture,), ["img"]),
        "motion": (modules.motion, (picture,), ["img"]),
        "generator": (WarpAndPaint(), (volume, points, points + 0.1), ["feature_3d", "kp_driving", "kp_source"]),
        "stitcher": (small.retarget_shoulder_module, (torch.rand(1, 126),), ["input"]),
        "eyes": (small.retarget_eye_module, (torch.rand(1, 66),), ["input"]),
        "lips": (small.retarget_mouth_module, (torch.rand(1, 65),), ["input"]),
    }


def _decoded_graphs(modules: Any) -> Graphs:
    """What FaceFusion exports: angles decoded, other order of outputs, S applied, other names."""
    import torch

    class DecodedMotion(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.motion = modules.motion

        def forward(self, picture: Any) -> Any:
            raw = self.motion(picture)
            places = torch.arange(66, dtype=torch.float32)
            angles = [(torch.softmax(a, dim=1) * places).sum(dim=1) * 3 - 97.5 for a in raw[:3]]
            shapes = raw.expression.reshape(-1, 21, 3), raw.keypoints.reshape(-1, 21, 3)
            return (*angles, raw.scale, raw.translation, *shapes)

    class Stitcher(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.small = modules.retargeting.retarget_shoulder_module

        def forward(self, source: Any, target: Any) -> Any:
            change = self.small(torch.cat((target.flatten(1), source.flatten(1)), dim=1))
            moved = source + change[:, :63].reshape(-1, 21, 3)
            return torch.cat((moved[..., :2] + change[:, None, 63:], moved[..., 2:]), dim=2)

    plain = _plain_graphs(modules)
    points = torch.rand(1, 21, 3) - 0.5
    return {
        "appearance": (*plain["appearance"][:2], ["input"]),
        "motion": (DecodedMotion(), plain["motion"][1], ["input"]),
        "generator": (*plain["generator"][:2], ["feature_volume", "source", "target"]),
        "stitcher": (Stitcher(), (points, points + 0.1), ["source", "target"]),
        "eyes": plain["eyes"],
        "lips": plain["lips"],
    }


def _export(module: Any, inputs: tuple[Any, ...], names: list[str], path: Path) -> None:
    import torch

    with warnings.catch_warnings():
        # The older of torch's two exporters: seven times as quick, and all that these graphs need.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            inputs,
            str(path),
            input_names=names,
            opset_version=20,
            dynamo=False,
            do_constant_folding=True,
        )
