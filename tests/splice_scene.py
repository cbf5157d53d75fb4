"""A real face, cut out of its frame, ready to be spliced.

in: two real faces -> out: pictures and landmarks of one rectangle, meshes, fields.  Must not: assert anything.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import FloatArray, Midline, Side
from afet_video.splice.alpha import AlphaField, SpliceSettings, alpha_field
from afet_video.splice.compose import NeutralTexture, splice
from afet_video.splice.mesh import build_mesh
from afet_video.splice.midline import MidlineSettings, fit_midline, head_frame, midline_points, to_image


@dataclass(frozen=True)
class Scene:
    """Expression and neutral pictures (h, w, 3) float32 of the same rectangle, their landmarks (478, 3), the mesh."""

    expression: FloatArray
    neutral: FloatArray
    expression_xyz: FloatArray
    neutral_xyz: FloatArray
    triangles: NDArray[np.int32]

    @classmethod
    def of(cls, expression: Any, neutral: Any, *, scale: int = 1) -> Scene:
        """Cut the face out of both frames, and enlarge it."""
        xyz, rest = expression.xyz, neutral.xyz
        both = np.concatenate([xyz, rest])[:, :2]
        x0, y0 = np.floor(both.min(axis=0)).astype(int) - 6
        x1, y1 = np.ceil(both.max(axis=0)).astype(int) + 7

        def picture(rgb: Any) -> FloatArray:
            part = rgb[y0:y1, x0:x1].astype(np.float32)
            return np.asarray(cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)).clip(0, 255)

        def moved(points: FloatArray) -> FloatArray:
            shifted = points - np.array([x0, y0, 0], np.float32)
            shifted[:, :2] = (shifted[:, :2] + 0.5) * scale - 0.5
            shifted[:, 2] *= scale
            return np.asarray(shifted, np.float32)

        return cls(picture(expression.rgb), picture(neutral.rgb), moved(xyz), moved(rest), build_mesh(moved(rest)))

    @property
    def midline(self) -> Midline:
        """The midline of the expression."""
        head = head_frame(self.expression_xyz)
        return to_image(
            fit_midline(head.to_head(midline_points(self.expression_xyz)), MidlineSettings(smoothing_s=0.0)), head
        )

    def alpha(self, side: Side = Side.LEFT, *, ramp: str = "smooth") -> AlphaField:
        return alpha_field(self.expression_xyz, self.midline, side, SpliceSettings(ramp=ramp))

    def texture(self, weight: float = 1.0) -> NeutralTexture:
        return texture_of(self.neutral, self.neutral_xyz, weight)

    def spliced(self, alpha: AlphaField, *, weight: float = 1.0) -> FloatArray:
        return splice(
            self.expression, self.expression_xyz, self.neutral_xyz, self.texture(weight), self.triangles, alpha
        )

    def mirrored(self) -> Scene:
        """The same face in a mirror, with every landmark named as if the mirrored picture were the real one."""
        return replace(
            self,
            expression=np.ascontiguousarray(self.expression[:, ::-1]),
            neutral=np.ascontiguousarray(self.neutral[:, ::-1]),
            expression_xyz=mirrored_xyz(self.expression_xyz, self.expression.shape[1]),
            neutral_xyz=mirrored_xyz(self.neutral_xyz, self.expression.shape[1]),
            triangles=np.ascontiguousarray(facemesh.TWIN[self.triangles]),
        )


def texture_of(rgb: FloatArray, xyz: FloatArray, weight: float) -> NeutralTexture:
    """The neutral's pixels with the same weight everywhere, and their own colors."""
    xy = np.ascontiguousarray(xyz[:, :2])
    return NeutralTexture(rgb, xy, np.full(478, weight, np.float32), np.ones((478, 3), np.float32))


def mirrored_xyz(xyz: FloatArray, width: int) -> FloatArray:
    """Landmarks (..., 478, 3) of the mirrored picture, each under the name that it has there."""
    twins = xyz[..., facemesh.TWIN, :].copy()
    twins[..., 0] = width - 1 - twins[..., 0]
    return twins
