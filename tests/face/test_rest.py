from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from afet_video import facemesh
from afet_video.datatypes import FloatArray
from afet_video.face.activity import lid_gap_px
from afet_video.face.pose import interocular_px
from afet_video.face.rest import RestModel, fit_rest

Faces = Mapping[str, Any]
CHIN_AND_LOWER_LIP = (152, 175, 199, 17, 16, 15, 14)
UPPER_LIP_MIDDLE = (0, 11, 12, 13)


def moved(xyz: FloatArray, *, turn_deg: tuple[float, float, float] = (0, 0, 0), scale: float = 1.0) -> FloatArray:
    rotation = Rotation.from_euler("xyz", turn_deg, degrees=True)
    return np.asarray(scale * rotation.apply(xyz - xyz.mean(axis=0)) + (210, 160, 3), np.float32)


def model_of(xyz: FloatArray) -> RestModel:
    return fit_rest(xyz, np.empty((0, 478, 3), np.float32), np.empty(0, np.float32))


def with_open_jaw(xyz: FloatArray, drop_iod: float) -> FloatArray:
    """A jaw that drops, and nothing else: chin and lower lip go down, the corners half-way."""
    result = xyz.copy()
    drop = drop_iod * float(interocular_px(xyz))
    mouth = xyz[[facemesh.LEFT_COMMISSURE, facemesh.RIGHT_COMMISSURE], 1].mean()
    chin = xyz[152, 1]
    share = np.clip((xyz[:, 1] - mouth) / (chin - mouth), 0, 1) ** 0.3
    share[xyz[:, 1] < mouth] = 0
    share[facemesh.SKIN_COUNT :] = 0
    share[list(facemesh.UPPER_LIP)] = 0
    share[list(facemesh.LOWER_LIP)] = 1
    share[list(facemesh.COMMISSURES)] = 0.5
    result[:, 1] += share * drop
    return result


@pytest.mark.parametrize(
    "pose",
    [{}, {"scale": 1.4}, {"turn_deg": (0, 25, 0)}, {"turn_deg": (10, -15, 8)}],
    ids=["same", "nearer", "turned", "turned and tilted"],
)
def test_a_face_at_rest_is_its_own_rest(real_faces: Faces, pose: dict[str, Any]) -> None:
    """Exactly: zero movement is zero change, wherever the head is."""
    neutral = real_faces["neutral"].xyz
    frame = moved(neutral, **pose)
    rest = model_of(neutral).rest(frame)
    assert np.array_equal(rest.xyz, frame)
    assert not rest.excursion.any()
    assert max(rest.lid_closure) < 0.15


def test_landmark_noise_is_no_movement(real_faces: Faces) -> None:
    neutral = real_faces["neutral"].xyz
    model = model_of(neutral)
    rng = np.random.default_rng(1)
    noise = 0.002 * float(interocular_px(neutral))
    frames = [neutral + rng.normal(0, noise, neutral.shape).astype(np.float32) for _ in range(5)]
    assert max(model.rest(frame).excursion.max() for frame in frames) < 0.002


def test_speech_among_the_frames_at_rest_does_not_spare_the_lips(real_faces: Faces) -> None:
    """What spreads there is movement, not noise: a smile of the same size is taken back all the same."""
    neutral = real_faces["neutral"].xyz
    iod = float(interocular_px(neutral))
    rng = np.random.default_rng(2)
    lips = [index for row in facemesh.LIP_ROWS for index in row]
    talks = np.repeat(neutral[None], 24, axis=0)
    talks[:, lips, 1] += rng.normal(0, 0.05 * iod, (24, 1)).astype(np.float32)
    model = fit_rest(neutral, talks, np.ones(24, np.float32))
    pulled = neutral.copy()
    pulled[lips, 1] -= 0.05 * iod
    rest = model.rest(pulled)
    assert rest.excursion[lips].mean() == pytest.approx(0.05, abs=0.012)


def test_another_calm_moment_is_rest(real_faces: Faces) -> None:
    rest = model_of(real_faces["neutral"].xyz).rest(real_faces["rest"].xyz)
    smile = model_of(real_faces["neutral"].xyz).rest(real_faces["smile"].xyz)
    assert rest.excursion.mean() < 0.25 * smile.excursion.mean()


@pytest.mark.parametrize(
    ("face", "part"), [("brows", facemesh.LEFT_BROW), ("smile", (facemesh.LEFT_COMMISSURE, facemesh.RIGHT_COMMISSURE))]
)
def test_a_real_expression_is_taken_back(real_faces: Faces, face: str, part: tuple[int, ...]) -> None:
    neutral, expression = real_faces["neutral"].xyz, real_faces[face].xyz
    model = model_of(neutral)
    rest = model.rest(expression)
    part = tuple(part)
    assert rest.excursion[list(part)].mean() > 0.04
    before, after = shape_change(expression, neutral, part), shape_change(rest.xyz, neutral, part)
    assert after < 0.4 * before
    assert not rest.excursion[list(facemesh.FACE_OVAL)].any(), "the outline is the current frame's"


def test_a_slow_brow_makes_no_jerk_where_the_dead_zone_closes(real_faces: Faces) -> None:
    """On its way from rest into a raise, what is shown of it leaves rest by little more than its landmarks' noise."""
    neutral = real_faces["neutral"].xyz
    model, brow = model_of(neutral), list(facemesh.LEFT_BROW)
    shown = []
    for raised in np.linspace(0.0, 0.03, 16) * float(interocular_px(neutral)):
        frame = neutral.copy()
        frame[brow, 1] -= raised
        shown.append(np.linalg.norm((model.rest(frame).xyz - neutral)[brow, :2].mean(axis=0)))
    assert max(shown) < 1.3 * model.noise_px[brow].mean()
    assert shown[-1] < 0.15 * raised, "a raise is taken back, but for the tail at the face's outline"


def shape_change(xyz: FloatArray, neutral: FloatArray, part: tuple[int, ...]) -> float:
    """How far a part is from where it is at rest, seen from the eyes' inner corners and the nose."""
    fixed = [facemesh.LEFT_EYE_INNER, facemesh.RIGHT_EYE_INNER, 168, 6, 4]
    here = xyz[list(part), :2] - xyz[fixed, :2].mean(axis=0)
    there = neutral[list(part), :2] - neutral[fixed, :2].mean(axis=0)
    return float(np.linalg.norm(here - there, axis=1).mean())


@pytest.mark.parametrize("drop_iod", [0.15, 0.35])
def test_a_jaw_that_drops_is_left_alone(real_faces: Faces, drop_iod: float) -> None:
    """It hangs on another nerve: chin and lower lip stay with the current frame."""
    neutral = real_faces["neutral"].xyz
    model = model_of(neutral)
    opened = with_open_jaw(neutral, drop_iod)
    taken = np.linalg.norm((opened - model.rest(opened).xyz)[:, :2], axis=1) / float(interocular_px(neutral))
    assert taken[list(CHIN_AND_LOWER_LIP)].max() < 0.25 * drop_iod
    assert taken[list(UPPER_LIP_MIDDLE)].max() < 0.2 * drop_iod
    assert taken[list(facemesh.LEFT_BROW + facemesh.RIGHT_BROW)].max() == pytest.approx(0, abs=1e-3)


def test_a_real_open_jaw_keeps_chin_and_lower_lip(real_faces: Faces) -> None:
    neutral, opened = real_faces["neutral"].xyz, real_faces["jaw"].xyz
    rest = model_of(neutral).rest(opened)
    dropped = shape_change(opened, neutral, (17, 199, 175))
    taken = np.linalg.norm((opened - rest.xyz)[[17, 199, 175], :2], axis=1).mean()
    assert dropped > 8
    assert taken < 0.35 * dropped


@pytest.mark.parametrize("side", [0, 1])
def test_a_shut_lid_is_seen_and_opened(real_faces: Faces, side: int) -> None:
    neutral = real_faces["neutral"].xyz
    eye = (facemesh.LEFT_EYE, facemesh.RIGHT_EYE)[side]
    shut = neutral.copy()
    shut[list(eye[1:8])] = shut[list(eye[:8:-1])] - np.float32((0, 0.2, 0))
    rest = model_of(neutral).rest(shut)
    assert rest.lid_closure[side] > 0.9
    assert rest.lid_closure[1 - side] < 0.1
    upper = list(eye[3:6])
    assert (
        np.abs(rest.xyz[upper, 1] - neutral[upper, 1]).max() < 0.25 * np.abs(shut[upper, 1] - neutral[upper, 1]).min()
    )


@pytest.mark.parametrize("look", [(2.0, 0.0), (-2.0, 1.0)])
def test_gaze_is_left_alone(real_faces: Faces, look: tuple[float, float]) -> None:
    neutral = real_faces["neutral"].xyz
    looking = neutral.copy()
    looking[list(facemesh.LEFT_IRIS + facemesh.RIGHT_IRIS), :2] += np.float32(look)
    irises = list(facemesh.LEFT_IRIS + facemesh.RIGHT_IRIS)
    assert np.allclose(model_of(neutral).rest(looking).xyz[irises], looking[irises], atol=1e-3)


def resting_frames(neutral: FloatArray, count: int) -> tuple[FloatArray, NDArray[np.float64]]:
    """A resting face whose landmarks err with the head's turn, as a real detector's do."""
    rng = np.random.default_rng(2)
    bias = rng.normal(0, 6, (478, 3))
    bias[[33, 133, 362, 263]] = 0
    yaws = np.linspace(-20, 20, count)
    frames = [moved(neutral + np.radians(yaw) * bias.astype(np.float32), turn_deg=(0, yaw, 0)) for yaw in yaws]
    return np.array(frames, np.float32), bias


def test_the_rest_shape_follows_the_heads_turn(real_faces: Faces) -> None:
    neutral = real_faces["neutral"].xyz
    samples, _ = resting_frames(neutral, 41)
    learned = fit_rest(neutral, samples[::2], np.ones(21, np.float32))
    single = model_of(neutral)
    errors = [np.mean([model.rest(frame).excursion.mean() for frame in samples[1:9:2]]) for model in (learned, single)]
    assert errors[1] > 0.004
    assert errors[0] < 0.2 * errors[1]


def test_a_few_wrong_resting_frames_spoil_nothing(real_faces: Faces) -> None:
    neutral, smile = real_faces["neutral"].xyz, real_faces["smile"].xyz
    rng = np.random.default_rng(4)
    samples = np.array([neutral + rng.normal(0, 0.1, neutral.shape) for _ in range(40)] + [smile] * 4, np.float32)
    weights = np.array([1.0] * 40 + [0.3] * 4, np.float32)
    spoiled, clean = fit_rest(neutral, samples, weights), fit_rest(neutral, samples[:40], weights[:40])
    corners = [facemesh.LEFT_COMMISSURE, facemesh.RIGHT_COMMISSURE]
    assert spoiled.rest(smile).excursion[corners].mean() > 0.9 * clean.rest(smile).excursion[corners].mean()


def test_no_eye_is_wider_at_rest_than_it_ever_was(real_faces: Faces) -> None:
    """Eyes that were wider in frames with a lower head say nothing of a head that is lower still."""
    neutral = real_faces["neutral"].xyz
    uppers = [eye[1:8] for eye in (facemesh.LEFT_EYE, facemesh.RIGHT_EYE)]

    def seen(pitch: float, opened_iod: float) -> FloatArray:
        face = neutral.copy()
        for upper in uppers:
            face[list(upper), 1] -= opened_iod * float(interocular_px(neutral))
        return moved(face, turn_deg=(pitch, 0, 0))

    def gaps(xyz: FloatArray) -> FloatArray:
        eyes = (facemesh.LEFT_EYE, facemesh.RIGHT_EYE)
        return np.array([lid_gap_px(xyz, eye) for eye in eyes], np.float32) / float(interocular_px(xyz))

    samples = np.stack([seen(pitch, 0.003 * pitch) for pitch in np.linspace(-5, 5, 21)])
    model = fit_rest(moved(neutral), samples, np.ones(len(samples), np.float32))
    widest = np.max([gaps(sample) for sample in samples], axis=0)
    for pitch in (12.0, 20.0):
        shut = seen(pitch, -0.05)
        assert (gaps(model.rest(shut).xyz) < 1.06 * widest).all()
        assert (gaps(model.rest(shut).xyz) > 1.04 * widest).all(), "and as wide as that"
    usual = seen(3.0, -0.05)
    assert gaps(model.rest(usual).xyz) == pytest.approx(gaps(seen(3.0, 0.009)), rel=0.06), "a pose that was seen"
