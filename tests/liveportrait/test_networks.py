"""The networks are those of the published weights: names, shapes, and what they compute."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_networks import TINY, stir

from afet_video.liveportrait.architecture import PUBLISHED, Architecture
from afet_video.liveportrait.torch_backend import TorchNetworks, build
from afet_video.liveportrait.weights import SAFETENSORS

pytestmark = pytest.mark.needs("torch")

MANIFEST = json.loads((Path(__file__).parent / "state_manifest.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def full_size() -> dict[str, Any]:
    return build(PUBLISHED, device="meta").by_part()


@pytest.mark.parametrize("part", sorted(MANIFEST))
def test_names_and_shapes_are_those_of_the_published_weights(full_size: dict[str, Any], part: str) -> None:
    state = full_size[part].state_dict()
    assert {name: list(tensor.shape) for name, tensor in state.items()} == MANIFEST[part]


@pytest.mark.parametrize("part", sorted(MANIFEST))
def test_the_published_files_have_room_for_exactly_these_numbers(full_size: dict[str, Any], part: str) -> None:
    """A safetensors file is a header of up to 200 bytes a tensor, then the numbers."""
    state = full_size[part].state_dict()
    numbers = sum(tensor.numel() * tensor.element_size() for tensor in state.values())
    header = SAFETENSORS.files[part].size - numbers
    assert 0 < header < 200 * len(state)


def test_the_manifest_holds_all_parts() -> None:
    assert set(MANIFEST) == set(SAFETENSORS.files)
    assert len(MANIFEST["warping_module"]) == 97


def test_measures_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="max_width"):
        Architecture(max_width=500)
    with pytest.raises(ValueError, match="halvings"):
        Architecture(input_px=64)


def test_shapes_through_all_networks(tiny_modules: Any) -> None:
    import torch

    picture = torch.rand(2, 3, 64, 64)
    volume = tiny_modules.appearance(picture)
    assert volume.shape == (2, 8, 4, 16, 16)
    motion = tiny_modules.motion(picture)
    assert [tuple(answer.shape) for answer in motion] == [(2, 66)] * 3 + [(2, 3), (2, 63), (2, 1), (2, 63)]
    points = motion.keypoints.view(2, 21, 3)
    features = tiny_modules.warping(volume, points, points)
    assert features.shape == (2, 32, 16, 16)
    painted = tiny_modules.generator(features)
    assert painted.shape == (2, 3, 128, 128)
    assert 0 <= painted.min() < painted.max() <= 1


def test_keypoints_that_do_not_move_leave_every_cell_in_place(tiny_modules: Any) -> None:
    import torch

    from afet_video.liveportrait.networks.blocks import lattice

    volume, points = torch.randn(1, 8, 4, 16, 16), torch.rand(1, 21, 3) - 0.5
    motion = tiny_modules.warping.dense_motion_network
    places, seen = motion(volume, points, points)
    torch.testing.assert_close(places[0], lattice((4, 16, 16), volume), atol=1e-5, rtol=0)
    assert 0 <= seen.min() <= seen.max() <= 1
    shifted, _ = motion(volume, points, points + torch.tensor([0.25, 0.0, 0.0]))
    moved = shifted - places
    assert moved[..., 0].abs().max() > 0.01
    torch.testing.assert_close(moved[..., 1:], torch.zeros_like(moved[..., 1:]), atol=1e-5, rtol=0)


def test_spectral_weights_have_a_largest_singular_value_of_one() -> None:
    import torch

    from afet_video.liveportrait.networks.generator import SpectralConv

    conv = SpectralConv(6, 4, kernel=1, bias=False)
    picture = torch.eye(6).reshape(6, 6, 1, 1)
    matrix = conv(picture).reshape(6, 4).T
    assert torch.linalg.matrix_norm(matrix, ord=2).item() == pytest.approx(1.0, abs=0.02)


@pytest.mark.needs("mimic_head")
@pytest.mark.parametrize("part", ["F", "M", "W", "G", "S"])
def test_the_same_weights_compute_the_same_as_in_mimic_head(part: str) -> None:
    """mimic_head is an independent port of the authors' networks (PyPI, `pip install --no-deps mimic-head`)."""
    import torch

    with torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(2)
        theirs, ours, inputs = _pair_of_networks(part)
        stir(theirs)
        ours.load_state_dict(theirs.state_dict())
        expected, got = theirs(*inputs), ours(*inputs)
        if part == "M":
            order = ("pitch", "yaw", "roll", "t", "exp", "scale", "kp")
            expected, got = torch.cat([expected[name] for name in order], dim=1), torch.cat(got, dim=1)
        if part == "W":
            expected = expected["out"]
    assert expected.abs().max() > 0.01
    torch.testing.assert_close(got, expected, atol=1e-6, rtol=1e-6)


def _pair_of_networks(part: str) -> tuple[Any, Any, tuple[Any, ...]]:
    """Return their network, ours of the same measures, and inputs for both."""
    import torch
    from mimic_head.modules.appearance_feature_extractor import AppearanceFeatureExtractor
    from mimic_head.modules.motion_extractor import MotionExtractor
    from mimic_head.modules.spade_generator import SPADEDecoder
    from mimic_head.modules.stitching_retargeting_network import StitchingRetargetingNetwork
    from mimic_head.modules.warping_network import WarpingNetwork

    # Theirs have six blocks of 128 channels in G and M at full size, built in.
    arch = Architecture(**{**_fields(TINY), "middle_blocks": 6, "label_width": 128, **_motion_of(PUBLISHED)})
    ours = build(arch)
    picture, points = torch.rand(1, 3, 64, 64), torch.rand(1, 21, 3) - 0.5
    moved = points + 0.1 * torch.randn(1, 21, 3)
    flow = {"block_expansion": 4, "max_features": 16, "num_blocks": 3, "reshape_depth": 4, "compress": 2}
    pairs: dict[str, tuple[Any, Any, tuple[Any, ...]]] = {
        "F": (lambda: AppearanceFeatureExtractor(3, 8, 2, 32, 8, 4, 1), ours.appearance, (picture,)),
        "M": (lambda: MotionExtractor(num_kp=21), ours.motion, (picture,)),
        "W": (
            lambda: WarpingNetwork(21, 8, 32, 2, 8, estimate_occlusion_map=True, dense_motion_params=flow),
            ours.warping,
            (torch.randn(1, 8, 4, 16, 16), moved, points),
        ),
        "G": (lambda: SPADEDecoder(2, 32, 8, 8, 2), ours.generator, (torch.randn(1, 32, 16, 16),)),
        "S": (
            lambda: StitchingRetargetingNetwork(126, [128, 128, 64], 65),
            ours.retargeting.retarget_shoulder_module,
            (torch.randn(1, 126),),
        ),
    }
    make, network, inputs = pairs[part]
    return make().eval(), network, inputs


def _fields(arch: Architecture) -> dict[str, Any]:
    return {name: getattr(arch, name) for name in Architecture.__dataclass_fields__}


def _motion_of(arch: Architecture) -> dict[str, Any]:
    return {"motion_depths": arch.motion_depths, "motion_widths": arch.motion_widths}


@pytest.mark.slow
def test_files_of_these_networks_have_the_published_sizes(tmp_path: Path) -> None:
    """To the byte: header and numbers of a safetensors file say all names, shapes and types."""
    from safetensors.torch import save_file

    for part, module in build(PUBLISHED).by_part().items():
        path = tmp_path / f"{part}.safetensors"
        save_file(module.state_dict(), path, metadata={"format": "pt"})
        assert path.stat().st_size == SAFETENSORS.files[part].size
        path.unlink()


@pytest.mark.slow
def test_one_picture_at_full_size_with_random_weights() -> None:
    """About 15 s on an idle machine with two cores, and 1.5 GB."""
    networks = TorchNetworks(build(PUBLISHED), PUBLISHED, device="cpu")
    picture = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    motion = networks.motion(picture)
    points = motion.placed()
    driving = networks.stitch(points, points + np.float32(0.05))
    painted = networks.paint(networks.appearance(picture), points, driving)
    assert painted.shape == (512, 512, 3)
    assert painted.std() > 0


def test_half_precision_says_nearly_the_same(
    tiny_modules: Any, tiny: Architecture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a processor, which is slow at it: the arithmetic is that of a GPU's half precision, the kernels are not."""
    networks = TorchNetworks(tiny_modules, tiny, device="cpu")
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)

    def painted() -> tuple[Any, Any]:
        points = networks.motion(picture).placed()
        return points, networks.paint(networks.appearance(picture), points, points + np.float32(0.05)).astype(int)

    points, whole = painted()
    monkeypatch.setattr(networks, "_half", True)
    half_points, half = painted()
    assert 0 < np.abs(half_points - points).max() < 0.02
    assert np.abs(half - whole).mean() < 2
