"""The paper's algorithm, word by word: slow and readable, and independent of the package.

in: two pictures with landmarks, a mesh, the dividing curve, alpha of every offset -> out: the stitched picture.
Must not: import the package.

Tan & Iren, AFET, section III-B. For every offset i from the dividing curve a whole intermediate picture is made, by
warping both pictures on to l_M = alpha l_E + (1 - alpha) l_N (equation 1) and dissolving one into the other; then
column d + i of the result is taken from intermediate picture i (equation 2). Two choices for video, which the
paper leaves open: outside the mesh the expression picture stays, and the affected half shows the picture with the
lowest alpha.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

Array = NDArray[np.float64]


def stitch(
    expression: Array,
    neutral: Array,
    expression_xy: Array,
    rest_xy: Array,
    neutral_xy: Array,
    triangles: NDArray[np.integer],
    divide: NDArray[np.integer],
    direction: int,
    alphas: dict[int, float],
) -> Array:
    """Return the stitched picture (H, W, 3).

    `expression_xy` l_E and `rest_xy` l_N (n, 2) lie in the expression picture; `neutral_xy` (n, 2) is where the
    neutral picture has them (in the paper, that is l_N itself). `divide` (H,): column d of the dividing curve in every
    row. `direction`: +1 if the expressive half lies at larger x, else -1. `alphas`: alpha by offset i, one intermediate
    picture each, from the offset up to which the face is paralysed to the one from which the expression stays.
    """
    width = expression.shape[1]
    offset = direction * (np.arange(width)[None, :] - divide[:, None])
    offset = np.clip(offset, min(alphas), max(alphas))
    result = expression.copy()
    for i, alpha in alphas.items():
        intermediate = morph(expression, neutral, expression_xy, rest_xy, neutral_xy, triangles, alpha)
        column = offset == i
        result[column] = intermediate[column]
    return result


def morph(
    expression: Array,
    neutral: Array,
    expression_xy: Array,
    rest_xy: Array,
    neutral_xy: Array,
    triangles: NDArray[np.integer],
    alpha: float,
) -> Array:
    """Return one intermediate picture: both warped on to l_M, and dissolved."""
    middle_xy = alpha * expression_xy + (1 - alpha) * rest_xy
    inside, from_expression, from_neutral = piecewise_affine(
        middle_xy, (expression_xy, neutral_xy), triangles, expression.shape[:2]
    )
    result = expression.copy()
    warped_expression = bilinear(expression, from_expression[inside])
    warped_neutral = bilinear(neutral, from_neutral[inside])
    result[inside] = alpha * warped_expression + (1 - alpha) * warped_neutral
    return result


def piecewise_affine(
    target_xy: Array, sources: tuple[Array, Array], triangles: NDArray[np.integer], shape: tuple[int, ...]
) -> tuple[NDArray[np.bool_], Array, Array]:
    """Return which pixels lie in the mesh, and where each of them comes from in the two sources, (H, W, 2) x, y.

    Where the mesh folds over itself the later triangle lies on top.
    """
    inside = np.zeros(shape, bool)
    first, second = np.zeros((*shape, 2)), np.zeros((*shape, 2))
    height, width = shape
    for triangle in triangles:
        corners = target_xy[triangle]
        x0, y0 = np.maximum(np.ceil(corners.min(axis=0)).astype(int), 0)
        x1, y1 = np.minimum(np.floor(corners.max(axis=0)).astype(int) + 1, (width, height))
        if x0 >= x1 or y0 >= y1:
            continue
        to_corners = np.concatenate([corners.T, np.ones((1, 3))])  # barycentric weights -> x, y, 1
        if abs(np.linalg.det(to_corners)) < 1e-6:
            continue
        y, x = np.mgrid[y0:y1, x0:x1]
        weights = np.linalg.solve(to_corners, np.stack([x.ravel(), y.ravel(), np.ones(x.size)])).T
        hit = (weights >= -1e-9).all(axis=1)
        y, x, weights = y.ravel()[hit], x.ravel()[hit], weights[hit]
        inside[y, x] = True
        first[y, x], second[y, x] = weights @ sources[0][triangle], weights @ sources[1][triangle]
    return inside, first, second


def bilinear(picture: Array, xy: Array) -> Array:
    """Return colors (n, 3) of a picture at points (n, 2)."""
    where = xy.T[::-1]
    return np.stack([map_coordinates(picture[..., c], where, order=1, mode="nearest") for c in range(3)], axis=1)
