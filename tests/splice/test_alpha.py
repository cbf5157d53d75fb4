from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from splice_scene import Scene

from afet_video import facemesh
from afet_video.datatypes import PalsyProfile, Side
from afet_video.errors import SettingsError
from afet_video.splice.alpha import SpliceSettings

Faces = Mapping[str, Any]


@pytest.mark.parametrize("ramp", ["smooth", "linear"])
@pytest.mark.parametrize("side", Side)
def test_the_affected_side_is_the_subjects_own(real_faces: Faces, ramp: str, side: Side) -> None:
    """In a mirrored picture too: it is the landmarks that say where left is."""
    plain = Scene.of(real_faces["smile"], real_faces["neutral"])
    left, right = list(facemesh.LEFT_BROW + facemesh.LEFT_EYE), list(facemesh.RIGHT_BROW + facemesh.RIGHT_EYE)
    affected, healthy = (left, right) if side is Side.LEFT else (right, left)
    for scene in (plain, plain.mirrored()):
        xy = scene.expression_xyz
        field = scene.alpha(side, ramp=ramp)
        there = field.at(xy[affected, 0], xy[affected, 1])
        assert there.max() < 0.05
        assert np.median(there) == 0
        assert (field.at(xy[healthy, 0], xy[healthy, 1]) > 0.05).all()
    names = {Side.LEFT: facemesh.LEFT_EYE_OUTER, Side.RIGHT: facemesh.RIGHT_EYE_OUTER}
    corner = plain.expression_xyz[names[side]]
    assert (corner[0] > plain.midline.x_at(corner[1])) is np.bool_(side is Side.LEFT), "an unmirrored picture"


def test_the_papers_ramp_is_linear_from_the_midline_to_the_edge(real_faces: Faces) -> None:
    scene = Scene.of(real_faces["smile"], real_faces["neutral"])
    field = scene.alpha(Side.RIGHT, ramp="linear")  # the moving half lies at larger x
    row = np.float32(scene.midline.y.mean())
    middle = field.midline.x_at(row)
    outline = scene.expression_xyz[list(facemesh.FACE_OVAL)]
    edge = (outline[:, 0] - field.midline.x_at(outline[:, 1])).max()
    assert field.at(middle, row) == field.at_midline == 0
    assert field.at(middle - 20, row) == 0
    assert field.at(middle + edge / 2, row) == pytest.approx(0.5, abs=1e-5)
    assert field.at(middle + edge / 4, row) == pytest.approx(0.25, abs=1e-5)
    assert field.at(middle + edge, row) == pytest.approx(1, abs=1e-5)
    assert field.at(middle + 2 * edge, row) == 1


def test_the_smooth_ramp_is_centered_on_the_midline_and_as_wide_as_asked(real_faces: Faces) -> None:
    scene = Scene.of(real_faces["smile"], real_faces["neutral"])
    field = scene.alpha(Side.RIGHT)
    row = np.float32(scene.midline.y.mean())
    middle = field.midline.x_at(row)
    assert field.at(middle, row) == pytest.approx(field.at_midline) == pytest.approx(0.5)
    assert field.at(middle, row) == pytest.approx(0.5, abs=1e-4)
    assert field.start == -field.stop
    x = middle + np.linspace(-1.5, 1.5, 401, dtype=np.float32) * field.stop
    alpha = field.at(x, np.full_like(x, row))
    assert alpha[0] == 0
    assert alpha[-1] == 1
    assert (np.diff(alpha) >= 0).all()
    assert np.abs(np.diff(alpha, 2)).max() < 1e-3, "a kink"
    assert np.allclose(alpha + alpha[::-1], 1, atol=1e-4)


@pytest.mark.parametrize(
    "values", [{"ramp": "steep"}, {"ramp_width": 0.0}, {"ramp_width": float("nan")}, {"texture": "none"}]
)
def test_settings_out_of_range_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=str(next(iter(values)))):
        SpliceSettings(**values)


@pytest.mark.parametrize("values", [{"side": "top"}, {"movement_kept": -0.1}, {"movement_kept": float("nan")}])
def test_a_profile_out_of_range_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=str(next(iter(values)))):
        PalsyProfile(**values)
