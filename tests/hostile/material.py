"""What the corpus is cut from: a few small frames of the sample, and MP4 surgery.

in: the sample -> out: clips and their boxes.  Must not: use the package under test.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from synthetic import ClipSpec, make_clip

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "webcam.mp4"
FRAMES = (140, 142, 144, 178, 180, 182, 184, 186)
"""Three at rest, five into a smile."""

SIZE_WH = (200, 150)
_CONTAINERS = frozenset((b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"udta", b"dinf", b"mvex"))


@dataclass(frozen=True)
class Material:
    """The folder of one case, and the frames all cases share, (8, 150, 200, 3) RGB."""

    folder: Path
    pictures: NDArray[np.uint8]

    @classmethod
    def load(cls, folder: Path) -> Material:
        with av.open(str(SAMPLE)) as container:
            found = {
                index: frame.to_ndarray(format="rgb24")
                for index, frame in enumerate(container.decode(video=0))
                if index in FRAMES
            }
        small = [cv2.resize(found[index], SIZE_WH, interpolation=cv2.INTER_AREA) for index in FRAMES]
        return cls(folder, np.array(small))

    def inside(self, folder: Path) -> Material:
        return Material(folder, self.pictures)

    def clip(self, name: str = "in.mp4", pictures: Any = None, **changes: Any) -> Path:
        """Write a clip of the shared frames (or of `pictures`, stored as they are)."""
        shown = self.pictures if pictures is None else pictures
        height, width = shown[0].shape[:2]
        spec = ClipSpec(size_wh=(width, height), frames=len(shown), **changes)
        return make_clip(self.folder / name, spec, pictures=[np.ascontiguousarray(one) for one in shown])

    @cached_property
    def plain(self) -> bytes:
        """An ordinary MP4 with sound, its index at the end."""
        path = self.clip("plain.mp4", audio="aac")
        data = path.read_bytes()
        path.unlink()
        return data

    def write(self, data: bytes, name: str = "in.mp4") -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path


def boxes(data: bytes, start: int = 0, stop: int | None = None, path: str = "") -> Iterator[tuple[str, int, int]]:
    """Yield path, start and end of every box of an MP4 file, parents before children."""
    stop = len(data) if stop is None else stop
    while start + 8 <= stop:
        size, kind = struct.unpack(">I4s", data[start : start + 8])
        if size < 8 or start + size > stop:
            return
        name = f"{path}/{kind.decode('latin-1')}".lstrip("/")
        yield name, start, start + size
        if kind in _CONTAINERS:
            yield from boxes(data, start + 8, start + size, name)
        start += size


def patched(data: bytes, box: str, offset: int, value: bytes) -> bytes:
    """Return `data` with `value` put `offset` bytes into the first box of that path (8 = its content)."""
    start = next(begin for name, begin, _ in boxes(data) if name == box)
    changed = bytearray(data)
    changed[start + offset : start + offset + len(value)] = value
    return bytes(changed)
