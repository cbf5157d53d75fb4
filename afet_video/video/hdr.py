"""High dynamic range: how it is recognised, and the display it was made for.

in: a stored picture -> out: whether it is HDR, encoder options that keep its static metadata.
Must not: map tones: HDR stays HDR, or is refused.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import av

from afet_video.video.side_data import side_data

_PQ, _HLG = 16, 18
"""FFmpeg's `AVColorTransferCharacteristic`."""

_CHROMATICITY = 50_000
"""Steps a unit of x and y in a bitstream."""

_LUMINANCE = 10_000
"""Steps a cd/m² in a bitstream."""


def is_hdr(transfer: int) -> bool:
    """Whether a transfer characteristic (FFmpeg's number) is that of PQ or HLG."""
    return transfer in (_PQ, _HLG)


def with_hdr_options(library: str, options: Mapping[str, str], picture: av.VideoFrame) -> tuple[dict[str, str], str]:
    """Return the encoder options with the picture's static HDR metadata added, and "" or one line on what is lost.

    Parameters
    ----------
    library : FFmpeg's encoder.
    options : of the encoder, as planned.
    picture : the first one of the source.
    """
    display, light = _display(picture), _light(picture)
    made = dict(options)
    if display is None and light is None:
        return made, ""
    parts = []
    if library == "libx265":
        parts = ["hdr10=1", *_named("master-display", _steps(display)), *_named("max-cll", light)]
        key = "x265-params"
    elif library == "libx264":
        parts = [*_named("mastering-display", _steps(display)), *_named("cll", light)]
        key = "x264-params"
    elif library == "libsvtav1":
        parts = [*_named("mastering-display", _units(display)), *_named("content-light", light)]
        key = "svtav1-params"
    else:
        return (
            made,
            "the light levels that the source's HDR was mastered for are not kept: this codec has no place for them",
        )
    made[key] = ":".join([*([made[key]] if key in made else []), *parts])
    return made, ""


def _named(name: str, value: str | None) -> list[str]:
    return [] if value is None else [f"{name}={value}"]


def _display(picture: av.VideoFrame) -> list[Fraction] | None:
    """Return x and y of red, green, blue and white, then the least and greatest cd/m²; None if the picture has none."""
    data = side_data(picture, "MASTERING_DISPLAY_METADATA")
    if data is None or len(data) < 88:
        return None
    numbers = struct.unpack("=20i2i", data[:88])
    if not numbers[20] or not numbers[21]:
        return None
    pairs = zip(numbers[0:20:2], numbers[1:20:2], strict=True)
    return [Fraction(top, bottom) if bottom else Fraction(0) for top, bottom in pairs]


def _light(picture: av.VideoFrame) -> str | None:
    data = side_data(picture, "CONTENT_LIGHT_LEVEL")
    if data is None or len(data) < 8:
        return None
    brightest, average = struct.unpack("=2I", data[:8])
    return f"{brightest},{average}"


def _steps(display: list[Fraction] | None) -> str | None:
    """Return the text that x264 and x265 read."""
    if display is None:
        return None
    places = [round(value * _CHROMATICITY) for value in display[:8]]
    low, high = (round(value * _LUMINANCE) for value in display[8:])
    return _text(places, high, low)


def _units(display: list[Fraction] | None) -> str | None:
    """Return the text that SVT-AV1 reads."""
    if display is None:
        return None
    return _text([f"{float(value):.5f}" for value in display[:8]], *(f"{float(v):.4f}" for v in display[:7:-1]))


def _text(places: list[Any], high: Any, low: Any) -> str:
    red, green, blue, white = (f"({x},{y})" for x, y in zip(places[::2], places[1::2], strict=True))
    return f"G{green}B{blue}R{red}WP{white}L({high},{low})"
