from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from splice_scene import Scene, mirrored_xyz

from afet_video import facemesh
from afet_video.datatypes import ZONES, FloatArray, PalsyProfile, Side
from afet_video.face.activity import lid_gap_px
from afet_video.face.palsy import AffectedFace, PalsyModel, affected_face, palsy_model
from afet_video.face.pose import interocular_px
from afet_video.face.rest import RestFrame, RestModel, fit_rest
from afet_video.splice.truth import output_landmarks

Faces = Mapping[str, Any]
PLACES = {
    "brow": facemesh.LEFT_BROW,
    "eye": facemesh.LEFT_EYE,
    "cheek": (280, 425, 266, 423),
    "commissure": (291, 306, 409, 270),
    "lower_lip": (405, 314, 404, 315),
}
"""Landmarks of the left half that stand for each zone."""


@pytest.fixture
def rest_model(real_faces: Faces) -> RestModel:
    none = np.empty((0, 478, 3), np.float32)
    return fit_rest(real_faces["neutral"].xyz, none, np.empty(0, np.float32))


@pytest.fixture
def model(rest_model: RestModel) -> PalsyModel:
    return palsy_model(rest_model.base)


def shown(xyz: FloatArray, rest: RestFrame, model: PalsyModel, **profile: Any) -> AffectedFace:
    return affected_face(xyz, rest, PalsyProfile(**profile), model)


def test_the_zones_share_every_landmark_and_are_alike_on_both_halves(model: PalsyModel) -> None:
    assert model.zones.shape == (478, 5)
    assert model.zones.min() >= 0
    assert np.abs(model.zones.sum(axis=1) - 1).max() < 1e-12
    assert np.abs(model.zones - model.zones[facemesh.TWIN]).max() < 1e-12
    for number, zone in enumerate(ZONES):
        assert model.zones[list(PLACES[zone]), number].min() > 0.9, zone


def test_droop_and_synkinesis_leave_midline_and_outline_alone(model: PalsyModel) -> None:
    fixed = list(facemesh.MIDLINE + facemesh.FACE_OVAL)
    assert not model.droop[fixed].any()
    assert not model.lift[fixed].any()
    for side in Side:
        assert not model.lids[side][fixed].any()
    assert np.abs(model.droop - model.droop[facemesh.TWIN]).max() < 1e-12
    assert np.abs(model.pull - model.pull[facemesh.TWIN]).max() < 1e-12
    assert not model.pull[[*facemesh.FACE_OVAL, *facemesh.LEFT_EYE, 1, 2, 4, 94]].any(), "the nose stays"
    assert model.pull[[0, 13]].tolist() == [1, 1]
    assert np.allclose(model.lids[Side.LEFT], model.lids[Side.RIGHT][facemesh.TWIN])


@pytest.mark.parametrize("kept", [0.25, 0.5, 0.75])
@pytest.mark.parametrize(
    ("zone", "face"),
    [("brow", "brows"), ("cheek", "smile"), ("commissure", "smile"), ("lower_lip", "smile"), ("eye", "brows")],
)
def test_each_zone_keeps_the_share_asked_for_and_the_others_theirs(
    real_faces: Faces, rest_model: RestModel, model: PalsyModel, zone: str, face: str, kept: float
) -> None:
    scene = Scene.of(real_faces[face], real_faces["neutral"])
    rest = rest_model.rest(scene.expression_xyz)
    affected = shown(scene.expression_xyz, rest, model, **{zone: kept})

    def ratio(places: tuple[int, ...]) -> float:
        whole = (scene.expression_xyz - rest.xyz)[list(places), :2]
        left = (affected.xyz - rest.xyz)[list(places), :2]
        return float((left * whole).sum() / (whole * whole).sum())

    within = 0.1 * kept if zone == "lower_lip" else 0.04  # a corner that stays holds the lip back a little
    assert ratio(PLACES[zone]) == pytest.approx(kept, abs=within)
    far = {"brow": "commissure", "eye": "commissure"}.get(zone, "brow")
    assert abs(ratio(PLACES[far])) < 0.04


@pytest.mark.parametrize("side", Side)
def test_a_lower_lip_without_muscles_goes_with_the_corner_and_is_not_drawn_down(
    real_faces: Faces, rest_model: RestModel, model: PalsyModel, side: Side
) -> None:
    """Marginal mandibular palsy: in a smile the lip between two corners that rise cannot stay behind."""
    xyz = real_faces["neutral"].xyz
    rest = rest_model.rest(xyz)
    profile = PalsyProfile(side, 0.0, brow=1, eye=1, cheek=1, commissure=1, lower_lip=0)
    lip, corner = ((321, 375), 291) if side is Side.LEFT else ((91, 146), 61)  # of the outer lower lip, near the corner
    smile, frown = xyz.copy(), xyz.copy()
    up = np.array([0.0, -0.08, 0.0], np.float32) * interocular_px(xyz)
    smile[[corner, *lip]] += up
    frown[list(lip)] -= up

    def moved(face: FloatArray, landmark: int) -> float:
        made = affected_face(face, replace(rest, xyz=xyz), profile, model)
        return float((made.xyz - xyz)[landmark, 1] / up[1])

    assert moved(smile, corner) == pytest.approx(1.0, abs=0.02)
    assert 1.0 > moved(smile, lip[1]) > moved(smile, lip[0]) > 0.4, "the nearer the corner the more"
    lost_in_frown = -affected_face(frown, replace(rest, xyz=xyz), profile, model).lost[list(lip)]
    assert [moved(frown, one) for one in lip] == pytest.approx(list(-1.0 - lost_in_frown), abs=0.02)


@pytest.mark.parametrize("side", Side)
def test_all_movement_kept_is_exactly_the_source(
    real_faces: Faces, rest_model: RestModel, model: PalsyModel, side: Side
) -> None:
    for face in real_faces.values():
        profile = PalsyProfile(side, 0.0, brow=1, eye=1, cheek=1, commissure=1, lower_lip=1, droop=1)
        assert profile.changes_nothing
        affected = affected_face(face.xyz, rest_model.rest(face.xyz), profile, model)
        assert np.array_equal(affected.xyz, face.xyz)
        assert not affected.excursion.any()
        assert not affected.lost.any()


def test_nothing_kept_is_the_face_at_rest(real_faces: Faces, rest_model: RestModel, model: PalsyModel) -> None:
    xyz = real_faces["smile"].xyz
    rest = rest_model.rest(xyz)
    affected = shown(xyz, rest, model)
    assert np.abs(affected.xyz - rest.xyz).max() < 1e-3
    assert np.allclose(affected.excursion, rest.excursion, atol=1e-6)
    assert affected.mouth_opening == pytest.approx(rest.mouth_opening, abs=1e-4)


def test_strength_takes_everything_its_share_of_the_way(
    real_faces: Faces, rest_model: RestModel, model: PalsyModel
) -> None:
    xyz = real_faces["smile"].xyz
    rest, profile = rest_model.rest(xyz), PalsyProfile(Side.LEFT, 0.2, brow=0.7, droop=0.8, synkinesis=0.6)
    whole = affected_face(xyz, rest, profile, model)
    for strength in (0.0, 0.3, 1.0):
        part = affected_face(xyz, rest, profile, model, strength=strength)
        assert np.abs((part.xyz - xyz) - strength * (whole.xyz - xyz)).max() < 1e-4
        assert np.allclose(part.lost, strength * whole.lost)
        assert np.allclose(part.excursion, strength * whole.excursion)
    assert np.array_equal(affected_face(xyz, rest, profile, model, strength=0.0).xyz, xyz)


@pytest.mark.parametrize("side", Side)
def test_droop_lowers_the_affected_side_only(
    real_faces: Faces, rest_model: RestModel, model: PalsyModel, side: Side
) -> None:
    scene = Scene.of(real_faces["neutral"], real_faces["neutral"])
    xyz, iod = scene.expression_xyz, float(interocular_px(scene.expression_xyz))
    affected = shown(xyz, rest_model.rest(xyz), model, side=side, droop=1.0)
    output, _ = output_landmarks(xyz, affected.xyz, scene.alpha(side))
    lower = (output - xyz)[:, 1] / iod
    corners = {Side.LEFT: facemesh.LEFT_COMMISSURE, Side.RIGHT: facemesh.RIGHT_COMMISSURE}
    brows = {Side.LEFT: facemesh.LEFT_BROW, Side.RIGHT: facemesh.RIGHT_BROW}
    lids = {Side.LEFT: (386, 374), Side.RIGHT: (159, 145)}
    assert 0.04 < lower[corners[side]] < 0.055
    assert 0.02 < lower[list(brows[side])].mean() < 0.045
    upper, under = lids[side]
    assert 0.002 < lower[upper] < lower[under] - 0.01 < 0.02, "the eye opens wider as the lower lid sags"
    healthy = [corners[side.other], *brows[side.other], *lids[side.other]]
    assert np.abs(lower[healthy]).max() < 0.001


@pytest.mark.parametrize("ramp", ["smooth", "linear"])
@pytest.mark.parametrize("side", Side)
def test_philtrum_and_lips_are_pulled_to_the_healthy_side(
    real_faces: Faces, rest_model: RestModel, model: PalsyModel, side: Side, ramp: str
) -> None:
    scene = Scene.of(real_faces["neutral"], real_faces["neutral"])
    xyz, iod = scene.expression_xyz, float(interocular_px(scene.expression_xyz))
    alpha = scene.alpha(side, ramp=ramp)
    profile = PalsyProfile(side, droop=1.0)
    affected = affected_face(xyz, rest_model.rest(xyz), profile, model, seam_share=1 - alpha.at_midline)
    output, alpha_at = output_landmarks(xyz, affected.xyz, alpha)
    towards_healthy = (output - xyz)[:, 0] / iod * (-1 if side is Side.LEFT else 1)
    assert 0.016 < towards_healthy[0] < 0.026, "about 2 mm"
    assert 0.008 < towards_healthy[164] < towards_healthy[0]
    assert 0.005 < towards_healthy[17] < 0.7 * towards_healthy[0], "the lower lip less"
    assert np.abs(towards_healthy[[1, 2, 4, 152]]).max() < 0.001
    assert np.abs(output - xyz)[alpha_at == 1].max() == 0, "beyond the ramp the healthy half stays"
    if ramp == "smooth":
        healthy = facemesh.RIGHT_COMMISSURE if side is Side.LEFT else facemesh.LEFT_COMMISSURE
        assert np.abs(output - xyz)[healthy].max() < 0.003 * iod, "the ramp ends at the corner"
    lips = np.array(facemesh.LIP_ROWS[0][:11])
    assert (np.diff(output[lips, 0]) > 0).all(), "nothing folds over"
    spared = affected_face(xyz, rest_model.rest(xyz), PalsyProfile(side, droop=1.0, commissure=1.0), model)
    assert np.abs((spared.xyz - xyz)[0]).max() < 1e-3


def test_a_spared_zone_does_not_hang(real_faces: Faces, rest_model: RestModel, model: PalsyModel) -> None:
    xyz = real_faces["neutral"].xyz
    affected = shown(xyz, rest_model.rest(xyz), model, droop=1.0, brow=1.0, eye=1.0)
    fall = (affected.xyz - xyz)[:, 1] / float(interocular_px(xyz))
    assert fall[list(facemesh.LEFT_BROW)].max() < 0.003
    assert fall[facemesh.LEFT_COMMISSURE] > 0.04


def test_the_affected_eye_narrows_in_a_smile(real_faces: Faces, rest_model: RestModel, model: PalsyModel) -> None:
    xyz = real_faces["smile"].xyz
    rest = rest_model.rest(xyz)
    gaps = [
        lid_gap_px(shown(xyz, rest, model, movement_kept=0.5, synkinesis=amount).xyz, facemesh.LEFT_EYE)
        for amount in (0.0, 0.5, 1.0)
    ]
    assert 0.25 < 1 - gaps[2] / gaps[0] < 0.5
    assert gaps[1] == pytest.approx((gaps[0] + gaps[2]) / 2, rel=0.01)
    calm = real_faces["neutral"].xyz
    assert np.array_equal(shown(calm, rest_model.rest(calm), model, synkinesis=1.0).xyz, calm)


def test_the_affected_corner_lifts_in_a_brow_raise(real_faces: Faces, rest_model: RestModel, model: PalsyModel) -> None:
    xyz = real_faces["brows"].xyz
    rest, iod = rest_model.rest(xyz), float(interocular_px(xyz))
    without, with_ = (shown(xyz, rest, model, synkinesis=amount).xyz for amount in (0.0, 1.0))
    moved = (with_ - without)[:, :2] / iod
    assert moved[facemesh.LEFT_COMMISSURE, 1] < -0.01, "up"
    assert moved[facemesh.LEFT_COMMISSURE, 0] > 0.005, "outwards"
    assert np.abs(moved[list(facemesh.LEFT_BROW)]).max() < 1e-6


def test_a_mirror_swaps_the_sides(real_faces: Faces) -> None:
    width, none = 400, np.empty((0, 478, 3), np.float32)
    neutral, smile = real_faces["neutral"].xyz, real_faces["smile"].xyz
    results = []
    for side, calm, xyz in (
        (Side.LEFT, neutral, smile),
        (Side.RIGHT, mirrored_xyz(neutral, width), mirrored_xyz(smile, width)),
    ):
        model = fit_rest(calm, none, np.empty(0, np.float32))
        profile = PalsyProfile(side, 0.3, brow=0.8, droop=0.7, synkinesis=0.6)
        results.append(affected_face(xyz, model.rest(xyz), profile, palsy_model(model.base)).xyz)
    assert np.abs(mirrored_xyz(results[1], width) - results[0])[:, :2].max() < 0.02


@pytest.mark.parametrize("side", list(Side))
def test_the_upper_lid_falls_in_part_when_the_lids_are_meant_to_shut(
    real_faces: Faces, rest_model: RestModel, model: PalsyModel, side: Side
) -> None:
    """The lower lid stays; a squint is no attempt to shut; what the lids close by themselves counts in."""
    xyz = real_faces["neutral"].xyz
    rest = rest_model.rest(xyz)
    ring = list(facemesh.LEFT_EYE if side is Side.LEFT else facemesh.RIGHT_EYE)
    open_px = lid_gap_px(xyz, tuple(ring))

    def lids(closure: float, **profile: float) -> FloatArray:
        meant = replace(rest, lid_closure=(closure, closure))
        return shown(xyz, meant, model, side=side, lid_fall=0.25, **profile).xyz

    fallen = lids(0.9)
    assert lid_gap_px(fallen, tuple(ring)) == pytest.approx(0.75 * open_px, rel=0.02)
    assert np.allclose(fallen[ring[9:]], xyz[ring[9:]], atol=1e-3)
    assert np.array_equal(lids(0.3), xyz)
    assert np.array_equal(lids(0.9, eye=0.25), xyz)
    assert 0.75 * open_px < lid_gap_px(lids(0.5), tuple(ring)) < open_px


def test_lids_that_come_as_near_as_a_slit_meet(real_faces: Faces, rest_model: RestModel, model: PalsyModel) -> None:
    """Grade III closes the eye fully with effort; one that keeps less stays ajar, and a squint is not pressed shut."""
    rest = rest_model.rest(real_faces["smile"].xyz)
    ring = list(facemesh.LEFT_EYE)

    def lost(closure: float, eye: float) -> float:
        face = shown(real_faces["smile"].xyz, replace(rest, lid_closure=(closure, 0.0)), model, side=Side.LEFT, eye=eye)
        return float(face.lost[ring].mean())

    assert lost(1.0, 0.9) < 1e-3
    assert lost(1.0, 0.7) == pytest.approx(0.3, abs=0.02)
    assert lost(0.5, 0.9) == pytest.approx(0.1, abs=0.01)
    assert lost(0.0, 0.0) == pytest.approx(1.0, abs=0.02)
    steps = [lost(float(closure), 0.9) for closure in np.linspace(0.5, 1.0, 101)]
    assert np.abs(np.diff(steps)).max() < 0.01  # nothing pops as the lids close
