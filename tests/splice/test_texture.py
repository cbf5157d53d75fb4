from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from splice_scene import Scene

from afet_video import facemesh
from afet_video.datatypes import FloatArray, Side
from afet_video.splice.alpha import SpliceSettings
from afet_video.splice.cavity import in_cavity
from afet_video.splice.compose import NeutralTexture, splice
from afet_video.splice.mesh import build_mesh
from afet_video.splice.texture import neutral_texture, outside_mouth, texture_model

Faces = Mapping[str, Any]
NOTHING = np.zeros(478, np.float32)


@pytest.fixture
def scene(real_faces: Faces) -> Scene:
    return Scene.of(real_faces["neutral"], real_faces["neutral"])


def texture(
    scene: Scene,
    *,
    current: FloatArray | None = None,
    excursion: FloatArray = NOTHING,
    closure: float = 0.0,
    opening: float = 0.0,
    settings: SpliceSettings | None = None,
    side: Side = Side.LEFT,
    lip_gaps: FloatArray | None = None,
) -> NeutralTexture:
    model = texture_model(scene.neutral, scene.neutral_xyz[:, :2], settings or SpliceSettings())
    shown = scene.neutral if current is None else current
    return neutral_texture(
        model,
        shown,
        scene.neutral_xyz[:, :2],
        excursion,
        lid_closure=closure,
        mouth_opening=opening,
        side=side,
        lip_gaps=lip_gaps,
    )


def excursion_at(landmarks: tuple[int, ...], size: float) -> FloatArray:
    result = NOTHING.copy()
    result[list(landmarks)] = size
    return result


def test_at_rest_no_pixel_of_the_neutral_is_used(scene: Scene) -> None:
    assert not texture(scene).weight.any()


def test_where_the_skin_moved_the_neutral_shows_and_far_away_it_does_not(scene: Scene) -> None:
    cheek = (205, 50, 187, 147, 207, 206, 203, 36, 101)
    weight = texture(scene, excursion=excursion_at(cheek, 0.15)).weight
    assert weight[list(cheek)].max() > 0.9
    assert weight[list(facemesh.LEFT_BROW)].max() < 1e-3
    assert not weight[list(facemesh.FACE_OVAL)].any(), "at the outline hair would be pasted"
    assert ((weight >= 0) & (weight <= 1)).all()
    little = texture(scene, excursion=excursion_at(cheek, 0.02)).weight
    assert (little <= weight + 1e-6).all()


def test_lips_that_were_covered_in_the_neutral_keep_the_frames_own_pixels(scene: Scene) -> None:
    hidden = np.zeros(478, bool)
    hidden[[17, 314, 405]] = True  # left half of the lower lip's edge
    weights = [
        neutral_texture(
            texture_model(scene.neutral, scene.neutral_xyz[:, :2], SpliceSettings(), hidden=covered),
            scene.neutral,
            scene.neutral_xyz[:, :2],
            np.full(478, 0.2, np.float32),
            lid_closure=0.0,
            mouth_opening=0.0,
            side=Side.LEFT,
        ).weight
        for covered in (None, hidden)
    ]
    assert weights[0][hidden].min() > 0.5
    assert weights[1][hidden].max() == 0
    assert weights[1][205] == weights[0][205] > 0.5, "far away nothing changes"


@pytest.mark.parametrize("side", Side)
def test_only_a_shut_eye_of_the_affected_side_is_opened(scene: Scene, side: Side) -> None:
    eyes = {Side.LEFT: facemesh.LEFT_EYE, Side.RIGHT: facemesh.RIGHT_EYE}
    weight = texture(scene, closure=1.0, excursion=np.full(478, 0.2, np.float32), side=side).weight
    assert (weight[list(eyes[side])] == 1).all()
    assert not weight[list(eyes[side.other])].any()
    assert not texture(scene, closure=0.3, side=side).weight.any(), "a squint keeps the current gaze"


def test_the_lips_of_an_open_mouth_are_the_current_frames(scene: Scene) -> None:
    everywhere = np.full(478, 0.2, np.float32)
    lips = list(facemesh.LIPS_INNER)
    shut, opened = (texture(scene, excursion=everywhere, opening=gap).weight for gap in (0.0, 0.3))
    assert shut[lips].min() > 0.5
    assert not opened[lips].any()


def test_where_lips_meet_beside_an_open_mouth_they_are_the_neutrals(scene: Scene) -> None:
    """The dark pocket at the corner of an open smile is none of a corner at rest."""
    pocket = scene.neutral.copy()
    for row in facemesh.LIP_ROWS:
        x, y = np.round(scene.neutral_xyz[row[10], :2]).astype(int)
        pocket[y - 3 : y + 4, x - 3 : x + 4] = 15.0
    gaps = 0.15 * np.sin(np.linspace(0.1, np.pi - 0.1, 9)).astype(np.float32)
    made = texture(scene, current=pocket, excursion=np.full(478, 0.2, np.float32), opening=0.15, lip_gaps=gaps)
    assert made.weight[list(facemesh.COMMISSURES)].min() > 0.95
    assert made.weight[[0, 17, 13, 14]].max() == 0, "the middle of the lips is the frame's"
    beside = [edge[place] for edge in facemesh.LIP_EDGES[-1] for place in (0, -1)]
    assert made.weight[beside].min() > 0.6, "so are their inner edges, as long as they are nearly shut"
    xyz, mesh = scene.neutral_xyz, scene.triangles
    shown = outside_mouth(mesh, SpliceSettings())
    result = splice(pocket, xyz, xyz, made, mesh, scene.alpha(), textured=shown, behind_lips=in_cavity(mesh))
    x, y = np.round(xyz[facemesh.LEFT_COMMISSURE, :2]).astype(int)
    around = np.s_[y - 2 : y + 3, x : x + 3]
    assert np.abs(result[around] - scene.neutral[around]).mean() < 8
    wide = texture(scene, excursion=np.full(478, 0.2, np.float32), opening=0.3, lip_gaps=gaps + 0.1)
    assert wide.weight[list(facemesh.COMMISSURES)].max() == 0, "where the jaw has opened it they do not meet"


def test_the_same_light_needs_no_gain(scene: Scene) -> None:
    gain = texture(scene, excursion=np.full(478, 0.2, np.float32)).gain
    assert np.abs(gain - 1).max() < 1e-3


@pytest.mark.parametrize("factor", [0.7, 1.3])
def test_the_gain_follows_the_light(scene: Scene, factor: float) -> None:
    everywhere = np.full(478, 0.2, np.float32)
    gain = texture(scene, current=scene.neutral * np.float32(factor), excursion=everywhere).gain
    inner = np.setdiff1d(np.arange(facemesh.SKIN_COUNT), facemesh.FACE_OVAL)
    assert np.median(gain[inner]) == pytest.approx(factor, abs=0.06)
    warm = scene.neutral * np.array([1.2, 1.0, 0.8], np.float32)
    tinted = np.median(texture(scene, current=warm, excursion=everywhere).gain[inner], axis=0)
    assert tinted == pytest.approx([1.2, 1.0, 0.8], abs=0.08)


def test_a_shadow_on_one_half_is_followed_there_only(scene: Scene) -> None:
    shaded = scene.neutral.copy()
    middle = int(scene.midline.x.mean())
    shaded[:, middle:] *= 0.6
    gain = texture(scene, current=shaded, excursion=np.full(478, 0.2, np.float32)).gain.mean(axis=1)
    assert gain[[280, 425, 411]] == pytest.approx(0.63, abs=0.08)  # the subject's left cheek
    assert gain[[50, 205, 187]] == pytest.approx(1.0, abs=0.08)


def test_a_cheek_before_a_blue_wall_does_not_turn_blue(scene: Scene) -> None:
    """In a turned head the outline's landmarks slip on to the background, whose colour is not the skin's light."""
    xy = scene.neutral_xyz[:, :2]
    cheek = xy[[352, 376, 411, 416, 433, 435, 401, 366, 367]]  # the subject's left, towards the ear
    wall = scene.neutral.copy()
    wall[:, int(cheek[:, 0].min()) :] = (50.0, 120.0, 235.0)
    gain = texture(scene, current=wall, excursion=np.full(478, 0.2, np.float32)).gain
    assert gain[[280, 425, 411, 427, 435, 376]] == pytest.approx(1.0, abs=0.08)


def test_as_the_paper_does_it_everything_is_the_neutrals(scene: Scene) -> None:
    made = texture(scene, current=scene.neutral * np.float32(0.5), settings=SpliceSettings(texture="neutral"))
    assert (made.weight == 1).all()
    assert (made.gain == 1).all()


@pytest.mark.parametrize("face", ["neutral", "smile", "jaw"])
def test_between_the_lips_the_neutral_has_nothing_to_give(real_faces: Faces, face: str) -> None:
    triangles = build_mesh(real_faces[face].xyz)
    barred = ~outside_mouth(triangles, SpliceSettings())
    assert barred.sum() == 18
    assert set(triangles[barred].ravel().tolist()) == set(facemesh.LIPS_INNER)
    assert outside_mouth(triangles, SpliceSettings(texture="neutral")).all()
