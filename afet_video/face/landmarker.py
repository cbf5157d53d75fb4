"""Where the faces of a picture are: MediaPipe Face Landmarker.

in: an RGB picture -> out: `Landmarks` in pixels of the upright frame.  Must not: choose between people, smooth.

How it looks, and why (measured with mediapipe 1.2, two CPU cores)
-----------------------------------------------------------------
* Whoever is alone in the picture is followed by a landmarker with room for one face: it looks where the face was, and
  so holds steadier (half the jitter, and a brow raise on a rendered head is measured by a fifth better) than one with
  room for several, which starts from its face detector in every frame (7.5 ms against 6.5 ms). Twice a second the whole
  picture is searched, and as long as somebody else is in it the landmarker with room for several is used.
* Where frames to come are at hand (`coming`), landmarkers are at them meanwhile, in threads (`face/solo.py`).
* With room for one face MediaPipe smooths the landmarks by a causal filter, which puts them 0.4 to 0.7 frames late. It
  goes by the time between frames; told that 100 seconds lie between two frames it leaves them as they are.
* The face detector sees the picture at 128 x 128 and misses faces below about 14 % of the longer side (265 px at HD).
  So a small face is followed in a square cut out around it, and where no large face is in sight, overlapping squares of
  half the longer side are searched too (faces down to 6 %, 115 px at 1080p; 8 to 12 ms, on such frames only).
* Where everybody counts (`detect_all`), overlapping squares are searched beside large faces too, five times a second
  and at what may be a cut; small faces once found are followed in squares of their own. So a newcomer can be found up
  to 0.2 s late, and a face below about 6 % of the longer side never.
* MediaPipe's `x * width` has an integer at a pixel *centre* of the picture it was given (the same clip at four sizes
  shows a shift of -0.5 px of each, were it otherwise), so only the change of scale needs the half pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from afet_video.closing import Closing
from afet_video.datatypes import Box, ByteArray, FloatArray, Landmarks, Timestamp
from afet_video.errors import SettingsError
from afet_video.face.quiet import native_log_dropped, opened
from afet_video.face.solo import SoloPair
from afet_video.model_files import FACE_LANDMARKER, locate

SMALL_FACE = 0.2
"""Face height over the longer side of the picture below which MediaPipe's detector is unsure; it fails at 0.14."""

WINDOW = 3.0
"""Side of the square around a small face, in heights of the face: room for a hand's breadth of motion a frame."""

RECHECK_S = 0.5
"""How long the person in sight is taken to be alone, once a look at the whole picture has shown nobody else."""

RECHECK_ALL_S = 0.2
"""The same where everybody counts, and how late a newcomer or a small face may be found there."""

SAME_FACE = 0.5
"""Two finds whose centres are nearer than this many face heights are one face."""


@dataclass(frozen=True, slots=True)
class LandmarkerSettings:
    """How faces are looked for.

    Parameters
    ----------
    max_side : longer side in pixels of the picture that is searched; larger frames are scaled down first. At 960 a face
        of 266 px in a 1080p frame lies 0.2 % of the eye distance (RMS) from where the full frame puts it, at 480 0.4 %;
        the detection itself costs the same at every size.
    max_faces : most faces returned; at least 2 (see above).
    min_detection_confidence, min_presence_confidence, min_tracking_confidence : MediaPipe's thresholds, 0 to 1.

    Raises
    ------
    SettingsError
        If a value is out of range.
    """

    max_side: int = 960
    max_faces: int = 8
    min_detection_confidence: float = 0.5
    min_presence_confidence: float = 0.5
    min_tracking_confidence: float = 0.5

    def __post_init__(self) -> None:
        if not 64 <= self.max_side <= 8192:
            raise SettingsError(f"max_side = {self.max_side}: give 64 to 8192 pixels")
        if not 2 <= self.max_faces <= 16:
            raise SettingsError(f"max_faces = {self.max_faces}: give 2 to 16")
        for name in ("min_detection_confidence", "min_presence_confidence", "min_tracking_confidence"):
            value = getattr(self, name)
            if not 0.0 <= value <= 1.0:
                raise SettingsError(f"{name} = {value}: give 0 to 1")


class FaceLandmarker(Closing):
    """Finds faces in the frames of one clip; use one object per clip, as a context manager.

    Parameters
    ----------
    recheck_s : how long somebody who was alone is taken to be so; only `detect` asks. inf: until `doubt`.
    sharing : landmarkers that share the pictures to come of somebody who is alone, 1 or 2.

    Raises
    ------
    ModelFileError
        If the model file is missing or damaged, or, at the first detection, refused by MediaPipe.
    """

    def __init__(
        self, settings: LandmarkerSettings | None = None, *, recheck_s: float = RECHECK_S, sharing: int = 2
    ) -> None:
        self._settings = settings or LandmarkerSettings()
        self._recheck_s = recheck_s
        self._model = locate(FACE_LANDMARKER)
        self._video: Any = None
        self._still: Any = None
        self._solos = SoloPair(lambda: self._open("VIDEO", 1), _found, sharing)
        self._last_ms = -1
        self._looked_at = -math.inf
        self._is_alone = False

    def close(self) -> None:
        """Release the models; closing twice does no harm.

        Left to the end of the program, MediaPipe would write an exception to the terminal.
        """
        self._solos.close()
        models, self._video, self._still = (self._video, self._still), None, None
        for model in models:
            if model is not None:
                with native_log_dropped():
                    model.close()

    def load(self, *modes: str) -> None:
        """Load models before they are needed: "VIDEO" for `detect`, "IMAGE" for `detect_image` and small faces.

        Raises
        ------
        ModelFileError
            If MediaPipe refuses the file.
        """
        if "VIDEO" in modes:
            self._video = self._video or self._open("VIDEO", self._settings.max_faces)
            self._solos.load()
        if "IMAGE" in modes:
            self._still = self._still or self._open("IMAGE", self._settings.max_faces)

    @property
    def is_alone(self) -> bool:
        """Whether the face of the last frame is taken to be the only one."""
        return self._is_alone

    def doubt(self) -> None:
        """Search the next frame as a whole: somebody may have come."""
        self._is_alone = False

    def detect(
        self,
        rgb: ByteArray,
        *,
        timestamp: Timestamp,
        size_wh: tuple[int, int],
        follow: Landmarks | None = None,
        coming: Sequence[ByteArray] = (),
    ) -> list[Landmarks]:
        """Find the faces of the next frame of the clip.

        Parameters
        ----------
        rgb : (h, w, 3) upright picture, whole, at `max_side` or any other size.
        timestamp : when the frame is shown, later than the frame before.
        size_wh : size of the upright frame, in whose pixels the answer is.
        follow : the face that matters, as it was a moment ago. If it is small and still there, it is the only one
            returned.
        coming : pictures of the frames after this one, as far as they are there: the next calls are then the faster.
            Up to `solo.LOOK_AHEAD` of them serve (`LOOK_AHEAD_OF_ONE` if none share), and always as many, or what is
            found depends on how many there were.

        Returns
        -------
        At most `max_faces` faces, the largest first; empty if none is found. The `transform` of a small face is that
        of a camera which looks at the square around it.
        """
        self._look_ahead(rgb, coming, is_new=follow is None)
        small = follow is not None and _height(follow) < SMALL_FACE * max(size_wh)
        if follow is not None and small:
            again = self._look_closely(rgb, size_wh, follow)
            if again is not None:
                return [again]
        faces: list[Landmarks] | None = None
        if follow is None or not self._is_alone or timestamp.seconds - self._looked_at >= self._recheck_s:
            faces = self._look_around(rgb, size_wh, timestamp)
        if self._is_alone:
            only = self._follow_alone(rgb, size_wh, faces[0] if faces else follow)
            if only is not None:
                return [only]
        return self._look_around(rgb, size_wh, timestamp) if faces is None else faces

    def detect_all(
        self,
        rgb: ByteArray,
        *,
        timestamp: Timestamp,
        size_wh: tuple[int, int],
        known: Sequence[Landmarks],
        maybe_cut: bool = False,
        coming: Sequence[ByteArray] = (),
    ) -> list[Landmarks]:
        """Find everybody in the next frame of the clip; use this or `detect` for a clip, not both.

        Parameters
        ----------
        rgb, timestamp, size_wh, coming : as in `detect`.
        known : the faces in sight, or just lost, as they were a moment ago.
        maybe_cut : the frame may have nothing to do with the one before it.

        Returns
        -------
        As `detect`.
        """
        self._look_ahead(rgb, coming, is_new=maybe_cut or not known)
        if maybe_cut or not known or timestamp.seconds - self._looked_at >= RECHECK_ALL_S:
            faces = self._look_everywhere(rgb, size_wh, timestamp)
        elif self._is_alone:
            faces = [known[0]]
        else:
            faces = self._follow_all(rgb, size_wh, timestamp, known)
        if self._is_alone:
            only = self._follow_alone(rgb, size_wh, faces[0])
            return [only] if only is not None else self._look_everywhere(rgb, size_wh, timestamp)
        return faces

    def detect_image(self, rgb: ByteArray) -> list[Landmarks]:
        """Find the faces of a picture (h, w, 3) that belongs to no clip; pixels of `rgb` itself, the largest first."""
        size_wh = (rgb.shape[1], rgb.shape[0])
        whole = Box(0, 0, *size_wh)
        return self._complete(self._detect_in(rgb, size_wh, whole), rgb, size_wh)

    def _look_ahead(self, rgb: ByteArray, coming: Sequence[ByteArray], *, is_new: bool) -> None:
        """Have the next frames looked at meanwhile, if whoever is alone now is likely to be so then."""
        if is_new or not self._is_alone:
            self._solos.lose()
        elif coming:
            self._solos.look_ahead(rgb, coming)

    def _look_around(self, rgb: ByteArray, size_wh: tuple[int, int], timestamp: Timestamp) -> list[Landmarks]:
        """Find all faces of a frame, and remember whether one large face is alone."""
        faces = self._complete(self._look_whole(rgb, size_wh, timestamp), rgb, size_wh)
        self._looked_at = float(timestamp.seconds)
        self._is_alone = len(faces) == 1 and _height(faces[0]) >= SMALL_FACE * max(size_wh)
        return faces

    def _look_everywhere(self, rgb: ByteArray, size_wh: tuple[int, int], timestamp: Timestamp) -> list[Landmarks]:
        """Find all faces of a frame, small ones beside large ones too, and remember whether one large face is alone."""
        faces = self._look_whole(rgb, size_wh, timestamp)
        for tile in _tiles(rgb.shape[1], rgb.shape[0]):
            faces.extend(self._detect_in(rgb, size_wh, tile))
        # A large face that is cut off by a square is there whole already.
        faces = self._closer(_distinct(faces), rgb, size_wh)
        self._looked_at = float(timestamp.seconds)
        self._is_alone = len(faces) == 1 and _height(faces[0]) >= SMALL_FACE * max(size_wh)
        return faces

    def _follow_all(
        self, rgb: ByteArray, size_wh: tuple[int, int], timestamp: Timestamp, known: Sequence[Landmarks]
    ) -> list[Landmarks]:
        """Find the large faces of the whole picture, and each small one where it was."""
        limit = SMALL_FACE * max(size_wh)
        small = [face for face in known if _height(face) < limit]
        faces = []
        if len(small) < len(known):
            faces = self._closer(_distinct(self._look_whole(rgb, size_wh, timestamp)), rgb, size_wh)
        near = [self._look_closely(rgb, size_wh, face) for face in small if not any(_is_same(face, o) for o in faces)]
        return _distinct([*faces, *(face for face in near if face is not None)])[: self._settings.max_faces]

    def _look_whole(self, rgb: ByteArray, size_wh: tuple[int, int], timestamp: Timestamp) -> list[Landmarks]:
        """Find the large faces."""
        is_first = self._video is None
        self._video = self._video or self._open("VIDEO", self._settings.max_faces)
        with native_log_dropped() if is_first else nullcontext():  # TensorFlow Lite may speak up
            found = self._video.detect_for_video(_image(rgb), self._next_ms(timestamp))
        return _faces(found, rgb, size_wh)

    def _closer(self, faces: Sequence[Landmarks], rgb: ByteArray, size_wh: tuple[int, int]) -> list[Landmarks]:
        """Return the faces, each small one as a look from close by shows it, if that confirms it."""
        limit = SMALL_FACE * max(size_wh)
        looked = [face if _height(face) >= limit else self._look_closely(rgb, size_wh, face) for face in faces]
        return _distinct([face for face in looked if face is not None])[: self._settings.max_faces]

    def _follow_alone(self, rgb: ByteArray, size_wh: tuple[int, int], expected: Landmarks | None) -> Landmarks | None:
        """Return the one face, if it is still about where it is expected."""
        faces = _faces(self._solos.look(rgb), rgb, size_wh)
        if faces and expected is not None and _is_same(expected, faces[0]):
            return faces[0]
        self._is_alone = False
        return None

    def _complete(self, faces: list[Landmarks], rgb: ByteArray, size_wh: tuple[int, int]) -> list[Landmarks]:
        """Add the faces that are too small for one look at the whole picture, unless a large one is there."""
        limit = SMALL_FACE * max(size_wh)
        if any(_height(face) >= limit for face in faces):
            return _distinct(faces)[: self._settings.max_faces]
        for tile in _tiles(rgb.shape[1], rgb.shape[0]):
            faces.extend(self._detect_in(rgb, size_wh, tile))
        closer = [self._look_closely(rgb, size_wh, face) for face in _distinct(faces)]
        return _distinct([face for face in closer if face is not None])[: self._settings.max_faces]

    def _look_closely(self, rgb: ByteArray, size_wh: tuple[int, int], face: Landmarks) -> Landmarks | None:
        """Return the face where `face` is, seen in a square around it, or None."""
        found = self._detect_in(rgb, size_wh, _window(face, rgb.shape[1], rgb.shape[0], size_wh))
        near = [other for other in found if _is_same(face, other)]
        return min(near, key=lambda other: _distance(face, other), default=None)

    def _detect_in(self, rgb: ByteArray, size_wh: tuple[int, int], box: Box) -> list[Landmarks]:
        """Find the faces in a rectangle of `rgb`, independently of any other frame."""
        is_first = self._still is None
        self._still = self._still or self._open("IMAGE", self._settings.max_faces)
        part = rgb[box.y0 : box.y1, box.x0 : box.x1]
        with native_log_dropped() if is_first else nullcontext():
            found = self._still.detect(_image(part))
        return _faces(found, rgb, size_wh, box)

    def _next_ms(self, timestamp: Timestamp) -> int:
        """Return MediaPipe's whole milliseconds, which must grow even where frames are closer than that."""
        self._last_ms = max(math.floor(timestamp.seconds * 1000), self._last_ms + 1)
        return self._last_ms

    def _open(self, mode: str, faces: int) -> Any:
        """Load the model with room for so many faces."""
        from mediapipe.tasks.python import BaseOptions, vision

        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(self._model)),
            running_mode=vision.RunningMode[mode],
            num_faces=faces,
            min_face_detection_confidence=self._settings.min_detection_confidence,
            min_face_presence_confidence=self._settings.min_presence_confidence,
            min_tracking_confidence=self._settings.min_tracking_confidence,
            output_face_blendshapes=True,
            output_facial_transformation_matrixes=True,
        )
        return opened(vision.FaceLandmarker, options, self._model)


def _image(rgb: ByteArray) -> Any:
    """Wrap a picture for MediaPipe, which copies it."""
    import mediapipe as mp

    return mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(rgb))


def _found(model: Any, rgb: ByteArray, milliseconds: int) -> Any:
    """Ask a landmarker that follows."""
    return model.detect_for_video(_image(rgb), milliseconds)


def _faces(result: Any, rgb: ByteArray, size_wh: tuple[int, int], box: Box | None = None) -> list[Landmarks]:
    """Turn MediaPipe's answer for `box` of `rgb` into pixels of the upright frame."""
    box = box or Box(0, 0, rgb.shape[1], rgb.shape[0])
    scale_xy = np.array([size_wh[0] / rgb.shape[1], size_wh[1] / rgb.shape[0]])
    part_wh = np.array(box.size_wh)
    faces = []
    for points, shapes, transform in zip(
        result.face_landmarks, result.face_blendshapes, result.facial_transformation_matrixes, strict=True
    ):
        xyz: FloatArray = np.array([(p.x, p.y, p.z) for p in points])
        xyz[:, :2] = (xyz[:, :2] * part_wh + (box.x0, box.y0) + 0.5) * scale_xy - 0.5
        xyz[:, 2] *= part_wh[0] * scale_xy[0]
        faces.append(Landmarks(xyz, np.array([shape.score for shape in shapes]), np.asarray(transform)))
    return faces


def _tiles(width: int, height: int) -> Iterator[Box]:
    """Yield squares of half the longer side that overlap by half, so that every face is whole in one of them."""
    side = math.ceil(max(width, height) / 2)
    for top in _starts(height, side):
        for left in _starts(width, side):
            yield Box(left, top, min(left + side, width), min(top + side, height))


def _starts(length: int, side: int) -> list[int]:
    """Return evenly spaced starts of stretches of `side` that cover `length` and overlap by half or more."""
    steps = math.ceil(max(length - side, 0) / (side / 2))
    return [round(k * (length - side) / steps) for k in range(steps + 1)] if steps else [0]


def _window(face: Landmarks, width: int, height: int, size_wh: tuple[int, int]) -> Box:
    """Return the square around `face`, in pixels of the picture of `width` x `height`, as far as it is inside."""
    scale = width / size_wh[0]
    (left, top), (right, bottom) = face.xyz[:, :2].min(axis=0) * scale, face.xyz[:, :2].max(axis=0) * scale
    half = WINDOW / 2 * max(right - left, bottom - top)
    x, y = (left + right) / 2, (top + bottom) / 2
    x0, y0 = max(min(int(x - half), width - 2), 0), max(min(int(y - half), height - 2), 0)
    return Box(x0, y0, max(min(math.ceil(x + half), width), x0 + 2), max(min(math.ceil(y + half), height), y0 + 2))


def _height(face: Landmarks) -> float:
    """Return the larger side of the face's box, pixels."""
    return float(np.ptp(face.xyz[:, :2], axis=0).max())


def _distance(one: Landmarks, other: Landmarks) -> float:
    """Return how far apart the centres of two faces are, pixels."""
    return float(np.linalg.norm(one.xyz[:, :2].mean(axis=0) - other.xyz[:, :2].mean(axis=0)))


def _is_same(one: Landmarks, other: Landmarks) -> bool:
    """Whether two finds are one face: nearly the same place and a similar size."""
    sizes = sorted((_height(one), _height(other)))
    return _distance(one, other) < SAME_FACE * sizes[1] and sizes[0] > 0.5 * sizes[1]


def _distinct(faces: Sequence[Landmarks]) -> list[Landmarks]:
    """Return the faces, the largest first, without those found twice."""
    kept: list[Landmarks] = []
    for face in sorted(faces, key=_height, reverse=True):
        if not any(_is_same(face, other) for other in kept):
            kept.append(face)
    return kept
