"""PNG files that carry the synthetic-media mark.

in: a picture -> out: .png.  Must not: draw.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2

from afet_video.datatypes import DIGITAL_SOURCE_TYPE, ByteArray
from afet_video.draw.picture import copied
from afet_video.errors import OutputError
from afet_video.outputs import disk_errors

_PNG_HEADER_END = 8 + 4 + 4 + 13 + 4
"""Signature, then the IHDR chunk (length, type, 13 bytes, CRC): further chunks go after it."""

_XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
    f"<Iptc4xmpExt:DigitalSourceType>{DIGITAL_SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>"
    '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
)


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
    png = png_bytes(rgb, target=target or path)
    # imencode and not imwrite: the latter fails without a reason, and on Windows on paths that are not ASCII.
    with disk_errors(target or path):
        path.write_bytes(png)


def png_bytes(rgb: ByteArray, *, target: Path | str = "the picture") -> bytes:
    """Return the content of a PNG that carries the synthetic-media mark.

    Parameters
    ----------
    rgb : (H, W, 3) uint8.
    target : what to name in error messages.

    Raises
    ------
    OutputError
        If the picture makes no PNG.
    """
    try:
        is_encoded, data = cv2.imencode(".png", cv2.cvtColor(copied(rgb), cv2.COLOR_RGB2BGR))
    except cv2.error as error:
        raise OutputError(f"cannot write {target}: a picture of {rgb.shape} makes no PNG") from error
    if not is_encoded:
        raise OutputError(f"cannot write {target}: a picture of {rgb.shape} makes no PNG")
    png = data.tobytes()
    return png[:_PNG_HEADER_END] + _xmp_chunk() + png[_PNG_HEADER_END:]


def _xmp_chunk() -> bytes:
    """Return the iTXt chunk that holds XMP: keyword, no compression, no language, no translated keyword, the text."""
    body = b"iTXt" + b"XML:com.adobe.xmp\0" + b"\0\0" + b"\0" + b"\0" + _XMP.encode("utf-8")
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
