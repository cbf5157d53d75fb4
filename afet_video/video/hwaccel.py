"""Devices that decode and encode video.

in: a device's name as FFmpeg calls it ("cuda", "qsv", ...) -> out: what PyAV needs to use it, or why it cannot be used.
Must not: fail where the device is missing: software does the same, and it is said aloud.
"""

from __future__ import annotations

from fractions import Fraction
from typing import cast

import av
from av.codec.hwaccel import HWAccel, hwdevices_available
from av.video.codeccontext import VideoCodecContext

from afet_video.errors import SettingsError

_ENCODER_TAILS = {
    "amf": "amf",
    "cuda": "nvenc",
    "d3d11va": "mf",
    "qsv": "qsv",
    "vaapi": "vaapi",
    "videotoolbox": "videotoolbox",
}
"""How FFmpeg's encoders for a device are called: the codec, an underscore, and this."""

_QUALITY = {"amf": "qp_i", "cuda": "cq", "qsv": "global_quality", "videotoolbox": "q:v"}
"""The option that means about what `crf` means, where there is one."""

_PROBED = ("h264", "hevc", "vp9", "av1")
_PROBE_SIZE = 256


def device_names() -> tuple[str, ...]:
    """Return the devices that this FFmpeg was built for; that says nothing about this machine."""
    return tuple(hwdevices_available())


def check_device(name: str) -> None:
    """Refuse a name that FFmpeg does not know.

    Raises
    ------
    SettingsError
        With the names it knows.
    """
    if name not in device_names():
        known = ", ".join(device_names()) or "none"
        raise SettingsError(f"hwaccel {name!r} is unknown to this FFmpeg: choose one of {known}, or leave it out")


def device_trouble(name: str, codec: str | None = None) -> str:
    """Return why a device cannot decode here, "" if it can; for one codec, or for any."""
    reason = "no decoder of this FFmpeg uses it"
    for one in (codec,) if codec else _PROBED:
        try:
            if av.CodecContext.create(one, "r", hwaccel=HWAccel(name)).is_hwaccel:
                return ""
        except (av.FFmpegError, RuntimeError, ValueError, NotImplementedError) as error:
            reason = _short(error, "the device cannot be opened")
    return reason


def decoder_device(name: str, codec: str) -> tuple[HWAccel | None, str]:
    """Return what to open a file with so that a device decodes it, and "" or one line on why there is none.

    Raises
    ------
    SettingsError
        If FFmpeg does not know the name.
    """
    check_device(name)
    trouble = device_trouble(name, codec)
    if trouble:
        return None, f"{name} does not decode {codec} here ({trouble}): decoded in software"
    return HWAccel(name, allow_software_fallback=True), ""


def hardware_encoders(name: str) -> tuple[str, ...]:
    """Return the encoders that this FFmpeg has for a device."""
    tail = _ENCODER_TAILS.get(name)
    return tuple(sorted(one for one in av.codecs_available if tail and one.endswith(f"_{tail}") and _encodes(one)))


def encoder_for(name: str, codec: str, pixel_format: str) -> tuple[str | None, str]:
    """Return the encoder with which a device encodes `codec` from `pixel_format`, or None and one line on why not.

    A small picture is encoded to see.

    Raises
    ------
    SettingsError
        If FFmpeg does not know the device's name.
    """
    check_device(name)
    library = f"{codec}_{_ENCODER_TAILS.get(name, '')}"
    if library not in hardware_encoders(name):
        return None, f"{name}: no encoder for {codec} in this FFmpeg: encoded in software"
    if pixel_format not in [one.name for one in av.Codec(library, "w").video_formats or ()]:
        return None, f"{name}: {library} does not take {pixel_format}: encoded in software"
    try:
        context = cast(VideoCodecContext, av.CodecContext.create(library, "w"))
        context.width = context.height = _PROBE_SIZE
        context.pix_fmt, context.time_base = pixel_format, Fraction(1, 25)
        picture = av.VideoFrame(_PROBE_SIZE, _PROBE_SIZE, pixel_format)
        picture.pts = 0
        context.encode(picture)
    except (av.FFmpegError, RuntimeError, ValueError) as error:
        return (
            None,
            f"{name}: {library} does not work here ({_short(error, 'it cannot be opened')}): encoded in software",
        )
    return library, ""


def quality_options(name: str, crf: int) -> dict[str, str]:
    """Return the encoder options that come nearest to `crf`."""
    key = _QUALITY.get(name)
    return {key: str(crf)} if key else {}


def _encodes(library: str) -> bool:
    try:
        return bool(av.Codec(library, "w").is_encoder)
    except ValueError:
        return False


def _short(error: Exception, otherwise: str) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return otherwise if "Unknown error" in text else f"{otherwise}: {text}"
