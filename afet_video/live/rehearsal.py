"""A dry run on a made-up face: what is compiled or loaded at the first changed frame is ready before it comes.

in: settings -> out: a lesson on a face that nobody has; what it taught, tried on a frame.  Must not: be shown.

The compiled parts of the method take five seconds to make on a new machine, and a few tenths to load on any other:
seconds for which a picture stood still just when the calibration had ended.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import ByteArray, FaceStatus, FloatArray, Timestamp
from afet_video.face.activity import lid_aperture, mouth_gap, sharpness
from afet_video.filters import OneEuroSettings
from afet_video.live.learn import Learned, Lesson
from afet_video.live.pool import Sighting
from afet_video.passes.register import corrected
from afet_video.passes.render import FaceChanger, FaceMoment
from afet_video.passes.settings import ConvertSettings
from afet_video.splice.midline import fit_midline, head_frame, midline_points, to_image
from afet_video.video.frame import StoredFrame

REHEARSAL = -1
"""Number of a lesson on the made-up face."""

_SIZE_WH, _MIDDLE, _HALF = (320, 360), (160.0, 180.0), (100.0, 135.0)
_EYE, _MOUTH = (35.0, -30.0, 15.0, 6.0), (0.0, 65.0, 28.0, 9.0)
"""Place in the face of the subject's left eye and of the mouth, and their half-axes, pixels."""
_DEPTH = 40.0
_GAPE = 14.0
"""By how much it opens its mouth, pixels."""


def made_up_lesson(settings: ConvertSettings, smoothing: OneEuroSettings) -> Lesson:
    """Return a lesson on three pictures of the made-up face at rest."""
    sightings = tuple(_sighting(index) for index in range(-4, -1))
    return Lesson(REHEARSAL, sightings, settings, smoothing)


def rehearse(learned: Learned) -> None:
    """Do once, with what a made-up lesson taught, all that is done to a frame of a calibrated session.

    The face opens its mouth and shuts its eyes, so that no part of the method is idle.
    """
    xyz = _face()
    xyz[list(facemesh.LOWER_LIP), 1] += _GAPE
    for eye in (facemesh.LEFT_EYE, facemesh.RIGHT_EYE):
        xyz[list(eye), 1] = xyz[list(eye), 1].mean()
    sighting = _sighting(0)
    for index in range(2):  # what is remembered of the frame before comes in with the second one
        stamp = Timestamp(index, Fraction(1, 30))
        frame = StoredFrame.from_rgb(sighting.picture, index=index, timestamp=stamp)
        exact = corrected(frame, xyz, sighting.turn, list(learned.references))
        FaceChanger(learned.settings, learned.model).change(frame, _moment(exact, learned.settings))


def _moment(xyz: FloatArray, settings: ConvertSettings) -> FaceMoment:
    head = head_frame(xyz)
    u = fit_midline(head.to_head(midline_points(xyz)), settings.midline)
    return FaceMoment(
        xyz=xyz,
        midline=to_image(u, head),
        strength=1.0,
        status=FaceStatus.DETECTED,
        face_id=0,
        shot=0,
        blendshapes=np.zeros(52, np.float32),
        transform=np.eye(4, dtype=np.float32),
        hands=np.zeros((0, 21, 2), np.float32),
    )


def _sighting(index: int) -> Sighting:
    xyz, picture = _face(), _picture()
    return Sighting(
        index=index,
        timestamp=Timestamp(index, Fraction(1, 30)),
        xyz=xyz,
        blendshapes=np.zeros(52, np.float32),
        turn=np.zeros(2, np.float32),
        lid_aperture=lid_aperture(xyz),
        mouth_gap=mouth_gap(xyz),
        sharpness=sharpness(picture, xyz[:, :2]),
        motion=0.0,
        inside=1.0,
        picture=picture,
        origin=(0, 0),
    )


def _picture() -> ByteArray:
    """Return skin with some grain (h, w, 3), the same every time."""
    grain = np.random.default_rng(0).normal(0.0, 8.0, (_SIZE_WH[1], _SIZE_WH[0], 1))
    return np.asarray((np.array([200.0, 150.0, 125.0]) + grain).clip(0, 255), np.uint8)


def _face() -> FloatArray:
    """Return landmarks (478, 3), pixels: outline, eyes, brows and mouth where a face has them, the others anywhere."""
    lots = np.random.default_rng(0)
    angle, radius = 2 * np.pi * lots.random(478), 0.9 * np.sqrt(lots.random(478))
    xy = radius[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1) * _HALF
    xy[list(facemesh.MIDLINE)] = [(0.0, y) for y in np.linspace(-_HALF[1], _HALF[1], len(facemesh.MIDLINE))]
    xy[list(facemesh.FACE_OVAL)] = _ring(len(facemesh.FACE_OVAL), (0.0, 0.0, *_HALF), start=-np.pi / 2)
    x, y, across, up = _EYE
    for eye, iris, brow, side in (
        (facemesh.LEFT_EYE, facemesh.LEFT_IRIS, facemesh.LEFT_BROW, 1.0),
        (facemesh.RIGHT_EYE, facemesh.RIGHT_IRIS, facemesh.RIGHT_BROW, -1.0),
    ):
        xy[list(eye)] = _ring(len(eye), (x, y, across, -up)) * (side, 1.0)
        xy[list(iris)] = [(side * x, y), *(_ring(4, (x, y, up, -up)) * (side, 1.0))]
        xy[list(brow)] = _ring(len(brow), (x, y - 20.0, across, -4.0)) * (side, 1.0)
    x, y, across, up = _MOUTH
    for place, row in enumerate(facemesh.LIP_ROWS):
        share = 1.0 - 0.25 * place
        xy[list(row)] = _ring(len(row), (x, y, share * across, -share * up), start=np.pi)
    depth = -_DEPTH * (1.0 - ((xy / _HALF) ** 2).sum(axis=1))
    return np.column_stack([xy + _MIDDLE, depth]).astype(np.float32)


def _ring(count: int, ellipse: tuple[float, float, float, float], *, start: float = 0.0) -> NDArray[np.float64]:
    """Return (count, 2) points around an ellipse (middle, half-axes), anticlockwise with a half-axis below 0."""
    x, y, across, down = ellipse
    angle = start + 2 * np.pi * np.arange(count) / count
    return np.stack([x + across * np.cos(angle), y + down * np.sin(angle)], axis=1)
