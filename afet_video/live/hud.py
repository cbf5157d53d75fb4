"""What stands on the screen over the picture: state, timings, countdown, help.

in: a result, figures, a view -> out: a picture to show.  Must not: open a window, or change the result.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from afet_video.datatypes import ZONES, ByteArray, FloatArray, Midline, PalsyProfile
from afet_video.draw import draw_landmarks, draw_midline
from afet_video.live.controls import View
from afet_video.live.results import LiveResult, LiveState
from afet_video.live.runner import LiveStats

HELP = (
    ("s", "other side"),
    ("p / P", "next / previous profile"),
    ("1 .. 5", "zone: " + ", ".join(zone.replace("_", " ") for zone in ZONES)),
    ("+ / -", "movement kept in that zone"),
    ("m", "mirror"),
    ("l", "landmarks and midline"),
    ("v", "source beside the result"),
    ("c", "learn the face anew"),
    ("r", "record, stop recording"),
    ("space", "snapshot"),
    ("? or h", "this help"),
    ("q or Esc", "quit"),
)

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_WHITE, _AMBER, _RED = (255, 255, 255), (255, 210, 90), (255, 90, 80)
_DARKER = 0.35


def compose(
    result: LiveResult,
    stats: LiveStats,
    view: View,
    *,
    profile: PalsyProfile,
    preset: str = "",
    zone: str = "",
    notes: Sequence[str] = (),
    is_recording: bool = False,
) -> ByteArray:
    """Return the picture for the screen, (H, W, 3) or (H, 2 W, 3) uint8 RGB.

    Parameters
    ----------
    notes : lines about troubles and what was just done.
    """
    row = result.row
    shown = _marked(result.result, row.output_xyz, result) if view.marks else result.result
    panes = [shown]
    if view.split:
        panes.insert(0, _marked(result.source, row.source_xyz, result) if view.marks else result.source)
    screen = np.ascontiguousarray(np.hstack([pane[:, ::-1] if view.mirror else pane for pane in panes]))
    size = max(min(screen.shape[0] / 900, screen.shape[1] / (1000 * len(panes))), 0.35)
    top = [_state_line(result, profile, preset), _kept_line(profile, zone)]
    _lines(screen, [*top, *(note for note in notes if note)], size, at_bottom=False)
    _lines(screen, [_figures(stats)], size, at_bottom=True)
    if result.countdown_s is not None and result.state is LiveState.CALIBRATING:
        _countdown(screen, result, size)
    if is_recording:
        radius = round(14 * size)
        cv2.circle(screen, (screen.shape[1] - 3 * radius, 3 * radius), radius, _RED, -1, cv2.LINE_AA)
    if view.help:
        _help(screen, size)
    return screen


def _marked(rgb: ByteArray, xyz: FloatArray, result: LiveResult) -> ByteArray:
    marked = draw_landmarks(rgb, xyz, radius=1.0)
    row = result.row
    if len(row.midline_y) and np.isfinite(row.midline_y).all():
        marked = draw_midline(marked, Midline(row.midline_y, row.midline_x))
    return marked


def _state_line(result: LiveResult, profile: PalsyProfile, preset: str) -> str:
    if result.state is not LiveState.LIVE:
        return result.message
    text = f"{profile.side} side" + (f", {preset}" if preset else "")
    if result.row.strength < 1:
        text += f", shown by {result.row.strength:.0%}"
    return text + (f" ({result.message})" if result.message else "")


def _kept_line(profile: PalsyProfile, zone: str) -> str:
    parts = []
    for name, kept in zip(ZONES, profile.kept, strict=True):
        label = name.replace("_", " ")
        parts.append(f"[{label} {kept:.0%}]" if name == zone else f"{label} {kept:.0%}")
    return "kept: " + "  ".join(parts)


def _figures(stats: LiveStats) -> str:
    return (
        f"{stats.fps:.1f} fps   processing {stats.processing_ms:.0f} ms   camera to screen {stats.glass_ms:.0f} ms   "
        f"dropped {stats.dropped}"
    )


def _lines(screen: ByteArray, lines: Sequence[str], size: float, *, at_bottom: bool) -> None:
    step = round(34 * size) + 2
    height = step * len(lines) + round(12 * size)
    top = screen.shape[0] - height if at_bottom else 0
    band = screen[max(top, 0) : max(top, 0) + height]
    band[:] = (band * _DARKER).astype(np.uint8)
    for number, text in enumerate(lines):
        _text(screen, text, round(12 * size), top + step * (number + 1), size, _AMBER if number > 1 else _WHITE)


def _text(screen: ByteArray, text: str, x: int, y: int, size: float, color: tuple[int, int, int]) -> None:
    plain = text.encode("ascii", "replace").decode()  # OpenCV's fonts know no other letters
    room = screen.shape[1] - 2 * x
    wide = cv2.getTextSize(plain, _FONT, size, 1)[0][0]
    fitting = size * min(1.0, room / max(wide, 1))
    cv2.putText(screen, plain, (x, y), _FONT, fitting, color, max(round(1.6 * size), 1), cv2.LINE_AA)


def _countdown(screen: ByteArray, result: LiveResult, size: float) -> None:
    left = result.countdown_s or 0.0
    text = f"{left:.0f}" if left >= 0.5 else "..."
    big = 5 * size
    (width, height), _ = cv2.getTextSize(text, _FONT, big, 3)
    at = ((screen.shape[1] - width) // 2, screen.shape[0] - round(60 * size) - height // 2)
    cv2.putText(screen, text, at, _FONT, big, (0, 0, 0), round(14 * size) + 2, cv2.LINE_AA)
    cv2.putText(screen, text, at, _FONT, big, _AMBER, round(6 * size) + 1, cv2.LINE_AA)


def _help(screen: ByteArray, size: float) -> None:
    step = round(36 * size) + 2
    top = max((screen.shape[0] - step * (len(HELP) + 1)) // 2, 0)
    left, right = round(0.06 * screen.shape[1]), round(0.94 * screen.shape[1])
    plate = screen[top : top + step * (len(HELP) + 1), left:right]
    plate[:] = (plate * 0.2).astype(np.uint8)
    for number, (key, what) in enumerate(HELP):
        y = top + step * (number + 1)
        _text(screen, key, left + round(20 * size), y, size, _AMBER)
        _text(screen, what, left + round(200 * size), y, size, _WHITE)
