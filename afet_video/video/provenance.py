"""Say in the file itself that the picture is synthetic.

in: an MP4 or MOV file -> out: the same file with an XMP packet in a top-level `uuid` box at its end.
Must not: move what is in the file (chunk offsets stay valid), or decode it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from afet_video.errors import InputError, OutputError
from afet_video.outputs import disk_errors
from afet_video.video.demux import open_media
from afet_video.xmp import COMPOSITE_SYNTHETIC, source_type_in, source_type_packet

_COMMENT = (
    "Synthetic: facial movement on one side was altered by afet-video to simulate a facial palsy. "
    "IPTC digital source type: "
)


def synthetic_comment(source_type: str = COMPOSITE_SYNTHETIC) -> str:
    """Return the text of the container's comment tag."""
    return _COMMENT + source_type


SYNTHETIC_COMMENT = synthetic_comment()
"""The text for real footage with synthetic parts."""

_TOP_LEVEL = frozenset((b"moov", b"mdat", b"uuid", b"free", b"udta", b"meta", b"moof"))

XMP_UUID = bytes.fromhex("BE7ACFCB97A942E89C71999491E3AFAC")
"""The box type that Adobe's XMP specification (part 3) gives to XMP in ISO base media files."""

C2PA_UUID = bytes.fromhex("D8FEC3D61B0E483C92975828877EC481")
"""The box type that holds a C2PA manifest."""


def mark_synthetic(path: Path, *, source_type: str = "compositeSynthetic") -> None:
    """Append the IPTC digital source type to an MP4 or MOV file; a mark at the file's end is replaced.

    Parameters
    ----------
    path : the finished file.
    source_type : a term of IPTC's digital source type vocabulary.

    Raises
    ------
    OutputError
        If the file is not an MP4 or MOV file, or cannot be written.
    """
    box = mark_box(source_type)
    with disk_errors(path), path.open("r+b") as file:
        boxes = list(_boxes(file))
        end = file.seek(0, 2)
        if not boxes or boxes[0][0] != b"ftyp" or sum(box[2] for box in boxes) != end:
            raise OutputError(f"{path} is not a whole MP4 or MOV file: it cannot be marked as synthetic")
        kind, start, _ = boxes[-1]
        if kind == b"uuid" and _is_xmp(file, start):
            end = start
        file.seek(end)
        file.truncate()
        file.write(box)


def mark_box(source_type: str = COMPOSITE_SYNTHETIC) -> bytes:
    """Return the `uuid` box that holds the mark."""
    body = XMP_UUID + source_type_packet(source_type)
    return struct.pack(">I4s", 8 + len(body), b"uuid") + body


def read_mark(path: Path) -> str | None:
    """Return the digital source type (its last part, e.g. "compositeSynthetic") of a file, None if it has none.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            for kind, start, size in _boxes(file):
                if kind == b"uuid" and _is_xmp(file, start):
                    file.seek(start + 24)
                    return source_type_in(file.read(size - 24))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    return None


def read_comment(path: Path) -> str:
    """Return the comment tag of a media file, "" if it has none.

    Raises
    ------
    InputError
        If the file cannot be opened.
    """
    with open_media(path) as container:
        found = {key.lower(): value for key, value in container.metadata.items()}
        return found.get("comment", "").encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def has_c2pa_box(path: Path) -> bool:
    """Whether a file holds a C2PA manifest, as far as can be told without reading it."""
    try:
        with path.open("rb") as file:
            return any(
                kind == b"uuid" and file.seek(start + 8) and file.read(16) == C2PA_UUID
                for kind, start, _ in _boxes(file)
            )
    except OSError:
        return False


def missing_bytes(path: Path) -> int:
    """Return how much the last top-level box of an MP4 or MOV file claims beyond the file's end, 0 if it is whole."""
    with path.open("rb") as file:
        length, end = file.seek(0, 2), 0
        for _, start, size in _boxes(file):
            end = start + size
        file.seek(end)
        head = file.read(8)
        if len(head) < 8 or head[4:] not in _TOP_LEVEL:
            return 0
        return max(end + int.from_bytes(head[:4], "big") - length, 0)


def _is_xmp(file: BinaryIO, start: int) -> bool:
    file.seek(start + 8)
    return file.read(16) == XMP_UUID


def _boxes(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Yield type, start and size of each top-level box; stop at the first that makes no sense."""
    length, start = file.seek(0, 2), 0
    while start + 8 <= length:
        file.seek(start)
        size, kind = struct.unpack(">I4s", file.read(8))
        if size == 1:
            size = int.from_bytes(file.read(8), "big")
        if size < 8 or start + size > length:
            return
        yield kind, start, size
        start += size
