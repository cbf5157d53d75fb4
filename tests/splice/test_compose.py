from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import literal
import numpy as np
import pytest
from numpy.typing import NDArray
from splice_scene import Scene
from tolerances import GRAY_LEVELS, SHARE_WITHIN_GRAY_LEVELS

from afet_video import facemesh
from afet_video.bench.naive import alphas_by_offset, whole_columns
from afet_video.datatypes import FloatArray, Side
from afet_video.splice.alpha import AlphaField
from afet_video.splice.compose import NeutralTexture, splice
from afet_video.splice.truth import output_landmarks

Faces = Mapping[str, Any]


def long_way(scene: Scene, alpha: AlphaField) -> FloatArray:
    rows = np.arange(len(scene.expression), dtype=np.float32)
    divide = np.round(alpha.midline.x_at(rows)).astype(int)
    xy, rest = scene.expression_xyz[:, :2].astype(float), scene.neutral_xyz[:, :2].astype(float)
    pictures = scene.expression.astype(float), scene.neutral.astype(float)
    return literal.stitch(
        *pictures, xy, rest, rest, scene.triangles, divide, int(alpha.direction), alphas_by_offset(alpha)
    )


def straight(alpha: AlphaField) -> AlphaField:
    """The same ramp in all rows: the paper's has one alpha a column."""
    return replace(alpha, bend=np.float32([[0], [1]]))


def share_within(scene: Scene, one: FloatArray, other: FloatArray) -> float:
    """Share of the face's pixels, wherever the face is in one of the pictures, that hardly differ."""
    face = np.zeros(one.shape[:2], bool)
    for xyz in (scene.expression_xyz, scene.neutral_xyz):
        xy = xyz[:, :2].astype(float)
        face |= literal.piecewise_affine(xy, (xy, xy), scene.triangles, face.shape)[0]
    assert face.mean() > 0.4
    return float((np.abs(one - other).max(axis=2)[face] <= GRAY_LEVELS).mean())


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(("face", "ramp"), [("smile", "linear"), ("jaw", "smooth")])
def test_the_kernel_is_the_papers_algorithm(real_faces: Faces, face: str, ramp: str, side: Side) -> None:
    scene = Scene.of(real_faces[face], real_faces["neutral"])
    alpha = straight(whole_columns(scene.alpha(side, ramp=ramp), len(scene.expression)))
    expected, result = long_way(scene, alpha), scene.spliced(alpha)
    assert share_within(scene, result, expected) >= SHARE_WITHIN_GRAY_LEVELS
    assert share_within(scene, result, scene.expression) < 0.75  # there was something to do


@pytest.mark.parametrize("side", Side)
def test_each_row_of_a_bent_ramp_is_that_of_a_straight_one_as_wide(real_faces: Faces, side: Side) -> None:
    scene = Scene.of(real_faces["jaw"], real_faces["neutral"])
    alpha = scene.alpha(side)
    result = scene.spliced(alpha)
    rows = np.linspace(0.2, 0.9, 8) * len(result)
    steep = alpha.steep_at(rows.astype(int))
    assert steep.min() == 1
    assert steep.max() > 1.2
    for row, factor in zip(rows.astype(int), steep, strict=True):
        as_wide = replace(straight(alpha), start=alpha.start / float(factor), stop=alpha.stop / float(factor))
        assert np.abs(scene.spliced(as_wide)[row] - result[row]).max() < 0.1
    assert np.abs(scene.spliced(straight(alpha)) - result).max() > 20


def test_of_a_fold_its_front_is_seen(real_faces: Faces) -> None:
    """Where the outline lies behind the cheek, on the far side of a turned head, the cheek is not drawn over."""
    scene = Scene.of(real_faces["smile"], real_faces["neutral"])
    folded = replace(scene, expression_xyz=scene.expression_xyz.copy())
    edge = [454, 323, 361, 288, 356]
    within = scene.expression_xyz[[352, 411, 416, 434, 372], 0]
    folded.expression_xyz[edge, 0] = within - 2
    folded = replace(folded, neutral_xyz=folded.expression_xyz + np.float32([0, 3, 0]))
    backs = folded.triangles[_area(folded.expression_xyz, folded.triangles) < 0]
    assert np.isin(edge, backs).all()
    front = replace(folded, triangles=folded.triangles[_area(folded.expression_xyz, folded.triangles) > 0])
    assert np.array_equal(folded.spliced(scene.alpha()), front.spliced(scene.alpha()))


def _area(xyz: FloatArray, triangles: NDArray[np.int32]) -> FloatArray:
    (ax, ay), (bx, by), (cx, cy) = (xyz[triangles[:, corner], :2].T for corner in range(3))
    return np.asarray((bx - ax) * (cy - ay) - (cx - ax) * (by - ay), np.float32)


def test_a_dividing_curve_between_pixels_differs_little_from_the_papers(real_faces: Faces) -> None:
    scene = Scene.of(real_faces["brows"], real_faces["neutral"])
    alpha = scene.alpha(ramp="linear")
    assert share_within(scene, scene.spliced(alpha), long_way(scene, alpha)) >= SHARE_WITHIN_GRAY_LEVELS


def test_nothing_happens_at_rest(real_faces: Faces) -> None:
    scene = Scene.of(real_faces["smile"], real_faces["neutral"])
    at_rest = replace(scene, neutral_xyz=scene.expression_xyz)
    assert np.array_equal(at_rest.spliced(scene.alpha(), weight=0.0), scene.expression)
    assert not np.array_equal(scene.spliced(scene.alpha(), weight=0.0), scene.expression)


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("ramp", ["smooth", "linear"])
def test_the_healthy_half_stays_bit_for_bit(real_faces: Faces, ramp: str, side: Side) -> None:
    scene = Scene.of(real_faces["smile"], real_faces["neutral"])
    alpha = scene.alpha(side, ramp=ramp)
    result = scene.spliced(alpha)
    y, x = np.mgrid[: result.shape[0], : result.shape[1]].astype(np.float32)
    untouched = alpha.direction * (x - alpha.midline.x_at(y)) >= alpha.stop
    assert (alpha.at(x, y)[untouched] == 1).all()
    assert untouched.mean() > (0.2 if ramp == "smooth" else 0.02)
    assert np.array_equal(result[untouched], scene.expression[untouched])
    almost = ~untouched & (alpha.at(x, y) == 1)
    assert np.abs(result - scene.expression)[almost].max(initial=0) < 0.01
    assert np.abs(result - scene.expression)[~untouched].max() > 20


@pytest.mark.parametrize("side", Side)
def test_on_the_affected_half_lies_the_neutral(real_faces: Faces, side: Side) -> None:
    scene = Scene.of(real_faces["smile"], real_faces["neutral"])
    alpha = scene.alpha(side)
    y, x = np.mgrid[: len(scene.expression), : scene.expression.shape[1]].astype(np.float32)
    xy = scene.neutral_xyz[:, :2].astype(float)
    inside = literal.piecewise_affine(xy, (xy, xy), scene.triangles, x.shape)[0]
    paralysed = inside & (alpha.at(x, y) == 0)
    assert paralysed.sum() > 1500
    difference = np.abs(scene.spliced(alpha) - scene.neutral).max(axis=2)
    assert (difference[paralysed] < 0.05).mean() > 0.999


@pytest.mark.parametrize("ramp", ["smooth", "linear"])
def test_a_mirror_swaps_the_sides(real_faces: Faces, ramp: str) -> None:
    scene = Scene.of(real_faces["smile"], real_faces["neutral"])
    mirrored = scene.mirrored()
    plain = scene.spliced(scene.alpha(Side.LEFT, ramp=ramp))
    seen = mirrored.spliced(mirrored.alpha(Side.RIGHT, ramp=ramp))
    difference = np.abs(seen[:, ::-1] - plain).max(axis=2)
    assert (difference < 0.5).mean() > 0.999
    wrong = mirrored.spliced(mirrored.alpha(Side.LEFT, ramp=ramp))
    assert (np.abs(wrong[:, ::-1] - plain).max(axis=2) < 0.5).mean() < 0.9


def test_a_rectangle_of_the_frame_gives_the_frames_pixels(real_faces: Faces) -> None:
    scene = Scene.of(real_faces["smile"], real_faces["neutral"])
    whole = scene.spliced(scene.alpha())
    x0, y0, x1, y1 = 40, 30, scene.expression.shape[1] - 3, scene.expression.shape[0] - 20
    # a splice looks at pixels outside the rectangle only where the mesh moves across its edge
    part = splice(
        np.ascontiguousarray(scene.expression[y0:y1, x0:x1]),
        scene.expression_xyz,
        scene.neutral_xyz,
        scene.texture(),
        scene.triangles,
        scene.alpha(),
        origin_xy=(x0, y0),
    )
    difference = np.abs(part - whole[y0:y1, x0:x1]).max(axis=2)[8:-8, 8:-8]
    assert (difference < 0.05).mean() > 0.999
    assert np.abs(part - scene.expression[y0:y1, x0:x1]).max() > 20


def test_triangles_that_may_not_take_the_neutral_are_only_warped(real_faces: Faces) -> None:
    scene = Scene.of(real_faces["smile"], real_faces["neutral"])
    alpha = scene.alpha()
    arguments = (scene.expression, scene.expression_xyz, scene.neutral_xyz, scene.texture(), scene.triangles, alpha)
    plain = splice(*arguments, textured=np.zeros(len(scene.triangles), bool))
    assert np.array_equal(plain, scene.spliced(alpha, weight=0.0))
    assert not np.array_equal(plain, scene.spliced(alpha))


def test_the_gain_scales_the_neutrals_colors_and_white_stays_white(real_faces: Faces) -> None:
    scene = Scene.of(real_faces["smile"], real_faces["neutral"])
    alpha, gain = scene.alpha(), np.ones((478, 3), np.float32)
    gain[:, 0] = 1.25
    texture = replace(scene.texture(), gain=gain)
    result = splice(scene.expression, scene.expression_xyz, scene.neutral_xyz, texture, scene.triangles, alpha)
    plain = scene.spliced(alpha)
    changed = np.abs(result - plain) > 1e-3
    assert not changed[..., 1:].any()
    y, x = np.nonzero(changed[..., 0] & (alpha.at(*np.mgrid[: len(plain), : plain.shape[1]][::-1]) == 0))
    assert len(y) > 1500
    assert np.allclose(result[y, x, 0], np.minimum(plain[y, x, 0] * 1.25, 255), atol=0.5)


def test_the_neutral_may_lie_elsewhere_in_a_picture_of_another_size(real_faces: Faces) -> None:
    scene = Scene.of(real_faces["smile"], real_faces["neutral"])
    moved = np.zeros((scene.neutral.shape[0] + 30, scene.neutral.shape[1] + 50, 3), np.float32)
    moved[17:-13, 31:-19] = scene.neutral
    texture = NeutralTexture(
        moved, scene.texture().xy + np.float32((31, 17)), scene.texture().weight, scene.texture().gain
    )
    result = splice(scene.expression, scene.expression_xyz, scene.neutral_xyz, texture, scene.triangles, scene.alpha())
    assert (np.abs(result - scene.spliced(scene.alpha())).max(axis=2) < 0.05).mean() > 0.999


@pytest.mark.parametrize("ramp", ["smooth", "linear"])
@pytest.mark.parametrize("face", ["smile", "jaw"])
def test_the_landmarks_given_are_where_the_picture_shows_them(real_faces: Faces, face: str, ramp: str) -> None:
    """Dots painted on landmarks of the source are found where the truth says."""
    scale = 6
    scene = Scene.of(real_faces[face], real_faces["neutral"], scale=scale)
    alpha = scene.alpha(ramp=ramp)
    expected, _ = output_landmarks(scene.expression_xyz, scene.neutral_xyz, alpha)
    chosen = _spread(expected, scene.expression_xyz)
    painted = replace(scene, expression=_dots(scene.expression.shape, scene.expression_xyz[chosen]))
    result = painted.spliced(alpha, weight=0.0)[..., 0]
    found = np.array([_centroid(result, xyz) for xyz in expected[chosen]])
    error_px = np.linalg.norm(found - expected[chosen, :2], axis=1) / scale
    moved_px = np.linalg.norm((expected - scene.expression_xyz)[chosen, :2], axis=1) / scale
    far = moved_px > 1.5
    assert len(chosen) > 150
    assert far.sum() > 20, "nothing moved: the test proves nothing"
    assert np.median(error_px) < 0.02
    assert np.quantile(error_px[far], 0.9) < 0.25  # where triangles fold over each other a dot is cut
    assert np.quantile(error_px, 0.95) < 0.2


def _spread(*places: FloatArray) -> list[int]:
    """Landmarks inside the face's outline which keep apart from each other at all `places`."""
    chosen: list[int] = []
    for index in sorted(set(range(facemesh.SKIN_COUNT)) - set(facemesh.FACE_OVAL)):
        if all(np.linalg.norm(xyz[chosen, :2] - xyz[index, :2], axis=1).min(initial=np.inf) > 22 for xyz in places):
            chosen.append(index)
    return chosen


def _dots(shape: tuple[int, ...], xyz: FloatArray) -> FloatArray:
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    picture = np.zeros(shape[:2], np.float32)
    for place in xyz:
        picture += 200 * np.exp(-((x - place[0]) ** 2 + (y - place[1]) ** 2) / (2 * 1.5**2))
    return np.repeat(picture[..., None], 3, axis=2)


def _centroid(picture: FloatArray, near: FloatArray, reach: int = 9) -> tuple[float, float]:
    column, row = round(float(near[0])), round(float(near[1]))
    y, x = np.mgrid[row - reach : row + reach + 1, column - reach : column + reach + 1]
    part = picture[y.clip(0, picture.shape[0] - 1), x.clip(0, picture.shape[1] - 1)].astype(float)
    part = np.where(part > 10, part, 0)
    total = part.sum()
    assert total > 500, "no dot here"
    return float((part * x).sum() / total), float((part * y).sum() / total)
