"""Rows of a track with known values."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from afet_video.datatypes import FaceStatus, Pose, Side, Timestamp, TrackRow

TIME_BASE = Fraction(1, 90_000)
MIDLINE_SAMPLES = 40

RowMaker = Callable[..., TrackRow]


def _make_row(index: int, status: FaceStatus = FaceStatus.DETECTED, **changes: object) -> TrackRow:
    rng = np.random.default_rng(index)
    shapes = {"source_xyz": (478, 3), "output_xyz": (478, 3), "alpha": (478,), "blendshapes": (52,)}
    arrays = {name: rng.uniform(0, 1, shape).astype(np.float32) for name, shape in shapes.items()}
    arrays["source_xyz"] *= 1919.9
    arrays["output_xyz"] *= 1919.9
    arrays["midline_y"] = np.sort(rng.uniform(100, 900, MIDLINE_SAMPLES)).astype(np.float32)
    arrays["midline_x"] = rng.uniform(400, 500, MIDLINE_SAMPLES).astype(np.float32)
    pose = Pose(*rng.uniform(-30, 30, 3).tolist())
    if status is FaceStatus.MISSING:
        arrays = {name: np.full_like(value, np.nan) for name, value in arrays.items()}
        pose = Pose(np.nan, np.nan, np.nan)
    values: dict[str, object] = {
        "index": index,
        "timestamp": Timestamp(1_000 + 3_003 * index + 7 * (index % 3), TIME_BASE),
        "status": status,
        "face_id": -1 if status is FaceStatus.MISSING else 0,
        "side": Side.RIGHT,
        "movement_kept": 0.1,
        "kept": np.array([1.0, 0.75, 0.5, 0.25, 0.1], np.float32),
        "strength": {FaceStatus.MISSING: 0.0, FaceStatus.REDUCED: 0.375}.get(status, 1.0),
        "pose": pose,
        "shot": index // 100,
        "neutral_index": -1 if status is FaceStatus.MISSING else 17,
        **arrays,
        **changes,
    }
    return TrackRow(**values)  # type: ignore[arg-type]


@pytest.fixture
def make_row() -> RowMaker:
    """Return a function (index, status, **changes) -> row with random values that depend on the index only."""
    return _make_row


@pytest.fixture
def rows() -> list[TrackRow]:
    """Rows of every status; missing ones at the start, in the middle and at the end."""
    status = [FaceStatus.DETECTED] * 300  # more than one row group
    for index in (0, 1, 150, 299):
        status[index] = FaceStatus.MISSING
    status[151], status[152], status[153] = FaceStatus.INTERPOLATED, FaceStatus.HELD, FaceStatus.REDUCED
    return [_make_row(index, kind) for index, kind in enumerate(status)]
