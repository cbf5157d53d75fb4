"""The pair out of a photo: the same face at rest and with an expression.

in: photo with landmarks, a driving face or a named expression -> out: `ExpressionPair`.  Must not: find faces, read
files, splice.

Both pictures come out of the same generator and the same crop, also the neutral one: the photo itself has other
texture than what the generator paints, and the two halves of a spliced face would not match.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import cv2
import numpy as np

from afet_video.datatypes import LANDMARK_COUNT, ByteArray, ExpressionPair, FloatArray
from afet_video.errors import SettingsError
from afet_video.liveportrait.algebra import (
    Motion,
    Region,
    absolute_motion,
    between,
    relative_motion,
    resting_expression,
)
from afet_video.liveportrait.backend import Networks
from afet_video.liveportrait.crop import Crop, crop_around, eye_openings, inverse, lip_opening, paste_mask
from afet_video.liveportrait.expressions import NamedExpression

_LIPS_APART = 0.03
_EYES_SHUT = 0.18
_EYES_OPEN = 0.39
"""From where the authors take lips for open and eyes for shut, and how wide they open them. Their openings are measured
between other landmarks than MediaPipe's, so these are near, not the same."""


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """A picture (H, W, 3) uint8 RGB and the landmarks (478, 3) of the face in it, in its pixels."""

    rgb: ByteArray
    landmarks: FloatArray

    def __post_init__(self) -> None:
        if self.rgb.ndim != 3 or self.rgb.shape[2] != 3 or self.rgb.dtype != np.uint8:
            raise ValueError(f"Portrait.rgb: expected (H, W, 3) uint8, got {self.rgb.shape} {self.rgb.dtype}")
        if self.landmarks.shape != (LANDMARK_COUNT, 3) or not np.isfinite(self.landmarks).all():
            raise ValueError(f"Portrait.landmarks: expected (478, 3) finite numbers, got {self.landmarks.shape}")


def seen(networks: Networks, face: Portrait) -> tuple[Crop, ByteArray]:
    """Return the crop of a face, and the picture (input_px, input_px, 3) of it that the networks see.

    Raises
    ------
    FaceError
        If the face is too small.
    """
    crop = crop_around(face.landmarks, networks.output_px)
    size = (networks.input_px, networks.input_px)
    return crop, np.asarray(cv2.resize(crop.cut(face.rgb), size, interpolation=cv2.INTER_AREA), np.uint8)


@dataclass(frozen=True, slots=True)
class DrivingFace:
    """The face whose expression is taken over; with its own `neutral`, what it changes is known and not guessed."""

    face: Portrait
    neutral: Portrait | None = None


Driving = DrivingFace | NamedExpression


@dataclass(frozen=True, slots=True)
class PairSettings:
    """How the expression is taken over.

    Parameters
    ----------
    strength : of the expression, 0 to 2: 1 as in the driving picture or as the name says, more exaggerates.
    mode : "relative" adds the change of the driving face to the photo's own expression and leaves its pose; "absolute"
        puts the driving face's expression and pose in place of the photo's. A named expression is always added.
    region : what is taken over.
    stitch : whether keypoints are corrected so that the crop fits into the photo again.
    rest : whether the neutral's lips are closed and its eyes opened, if the photo's are not so.
    """

    strength: float = 1.0
    mode: Literal["relative", "absolute"] = "relative"
    region: Region = "all"
    stitch: bool = True
    rest: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 2:
            raise SettingsError(f"the strength of the expression is {self.strength}: give a number from 0 to 2")
        if self.mode not in ("relative", "absolute"):
            raise SettingsError(f'the mode is "{self.mode}": give "relative" or "absolute"')
        if self.region not in ("all", "expression", "lips", "eyes", "pose"):
            raise SettingsError(f'the region is "{self.region}": give all, expression, lips, eyes or pose')


class PairGenerator(Protocol):
    """Whatever can make an expression pair out of one photo."""

    def generate_pair(self, photo: Portrait, driving: Driving, *, settings: PairSettings = ...) -> ExpressionPair:
        """Return the face at rest and with the expression, pixel on pixel."""
        ...

    def generate_ramp(
        self, photo: Portrait, driving: Driving, *, shares: Iterable[float], settings: PairSettings = ...
    ) -> Iterator[ExpressionPair]:
        """Yield a pair for each share of the expression (see `algebra.ramp_shares`), all with the same neutral."""
        ...


class LivePortraitPairs:
    """Pairs made with LivePortrait.

    Parameters
    ----------
    networks : a back-end: `torch_backend.load` or `onnx_backend.load`.
    """

    def __init__(self, networks: Networks) -> None:
        self._networks = networks

    def generate_pair(
        self, photo: Portrait, driving: Driving, *, settings: PairSettings | None = None
    ) -> ExpressionPair:
        """Return the face at rest and with the expression.

        Raises
        ------
        FaceError
            If a face is too small.
        """
        (pair,) = self.generate_ramp(photo, driving, shares=(1.0,), settings=settings)
        return pair

    def generate_ramp(
        self,
        photo: Portrait,
        driving: Driving,
        *,
        shares: Iterable[float],
        settings: PairSettings | None = None,
    ) -> Iterator[ExpressionPair]:
        """Yield a pair for each share of `settings.strength`: 0 is the neutral, 1 the apex.

        The photo is analyzed once; the neutral, and a share that stays, are not painted again.

        Raises
        ------
        FaceError
            If a face is too small.
        """
        settings = settings or PairSettings()
        source = self._analyze(photo)
        rest, apex = self._ends(source, driving, settings)
        neutral = self._paint(source, rest)
        last, picture = 0.0, neutral
        for share in shares:
            strength = round(float(share) * settings.strength, 6)
            if strength != last:
                picture = self._paint(source, between(rest, apex, strength)) if strength else neutral
                last = strength
            yield ExpressionPair(neutral, picture, source.crop.to_photo, source.mask, strength, self._networks.name)

    def _analyze(self, photo: Portrait) -> _Source:
        networks = self._networks
        crop, picture = seen(networks, photo)
        motion = networks.motion(picture)
        return _Source(
            crop,
            paste_mask(crop.size),
            networks.appearance(picture),
            motion,
            motion.placed(),
            eye_openings(photo.landmarks),
            lip_opening(photo.landmarks),
        )

    def _ends(self, source: _Source, driving: Driving, settings: PairSettings) -> tuple[FloatArray, FloatArray]:
        """Return the keypoints (K, 3) at rest and at the apex of the expression."""
        eyes, lips = self._resting_shifts(source) if settings.rest else _no_shifts(source)
        rest = source.points + eyes + lips
        if isinstance(driving, NamedExpression):
            apex = self._named(source, driving, settings)
            eyes = np.zeros_like(eyes) if driving.eyes_open is not None else eyes
            lips = np.zeros_like(lips) if driving.lips_open is not None else lips
            return rest, apex + eyes + lips
        target = self._motion_of(driving.face)
        if settings.mode == "absolute":
            return rest, self._stitched(
                source, absolute_motion(source.motion, target, region=settings.region), settings
            )
        reference = self._motion_of(driving.neutral).expression if driving.neutral else resting_expression()
        changed = relative_motion(source.motion, target, reference, region=settings.region)
        return rest, self._stitched(source, changed, settings) + eyes + lips

    def _resting_shifts(self, source: _Source) -> tuple[FloatArray, FloatArray]:
        eyes, lips = _no_shifts(source)
        if source.eye_openings.min() < _EYES_SHUT:
            eyes = self._networks.eye_shift(source.points, source.eye_openings, _EYES_OPEN)
        if source.lip_opening >= _LIPS_APART:
            lips = self._networks.lip_shift(source.points, source.lip_opening, 0.0)
        return eyes, lips

    def _named(self, source: _Source, expression: NamedExpression, settings: PairSettings) -> FloatArray:
        motion = source.motion
        points = motion.with_expression(motion.expression + expression.offset(len(motion.keypoints))).placed()
        if expression.eyes_open is not None:
            points = points + self._networks.eye_shift(source.points, source.eye_openings, expression.eyes_open)
        if expression.lips_open is not None:
            points = points + self._networks.lip_shift(source.points, source.lip_opening, expression.lips_open)
        return self._networks.stitch(source.points, points) if settings.stitch else points

    def _stitched(self, source: _Source, motion: Motion, settings: PairSettings) -> FloatArray:
        points = motion.placed()
        return self._networks.stitch(source.points, points) if settings.stitch else points

    def _motion_of(self, face: Portrait) -> Motion:
        return self._networks.motion(seen(self._networks, face)[1])

    def _paint(self, source: _Source, points: FloatArray) -> ByteArray:
        return self._networks.paint(source.appearance, source.points, points)


@dataclass(frozen=True, slots=True, eq=False)
class _Source:
    """What is known of the photo."""

    crop: Crop
    mask: FloatArray
    appearance: Any
    motion: Motion
    points: FloatArray
    eye_openings: FloatArray
    lip_opening: float


def _no_shifts(source: _Source) -> tuple[FloatArray, FloatArray]:
    return np.zeros_like(source.points), np.zeros_like(source.points)


def pasted_back(pair: ExpressionPair, photo: ByteArray, picture: ByteArray) -> ByteArray:
    """Return the photo (H, W, 3) with `picture` (S, S, 3), something made of the pair, in the crop's place.

    Pixels that the mask does not reach stay as they are, bit for bit.
    """
    return Crop(inverse(pair.to_photo), pair.to_photo, len(picture)).paste(photo, picture)
