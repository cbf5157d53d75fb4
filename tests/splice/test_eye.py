from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import pytest

from afet_video import facemesh
from afet_video.datatypes import FloatArray, Side
from afet_video.splice.alpha import SpliceSettings
from afet_video.splice.eye import BELL_AFTER_S, BELL_BACK_S, BELL_TAKES_S, EyeMemory, EyeView
from afet_video.splice.eyeball_fit import EyeballFit
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
    assert np.array_equal(memory.texture.rgb, texture.rgb), "before anything is seen it is the neutral's"
    memory.see(red_eyed(rest, side), rest.xyz[:, :2], 1.0, closure=0.0)
    kept = memory.texture
    assert is_red(at_iris(kept, side))
    changed = np.abs(kept.rgb - texture.rgb).max(axis=2) > 0
    other = texture.xy[IRIS[side.other][0]].astype(int)
    assert not changed[other[1] - 10 : other[1] + 10, other[0] - 10 : other[0] + 10].any()
    assert changed.mean() < 0.02
    # lids that close, and what covers the eye, leave the memory alone
    memory.see(rest.rgb.astype(np.float32), rest.xyz[:, :2], 1.1, closure=0.6)
    memory.see(rest.rgb.astype(np.float32), rest.xyz[:, :2], 1.2, closure=0.0, visible=False)
    assert np.array_equal(memory.texture.rgb, kept.rgb)


def test_the_kept_eye_is_in_the_neutrals_light(real_faces: Faces, texture: TextureModel) -> None:
    rest, memory = real_faces["rest"], EyeMemory(texture, Side.LEFT)
    memory.see(rest.rgb.astype(np.float32), rest.xyz[:, :2], 0.0, closure=0.0)
    bright = memory.texture.rgb
    memory.see(0.7 * rest.rgb.astype(np.float32), rest.xyz[:, :2], 0.1, closure=0.0)
    assert np.abs(memory.texture.rgb - bright).mean() < 0.5


LOST = np.ones(478, np.float32)


def seen_at(memory: EyeMemory, xy: FloatArray, lids: FloatArray, closure: float, bell: float = 1.0) -> EyeView:
    return memory.view(xy, lids, closure=closure, bell=bell, lost=LOST, weight=1.0 if closure > 0.5 else 0.0)


@pytest.mark.parametrize("side", list(Side))
def test_on_long_closure_the_eyeball_turns_up_and_out(real_faces: Faces, texture: TextureModel, side: Side) -> None:
    rest, memory = real_faces["rest"], EyeMemory(texture, side)
    picture, xy = rest.rgb.astype(np.float32), rest.xyz[:, :2]
    memory.see(picture, xy, 0.0, closure=0.0)
    before = xy[IRIS[side][0]]
    memory.see(picture, xy, 0.1, closure=0.9)
    memory.see(picture, xy, 0.1 + BELL_AFTER_S, closure=0.9)
    assert np.linalg.norm(seen_at(memory, xy, xy, 0.9).iris[0] - before) < 2, "not in a blink"
    late = 0.1 + BELL_AFTER_S + BELL_TAKES_S
    memory.see(picture, xy, late, closure=0.9)
    view = seen_at(memory, xy, xy, 0.9)
    outwards = texture.xy[facemesh.LEFT_EYE_OUTER] - texture.xy[facemesh.RIGHT_EYE_OUTER]
    shift = view.iris[0] - before
    assert shift[1] < -2, "up"
    assert (shift @ outwards) * (1 if side is Side.LEFT else -1) > 0, "to the subject's own outside"
    assert view.share == 1.0
    assert np.linalg.norm(seen_at(memory, xy, xy, 0.9, bell=0.0).iris[0] - before) < 2, "only if asked for"
    # lids that open bring it back, soon but not at once
    memory.see(picture, xy, late + 0.3 * BELL_BACK_S, closure=0.0)
    assert seen_at(memory, xy, xy, 0.0).iris[0][1] < before[1] - 1
    memory.see(picture, xy, late + 1.1 * BELL_BACK_S, closure=0.0)
    assert np.array_equal(seen_at(memory, xy, xy, 0.0).iris[0], before), "over with the closure"


@pytest.mark.parametrize("side", list(Side))
def test_lids_that_are_half_closed_for_long_leave_the_gaze_where_it_is_seen(
    real_faces: Faces, texture: TextureModel, side: Side
) -> None:
    rest, memory = real_faces["rest"], EyeMemory(texture, side)
    picture, xy = rest.rgb.astype(np.float32), rest.xyz[:, :2]
    memory.see(picture, xy, 0.0, closure=0.0)
    down = xy.copy()
    down[IRIS[side]] += (-2, 3)
    for seconds in (0.1, 0.1 + BELL_AFTER_S + 2 * BELL_TAKES_S):
        memory.see(picture, down, seconds, closure=0.5)
        assert np.array_equal(seen_at(memory, down, xy, 0.5).iris, down[IRIS[side]])


def test_just_after_a_blink_lids_that_seem_half_open_tell_no_gaze(real_faces: Faces, texture: TextureModel) -> None:
    rest, memory = real_faces["rest"], EyeMemory(texture, Side.LEFT)
    picture, xy = rest.rgb.astype(np.float32), rest.xyz[:, :2]
    memory.see(picture, xy, 0.0, closure=0.0)
    aside = xy.copy()
    aside[IRIS[Side.LEFT]] += (4, 0)
    off = []
    for seconds, closure in ((0.03, 0.9), (0.07, 0.49), (0.5, 0.49)):
        memory.see(picture, aside, seconds, closure=closure)
        off.append(float(seen_at(memory, aside, xy, closure).iris[0, 0] - xy[IRIS[Side.LEFT][0], 0]))
    assert off == pytest.approx([0, 0, 4], abs=0.7)


@pytest.mark.parametrize("side", list(Side))
def test_an_eye_that_turns_up_shows_some_of_its_iris(real_faces: Faces, texture: TextureModel, side: Side) -> None:
    rest, memory = real_faces["rest"], EyeMemory(texture, side)
    picture, xy = rest.rgb.astype(np.float32), rest.xyz[:, :2].copy()
    diameter = 2 * np.linalg.norm(xy[IRIS[side][1:]] - xy[IRIS[side][0]], axis=1).mean()
    lid = xy[memory.ring[1:8], 1].min()
    memory.see(picture, xy, 0.0, closure=0.0)
    for higher in (0.0, 0.25 * diameter):  # the second one looked up before
        xy[IRIS[side], 1] += lid + 0.2 * diameter - higher - xy[IRIS[side][0], 1]
        memory.see(picture, xy, 1.0, closure=0.0)
        for seconds in (1.1, 1.1 + BELL_AFTER_S + BELL_TAKES_S):
            memory.see(picture, xy, seconds, closure=0.9)
        lowest = seen_at(memory, xy, xy, 0.9).iris[0, 1] + 0.5 * diameter
        assert lowest - lid > 0.22 * diameter
        memory.see(picture, xy, 3.0, closure=0.0)


@pytest.mark.parametrize("side", list(Side))
def test_lids_that_stay_leave_the_eye_alone(real_faces: Faces, texture: TextureModel, side: Side) -> None:
    rest, memory = real_faces["rest"], EyeMemory(texture, side)
    picture, xy = rest.rgb.astype(np.float32), rest.xyz[:, :2]
    memory.see(picture, xy, 0.0, closure=0.0)
    view = seen_at(memory, xy, xy, 0.0)
    assert view.share == 0.0
    assert np.array_equal(view.iris, xy[IRIS[side]])
    result = picture.copy()
    memory.paint(result, picture, view, current_xy=xy, output_xy=xy, closure=0.0, gain=np.ones(3, np.float32))
    assert np.array_equal(result, picture)


def test_in_a_coarse_picture_the_warp_does_what_a_pixel_takes(real_faces: Faces, texture: TextureModel) -> None:
    rest = real_faces["rest"].xyz[:, :2]
    shares = []
    for iod in (150.0, 40.0):
        memory = EyeMemory(texture, Side.LEFT)
        xy = (rest * np.float32(iod / facemesh.iod_px(rest))).astype(np.float32)
        moved = xy.copy()
        moved[memory.ring[9:], 1] += np.float32(0.02 * iod)
        shares.append(memory.view(xy, moved, closure=0.0, bell=0.0, lost=LOST, weight=0.0).share)
    assert shares[0] > 0.9, "three pixels"
    assert shares[1] < 0.1, "less than one"


def test_in_a_blurred_picture_it_does_more(real_faces: Faces, texture: TextureModel) -> None:
    rest, shares = real_faces["rest"], []
    xy = rest.xyz[:, :2]
    for blur in (0.0, 4.0):
        picture = rest.rgb.astype(np.float32)
        memory = EyeMemory(texture, Side.LEFT)
        memory.see(cv2.GaussianBlur(picture, (0, 0), blur) if blur else picture, xy, 0.0, closure=0.0)
        memory._renew_ball()
        moved = xy.copy()
        moved[memory.ring[9:], 1] += np.float32(2.0)
        shares.append(memory.view(xy, moved, closure=0.0, bell=0.0, lost=LOST, weight=0.0).share)
    assert shares[0] > 0.9
    assert shares[1] < 0.1


def test_gaze_is_that_of_before_while_the_lids_are_shut(real_faces: Faces, texture: TextureModel) -> None:
    rest, memory = real_faces["rest"], EyeMemory(texture, Side.LEFT)
    picture, xy = rest.rgb.astype(np.float32), rest.xyz[:, :2]
    memory.see(picture, xy, 0.0, closure=0.0)
    shut = xy.copy()
    shut[IRIS[Side.LEFT]] += (0, 6)  # a detector takes the lid for a gaze
    memory.see(picture, shut, 0.05, closure=0.9)
    assert np.abs(seen_at(memory, shut, xy, 0.9).iris - xy[IRIS[Side.LEFT]]).max() < 1.0
    memory.see(picture, shut, 0.1, closure=0.2)
    assert np.array_equal(seen_at(memory, shut, xy, 0.2).iris, shut[IRIS[Side.LEFT]]), "an open eye's is seen"


@pytest.mark.parametrize("side", list(Side))
def test_what_it_has_seen_can_be_taken_out_and_put_back(real_faces: Faces, texture: TextureModel, side: Side) -> None:
    rest, smile = real_faces["rest"], real_faces["smile"]
    memory, other = EyeMemory(texture, side), EyeMemory(texture, side)
    assert memory.remembered() == {}
    memory.see(red_eyed(rest, side), rest.xyz[:, :2], 1.0, closure=0.0)
    memory.see(rest.rgb.astype(np.float32), rest.xyz[:, :2], 1.1, closure=0.7)
    painted(memory, rest, 0.7)
    other.recall(memory.remembered())
    late = 1.1 + BELL_AFTER_S + 0.5 * BELL_TAKES_S
    for one in (memory, other):
        one.see(rest.rgb.astype(np.float32), rest.xyz[:, :2], late, closure=0.7)
    assert np.array_equal(painted(other, rest, 0.7), painted(memory, rest, 0.7))
    assert other.view(**asked(rest, 0.7, 1.0)).iris[0][1] < other.view(**asked(rest, 0.7, 0.0)).iris[0][1] - 1, (
        "since when the lids are shut is known too"
    )
    for one in (memory, other):
        one.see(smile.rgb.astype(np.float32), smile.xyz[:, :2], 2.0, closure=0.1)
    assert is_same(other.texture, memory.texture)
    other.recall({})
    assert is_same(other.texture, EyeMemory(texture, side).texture)


def test_an_eye_that_was_shut_for_long_is_in_the_light_of_the_skin_around(
    real_faces: Faces, texture: TextureModel
) -> None:
    rest = real_faces["rest"]
    picture, xy = rest.rgb.astype(np.float32), rest.xyz[:, :2]
    shown = {}
    for seconds in (0.3, 2.0):
        for gain in (0.5, 1.0):
            memory = EyeMemory(texture, Side.LEFT)
            memory.see(picture, xy, 0.0, closure=0.0)
            memory.see(picture, xy, seconds, closure=0.9)
            shown[seconds, gain] = painted(memory, rest, 0.9, gain)
    assert np.array_equal(shown[0.3, 0.5], shown[0.3, 1.0]), "in a blink it is that in which it was seen"
    dark, light = shown[2.0, 0.5], shown[2.0, 1.0]
    there = np.abs(dark - light).max(axis=2) > 5
    assert there.sum() > 20
    assert (dark[there] / light[there]).mean() == pytest.approx(0.55, abs=0.1)


def test_what_was_learnt_from_an_eye_that_gave_no_eyeball_is_put_back_too(
    real_faces: Faces, texture: TextureModel
) -> None:
    rest = real_faces["rest"]
    memory, other = EyeMemory(texture, Side.LEFT), EyeMemory(texture, Side.LEFT)
    memory.see(rest.rgb.astype(np.float32), rest.xyz[:, :2], 1.0, closure=0.0)
    memory._fit.see_radius(0.9, 1.0)
    other.recall(memory.remembered())
    assert np.array_equal(other._fit.radii, memory._fit.radii)
    assert not np.array_equal(other._fit.radii, EyeballFit().radii)


def asked(face: Any, closure: float, bell: float) -> dict[str, Any]:
    xy = face.xyz[:, :2]
    return {"current_xy": xy, "shown_xy": xy, "closure": closure, "bell": bell, "lost": LOST, "weight": 1.0}


def painted(memory: EyeMemory, face: Any, closure: float, gain: float = 1.0) -> FloatArray:
    picture, xy = face.rgb.astype(np.float32), face.xyz[:, :2]
    result, view = picture.copy(), EyeView(xy[memory.iris] - (0, 5), 1.0)
    memory.paint(result, picture, view, current_xy=xy, output_xy=xy, closure=closure, gain=np.full(3, gain, np.float32))
    assert not np.array_equal(result, picture)
    return result


def is_same(one: TextureModel, other: TextureModel) -> bool:
    return np.array_equal(one.rgb, other.rgb) and np.array_equal(one.xy, other.xy)
