"""What the page and the server say to each other.

in: bytes and text of a WebSocket -> out: checked values, and back.  Must not: know a socket or a session's insides.

Pictures travel as raw RGBA: on one computer that takes less time than to compress them, and loses nothing. Back goes
only the box in which the result differs from the source, which the page still has.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from afet_video.datatypes import Box, ByteArray
from afet_video.live.results import LiveResult

MAX_SIZE_WH = (1280, 720)
"""Larger pictures the page scales down: they would not be live on an ordinary computer."""

_HEADER = struct.Struct("<dIHH")
"""Of a frame: capture time in ms since 1970, the page's number for it, width, height."""

MAX_FRAME_BYTES = _HEADER.size + 4 * MAX_SIZE_WH[0] * MAX_SIZE_WH[1]
MAX_TEXT = 2048
"""Characters of a control message; the longest that the page sends has about 150."""


class MessageError(ValueError):
    """A message that the page never sends."""


@dataclass(frozen=True, slots=True, eq=False)
class CameraFrame:
    """A picture from the page: `rgba` (H, W, 4) uint8, `number` as the page counts, `capture_ms` since 1970."""

    number: int
    capture_ms: float
    rgba: ByteArray

    def rgb(self) -> ByteArray:
        """Return the picture without its alpha."""
        return np.asarray(cv2.cvtColor(self.rgba, cv2.COLOR_RGBA2RGB), np.uint8)


def read_frame(data: bytes) -> CameraFrame:
    """Return the frame that a binary message holds; MessageError if it is anything else."""
    if len(data) < _HEADER.size:
        raise MessageError("a frame without its header")
    capture_ms, number, width, height = _HEADER.unpack_from(data)
    if not (math.isfinite(capture_ms) and 0 <= capture_ms < 2**52):
        raise MessageError("a frame without a time")
    if not (16 <= width <= max(MAX_SIZE_WH) and 16 <= height <= max(MAX_SIZE_WH)):
        raise MessageError(f"a frame of {width}x{height}")
    if len(data) != _HEADER.size + 4 * width * height:
        raise MessageError("a frame whose size is not what its header says")
    return CameraFrame(number, capture_ms, np.frombuffer(data, np.uint8, offset=_HEADER.size).reshape(height, width, 4))


def read_control(text: str) -> dict[str, Any]:
    """Return a control message; MessageError if it is not a JSON object with a `type`."""
    if len(text) > MAX_TEXT:
        raise MessageError("a control message that is too long")
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise MessageError("a control message that is not JSON") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise MessageError("a control message without a type")
    return message


def write_result(frame: CameraFrame, result: LiveResult, *, recording: Mapping[str, Any], with_points: bool) -> bytes:
    """Return the answer to a frame: length of the JSON (uint32), JSON, RGBA of the changed box.

    Parameters
    ----------
    frame : what the page sent.
    result : what the session made of it.
    recording : what the page shows of the recording.
    with_points : whether landmarks and midline go along, for the overlay.
    """
    box = changed_box(result.source, result.result)
    about: dict[str, Any] = {
        "number": frame.number,
        "state": result.state.value,
        "message": result.message,
        "countdown_s": result.countdown_s,
        "processing_ms": round(result.processing_ms, 1),
        "recording": recording,
        "box": None if box is None else [box.x0, box.y0, box.x1, box.y1],
    }
    if with_points:
        about["points"] = _points(result)
    head = json.dumps(about, allow_nan=False).encode()
    head += b" " * (-len(head) % 4)  # the pixels then begin at a multiple of 4
    patch = b"" if box is None else _rgba(result.result[box.y0 : box.y1, box.x0 : box.x1])
    return struct.pack("<I", len(head)) + head + patch


def changed_box(source: ByteArray, result: ByteArray) -> Box | None:
    """Return the smallest box that holds every pixel in which two (H, W, 3) pictures differ; None if they do not."""
    if source is result:
        return None
    differs = cv2.absdiff(source, result).max(axis=2)
    x, y, width, height = cv2.boundingRect(differs)
    return Box(x, y, x + width, y + height) if width and height else None


def _rgba(rgb: ByteArray) -> bytes:
    return bytes(cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2RGBA).data)


def _points(result: LiveResult) -> dict[str, list[float]] | None:
    """Return x, y, x, y, ... of the landmarks before and after, and of the midline; None without a face."""
    row = result.row
    midline = np.stack([row.midline_x, row.midline_y], axis=1)
    parts = {"source": row.source_xyz[:, :2], "result": row.output_xyz[:, :2], "midline": midline}
    if not all(np.isfinite(xy).all() for xy in parts.values()):
        return None
    return {name: [round(float(v), 1) for v in xy.ravel()] for name, xy in parts.items()}
