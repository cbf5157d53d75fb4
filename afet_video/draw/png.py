"""PNG files that carry the synthetic-media mark.

in: a picture -> out: .png.  Must not: draw.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2

from afet_video.datatypes import ByteArray
from afet_video.draw.picture import copied
from afet_video.errors import OutputError
from afet_video.outputs import disk_errors
from afet_video.xmp import source_type_packet

_PNG_HEADER_END = 8 + 4 + 4 + 13 + 4
"""Signature, then the IHDR chunk (length, type, 13 bytes, CRC): further chunks go after it."""


def write_png(path: Path, rgb: ByteArray, *, target: Path | None = None) -> None:
    """Write a PNG that carries the synthetic-media mark (XMP `Iptc4xmpExt:DigitalSourceType`).

    Parameters
    ----------
    path : file to write; an existing one is replaced.
    rgb : (H, W, 3) uint8.
    target : path to name in error messages, if `path` is a temporary stand-in for it.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    try:
        is_encoded, data = cv2.imencode(".png", cv2.cvtColor(copied(rgb), cv2.COLOR_RGB2BGR))
    except cv2.error as error:
        raise OutputError(f"cannot write {target or path}: a picture of {rgb.shape} makes no PNG") from error
    if not is_encoded:
        raise OutputError(f"cannot write {target or path}: a picture of {rgb.shape} makes no PNG")
    png = data.tobytes()
    # imencode and not imwrite: the latter fails without a reason, and on Windows on paths that are not ASCII.
    with disk_errors(target or path):
        path.write_bytes(png[:_PNG_HEADER_END] + _xmp_chunk() + png[_PNG_HEADER_END:])


def _xmp_chunk() -> bytes:
    """Return the iTXt chunk that holds XMP: keyword, no compression, no language, no translated keyword, the text."""
    body = b"iTXt" + b"XML:com.adobe.xmp\0" + b"\0\0" + b"\0" + b"\0" + source_type_packet()
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
