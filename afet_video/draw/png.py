"""PNG files that carry the synthetic-media mark.

in: a picture -> out: .png.  Must not: draw.
"""

from __future__ import annotations

from pathlib import Path

import cv2

from afet_video.datatypes import ByteArray
from afet_video.draw.picture import copied
from afet_video.errors import OutputError
from afet_video.outputs import disk_errors
from afet_video.xmp import png_with, source_type_packet


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
    return png_with(source_type_packet(), data.tobytes())
