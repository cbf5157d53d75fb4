"""The XMP mark in PNG and JPEG files.

in: a picture file -> out: its digital source type.  Must not: decode pixels, or trust a length that the file names.
"""

from __future__ import annotations

import zlib
from pathlib import Path

from afet_video.errors import InputError
from afet_video.xmp import JPEG_KEYWORD, PNG_KEYWORD, PNG_SIGNATURE, source_type_in

_LARGEST_PACKET = 1 << 20


def read_mark(path: Path | str) -> str | None:
    """Return the digital source type (its last part) of a PNG or JPEG, None if it has none or is neither.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    packet = None
    if data.startswith(PNG_SIGNATURE):
        packet = _png_packet(data)
    elif data.startswith(b"\xff\xd8"):
        packet = _jpeg_packet(data)
    return source_type_in(packet) if packet else None


def _png_packet(data: bytes) -> bytes | None:
    start = len(PNG_SIGNATURE)
    while start + 12 <= len(data):
        size, kind = int.from_bytes(data[start : start + 4], "big"), data[start + 4 : start + 8]
        body = data[start + 8 : start + 8 + size]
        if kind == b"iTXt" and body.startswith(PNG_KEYWORD):
            flag, rest = body[len(PNG_KEYWORD)], body[len(PNG_KEYWORD) + 2 :]
            text = rest.split(b"\0", 2)[-1]  # after language and translated keyword
            return text if not flag else _inflated(text)
        start += 12 + size
    return None


def _inflated(data: bytes) -> bytes | None:
    try:
        return zlib.decompressobj().decompress(data, _LARGEST_PACKET)
    except zlib.error:
        return None


def _jpeg_packet(data: bytes) -> bytes | None:
    start = 2
    while start + 4 <= len(data) and data[start] == 0xFF and data[start + 1] not in (0xD9, 0xDA):
        size = int.from_bytes(data[start + 2 : start + 4], "big")
        body = data[start + 4 : start + 2 + size]
        if data[start + 1] == 0xE1 and body.startswith(JPEG_KEYWORD):
            return body[len(JPEG_KEYWORD) :]
        start += 2 + max(size, 2)
    return None
