"""Between the passes: the face's smoothed landmarks and midline for every frame.

in: the raw track -> out: `FollowedFace`.  Must not: look at pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import LANDMARK_COUNT, FaceStatus, FloatArray, Midline
from afet_video.errors import MidlineError
from afet_video.face.pose import interocular_px
from afet_video.face.track import FaceTrack
from afet_video.filters import CenteredSettings, neighbor_range, smooth_centered
from afet_video.passes.settings import ConvertSettings
from afet_video.row_file import RowFile
from afet_video.splice.midline import (
    SAMPLES,
    MidlineSettings,
    fit_midline,
    head_frame,
    midline_points,
    to_image,
)

_CHUNK = 128
_MIDLINE_NOISE_IOD, _MIDLINE_MOVING_S = 0.03, 0.16
"""How far the curve's jitter reaches, and half the time over which its motion is followed. A mouth drawn from side to
side takes the curve along, by 0.3 of the inter-ocular distance in a third of a second, and its detected points shake
most then. The curve stays within 0.05 of them, a third of the ramp's half-width."""


@dataclass(frozen=True, slots=True, eq=False)
class FollowedFace:
    """Smoothed landmarks on disk, the smoothed midline's u (T, K) in the head's frame; NaN where there is no face."""

    rows: RowFile
    midline_u: FloatArray

    def xyz(self, frame: int) -> FloatArray:
        """Return the landmarks (478, 3) of a frame in pixels."""
        row: FloatArray = self.rows.read(frame, frame + 1)[0]
        return row

    def midline(self, frame: int, xyz: FloatArray) -> Midline | None:
        """Return the midline of a frame, or None if there is none that columns can follow."""
        if not np.isfinite(self.midline_u[frame]).all():
            return None
        try:
            return to_image(self.midline_u[frame], head_frame(xyz))
        except MidlineError:
            return None

    def close(self) -> None:
        """Delete the temporary file."""
        self.rows.close()


def follow(track: FaceTrack, settings: ConvertSettings) -> FollowedFace:
    """Smooth a track without lag and fit the midline of every frame."""
    rows = RowFile((LANDMARK_COUNT, 3))
    try:
        seconds, breaks = track.seconds, _breaks(track)
        raw_u = np.full((len(track), SAMPLES), np.nan, np.float32)
        for start in range(0, len(track), _CHUNK):
            stop = min(start + _CHUNK, len(track))
            for frame, xyz in enumerate(_smoothed(track, seconds, breaks, start, stop, settings.smoothing), start):
                rows.append(xyz)
                if np.isfinite(xyz).all():
                    raw_u[frame] = fit_midline(head_frame(xyz).to_head(midline_points(xyz)), settings.midline)
        return FollowedFace(rows, _smoothed_midline(raw_u, seconds, breaks, settings.midline))
    except BaseException:
        rows.close()
        raise


def _breaks(track: FaceTrack) -> NDArray[np.bool_]:
    """Return where a frame does not continue the one before it: another person, a jump, a cut, a held picture."""
    held = np.array([status is FaceStatus.HELD for status in track.status], bool)
    breaks = np.zeros(len(track), bool)
    breaks[1:] = (track.run[1:] != track.run[:-1]) | (held[1:] != held[:-1])
    return breaks


def _smoothed(
    track: FaceTrack,
    seconds: NDArray[np.float64],
    breaks: NDArray[np.bool_],
    start: int,
    stop: int,
    settings: CenteredSettings,
) -> FloatArray:
    """Return smoothed landmarks of a chunk, the same as smoothing the whole clip would give."""
    first, last = neighbor_range(seconds, start, stop, settings=settings)
    xyz = track.xyz(first, last)
    scale = interocular_px(xyz)
    unit = float(np.nanmedian(scale)) if np.isfinite(scale).any() else 1.0
    smooth = smooth_centered(xyz / unit, seconds[first:last], settings=settings, breaks=breaks[first:last]) * unit
    return smooth[start - first : stop - first].astype(np.float32)


def _smoothed_midline(
    u: FloatArray, seconds: NDArray[np.float64], breaks: NDArray[np.bool_], settings: MidlineSettings
) -> FloatArray:
    if settings.smoothing_s == 0.0:
        return u
    window = CenteredSettings(
        still_s=settings.smoothing_s, moving_s=min(_MIDLINE_MOVING_S, settings.smoothing_s), noise=_MIDLINE_NOISE_IOD
    )
    out = np.empty_like(u)
    for start in range(0, len(u), _CHUNK):
        stop = min(start + _CHUNK, len(u))
        first, last = neighbor_range(seconds, start, stop, settings=window)
        smooth = smooth_centered(
            u[first:last, :, None], seconds[first:last], settings=window, breaks=breaks[first:last]
        )
        out[start:stop] = smooth[start - first : stop - first, :, 0]
    return out
