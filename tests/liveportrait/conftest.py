"""Tiny networks with random weights, shared by all tests that run them."""

from __future__ import annotations

from typing import Any

import pytest
from tiny_networks import TINY, stir

from afet_video.liveportrait.architecture import Architecture


@pytest.fixture(scope="session")
def tiny() -> Architecture:
    """The architecture at its smallest."""
    return TINY


@pytest.fixture(scope="session")
def tiny_modules() -> Any:
    """The five networks, tiny; asks for torch."""
    import torch

    from afet_video.liveportrait.torch_backend import build

    torch.set_num_threads(1)  # these networks are too small to gain from more, and CI's cores are few
    with torch.random.fork_rng():
        torch.manual_seed(1)
        modules = build(TINY)
        for module in modules.by_part().values():
            stir(module)
        # Fresh networks paint nearly grey pictures that hardly follow the keypoints: turn both up.
        modules.generator.conv_img[0].weight *= 12
        modules.warping.dense_motion_network.mask.weight *= 4
    return modules
