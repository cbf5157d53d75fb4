"""Figures of every frame, as a CSV.

in: seen frames -> out: rows of text.  Must not: hold more than one frame.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

from afet_video.closing import Closing
from afet_video.datatypes import ZONES
from afet_video.inspection.seen import SeenFace, SeenFrame
from afet_video.outputs import disk_errors

_ZONE_COLUMNS = tuple(f"{what}_{zone}" for what in ("affected", "healthy", "shown") for zone in ZONES)

COLUMNS = (
    "frame", "pts", "seconds", "shot", "face_id", "status", "strength", "yaw_deg", "pitch_deg", "roll_deg",
    "turn_yaw_deg", "turn_pitch_deg", "activity", "lid_closure_left", "lid_closure_right", "mouth_opening_iod",
    *_ZONE_COLUMNS, "neutral_frame", "second_neutral_frame", "covered_share", "corrected_iod", "midline_moved_iod",
)  # fmt: skip
"""One row a face and frame, and one for a frame without a face, where all after `face_id` but `status` is empty."""


class StatsWriter(Closing):
    """Writes the CSV; use it as a context manager.

    Parameters
    ----------
    path : file to write; an existing one is replaced.
    target : path to name in error messages.
    """

    def __init__(self, path: Path, *, target: Path) -> None:
        self._target = target
        with disk_errors(target):
            self._file = path.open("w", encoding="utf-8", newline="")
            self._rows = csv.DictWriter(self._file, COLUMNS, restval="")
            self._rows.writeheader()

    def close(self) -> None:
        """Write what is still held, and close the file."""
        with disk_errors(self._target):
            self._file.close()

    def write(self, frame: SeenFrame) -> None:
        """Append the rows of a frame."""
        head = {
            "frame": frame.index,
            "pts": frame.timestamp.pts,
            "seconds": f"{frame.seconds:.6f}",
            "shot": frame.shot,
            "face_id": -1,
            "status": "missing",
        }
        rows = [head | stats_of(face) for face in frame.faces] or [head]
        with disk_errors(self._target):
            self._rows.writerows(rows)


def stats_of(face: SeenFace) -> dict[str, str | int]:
    """Return the figures of a face by column, as text; unknown ones are empty."""
    stages = face.stages
    row, side = stages.row, stages.row.side
    numbers = {
        "strength": row.strength,
        "yaw_deg": row.pose.yaw_deg,
        "pitch_deg": row.pose.pitch_deg,
        "roll_deg": row.pose.roll_deg,
        "turn_yaw_deg": stages.rest.turn_deg[0],
        "turn_pitch_deg": stages.rest.turn_deg[1],
        "activity": face.activity,
        "lid_closure_left": stages.rest.lid_closure[0],
        "lid_closure_right": stages.rest.lid_closure[1],
        "mouth_opening_iod": stages.affected.mouth_opening,
        "covered_share": face.covered_share(),
        "corrected_iod": face.corrected_iod,
        "midline_moved_iod": face.midline_moved_iod,
    }
    for what, xyz, which in (
        ("affected", row.source_xyz, side),
        ("healthy", row.source_xyz, side.other),
        ("shown", row.output_xyz, side),
    ):
        numbers |= {f"{what}_{zone}": value for zone, value in face.excursions(xyz, which).items()}
    splice = stages.splice
    second = splice.second if splice is not None else None
    words: dict[str, str | int] = {
        "face_id": row.face_id,
        "status": str(row.status),
        "neutral_frame": row.neutral_index,
        "second_neutral_frame": "" if second is None else second,
    }
    return words | {name: f"{value:.5f}" if math.isfinite(value) else "" for name, value in numbers.items()}
