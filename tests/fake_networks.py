"""LivePortrait's networks in a few lines of NumPy, whose answers are known.

in: pictures -> out: motions, pictures.  Must not: need torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from afet_video.datatypes import ByteArray, FloatArray
from afet_video.liveportrait.algebra import Motion


@dataclass
class FakeNetworks:
    """The expression of a picture is how red it is; what is painted is the picture, darker as keypoints move.

    `painted` keeps where keypoints were to go, `asked` what was asked of S and R.
    """

    name: str = "fake"
    input_px: int = 64
    output_px: int = 128
    keypoints: int = 21
    painted: list[FloatArray] = field(default_factory=list)
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def appearance(self, picture: ByteArray) -> ByteArray:
        assert picture.shape == (self.input_px, self.input_px, 3)
        return picture

    def motion(self, picture: ByteArray) -> Motion:
        assert picture.shape == (self.input_px, self.input_px, 3)
        red = float(picture[..., 0].mean()) / 255
        keypoints = np.linspace(-0.5, 0.5, 3 * self.keypoints, dtype=np.float32).reshape(-1, 3)
        expression = np.full((self.keypoints, 3), red, np.float32)
        turn = np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]], np.float32) if red > 0.9 else np.eye(3, dtype=np.float32)
        return Motion(keypoints, turn, expression, 1.5, np.array([0.1, -0.2], np.float32))

    def paint(self, appearance: ByteArray, source: FloatArray, driving: FloatArray) -> ByteArray:
        self.painted.append(driving.copy())
        larger = cv2.resize(appearance, (self.output_px, self.output_px), interpolation=cv2.INTER_LINEAR)
        darker = larger.astype(np.float32) / (1 + 10 * np.abs(driving - source).mean())
        return np.round(darker).astype(np.uint8)

    def stitch(self, source: FloatArray, driving: FloatArray) -> FloatArray:
        self.asked.append(("stitch",))
        return driving

    def eye_shift(self, source: FloatArray, openings: FloatArray, target: float) -> FloatArray:
        self.asked.append(("eyes", target))
        return np.full_like(source, 0.01)

    def lip_shift(self, source: FloatArray, opening: float, target: float) -> FloatArray:
        self.asked.append(("lips", target))
        return np.full_like(source, 0.02)
