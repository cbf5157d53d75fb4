"""Glasses drawn on a real face, and where exactly their rims run.

in: a picture with landmarks -> out: the picture with glasses, the courses of both lenses.  Must not: assert anything.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import FloatArray

_FINE = 4
_STABLE = [33, 133, 263, 362, 168, 6, 197, 195, 5, 127, 234, 356, 454]


@dataclass(frozen=True)
class Spectacles:
    """Glasses by their measures in inter-ocular distances; `exponent` 2 is an ellipse, more nearly a rectangle."""

    half_width: float = 0.29
    half_height: float = 0.19
    exponent: float = 2.6
    thickness: float = 0.022
    color: tuple[int, int, int] = (40, 34, 36)
    apart: float = 0.365
    lower: float = 0.05

    def lenses(self, xy: FloatArray) -> list[FloatArray]:
        """Return the outlines (n, 2) of both lenses on a face with landmarks (478, 2), the subject's left first."""
        corners = xy[[facemesh.LEFT_EYE[0], facemesh.LEFT_EYE[8], facemesh.RIGHT_EYE[0], facemesh.RIGHT_EYE[8]]]
        across = corners[0] - corners[2]
        iod = float(np.linalg.norm(across))
        right, down = across / iod, np.array([-across[1], across[0]]) / iod
        angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
        u, v = (np.sign(wave) * np.abs(wave) ** (2 / self.exponent) for wave in (np.cos(angles), np.sin(angles)))
        return [
            np.asarray(
                corners.mean(axis=0)
                + iod * (side * self.apart + self.half_width * u)[:, None] * right
                + iod * (self.lower + self.half_height * v)[:, None] * down,
                np.float32,
            )
            for side in (1, -1)
        ]

    def bridge(self, xy: FloatArray) -> FloatArray:
        """Return the ends (2, 2) of the bridge: between the lenses, a little above the middle."""
        left, right = self.lenses(xy)
        inner = [
            lens[np.linalg.norm(lens - other.mean(axis=0), axis=1).argmin()]
            for lens, other in ((left, right), (right, left))
        ]
        up = 0.06 * (xy[facemesh.FACE_OVAL[0]] - xy[152]) / np.linalg.norm(xy[facemesh.FACE_OVAL[0]] - xy[152])
        iod = np.linalg.norm(xy[facemesh.LEFT_EYE[0]] - xy[facemesh.RIGHT_EYE[0]])
        return np.asarray(np.stack(inner) + iod * up, np.float32)

    def on(self, rgb: NDArray[np.uint8], xy: FloatArray) -> NDArray[np.uint8]:
        """Return the picture of a face with the glasses on."""
        iod = float(np.linalg.norm(xy[facemesh.LEFT_EYE[0]] - xy[facemesh.RIGHT_EYE[0]]))
        thick = max(round(self.thickness * iod * _FINE), 1)
        mask = np.zeros((rgb.shape[0] * _FINE, rgb.shape[1] * _FINE), np.uint8)
        for line, ring in (*((lens, True) for lens in self.lenses(xy)), (self.bridge(xy), False)):
            cv2.polylines(mask, [np.rint((line + 0.5) * _FINE - 0.5).astype(np.int32)], ring, 255, thick)
        share = cv2.resize(mask, rgb.shape[1::-1], interpolation=cv2.INTER_AREA)[..., None] / np.float32(255)
        return np.asarray(rgb + share * (np.float32(self.color) - rgb), np.float32).round().astype(np.uint8)


def carried(xy: FloatArray, to: FloatArray) -> FloatArray:
    """Return landmarks (478, 2) moved as the head moves to where the face has landmarks `to` (478, 2)."""
    known = np.column_stack([xy[_STABLE], np.ones(len(_STABLE))])
    by = np.linalg.lstsq(known, to[_STABLE], rcond=None)[0]
    return np.asarray(xy @ by[:2] + by[2], np.float32)
