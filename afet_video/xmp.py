"""The words by which a file says that its picture is synthetic: an XMP packet.

in: a term of IPTC's vocabulary <-> out: the packet.  Must not: know any file format.
"""

from __future__ import annotations

import re

from afet_video.datatypes import DIGITAL_SOURCE_TYPE

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
