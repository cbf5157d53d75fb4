"""Landmarks in the head's own frame, and landmarks found again in a video.

in: landmarks, a video -> out: head-fixed landmarks, detected landmarks.  Must not: measure.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import FloatArray, Landmarks
from afet_video.face.landmarker import SAME_FACE, FaceLandmarker, LandmarkerSettings
from afet_video.face.pose import Similarity, align
from afet_video.metrics.movement import MESH478, FacePoints
from afet_video.video.decode import VideoReader

FitArray = NDArray[np.float64]


def similarities(xyz: FloatArray, reference: FloatArray, points: FacePoints = MESH478) -> list[Similarity | None]:
    """Return for each frame of `xyz` (T, N, 3) the similarity on to `reference` (N, 3), None where there is no face."""
    return [align(frame, reference, points.steady) if np.isfinite(frame).all() else None for frame in xyz]


def head_fixed(
    xyz: FloatArray, to_reference: list[Similarity | None], reference: FloatArray, points: FacePoints = MESH478
) -> FitArray:
    """Return landmarks (T, N, 2) as `metrics.movement.zone_excursion` wants them.

    Parameters
    ----------
    xyz : (T, N, 3) landmarks, pixels.
    to_reference : a similarity for each frame; None gives NaN.
    reference : (N, 3) landmarks of the frame in whose pose all are shown.
    """
    right, left = (reference[index, :2].astype(np.float64) for index in points.canthi)
    across = left - right
    down = np.array([-across[1], across[0]]) * np.sign(across[0])
    axes = np.stack([across, down], axis=1) / (across @ across)
    fixed = np.full((*xyz.shape[:2], 2), np.nan)
    for frame, similarity in enumerate(to_reference):
        if similarity is not None:
            fixed[frame] = (similarity.apply(xyz[frame].astype(np.float64))[:, :2] - (left + right) / 2) @ axes
    return fixed


def angles(to_reference: list[Similarity | None]) -> FitArray:
    """Return the rotation vectors (T, 3) in radians, NaN where there is no face."""
    nothing = np.full(3, np.nan)
    return np.array([nothing if one is None else one.rotation_vector for one in to_reference]).reshape(-1, 3)


def detected_again(
    reader: VideoReader, expected: FloatArray, settings: LandmarkerSettings, on_frame: Callable[[], None]
) -> FloatArray:
    """Return the landmarks (T, 478, 3) that the detector finds where the track has a face; NaN where it finds none.

    Parameters
    ----------
    expected : (T, 478, 3) the track's landmarks, by which the right person is told.
    """
    found = np.full(expected.shape, np.nan, np.float32)
    follow: Landmarks | None = None
    with FaceLandmarker(settings) as landmarker:
        for frame in reader:
            faces = landmarker.detect(
                frame.rgb(max_side=settings.max_side),
                timestamp=frame.timestamp,
                size_wh=reader.info.size_wh,
                follow=follow,
            )
            if frame.index < len(expected):
                face = _nearest(faces, expected[frame.index])
                if face is not None:
                    follow, found[frame.index] = face, face.xyz
            on_frame()
    return found


def _nearest(faces: list[Landmarks], expected: FloatArray) -> Landmarks | None:
    if not faces or not np.isfinite(expected).all():
        return None
    center, size = expected[:, :2].mean(axis=0), float(np.ptp(expected[:, :2], axis=0).max())
    distance = [float(np.linalg.norm(face.xyz[:, :2].mean(axis=0) - center)) for face in faces]
    best = int(np.argmin(distance))
    return faces[best] if distance[best] < SAME_FACE * size else None
