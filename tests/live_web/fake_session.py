"""A session without a model: it counts frames to calibrate, then darkens a box on the affected half."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from threading import Event, Lock

import numpy as np

from afet_video.datatypes import (
    BLENDSHAPE_COUNT,
    LANDMARK_COUNT,
    ByteArray,
    FaceStatus,
    PalsyProfile,
    Pose,
    Side,
    Timestamp,
    TrackRow,
)
from afet_video.errors import SettingsError
from afet_video.live.results import LiveResult, LiveState
from afet_video.live.settings import LiveSettings
from afet_video.profiles import preset

CALIBRATION_FRAMES = 8


class FakeSession:
    """What a session promises, and a log of what it was asked.

    `gate`: no frame is processed before it is set. `has_begun` is set by the first frame.
    """

    def __init__(self, *, gate: Event | None = None) -> None:
        self.profile = PalsyProfile()
        self.timestamps: list[Timestamp] = []
        self.shapes: list[tuple[int, ...]] = []
        self.calibrations = 0
        self.is_closed = False
        self.fails = False
        self.settings = LiveSettings()
        self.learned = None
        self.has_begun = Event()
        self._gate = gate
        self._left = CALIBRATION_FRAMES
        self._lock = Lock()

    def process(self, rgb: ByteArray, timestamp: Timestamp) -> LiveResult:
        return self.show(self.see(rgb, timestamp))

    def see(self, rgb: ByteArray, timestamp: Timestamp) -> tuple[ByteArray, Timestamp]:
        if self.fails:
            raise RuntimeError("the session broke")
        self.has_begun.set()
        if self._gate is not None:
            assert self._gate.wait(60)
        return rgb, timestamp

    def show(self, seen: tuple[ByteArray, Timestamp]) -> LiveResult:
        rgb, timestamp = seen
        self.timestamps.append(timestamp)
        self.shapes.append(rgb.shape)
        with self._lock:
            left, self._left = self._left, max(0, self._left - 1)
        result = rgb if left else self._darken(rgb)
        return LiveResult(
            source=rgb,
            result=result,
            timestamp=timestamp,
            row=self._row(timestamp, rgb.shape),
            state=LiveState.CALIBRATING if left else LiveState.LIVE,
            message="look straight, relax your face" if left else "",
            countdown_s=left / 30 if left else None,
            processing_ms=0.0,
        )

    def choose_side(self, side: Side) -> None:
        self.profile = replace(self.profile, side=side)

    def choose_preset(self, name: str) -> None:
        self.profile = preset(name, side=self.profile.side)

    def keep_movement(self, kept: Mapping[str, float]) -> None:
        try:
            self.profile = replace(self.profile, **kept)
        except TypeError as error:
            raise SettingsError(f"unknown zone in {sorted(kept)}") from error

    def recalibrate(self) -> None:
        with self._lock:
            self.calibrations += 1
            self._left = CALIBRATION_FRAMES

    def close(self) -> None:
        self.is_closed = True

    def _darken(self, rgb: ByteArray) -> ByteArray:
        height, width = rgb.shape[:2]
        half = slice(width // 2, 3 * width // 4) if self.profile.side is Side.LEFT else slice(width // 4, width // 2)
        result = rgb.copy()
        result[height // 4 : 3 * height // 4, half] //= 2
        return result

    def _row(self, timestamp: Timestamp, shape: tuple[int, ...]) -> TrackRow:
        xyz = np.zeros((LANDMARK_COUNT, 3), np.float32)
        xyz[:, 0] = np.linspace(shape[1] * 0.25, shape[1] * 0.75, LANDMARK_COUNT)
        xyz[:, 1] = shape[0] * 0.5
        return TrackRow(
            index=len(self.timestamps) - 1,
            timestamp=timestamp,
            status=FaceStatus.DETECTED,
            face_id=0,
            side=self.profile.side,
            movement_kept=self.profile.movement_kept,
            kept=np.array(self.profile.kept, np.float32),
            strength=1.0,
            source_xyz=xyz,
            output_xyz=xyz,
            alpha=np.ones(LANDMARK_COUNT, np.float32),
            blendshapes=np.zeros(BLENDSHAPE_COUNT, np.float32),
            pose=Pose(0, 0, 0),
            midline_y=np.array([shape[0] * 0.2, shape[0] * 0.8], np.float32),
            midline_x=np.array([shape[1] * 0.5, shape[1] * 0.5], np.float32),
            neutral_index=-1,
        )
