"""Where hands are before the face: MediaPipe Hand Landmarker.

in: the pictures of a clip, one after the other -> out: `HandTrack`.  Must not: know how a hand looks, keep pictures for
longer than a moment.

A hand has the face's own colour, so it needs a detector. That takes about 15 ms of a core, twice as long as finding the
face, so it looks around the face every `LOOK_EVERY_S`, then back to where a hand came in and, as long as one is there,
at every second picture; in between hands move in straight lines. Where nothing has changed around the face since a look
that found none, no arm has come in, and it looks again after `LOOK_AGAIN_S` at the latest.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from afet_video.closing import Closing
from afet_video.datatypes import Box, ByteArray, FloatArray, Landmarks
from afet_video.face.quiet import native_log_dropped, opened
from afet_video.face.surroundings import Surroundings
from afet_video.model_files import HAND_LANDMARKER, locate

LOOK_EVERY_S = 0.4
"""Time between looks while no hand is near the face."""

LOOK_AGAIN_S = 2.0
"""Longest time between looks at a face around which nothing changes."""

FOLLOW_EVERY = 2
"""Pictures from one look to the next while a hand is there."""

GAP_S = 0.2
"""Longest time between two finds across which a hand is taken to have been there."""

CONFIDENCE = 0.5
"""MediaPipe's thresholds. On 200 pictures of faces without hands 0.5 finds at most one, 0.3 two."""

_FIRST_PX = 64

WINDOW = 2.4
"""Side of the square around the face that is searched, in heights of the face."""


@dataclass(frozen=True, slots=True, eq=False)
class HandTrack:
    """Hands before the face by frame: `points[frame]` (n, 21, 2) pixels of the upright frame, `seconds[frame]`.

    Frames in which nobody looked have no entry; those without a hand have an empty one.
    """

    points: dict[int, FloatArray] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)

    def at(self, frame: int) -> FloatArray:
        """Return the hands (n, 21, 2) in a frame; between two looks they move in straight lines."""
        if frame in self.points:
            return self.points[frame] if self._is_confirmed(frame) else np.zeros((0, 21, 2), np.float32)
        before = max((i for i in self._near(frame) if i < frame), default=None)
        after = min((i for i in self._near(frame) if i > frame), default=None)
        if before is None or after is None or self.seconds[after] - self.seconds[before] > GAP_S:
            return np.zeros((0, 21, 2), np.float32)
        share = (frame - before) / (after - before)
        here = []
        for hand in self.points[before]:
            others = self.points[after]
            if len(others):
                nearest = others[np.linalg.norm(others - hand, axis=2).mean(axis=1).argmin()]
                here.append(hand + share * (nearest - hand))
        return np.array(here, np.float32).reshape(-1, 21, 2)

    def _is_confirmed(self, frame: int) -> bool:
        """Return whether a hand is there at another look nearby, too: a single find is taken for an error."""
        seconds = self.seconds[frame]
        others = (i for i in self._near(frame) if i != frame and abs(self.seconds[i] - seconds) <= GAP_S)
        return any(len(self.points[i]) for i in others)

    def _near(self, frame: int) -> list[int]:
        return [i for i in range(frame - 2 * FOLLOW_EVERY, frame + 2 * FOLLOW_EVERY + 1) if i in self.points]


class HandFinder(Closing):
    """Finds hands near the followed face; use one object per clip, as a context manager.

    Raises
    ------
    ModelFileError
        If the model file is missing or damaged, or, at the first look, refused by MediaPipe.
    """

    def __init__(self, *, enabled: bool = True) -> None:
        self._model = locate(HAND_LANDMARKER) if enabled else None
        self._landmarker: Any = None
        self._track = HandTrack()
        self._passed: deque[tuple[int, float, ByteArray, Landmarks]] = deque()
        self._looked_at = self._checked_at = -np.inf
        self._around: Surroundings | None = None
        self._seen_at = -np.inf
        self._next = 0

    def close(self) -> None:
        """Release the model; closing twice does no harm."""
        self._passed.clear()
        landmarker, self._landmarker = self._landmarker, None
        if landmarker is not None:
            with native_log_dropped():
                landmarker.close()

    def load(self) -> None:
        """Load the model before it is needed; its first look is slow, so it looks at nothing."""
        if self._model is not None:
            self._hands(np.zeros((_FIRST_PX, _FIRST_PX, 3), np.uint8), Box(0, 0, _FIRST_PX, _FIRST_PX))

    @property
    def track(self) -> HandTrack:
        """All hands found so far."""
        return self._track

    def look(
        self, index: int, rgb: ByteArray, *, seconds: float, size_wh: tuple[int, int], face: Landmarks | None
    ) -> None:
        """Take the next picture (h, w, 3) of the clip, in which `face` was found, and look for hands if it is time."""
        if self._model is None or face is None:
            self._passed.clear()
            return
        following = seconds - self._seen_at < LOOK_EVERY_S
        due = index >= self._next if following else seconds - self._checked_at >= LOOK_EVERY_S
        if not due:
            self._passed.append((index, seconds, rgb, face))
            return
        self._checked_at = seconds
        xy = _in_picture(face, rgb, size_wh)
        is_recent = not following and seconds - self._looked_at < LOOK_AGAIN_S
        if is_recent and self._around is not None and self._around.is_same(rgb, xy):
            self._passed.clear()
            return
        self._looked_at, self._next = seconds, index + FOLLOW_EVERY
        found = self._find(index, rgb, seconds, size_wh, face)
        self._around = None if found else Surroundings.of(rgb, xy, _window(xy))
        if found:
            if not following:
                self._look_back(size_wh)
            self._seen_at = seconds
        self._passed.clear()

    def _look_back(self, size_wh: tuple[int, int]) -> None:
        """Look through the pictures since the last look for the moment at which the hand came in."""
        for index, seconds, rgb, face in list(self._passed)[::-1]:
            if not self._find(index, rgb, seconds, size_wh, face):
                break

    def _find(self, index: int, rgb: ByteArray, seconds: float, size_wh: tuple[int, int], face: Landmarks) -> bool:
        self._track.points[index] = self.find(rgb, size_wh, face)
        self._track.seconds[index] = seconds
        return bool(len(self._track.points[index]))

    def find(self, rgb: ByteArray, size_wh: tuple[int, int], face: Landmarks) -> FloatArray:
        """Return the hands (n, 21, 2) before or beside a face in one picture, pixels of the upright frame.

        It knows nothing of the clip: a hand in one picture alone is likely to be none (see `HandTrack.at`).
        """
        if self._model is None:
            return np.zeros((0, 21, 2), np.float32)
        xy = _in_picture(face, rgb, size_wh)
        box = _window(xy)
        hands = [hand for hand in self._hands(rgb, box) if _touches(hand, xy)]
        points = [(hand + 0.5) * _scale(rgb, size_wh) - 0.5 for hand in hands]
        return np.array(points, np.float32).reshape(-1, 21, 2)

    def _hands(self, rgb: ByteArray, box: Box) -> list[FloatArray]:
        """Return all hands (21, 2) in a square of the picture, of which parts may lie outside."""
        import mediapipe as mp

        x0, y0 = max(box.x0, 0), max(box.y0, 0)
        inside = rgb[y0 : max(box.y1, 0), x0 : max(box.x1, 0)]
        square = np.zeros((*box.size_wh, 3), np.uint8)
        square[y0 - box.y0 :, x0 - box.x0 :][: inside.shape[0], : inside.shape[1]] = inside
        image = mp.Image(image_format=mp.ImageFormat.SRGB, data=square)
        if self._landmarker is None:
            self._landmarker = self._open()
            with native_log_dropped():
                result = self._landmarker.detect(image)
        else:
            result = self._landmarker.detect(image)
        size, corner = np.array(box.size_wh), np.array([box.x0, box.y0])
        return [np.array([(p.x, p.y) for p in hand]) * size + corner for hand in result.hand_landmarks]

    def _open(self) -> Any:
        from mediapipe.tasks.python import BaseOptions, vision

        options = vision.HandLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(self._model)),
            running_mode=vision.RunningMode.IMAGE,
            num_hands=2,
            min_hand_detection_confidence=CONFIDENCE,
            min_hand_presence_confidence=CONFIDENCE,
        )
        return opened(vision.HandLandmarker, options, self._model)


def _in_picture(face: Landmarks, rgb: ByteArray, size_wh: tuple[int, int]) -> FloatArray:
    """Return landmarks (478, 2) in pixels of the picture, which shows the frame of `size_wh` at any size."""
    return np.asarray((face.xyz[:, :2] + 0.5) / _scale(rgb, size_wh) - 0.5)


def _scale(rgb: ByteArray, size_wh: tuple[int, int]) -> FloatArray:
    """Return the pixels of a frame across and down, (2,), for each one of its picture."""
    return np.array([size_wh[0] / rgb.shape[1], size_wh[1] / rgb.shape[0]], np.float64)


def _window(xy: FloatArray) -> Box:
    """Return a square around a face (478, 2), as MediaPipe's projection of hands expects."""
    low, high = xy.min(axis=0), xy.max(axis=0)
    side = max(round(WINDOW * float(high[1] - low[1])), 2)
    x0, y0 = np.round((low + high) / 2 - side / 2).astype(int)
    return Box(int(x0), int(y0), int(x0) + side, int(y0) + side)


def _touches(hand: FloatArray, xy: FloatArray) -> bool:
    """Return whether the rectangles of a hand (21, 2) and of a face (478, 2) overlap."""
    margin = 0.1 * (xy.max(axis=0) - xy.min(axis=0))
    apart = (hand.max(axis=0) < xy.min(axis=0) - margin) | (hand.min(axis=0) > xy.max(axis=0) + margin)
    return not apart.any()
