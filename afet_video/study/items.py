"""The items of a study: found, and copied so that nothing about the file gives them away.

in: files and folders -> out: pictures as PNG, clips as MP4, all made in one way.  Must not: know the order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from afet_video.errors import InputError, OutputError
from afet_video.outputs import disk_errors
from afet_video.video.plain import write_plain_clip

IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
CLIPS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi")


@dataclass(frozen=True, slots=True)
class Item:
    """One picture or clip, and whether it is generated."""

    path: Path
    is_generated: bool

    @property
    def is_clip(self) -> bool:
        """Whether it moves."""
        return self.path.suffix.lower() in CLIPS


def found_items(paths: Sequence[Path], *, is_generated: bool) -> list[Item]:
    """Return the files named, and all pictures and clips of the folders named, in order of their names.

    Raises
    ------
    InputError
        If something does not exist, is of no known kind, or a folder has nothing to show.
    """
    items: list[Item] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix.lower() in (*IMAGES, *CLIPS) and p.is_file())
            if not inside:
                raise InputError(f"{path} holds no picture or clip: {', '.join((*IMAGES, *CLIPS))} are known")
            items += [Item(one, is_generated) for one in inside]
        elif not path.exists():
            raise InputError(f"{path} does not exist; check the name")
        elif path.suffix.lower() not in (*IMAGES, *CLIPS):
            raise InputError(f"{path}: unknown kind of file; {', '.join((*IMAGES, *CLIPS))} are known")
        else:
            items.append(Item(path, is_generated))
    return items


def write_item(item: Item, target: Path, *, max_side: int) -> tuple[int, int]:
    """Write an item to `target` (.png or .mp4) without sound, tags or names; return its width and height.

    Raises
    ------
    InputError, EncodeError, OutputError
        If it cannot be read or written.
    """
    if item.is_clip:
        return write_plain_clip(item.path, target, max_side=max_side)
    try:
        data = np.frombuffer(item.path.read_bytes() or b"\0", np.uint8)
    except OSError as error:
        raise InputError(f"cannot read {item.path}: {error.strerror or error}") from error
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    if picture is None:
        raise InputError(f"{item.path} is not a picture that can be read: damaged or cut short?")
    scale = max_side / max(picture.shape[:2])
    if scale < 1:
        size_wh = [max(round(side * scale), 1) for side in picture.shape[1::-1]]
        picture = cv2.resize(picture, size_wh, interpolation=cv2.INTER_AREA)
    is_encoded, png = cv2.imencode(".png", picture)
    if not is_encoded:
        raise OutputError(f"cannot write {target}: a picture of {picture.shape} makes no PNG")
    with disk_errors(target):
        target.write_bytes(png.tobytes())
    return int(picture.shape[1]), int(picture.shape[0])
