"""Measures over time on a real face whose affected cheek is moved by a known amount."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, cast

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import PalsyProfile, Side
from afet_video.evaluation.inputs import Conversion, HowMade
from afet_video.evaluation.temporal import TemporalMeasures, temporal_figures
from afet_video.splice.midline import MidlineSettings, fit_midline, head_frame, midline_points, to_image

Gray = NDArray[np.uint8]
FRAMES = 16
SCALE = 2


@pytest.fixture(scope="module")
def face(real_faces: Mapping[str, Any]) -> tuple[Gray, NDArray[np.float32]]:
    """A picture at twice the size, and its landmarks."""
    one = real_faces["neutral"]
    gray = cv2.cvtColor(one.rgb, cv2.COLOR_RGB2GRAY)
    noise = np.random.default_rng(0).normal(0, 12, gray.shape)  # something for optical flow to hold on to
    gray = np.clip(gray + cv2.GaussianBlur(noise, (0, 0), 1.2) * 2, 0, 255).astype(np.uint8)
    gray = cv2.resize(gray, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_CUBIC)
    return gray, (one.xyz * SCALE).astype(np.float32)


def moved(gray: Gray, xyz: NDArray[np.float32], amount: float) -> tuple[Gray, NDArray[np.float32]]:
    """Push the left cheek up by `amount` pixels, softly."""
    center = xyz[[50, 205, 280, 425]][2:, :2].mean(axis=0)
    spread = 0.22 * float(np.linalg.norm(xyz[facemesh.LEFT_EYE_OUTER] - xyz[facemesh.RIGHT_EYE_OUTER]))

    def push(x: Any, y: Any) -> Any:
        return amount * np.exp(-((x - center[0]) ** 2 + (y - center[1]) ** 2) / (2 * spread**2))

    y, x = np.mgrid[0 : gray.shape[0], 0 : gray.shape[1]].astype(np.float32)
    shown = cv2.remap(gray, x, (y + push(x, y)).astype(np.float32), cv2.INTER_LINEAR)
    points = xyz.copy()
    points[:, 1] -= push(points[:, 0], points[:, 1])
    return shown, points


def figures(
    face: tuple[Gray, NDArray[np.float32]], kept: float, change: Callable[[int, Gray], Gray] = lambda _, gray: gray
) -> dict[tuple[str, str], Any]:
    """Figures of a result that keeps a share of the cheek's movement, as its track says; `change` spoils pictures."""
    gray, xyz = face
    amounts = [0, 0, 0, 0, 3, 6, 9, 6, 3, 0, 3, 6, 9, 6, 3, 0]
    source = [moved(gray, xyz, float(amount)) for amount in amounts]
    result = [moved(gray, xyz, kept * amount) for amount in amounts]
    head = head_frame(xyz)
    middle = to_image(fit_midline(head.to_head(midline_points(xyz)), MidlineSettings()), head)
    conversion = cast(
        Conversion,
        SimpleNamespace(
            source=SimpleNamespace(info=SimpleNamespace(size_wh=gray.shape[::-1])),
            source_xyz=np.array([points for _, points in source]),
            output_xyz=np.array([points for _, points in result]),
            side=Side.LEFT,
            made=HowMade(PalsyProfile(movement_kept=kept)),
            tracks=SimpleNamespace(alpha=np.full((FRAMES, 478), kept, np.float32)),
            midline=lambda _: middle,
            rest=np.array(amounts) == 0,
        ),
    )
    measures = TemporalMeasures()
    for index in range(FRAMES):
        measures.add(conversion, index, source[index][0], change(index, result[index][0]))
    return {(figure.part, figure.name): figure for figure in temporal_figures(conversion, measures)}


@pytest.fixture(scope="module")
def by_kept(face: tuple[Gray, NDArray[np.float32]]) -> Mapping[float, dict[tuple[str, str], Any]]:
    return {kept: figures(face, kept) for kept in (0.0, 0.5, 1.0)}


def test_stillness_follows_what_is_kept(by_kept: Mapping[float, dict[tuple[str, str], Any]]) -> None:
    found = {kept: of_kept["stillness", "affected half"] for kept, of_kept in by_kept.items()}
    values = {kept: figure.value for kept, figure in found.items()}
    assert values[0.0] < 0.15
    assert values[0.5] == pytest.approx(0.5, abs=0.15)
    assert values[1.0] == pytest.approx(1.0)
    assert found[0.0].floor < 0.1


def test_pictures_that_follow_the_track_have_no_warping_error(
    face: tuple[Gray, NDArray[np.float32]], by_kept: Mapping[float, dict[tuple[str, str], Any]]
) -> None:
    found = by_kept[0.0]
    assert found["warping error", "affected half"].value < 1.1
    assert found["warping error", "affected half"].met
    frozen = figures(face, 0.5, lambda _, gray: moved(face[0], face[1], 0.0)[0])
    assert frozen["warping error", "affected half"].value > 2, "a picture that does not do what the track says"


def test_flicker_is_seen_where_it_is(
    face: tuple[Gray, NDArray[np.float32]], by_kept: Mapping[float, dict[tuple[str, str], Any]]
) -> None:
    middle = int(face[1][4, 0])

    def flicker(index: int, gray: Gray) -> Gray:
        lit = gray.copy()
        lit[:, middle + 8 :] = np.clip(lit[:, middle + 8 :].astype(int) + 5 * (index % 2), 0, 255)
        return lit

    calm, lit = by_kept[0.5], figures(face, 0.5, flicker)
    assert calm["flicker", "affected half"].met
    assert lit["flicker", "affected half"].met is False
    assert lit["flicker", "affected half"].value > 3 * calm["flicker", "affected half"].value
    assert lit["flicker", "healthy half"].value == pytest.approx(calm["flicker", "healthy half"].value, rel=0.3)


def test_a_face_that_does_not_move_has_no_stillness(face: tuple[Gray, NDArray[np.float32]]) -> None:
    measures = TemporalMeasures()
    gray, _ = face
    nothing = np.full((3, 478, 3), np.nan, np.float32)
    conversion = cast(
        Conversion,
        SimpleNamespace(
            source_xyz=nothing,
            output_xyz=nothing,
            side=Side.LEFT,
            made=HowMade(),
            midline=lambda _: None,
            rest=np.ones(3, bool),
            source=SimpleNamespace(info=SimpleNamespace(size_wh=gray.shape[::-1])),
        ),
    )
    for index in range(3):
        measures.add(conversion, index, gray, gray)
    for figure in temporal_figures(conversion, measures):
        assert figure.value is None
        assert figure.note
