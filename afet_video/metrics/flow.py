"""Whether pictures follow a motion: optical flow, the flow of a mesh, warping error.

in: grey pictures, landmarks -> out: flows, errors.  Must not: know which video is which.

A flow (h, w, 2) says for each pixel of the first picture where it is in the second: dx, dy in pixels.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import ByteArray, FloatArray

Mask = NDArray[np.bool_]


def picture_flow(first: ByteArray, second: ByteArray) -> FloatArray:
    """Return the optical flow between two grey pictures (h, w) by OpenCV's DIS (Kroeger et al. 2016)."""
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    return np.asarray(dis.calc(first, second, np.zeros((*first.shape, 2), np.float32)), np.float32)


def mesh_flow(
    before: NDArray[np.floating], after: NDArray[np.floating], triangles: NDArray[np.int32], shape_hw: tuple[int, int]
) -> tuple[FloatArray, Mask]:
    """Return the flow of a triangle mesh, affine within each triangle, and where the mesh is.

    Parameters
    ----------
    before, after : (N, 2) vertices in pixels of the picture.
    triangles : (M, 3) vertex numbers.
    """
    label = np.zeros(shape_hw, np.int32)
    corners = np.round(before[triangles]).astype(np.int32)
    for number, corner in enumerate(corners, start=1):
        cv2.fillConvexPoly(label, corner, number)
    affine = _affine(before[triangles], (after - before)[triangles])
    inside = label > 0
    y, x = np.nonzero(inside)
    chosen = affine[label[inside] - 1]
    flow = np.zeros((*shape_hw, 2), np.float32)
    flow[inside] = chosen[:, 0] * x[:, None] + chosen[:, 1] * y[:, None] + chosen[:, 2]
    return flow, np.asarray(inside, bool)


def _affine(corners: NDArray[np.floating], values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return (M, 3, 2): value = a x + b y + c that takes `values` (M, 3, 2) at `corners` (M, 3, 2)."""
    matrix = np.concatenate([corners.astype(np.float64), np.ones((*corners.shape[:2], 1))], axis=2)
    flat = np.abs(np.linalg.det(matrix)) < 1e-6
    matrix[flat] = np.eye(3)
    solved = np.linalg.solve(matrix, values.astype(np.float64))
    # a triangle seen edge-on has hardly a pixel: the mean of its corners will do
    solved[flat] = 0.0
    solved[flat, 2] = values[flat].mean(axis=1)
    return np.asarray(solved, np.float64)


def pulled_back(picture: ByteArray | FloatArray, flow: FloatArray) -> FloatArray:
    """Return the second picture as seen from the first: at each pixel, its value where the flow leads."""
    y, x = np.mgrid[0 : flow.shape[0], 0 : flow.shape[1]].astype(np.float32)
    moved = cv2.remap(
        picture.astype(np.float32),
        x + flow[..., 0],
        y + flow[..., 1],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(moved, np.float32)


def followed(forward: FloatArray, backward: FloatArray) -> Mask:
    """Return where a flow holds both ways (h, w), so that nothing is hidden or laid bare there.

    Notes
    -----
    Lai et al. 2018 (after Sundaram et al. 2010): |f + b|^2 <= 0.01 (|f|^2 + |b|^2) + 0.5, and no motion boundary:
    |grad f|^2 <= 0.01 |f|^2 + 0.002.
    """
    back = np.stack([pulled_back(np.ascontiguousarray(backward[..., k]), forward) for k in (0, 1)], axis=-1)
    power = (forward**2).sum(axis=2)
    closes = ((forward + back) ** 2).sum(axis=2) <= 0.01 * (power + (back**2).sum(axis=2)) + 0.5
    slope = sum((g**2 for k in (0, 1) for g in np.gradient(forward[..., k])), start=np.zeros(power.shape))
    return np.asarray(closes & (slope <= 0.01 * power + 0.002), bool)


def warping_error(first: ByteArray, second: ByteArray, flow: FloatArray, mask: Mask) -> tuple[float, int]:
    """Return summed squared difference (grey levels) of the first picture and the second pulled back, and pixels."""
    difference = first.astype(np.float32) - pulled_back(second, flow)
    return float((difference[mask] ** 2).sum()), int(mask.sum())
