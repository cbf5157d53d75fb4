"""Read a picture file as a person would see it.

in: a path -> out: an upright 8-bit RGB `Picture`.  Must not: guess at a damaged file.

The camera's rotation (EXIF) is carried out. 16 bits become 8, CMYK becomes sRGB by the file's own profile if it has
one, palettes and greys become RGB. Transparency is kept apart.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from afet_video.errors import InputError
from afet_video.image_files.picture import Picture

READABLE = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")
"""Suffixes of the files that are taken for pictures in a folder; a file that is named may have any."""

_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP")
_PNG_SIGNATURE, _PNG_DEPTH_AT = b"\x89PNG\r\n\x1a\n", 24
_MOST_PIXELS = 120_000_000
_DEEP_GREY = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")


def read_picture(path: Path | str) -> Picture:
    """Return the picture in a file: PNG, JPEG, WebP, TIFF or BMP; of several pages the first.

    Raises
    ------
    InputError
        If the file is missing, is no such picture, is damaged or cut short, or has more than 120 million pixels.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder: give a picture file")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    if not data:
        raise InputError(f"{path} is empty: give a picture file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # oversized or odd metadata: the pixels decide
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                if image.width * image.height > _MOST_PIXELS:
                    raise InputError(f"{path} has {image.width} x {image.height} pixels: scale it down first")
                image.load()
                picture = _picture(image, path.name)
    except UnidentifiedImageError as error:
        raise InputError(f"{path} is not a picture that can be read: give a PNG, JPEG, WebP, TIFF or BMP") from error
    except Image.DecompressionBombError as error:
        raise InputError(f"{path} claims an enormous size: scale it down first") from error
    except (OSError, SyntaxError, ValueError, EOFError, IndexError) as error:
        raise InputError(f"{path} is damaged or cut short ({_short(error)}): get the file again") from error
    if data.startswith(_PNG_SIGNATURE) and data[_PNG_DEPTH_AT] == 16:
        picture = replace(picture, notes=(*picture.notes, "16 bits made 8"))
    return picture


def _picture(image: Image.Image, name: str) -> Picture:
    notes = []
    profile = image.info.get("icc_profile") or None
    turned = ImageOps.exif_transpose(image)
    if turned.size != image.size or image.getexif().get(0x0112, 1) != 1:
        notes.append("turned upright as its EXIF data say")
    if turned.mode in ("CMYK", "YCbCr", "LAB"):
        notes.append(f"{turned.mode} made sRGB")
        turned, profile = _as_srgb(turned, profile), None
    if turned.mode in _DEEP_GREY:
        turned = _eight_bits(turned)
    if turned.mode in ("L", "LA", "1", "P", "PA"):
        profile = None if turned.mode in ("L", "LA", "1") else profile  # a grey profile says nothing of RGB
    has_alpha = turned.mode in ("LA", "PA", "RGBA", "RGBa", "La") or "transparency" in turned.info
    pixels = np.array(turned.convert("RGBA" if has_alpha else "RGB"))
    rgb = np.ascontiguousarray(pixels[..., :3])
    alpha = np.ascontiguousarray(pixels[..., 3]) if has_alpha else None
    if alpha is not None and (alpha == 255).all():
        alpha = None
    return Picture(rgb, alpha, profile, name, tuple(notes))


def _as_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile is not None and image.mode != "YCbCr":
        try:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            made = ImageCms.profileToProfile(image, own, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            made = None  # a broken profile: the plain formula will do
        if made is not None:
            return made
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return a grey picture of 16 bits, or of floats, with 8."""
    values = np.asarray(image).astype(np.float64)
    if image.mode != "F":
        values /= 257.0
    elif values.max(initial=0.0) <= 1.0:
        values *= 255.0
    return Image.fromarray(np.rint(values).clip(0, 255).astype(np.uint8))


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:80] if str(error) else type(error).__name__
