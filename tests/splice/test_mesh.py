from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from afet_video import facemesh
from afet_video.datatypes import FloatArray
from afet_video.splice.mesh import build_mesh

Faces = Mapping[str, Any]
FACES = ["neutral", "rest", "smile", "jaw"]


def area(xyz: FloatArray, triangles: Any) -> FloatArray:
    a, b, c = (xyz[triangles[:, i], :2].astype(float) for i in range(3))
    (ux, uy), (vx, vy) = (b - a).T, (c - a).T
    return np.asarray(np.abs(ux * vy - uy * vx) / 2)


@pytest.mark.parametrize("face", FACES)
def test_every_skin_landmark_is_used_and_no_edge_more_than_twice(real_faces: Faces, face: str) -> None:
    triangles = build_mesh(real_faces[face].xyz)
    assert set(triangles.ravel().tolist()) == set(range(facemesh.SKIN_COUNT))
    assert all(len(set(triangle)) == 3 for triangle in triangles.tolist())
    assert len({tuple(sorted(triangle)) for triangle in triangles.tolist()}) == len(triangles)
    edges = Counter(tuple(sorted((t[i], t[(i + 1) % 3]))) for t in triangles.tolist() for i in range(3))
    assert max(edges.values()) == 2
    corners, outline = facemesh.SKIN_COUNT, sum(count == 1 for count in edges.values())
    assert corners - len(edges) + len(triangles) == 1, "one piece without holes"
    assert outline >= 20


@pytest.mark.parametrize("face", FACES)
def test_no_triangle_joins_the_lips_but_where_the_mouth_opens(real_faces: Faces, face: str) -> None:
    """Their inner edges may be joined, since the mouth opens there, and everything at its corners."""
    xyz = real_faces[face].xyz
    triangles = build_mesh(xyz)
    corners = xyz[[facemesh.LEFT_COMMISSURE, facemesh.RIGHT_COMMISSURE], :2]
    width = np.linalg.norm(corners[0] - corners[1])
    away = np.linalg.norm(xyz[:, None, :2] - corners, axis=2).min(axis=1) > 0.15 * width
    inner = set(facemesh.LIPS_INNER)
    upper, lower = set(facemesh.UPPER_LIP) - inner, set(facemesh.LOWER_LIP) - inner
    for triangle in triangles[away[triangles].all(axis=1)].tolist():
        assert not (set(triangle) & upper and set(triangle) & lower), triangle
    mouth = [t for t in triangles.tolist() if set(t) <= inner]
    assert len(mouth) == 18, "the opening is a polygon of 20 corners"


@pytest.mark.parametrize("face", FACES)
def test_triangles_cover_the_face_once(real_faces: Faces, face: str) -> None:
    xyz = real_faces[face].xyz
    triangles = build_mesh(xyz)
    outline = xyz[list(facemesh.FACE_OVAL), :2].astype(float)
    x, y = outline.T
    oval = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
    # lips may lie over each other, hence a little more than once
    assert 0.99 * oval < area(xyz, triangles).sum() < 1.04 * oval


@pytest.mark.parametrize("face", FACES)
def test_no_triangle_of_the_skin_is_turned_over(real_faces: Faces, face: str) -> None:
    """In a fold the warp would show what lies elsewhere: a fleck beside the mouth, a fringe at the jaw."""
    xyz = real_faces[face].xyz
    triangles = build_mesh(xyz)
    lips = np.isin(triangles, [index for row in facemesh.LIP_ROWS for index in row]).all(axis=1)
    a, b, c = (xyz[triangles[~lips, i], :2].astype(float) for i in range(3))
    (ux, uy), (vx, vy) = (b - a).T, (c - a).T
    assert (ux * vy - uy * vx).min() > -1e-6


def test_a_corner_of_the_inner_edge_has_neighbours_on_both_lips(real_faces: Faces) -> None:
    """In a shut mouth those of the edge itself lie in one line, which does not tell how the corner turns."""
    triangles = build_mesh(real_faces["neutral"].xyz)
    for row, outer in zip(facemesh.LIP_ROWS[1:], facemesh.LIP_ROWS, strict=False):
        for place in (0, 10):
            near = set(triangles[(triangles == row[place]).any(axis=1)].ravel().tolist())
            assert {outer[place - 1], outer[place], outer[place + 1]} <= near


def test_skin_that_the_lips_hide_stays_around_them(real_faces: Faces) -> None:
    """In a grimace a lip may hang over the chin; all that is asked then is that the mesh stays whole."""
    xyz = real_faces["neutral"].xyz.copy()
    middle = xyz[list(facemesh.LIPS_OUTER)].mean(axis=0)
    for row in facemesh.LIP_ROWS:
        xyz[list(row)] = middle + 1.5 * (xyz[list(row)] - middle)
    triangles = build_mesh(xyz)
    edges = Counter(tuple(sorted((t[i], t[(i + 1) % 3]))) for t in triangles.tolist() for i in range(3))
    assert max(edges.values()) == 2
    assert facemesh.SKIN_COUNT - len(edges) + len(triangles) == 1


def test_it_does_not_depend_on_place_size_or_roll(real_faces: Faces) -> None:
    xyz = real_faces["neutral"].xyz.copy()
    angle = np.radians(20)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    moved = xyz.copy()
    moved[:, :2] = 2.5 * (xyz[:, :2] @ turn) + (100, 40)

    def names(triangles: Any) -> set[tuple[int, ...]]:
        return {tuple(sorted(t)) for t in triangles.tolist()}

    one, other = names(build_mesh(xyz)), names(build_mesh(moved))
    assert len(one & other) > 0.97 * len(one)
