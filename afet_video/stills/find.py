"""Which face of a picture is meant.

in: a `Picture`, the settings' choice -> out: its `Landmarks`.  Must not: change a picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from afet_video.datatypes import Landmarks
from afet_video.errors import NoFaceError, SettingsError
from afet_video.face.landmarker import FaceLandmarker
from afet_video.face.pose import interocular_px
from afet_video.face.tracker import choose_face
from afet_video.image_files import Picture

_LEAST_IOD_PX = 20.0
"""Distance of the outer canthi below which a face is too small for its landmarks to mean anything."""

_CLEARLY_LARGER = 2.0
"""Heights of the next face at which the largest one is meant without being asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A picture and the landmarks of the one face in it that counts, in its pixels."""

    picture: Picture
    landmarks: Landmarks

    @property
    def iod_px(self) -> float:
        """Distance of the outer canthi in pixels."""
        return float(interocular_px(self.landmarks.xyz))


def find_face(picture: Picture, landmarker: FaceLandmarker, *, which: str = "auto") -> Face:
    """Return the face of a picture.

    Parameters
    ----------
    which : `auto`: the only one, or one that is clearly the largest; `largest`; `N` from the left of the picture (0 =
        leftmost); or `x,y`: the face there, or the nearest. A face that is alone is taken in any case.

    Raises
    ------
    NoFaceError
        If there is none, if it is not clear which one is meant, or if it is too small.
    SettingsError
        If `which` is none of these.
    """
    if which.strip() == "all":
        raise SettingsError("face = 'all': a still changes one face, give largest, a number or a point x,y")
    faces = landmarker.detect_image(picture.opaque)
    if not faces:
        raise NoFaceError(
            f"{picture.name}: no face found: is one visible, upright, not in profile and larger than about a tenth of "
            "the picture?"
        )
    face = Face(picture, _chosen(faces, picture, which))
    if face.iod_px < _LEAST_IOD_PX:
        raise NoFaceError(
            f"{picture.name}: the face is too small ({face.iod_px:.0f} pixels between the outer corners of the eyes, "
            f"{_LEAST_IOD_PX:.0f} are needed): use a larger picture"
        )
    return face


def _chosen(faces: list[Landmarks], picture: Picture, which: str) -> Landmarks:
    if which == "auto":
        if len(faces) > 1 and _height(faces[0]) < _CLEARLY_LARGER * _height(faces[1]):
            places = ", ".join(f"{x:.0f},{y:.0f}" for x, y in sorted(map(_centre, faces)))
            raise NoFaceError(
                f"{picture.name}: {len(faces)} faces (at {places}): say which one with --face largest, a number "
                "(0 = leftmost) or a point x,y"
            )
        return faces[0]
    chosen = choose_face(faces, which)
    if len(faces) == 1:
        return faces[0]
    if chosen is None:
        raise NoFaceError(f"{picture.name}: there is no face {which}, it shows {len(faces)} (0 = leftmost)")
    return chosen


def _height(face: Landmarks) -> float:
    return float(np.ptp(face.xyz[:, 1]))


def _centre(face: Landmarks) -> tuple[float, float]:
    x, y = face.xyz[:, :2].mean(axis=0)
    return float(x), float(y)
