"""Tiny networks with random weights, shared by all tests that run them."""

from __future__ import annotations

from typing import Any

import pytest
from tiny_networks import TINY, build_tiny

from afet_video.liveportrait.architecture import Architecture


@pytest.fixture(scope="session")
def tiny() -> Architecture:
    """The architecture at its smallest."""
    return TINY


@pytest.fixture(scope="session")
def tiny_modules() -> Any:
    """The five networks, tiny; asks for torch."""
    return build_tiny()
