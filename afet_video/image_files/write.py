"""Write a picture file, marked as synthetic or not.

in: a `Picture` -> out: .png or .jpg.  Must not: change a pixel.
"""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from afet_video.errors import OutputError
from afet_video.image_files.picture import Picture
from afet_video.outputs import disk_errors
from afet_video.xmp import COMPOSITE_SYNTHETIC, png_with, source_type_packet

WRITABLE = (".png", ".jpg", ".jpeg")

_PNG_EFFORT = 1
"""Of 9: a photograph becomes a tenth larger than at the usual 6, and is written three times as fast."""

_JPEG_QUALITY = 95


def check_suffix(target: Path) -> None:
    """Raise `OutputError` if no picture can be written under a name."""
    if target.suffix.lower() not in WRITABLE:
        raise OutputError(f"{target}: the result is a picture, give a name that ends in {', '.join(WRITABLE)}")


def write_picture(
    path: Path,
    picture: Picture,
    *,
    is_synthetic: bool,
    source_type: str = COMPOSITE_SYNTHETIC,
    target: Path | None = None,
) -> None:
    """Write a PNG or JPEG file, by the path's suffix.

    Parameters
    ----------
    path : file to write; an existing one is replaced.
    picture : what to write; its colour profile goes along.
    is_synthetic : whether to mark it (XMP `Iptc4xmpExt:DigitalSourceType`).
    source_type : as what, a term of IPTC's vocabulary.
    target : path to name in error messages, if `path` is a temporary stand-in for it.

    Raises
    ------
    OutputError
        If the suffix is unknown, the format cannot hold the picture, or the file cannot be written.
    """
    target = target or path
    check_suffix(target)
    is_png = target.suffix.lower() == ".png"
    if picture.alpha is not None and not is_png:
        raise OutputError(f"{target}: JPEG knows no transparency, which {picture.name} has: give a name ending in .png")
    image = Image.fromarray(picture.rgb)
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    held = io.BytesIO()
    packet = source_type_packet(source_type) if is_synthetic else b""
    try:
        if is_png:
            image.save(held, "PNG", compress_level=_PNG_EFFORT, icc_profile=picture.icc_profile)
        else:
            extra = {"xmp": packet} if packet else {}
            image.save(
                held, "JPEG", quality=_JPEG_QUALITY, subsampling=0, icc_profile=picture.icc_profile or b"", **extra
            )
    except (OSError, ValueError) as error:
        raise OutputError(f"cannot write {target}: {error}") from error
    data = held.getvalue()
    if is_png and packet:
        data = png_with(packet, data)
    with disk_errors(target):
        path.write_bytes(data)
