"""Landmarks in the head's own frame, and landmarks found again in a video.

in: landmarks, a video -> out: head-fixed landmarks, what other nerves do, detected landmarks.  Must not: measure.

Where the head is, what the jaw carries and how lids follow the gaze is told as in conversion (`face.headfit`,
`face.jaw`, `face.gaze`), from the resting frames of the landmarks that are measured. An alignment in 3-D by landmarks
that move little gives a smile a nod, as the detector's depth changes with the expression: what it leaves is as large as
a small movement, and in source and result alike, so that it looks like movement kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import LANDMARK_COUNT, FloatArray, Landmarks
from afet_video.face.gaze import GazeMemory
from afet_video.face.headfit import HeadFit, fit_head
from afet_video.face.landmarker import SAME_FACE, FaceLandmarker, LandmarkerSettings
from afet_video.face.rest import RestModel, fit_rest
from afet_video.video.decode import VideoReader

FitArray = NDArray[np.float64]

_REST_SAMPLES, _LEAST_CALM = 400, 0.2
"""Most frames that the face at rest is learnt from, and how surely they must be at rest: as in conversion."""


@dataclass(frozen=True, slots=True, eq=False)
class RestingFace:
    """A person's face at rest, by which heads are placed in a track and jaw and gaze are told from other movement.

    `origin` (2,) and `axes` (2, 2) take pixels of `model` to the frame of `metrics.movement.zone_excursion`: first axis
    to the subject's left, second down, origin between the outer canthi, unit their distance.
    """

    model: RestModel
    origin: FitArray
    axes: FitArray

    def heads(self, xyz: FloatArray) -> list[HeadFit | None]:
        """Return the head of each frame of landmarks (T, 478, 3), None where there is no face."""
        return [fit_head(self.model.shape, face) if np.isfinite(face).all() else None for face in xyz]

    def fixed(self, xyz: FloatArray, heads: list[HeadFit | None]) -> FitArray:
        """Return landmarks (T, 478, 2) of faces (T, 478, 3) as they would be if every head faced as at rest.

        Without a head all is NaN. Of one face in source and result the head is the same: give that of the source.
        """
        result = np.full((len(xyz), LANDMARK_COUNT, 2), np.nan)
        base = self.model.base[:, :2] - self.origin
        for frame, head in enumerate(heads):
            if head is not None:
                result[frame] = (base + self._displaced(xyz[frame], head)) @ self.axes
        return result

    def passive(self, xyz: FloatArray, heads: list[HeadFit | None]) -> FitArray:
        """Return what of each landmark's way from rest (T, 478, 2) is no facial nerve's, in the same frame as `fixed`.

        That is what the jaw carries, and how far lids follow the gaze.
        """
        result = np.full((len(xyz), LANDMARK_COUNT, 2), np.nan)
        gaze = GazeMemory()
        for frame, head in enumerate(heads):
            if head is not None:
                way = self._displaced(xyz[frame], head)
                carried = self.model.jaw.displacement(way)
                followed, _ = self.model.lids.followed(way - carried, gaze)
                if followed is not None:
                    carried = carried + followed[:, None] * (way - carried)
                result[frame] = carried @ self.axes
        return result

    def _displaced(self, face: FloatArray, head: HeadFit) -> FitArray:
        return head.back(face[:, :2] - head.place(self.model.shape))


@dataclass(frozen=True, slots=True, eq=False)
class HeadFixed:
    """Landmarks of `source` and `result`, and what in the source is `passive`, (T, 478, 2) each, head-fixed."""

    source: FitArray
    result: FitArray
    passive: FitArray

    @property
    def muscles(self) -> tuple[FitArray, FitArray]:
        """Source and result without what jaw and gaze do: these go on in a palsy."""
        return self.source - self.passive, self.result - self.passive


def resting_face(xyz: FloatArray, calm: NDArray[np.floating], reference: int) -> RestingFace:
    """Learn the face at rest of a track.

    Parameters
    ----------
    xyz : (T, 478, 3) landmarks, pixels; NaN = missing.
    calm : (T,) how surely each frame is at rest, 0 to 1; there may be none that is.
    reference : a frame with a face, in whose pose all are shown.
    """
    frames = np.flatnonzero((calm > _LEAST_CALM) & np.isfinite(xyz).all(axis=(1, 2)))
    if len(frames) > _REST_SAMPLES:
        frames = frames[np.linspace(0, len(frames) - 1, _REST_SAMPLES).astype(int)]
    model = fit_rest(xyz[reference], xyz[frames], calm[frames].astype(np.float32))
    right, left = model.base[[facemesh.RIGHT_EYE_OUTER, facemesh.LEFT_EYE_OUTER], :2]
    across = left - right
    down = np.array([-across[1], across[0]]) * np.sign(across[0])
    return RestingFace(model, (left + right) / 2, np.stack([across, down], axis=1) / (across @ across))


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
