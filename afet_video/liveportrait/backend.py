"""What a back-end of LivePortrait can do: the five networks as functions of arrays.

in: nothing -> out: the protocol, `motion_of`.  Must not: import torch or onnxruntime.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from afet_video.datatypes import ByteArray, FloatArray
from afet_video.liveportrait.algebra import Motion, rotation_matrix


class Networks(Protocol):
    """LivePortrait's networks, loaded and ready.

    `name` says which ones they are. Pictures that go in are (input_px, input_px, 3) uint8 RGB; K = `keypoints`.
    """

    name: str
    input_px: int
    output_px: int
    keypoints: int

    def appearance(self, picture: ByteArray) -> Any:
        """Return F's volume of a picture, in whatever form `paint` of the same back-end takes."""
        ...

    def motion(self, picture: ByteArray) -> Motion:
        """Return what M says of a picture."""
        ...

    def paint(self, appearance: Any, source: FloatArray, driving: FloatArray) -> ByteArray:
        """Return W and G's picture (output_px, output_px, 3) uint8 RGB.

        Parameters
        ----------
        appearance : of the photo.
        source, driving : (K, 3) keypoints in the photo, and where they shall be.
        """
        ...

    def stitch(self, source: FloatArray, driving: FloatArray) -> FloatArray:
        """Return the driving keypoints (K, 3), corrected by S so that the border of the crop stays where it is."""
        ...

    def eye_shift(self, source: FloatArray, openings: FloatArray, target: float) -> FloatArray:
        """Return R's shift (K, 3) of the keypoints that opens eyes from `openings` (2,) to `target`."""
        ...

    def lip_shift(self, source: FloatArray, opening: float, target: float) -> FloatArray:
        """Return R's shift (K, 3) of the keypoints that opens lips from `opening` to `target`."""
        ...


def as_input(picture: ByteArray) -> FloatArray:
    """Return a picture (H, W, 3) uint8 as the networks read it, (1, 3, H, W) float32 in 0..1."""
    return np.ascontiguousarray(picture.transpose(2, 0, 1)[None].astype(np.float32) / 255.0)


def as_picture(output: FloatArray) -> ByteArray:
    """Return what G painted, (1, 3, H, W) in 0..1, as a picture (H, W, 3) uint8."""
    values = np.clip(output[0].transpose(1, 2, 0), 0.0, 1.0)
    return np.ascontiguousarray(np.round(values * 255.0).astype(np.uint8))


def motion_of(
    angles_deg: tuple[float, float, float],
    translation: FloatArray,
    expression: FloatArray,
    scale: float,
    keypoints: FloatArray,
) -> Motion:
    """Put M's answers together: pitch, yaw and roll; (3,), of which z is not used; (3 K,); a number; (3 K,)."""
    return Motion(
        keypoints=np.asarray(keypoints, np.float32).reshape(-1, 3),
        rotation=rotation_matrix(*angles_deg),
        expression=np.asarray(expression, np.float32).reshape(-1, 3),
        scale=scale,
        translation=np.asarray(translation, np.float32).reshape(-1)[:2],
    )
