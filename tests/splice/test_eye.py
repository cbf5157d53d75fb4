from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from afet_video import facemesh
from afet_video.datatypes import FloatArray, Side
from afet_video.splice.alpha import SpliceSettings
from afet_video.splice.eye import BELL_AFTER_S, BELL_TAKES_S, EyeMemory
from afet_video.splice.texture import TextureModel, texture_model

Faces = Mapping[str, Any]
IRIS = {Side.LEFT: list(facemesh.LEFT_IRIS), Side.RIGHT: list(facemesh.RIGHT_IRIS)}


@pytest.fixture(scope="module")
def texture(real_faces: Faces) -> TextureModel:
    neutral = real_faces["neutral"]
    return texture_model(neutral.rgb.astype(np.float32), neutral.xyz[:, :2], SpliceSettings())


def red_eyed(face: Any, side: Side) -> FloatArray:
    """The face's picture with a red patch over one eye."""
    rgb = face.rgb.astype(np.float32)
    x, y = face.xyz[IRIS[side][0], :2].astype(int)
    rgb[y - 3 : y + 4, x - 5 : x + 6] = (220, 30, 30)
    return np.asarray(rgb, np.float32)


def is_red(rgb: FloatArray) -> FloatArray:
    return np.asarray((rgb[..., 0] > 120) & (rgb[..., 1] < 90))


def at_iris(model: TextureModel, side: Side) -> FloatArray:
    x, y = np.round(model.xy[IRIS[side][0]]).astype(int)
    return model.rgb[y, x]


@pytest.mark.parametrize("side", list(Side))
def test_the_eye_is_kept_as_it_last_was_open(real_faces: Faces, texture: TextureModel, side: Side) -> None:
    rest, memory = real_faces["rest"], EyeMemory(texture, side)
    assert np.array_equal(memory.texture(0.0, 0.0).rgb, texture.rgb), "before anything is seen it is the neutral's"
    memory.see(red_eyed(rest, side), rest.xyz[:, :2], 1.0, closure=0.0)
    kept = memory.texture(1.0, 0.0)
    assert is_red(at_iris(kept, side))
    changed = np.abs(kept.rgb - texture.rgb).max(axis=2) > 0
    other = texture.xy[IRIS[side.other][0]].astype(int)
    assert not changed[other[1] - 10 : other[1] + 10, other[0] - 10 : other[0] + 10].any()
    assert changed.mean() < 0.02
    # lids that close, and what covers the eye, leave the memory alone
    memory.see(rest.rgb.astype(np.float32), rest.xyz[:, :2], 1.1, closure=0.6)
    memory.see(rest.rgb.astype(np.float32), rest.xyz[:, :2], 1.2, closure=0.0, visible=False)
    assert np.array_equal(memory.texture(1.2, 0.0).rgb, kept.rgb)


def test_the_kept_eye_is_in_the_neutrals_light(real_faces: Faces, texture: TextureModel) -> None:
    rest, memory = real_faces["rest"], EyeMemory(texture, Side.LEFT)
    memory.see(rest.rgb.astype(np.float32), rest.xyz[:, :2], 0.0, closure=0.0)
    bright = memory.texture(0.0, 0.0).rgb
    memory.see(0.7 * rest.rgb.astype(np.float32), rest.xyz[:, :2], 0.1, closure=0.0)
    assert np.abs(memory.texture(0.1, 0.0).rgb - bright).mean() < 0.5


@pytest.mark.parametrize("side", list(Side))
def test_on_long_closure_the_eyeball_turns_up_and_out(real_faces: Faces, texture: TextureModel, side: Side) -> None:
    rest, memory = real_faces["rest"], EyeMemory(texture, side)
    picture, xy = rest.rgb.astype(np.float32), rest.xyz[:, :2]
    memory.see(picture, xy, 0.0, closure=0.0)
    before = memory.texture(0.0, 1.0).xy[IRIS[side][0]]
    memory.see(picture, xy, 0.1, closure=0.9)
    in_a_blink = 0.1 + BELL_AFTER_S
    assert np.array_equal(memory.texture(in_a_blink, 1.0).xy[IRIS[side][0]], before)
    late = 0.1 + BELL_AFTER_S + BELL_TAKES_S
    turned = memory.texture(late, 1.0)
    outwards = texture.xy[facemesh.LEFT_EYE_OUTER] - texture.xy[facemesh.RIGHT_EYE_OUTER]
    shift = turned.xy[IRIS[side][0]] - before
    assert shift[1] < -2, "up"
    assert (shift @ outwards) * (1 if side is Side.LEFT else -1) > 0, "to the subject's own outside"
    x, y = np.round(before).astype(int)
    kept = memory.texture(0.0, 0.0)
    assert turned.rgb[y, x].mean() > kept.rgb[y, x].mean() + 10, "white where the iris was"
    assert np.array_equal(memory.texture(late, 0.0).rgb, kept.rgb), "only if asked for"
    memory.see(picture, xy, late + 0.1, closure=0.0)
    assert np.allclose(memory.texture(late + 0.1, 1.0).xy[IRIS[side][0]], before, atol=1e-3), "over with the closure"


@pytest.mark.parametrize("side", list(Side))
def test_what_it_has_seen_can_be_taken_out_and_put_back(real_faces: Faces, texture: TextureModel, side: Side) -> None:
    rest, smile = real_faces["rest"], real_faces["smile"]
    memory, other = EyeMemory(texture, side), EyeMemory(texture, side)
    assert memory.remembered() == {}
    memory.see(red_eyed(rest, side), rest.xyz[:, :2], 1.0, closure=0.0)
    memory.see(rest.rgb.astype(np.float32), rest.xyz[:, :2], 1.1, closure=0.6)
    other.recall(memory.remembered())
    late = 1.1 + BELL_AFTER_S + 0.5 * BELL_TAKES_S
    for bell in (0.0, 1.0):
        assert is_same(other.texture(late, bell), memory.texture(late, bell))
    assert not is_same(other.texture(late, 1.0), other.texture(late, 0.0)), "since when the lids are shut is known too"
    for one in (memory, other):
        one.see(smile.rgb.astype(np.float32), smile.xyz[:, :2], 2.0, closure=0.1)
    assert is_same(other.texture(2.0, 1.0), memory.texture(2.0, 1.0))
    other.recall({})
    assert is_same(other.texture(2.0, 1.0), EyeMemory(texture, side).texture(2.0, 1.0))


def is_same(one: TextureModel, other: TextureModel) -> bool:
    return np.array_equal(one.rgb, other.rgb) and np.array_equal(one.xy, other.xy)
