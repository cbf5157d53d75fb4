"""The words by which a file says that its picture is synthetic: an XMP packet, and its place in a picture file.

in: a term of IPTC's vocabulary <-> out: the packet; a PNG -> the PNG with it.  Must not: touch files or pixels.
"""

from __future__ import annotations

import re
import struct
import zlib

from afet_video.datatypes import DIGITAL_SOURCE_TYPE

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

PNG_KEYWORD = b"XML:com.adobe.xmp\0"
"""First bytes of the iTXt chunk that holds XMP in a PNG."""

JPEG_KEYWORD = b"http://ns.adobe.com/xap/1.0/\0"
"""First bytes of the APP1 segment that holds XMP in a JPEG."""

_PNG_HEADER_END = len(PNG_SIGNATURE) + 4 + 4 + 13 + 4
"""Signature, then the IHDR chunk (length, type, 13 bytes, CRC): further chunks go after it."""

_SOURCE_TYPES, _, COMPOSITE_SYNTHETIC = DIGITAL_SOURCE_TYPE.rpartition("/")

_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
   <Iptc4xmpExt:DigitalSourceType>{value}</Iptc4xmpExt:DigitalSourceType>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""

_FOUND = re.compile(rb"DigitalSourceType[>=\"\s]+([^<\"\s]+)")


def source_type_url(source_type: str) -> str:
    """Return the URL of a term such as "compositeSynthetic" in IPTC's vocabulary."""
    return f"{_SOURCE_TYPES}/{source_type}"


def source_type_packet(source_type: str = COMPOSITE_SYNTHETIC) -> bytes:
    """Return an XMP packet that gives the IPTC digital source type, a term such as "compositeSynthetic"."""
    return _PACKET.format(value=source_type_url(source_type)).encode()


def source_type_in(packet: bytes) -> str | None:
    """Return the last part of the digital source type that a packet gives (any writer's), None if it gives none."""
    found = _FOUND.search(packet)
    return found[1].decode("utf-8", "replace").rpartition("/")[2] if found else None


def png_with(packet: bytes, png: bytes) -> bytes:
    """Return the content of a PNG file with an XMP packet put in (that of a PNG without one)."""
    # keyword, no compression (2 bytes), no language, no translated keyword, the text
    body = b"iTXt" + PNG_KEYWORD + b"\0\0" + b"\0" + b"\0" + packet
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return png[:_PNG_HEADER_END] + chunk + png[_PNG_HEADER_END:]
