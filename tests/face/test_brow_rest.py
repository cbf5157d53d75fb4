"""Brows rest where most frames say, if the neutral's do not; and stay where they are if nothing says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import FloatArray, NeutralChoice, Timestamp
from afet_video.face.brow_rest import brows_at_rest
from afet_video.face.pose import interocular_px
from afet_video.face.rest import RestModel, fit_rest
from afet_video.passes.prepare import Neutral, model_of_shot
from afet_video.passes.report import neutral_content
from afet_video.passes.settings import ConvertSettings
from afet_video.splice.mesh import build_mesh

Faces = Mapping[str, Any]
RAISE = 0.10
BROWS = {"left": list(facemesh.LEFT_BROW), "right": list(facemesh.RIGHT_BROW)}
BROW_DOWN = [facemesh.BLENDSHAPES.index(name) for name in ("browDownLeft", "browDownRight")]


def raised(rest: FloatArray, left: float, right: float) -> FloatArray:
    """A face at rest with its brows, and the skin around them, up by shares of the inter-ocular distance."""
    result, iod = rest.copy(), float(interocular_px(rest))
    for height, brow in ((left, BROWS["left"]), (right, BROWS["right"])):
        away = np.linalg.norm(rest[:, None, :2] - rest[brow, :2], axis=2).min(axis=1) / iod
        result[:, 1] -= (height * iod * np.exp(-0.5 * (away / 0.08) ** 2)).astype(np.float32)
    return result


def talk(rest: FloatArray, *, count: int = 120) -> FloatArray:
    """A talker's frames: the brows, each by itself, up and down between rest and full height."""
    rng = np.random.default_rng(3)
    heights = RAISE * rng.uniform(0, 1, (count, 2)) ** 2
    noise = 0.002 * float(interocular_px(rest)) * rng.normal(0, 1, (count, *rest.shape))
    return np.asarray([raised(rest, *both) for both in heights] + noise, np.float32)


def model_of(neutral: FloatArray) -> RestModel:
    return fit_rest(neutral, np.empty((0, 478, 3), np.float32), np.empty(0, np.float32))


def calm(count: int) -> FloatArray:
    return np.zeros((count, 52), np.float32)


def height_left(model: RestModel, frame: FloatArray, rest: FloatArray) -> dict[str, float]:
    """How far above rest each brow of a frame is when its movement is taken back, in inter-ocular distances."""
    shown = model.rest(frame).xyz
    iod = float(interocular_px(rest))
    return {side: float((rest - shown)[brow, 1].mean()) / iod for side, brow in BROWS.items()}


def test_brows_go_down_to_rest_though_the_neutral_has_them_up(real_faces: Faces) -> None:
    rest = real_faces["neutral"].xyz
    neutral, frames = raised(rest, RAISE, RAISE), talk(rest)
    before = model_of(neutral)
    after = brows_at_rest(before, frames, calm(len(frames)))
    for frame in (neutral, rest, frames[7]):
        assert min(height_left(before, frame, rest).values()) > 0.06, "the neutral alone holds them up"
        left = np.abs(list(height_left(after.model, frame, rest).values()))
        assert left.max() < 0.025, "what is left of a raise is its tail at the face's outline"
    assert after.below_iod == pytest.approx((RAISE, RAISE), abs=0.01)


def test_each_brow_has_a_height_of_its_own(real_faces: Faces) -> None:
    rest = real_faces["neutral"].xyz
    frames = talk(rest)
    found = brows_at_rest(model_of(raised(rest, 0.0, RAISE)), frames, calm(len(frames)))
    assert found.below_iod == pytest.approx((0.0, RAISE), abs=0.01)
    assert np.abs(list(height_left(found.model, frames[3], rest).values())).max() < 0.025


def test_eyes_nose_and_mouth_stay_and_no_triangle_turns_over(real_faces: Faces) -> None:
    rest = real_faces["neutral"].xyz
    neutral, frames = raised(rest, RAISE, RAISE), talk(rest)
    before = model_of(neutral)
    after = brows_at_rest(before, frames, calm(len(frames))).model
    moved = np.abs(after.base - before.base).max(axis=1)
    still = [*facemesh.LEFT_EYE, *facemesh.RIGHT_EYE, *facemesh.LIPS_OUTER, 1, 4, 6, 168, 152, 234, 454]
    assert not moved[still].any()
    corners = build_mesh(neutral)
    turn = [_area(model.base[:, :2][corners]) for model in (before, after)]
    high = (before.base[corners, 1] < before.base[list(facemesh.LEFT_EYE), 1].mean()).all(axis=1)
    assert (turn[0][high] * turn[1][high] > 0).all()


def _area(triangles: NDArray[np.float64]) -> NDArray[np.float64]:
    (ax, ay), (bx, by) = (triangles[:, 1] - triangles[:, 0]).T, (triangles[:, 2] - triangles[:, 0]).T
    return np.asarray(ax * by - ay * bx, np.float64)


def test_a_neutral_at_rest_is_kept(real_faces: Faces) -> None:
    """Noise has lowest frames too, and they are no evidence."""
    rest = real_faces["neutral"].xyz
    model, frames = model_of(rest), talk(rest)
    assert brows_at_rest(model, frames, calm(len(frames))).model is model


def test_a_moment_says_nothing(real_faces: Faces) -> None:
    rest = real_faces["neutral"].xyz
    model, frames = model_of(raised(rest, RAISE, RAISE)), talk(rest, count=30)
    assert brows_at_rest(model, frames, calm(len(frames))).model is model


def test_a_frown_is_not_rest(real_faces: Faces) -> None:
    """A brow pulled down in a third of the frames rests where it is in the others."""
    rest = real_faces["neutral"].xyz
    frames, blendshapes = talk(rest), calm(120)
    frames[:40] = [raised(rest, -0.05, -0.05) for _ in range(40)]
    model = model_of(rest)
    assert max(brows_at_rest(model, frames, blendshapes).below_iod) > 0.03, "nothing tells it from a brow at rest"
    blendshapes[:40, BROW_DOWN] = 0.6
    assert brows_at_rest(model, frames, blendshapes).model is model


@pytest.mark.parametrize(("reasons", "moves"), [({"calm": 0.1}, True), ({"calm": 0.8}, False), ({}, False)])
def test_a_shot_is_asked_only_where_its_neutral_is_not_at_rest(
    real_faces: Faces, reasons: dict[str, float], moves: bool
) -> None:
    """No reasons: the user named it."""
    face = real_faces["neutral"]
    frames = talk(face.xyz)
    up = raised(face.xyz, RAISE, RAISE)
    choice = NeutralChoice(0, Timestamp(0, Fraction(1, 25)), 0.1, "auto", reasons)
    neutral = Neutral(choice, up, np.ones(52, np.float32), face.rgb.astype(np.float32), (0, 0))
    track = SimpleNamespace(face_id=np.zeros(len(frames), np.int32), blendshapes=calm(len(frames)))
    followed = SimpleNamespace(xyz=lambda frame: frames[frame])
    model = model_of_shot(neutral, (), cast(Any, track), cast(Any, followed), 0, ConvertSettings())
    below = neutral_content(model.neutral)["brows_below_iod"]
    assert below == pytest.approx({"left": RAISE, "right": RAISE} if moves else {"left": 0.0, "right": 0.0}, abs=0.01)
    assert (max(height_left(model.rest, up, face.xyz).values()) < 0.025) is moves
