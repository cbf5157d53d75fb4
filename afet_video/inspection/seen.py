"""What is seen of one frame as it goes by.

in: stages of the conversion -> out: `SeenFrame`, `SeenFace`.  Must not: draw, or write.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import ZONES, ByteArray, FloatArray, Midline, Side, Timestamp
from afet_video.errors import MidlineError
from afet_video.face.pose import interocular_px
from afet_video.passes.prepare import FaceModel
from afet_video.passes.render import ChangeStages
from afet_video.splice.midline import MidlineSettings, fit_midline, head_frame, midline_points, to_image

_RIGHT_HALF: NDArray[np.bool_] = np.arange(478) < facemesh.TWIN
_LEFT_HALF: NDArray[np.bool_] = np.arange(478) > facemesh.TWIN


@dataclass(frozen=True, slots=True, eq=False)
class SeenFace:
    """One face in one frame: its stages, its model, `detected` (478, 3) as the detector finds it, how active it is.

    `raw_midline`: LOWESS on this frame's landmarks alone, None where the face lies on its side.
    """

    stages: ChangeStages
    model: FaceModel
    detected: FloatArray
    raw_midline: Midline | None
    activity: float

    @property
    def iod_px(self) -> float:
        """Inter-ocular distance."""
        return float(interocular_px(self.stages.moment.xyz))

    @property
    def corrected_iod(self) -> float:
        """How far registration and smoothing moved the landmarks from where they are detected: RMS."""
        away = (self.stages.moment.xyz - self.detected)[: facemesh.SKIN_COUNT, :2]
        return float(np.sqrt((away**2).sum(axis=1).mean())) / self.iod_px

    @property
    def midline_moved_iod(self) -> float:
        """How far smoothing moved the midline over the face: mean distance along the row; NaN if unknown."""
        if self.raw_midline is None:
            return float("nan")
        rows = self.stages.moment.xyz[list(facemesh.MIDLINE), 1]
        away = self.stages.moment.midline.x_at(rows) - self.raw_midline.x_at(rows)
        return float(np.abs(away).mean()) / self.iod_px

    def covered_share(self) -> float:
        """Share of the rectangle that may change in which something covers the face; 0 where nothing is changed."""
        splice = self.stages.splice
        if splice is None or splice.cover.mask is None:
            return 0.0
        return float((1.0 - splice.cover.mask).mean())

    def excursions(self, of: FloatArray, side: Side) -> dict[str, float]:
        """Return how far each zone of one side is from rest, inter-ocular distances: a mean weighted by the zones.

        Parameters
        ----------
        of : (478, 3) landmarks of the source or of the result, pixels.
        """
        away = np.linalg.norm((of - self.stages.rest.xyz)[:, :2], axis=1) / self.iod_px
        half = _LEFT_HALF if side is Side.LEFT else _RIGHT_HALF
        weights = self.model.palsy.zones * (half & (np.arange(478) < facemesh.SKIN_COUNT))[:, None]
        return dict(zip(ZONES, (away @ weights / weights.sum(axis=0)).tolist(), strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class SeenFrame:
    """One frame: its faces, and where they are wanted its pictures (H, W, 3) before and after."""

    index: int
    timestamp: Timestamp
    shot: int
    faces: tuple[SeenFace, ...]
    source: ByteArray | None = None
    result: ByteArray | None = None

    @property
    def seconds(self) -> float:
        """When it is shown."""
        return float(self.timestamp.seconds)

    @property
    def main_face(self) -> SeenFace | None:
        """The largest face."""
        return max(self.faces, key=lambda face: float(np.ptp(face.stages.moment.xyz[:, 1])), default=None)


def raw_midline(xyz: FloatArray, settings: MidlineSettings) -> Midline | None:
    """Return LOWESS on the landmarks (478, 3) of one frame alone, or None if columns cannot follow it."""
    if not np.isfinite(xyz).all():
        return None
    head = head_frame(xyz)
    try:
        return to_image(fit_midline(head.to_head(midline_points(xyz)), settings), head)
    except MidlineError:
        return None
