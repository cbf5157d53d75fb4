from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from splice_scene import Scene

from afet_video.datatypes import FloatArray, Side
from afet_video.splice.alpha import SpliceSettings
from afet_video.splice.bank import HANDOVER_DEG, BankEntry, mixed, nearest
from afet_video.splice.compose import NeutralTexture, splice
from afet_video.splice.eye import EyeMemory
from afet_video.splice.texture import texture_model

Faces = Mapping[str, Any]


@pytest.fixture(scope="module")
def bank(real_faces: Faces) -> list[BankEntry]:
    neutral = real_faces["neutral"]
    texture = texture_model(neutral.rgb.astype(np.float32), neutral.xyz[:, :2], SpliceSettings())
    eye = EyeMemory(texture, Side.LEFT)
    return [BankEntry(i, turn, texture, eye) for i, turn in ((7, (0.0, 0.0)), (90, (20.0, 0.0)), (50, (0.0, -12.0)))]


def shares(bank: list[BankEntry], turn_deg: tuple[float, float]) -> dict[int, float]:
    first, second, share = nearest(bank, turn_deg)
    return {first.index: 1 - share} | ({second.index: share} if second else {})


def test_the_nearest_neutral_is_used(bank: list[BankEntry]) -> None:
    assert shares(bank, (1, 1)) == {7: 1.0}
    assert shares(bank, (35, 3)) == {90: 1.0}
    assert shares(bank, (-1, -14)) == {50: 1.0}
    assert shares(bank[:1], (80, 0)) == {7: 1.0}


def test_nothing_pops_as_the_head_turns(bank: list[BankEntry]) -> None:
    turns = np.arange(0, 20, 0.1)
    share = np.array([shares(bank, (turn, 0.0)).get(90, 0.0) for turn in turns])
    assert share[0] == 0
    assert share[-1] == 1
    assert (np.diff(share) >= 0).all()
    assert np.diff(share).max() < 0.1 / HANDOVER_DEG * 2.5
    assert share[np.abs(turns - 10).argmin()] == pytest.approx(0.5, abs=0.03)


def test_two_neutrals_are_mixed_in_their_shares(real_faces: Faces) -> None:
    scene = Scene.of(real_faces["smile"], real_faces["neutral"])
    ones = np.ones(478, np.float32)
    dark, bright = (
        scene_texture(np.full_like(scene.neutral, level), scene) for level in (np.float32(40), np.float32(200))
    )
    both = mixed(dark, replace(bright, weight=ones), 0.25)
    results = [
        splice(scene.expression, scene.expression_xyz, scene.neutral_xyz, texture, scene.triangles, scene.alpha())
        for texture in (dark, both)
    ]
    change = (results[1] - results[0])[..., 0]
    assert change.max() == pytest.approx(0.25 * 160, abs=0.01), "where the neutral alone is seen"
    assert change.min() > -0.01


def scene_texture(rgb: FloatArray, scene: Scene) -> NeutralTexture:
    ones = np.ones(478, np.float32)
    return NeutralTexture(rgb, scene.neutral_xyz[:, :2], ones, np.ones((478, 3), np.float32))
