"""A recording for the rerun viewer: pictures, landmarks, midlines and figures on one time line.

in: seen frames with pictures -> out: an .rrd file.  Must not: open a window, or use the network.
"""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video.closing import Closing
from afet_video.datatypes import ByteArray, Midline
from afet_video.errors import SettingsError
from afet_video.inspection.seen import SeenFace, SeenFrame
from afet_video.inspection.stats import stats_of

_JPEG_QUALITY = 85
_RED, _GREEN, _YELLOW, _GRAY = (255, 80, 70), (80, 230, 120), (255, 210, 60), (150, 154, 162)


def check_rerun() -> None:
    """Raise `SettingsError` where rerun-sdk is not installed."""
    if importlib.util.find_spec("rerun") is None:
        raise SettingsError("--rerun needs the package rerun-sdk: pip install 'afet-video[rerun]'")


class RerunLog(Closing):
    """Writes the recording; use it as a context manager.

    Parameters
    ----------
    path : file to write; an existing one is replaced.
    name : of the clip.
    """

    def __init__(self, path: Path, name: str) -> None:
        import rerun

        self._rerun = rerun
        self._recording = rerun.RecordingStream("afet-video")
        self._recording.save(str(path))
        note = rerun.TextDocument(f"{name}: source and synthetic result, made by afet-video")
        self._recording.log("about", note, static=True)

    def close(self) -> None:
        """Write what is still held, and close the file."""
        self._recording.flush()
        self._recording.disconnect()

    def write(self, seen: SeenFrame) -> None:
        """Append a frame that holds its pictures."""
        assert seen.source is not None
        assert seen.result is not None
        self._recording.set_time("video", duration=seen.seconds)
        self._recording.set_time("frame", sequence=seen.index)
        self._picture("source", seen.source)
        self._picture("result", seen.result)
        face = seen.main_face
        if face is None:
            for name in ("source/detected", "source/followed", "result/landmarks", "source/midline"):
                self._recording.log(name, self._rerun.Clear(recursive=True))
            return
        self._face(face)

    def _face(self, face: SeenFace) -> None:
        row = face.stages.row
        self._points("source/detected", face.detected, _RED)
        self._points("source/followed", row.source_xyz, _GREEN)
        self._points("source/rest", face.stages.rest.xyz, _GRAY)
        self._points("result/landmarks", row.output_xyz, _GREEN)
        self._line("source/midline", face.stages.moment.midline, _YELLOW)
        if face.raw_midline is not None:
            self._line("source/midline_of_this_frame", face.raw_midline, _RED)
        for name, value in stats_of(face).items():
            if name != "status" and value != "" and math.isfinite(float(value)):
                self._recording.log(f"figures/{name}", self._rerun.Scalars(float(value)))

    def _picture(self, name: str, rgb: ByteArray) -> None:
        _, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        self._recording.log(name, self._rerun.EncodedImage(contents=data.tobytes(), media_type="image/jpeg"))

    def _points(self, name: str, xyz: NDArray[Any], color: tuple[int, int, int]) -> None:
        # rerun counts from a pixel's corner
        self._recording.log(name, self._rerun.Points2D(xyz[:, :2] + 0.5, colors=color, radii=1.0))

    def _line(self, name: str, midline: Midline, color: tuple[int, int, int]) -> None:
        strip = np.stack([midline.x, midline.y], axis=1) + 0.5
        self._recording.log(name, self._rerun.LineStrips2D([strip], colors=color, radii=0.75))
