"""Which codec, pixel format and options a target gets.

in: settings, source, suffix of the target -> out: an `EncodePlan`.  Must not: open a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import av
import cv2

from afet_video.datatypes import SOURCE_TYPES, VideoInfo
from afet_video.errors import EncodeError, SettingsError
from afet_video.video.frame import subsampling_of
from afet_video.video.hwaccel import encoder_for, quality_options

_AVX512 = 256
"""OpenCV's `CPU_AVX512_SKX`, which its Python module does not name: what x264 takes for AVX-512."""

CODECS = ("auto", "h264", "hevc", "vp9", "av1", "ffv1")
"""Values of `EncodeSettings.codec`."""

CONTAINERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        ".mp4": ("h264", "hevc", "av1", "vp9"),
        ".m4v": ("h264", "hevc"),
        ".mov": ("h264", "hevc"),
        ".mkv": ("h264", "hevc", "vp9", "av1", "ffv1"),
        ".webm": ("vp9", "av1"),
        ".avi": ("h264", "ffv1"),
    }
)
"""Codecs by suffix, the default one first."""


@dataclass(frozen=True)
class EncodeSettings:
    """How the result is encoded.

    `codec`: one of `CODECS`; "auto" keeps 10-bit HEVC, takes VP9 or AV1 for WebM and H.264 otherwise.
    `crf`: quality, lower is better, None = visually lossless for the codec. `lossless`: decoded values come back bit
    for bit. `mark_synthetic`: say in the file that it is synthetic. `source_type`: in what way, a term
    of IPTC's vocabulary: "compositeSynthetic", or "compositeWithTrainedAlgorithmicMedia" if the source was itself made
    by a trained network.

    Raises
    ------
    SettingsError
        If a value is out of range, or `crf` and `lossless` are both given.
    """

    codec: str = "auto"
    crf: int | None = None
    lossless: bool = False
    mark_synthetic: bool = True
    source_type: str = SOURCE_TYPES[0]

    def __post_init__(self) -> None:
        if self.source_type not in SOURCE_TYPES:
            raise SettingsError(f"source_type {self.source_type!r} is unknown: choose {' or '.join(SOURCE_TYPES)}")
        if self.codec not in CODECS:
            raise SettingsError(f"codec {self.codec!r} is unknown: choose {', '.join(CODECS)}")
        if self.crf is not None and (isinstance(self.crf, bool) or not isinstance(self.crf, int)):
            raise SettingsError(f"crf must be a whole number, not {self.crf!r}")
        top = 51 if self.codec in ("auto", "h264", "hevc") else 63
        if self.crf is not None and not 0 <= self.crf <= top:
            raise SettingsError(f"crf {self.crf} is out of range: give 0 (best) to {top} (smallest)")
        if self.crf is not None and self.lossless:
            raise SettingsError("crf and lossless exclude each other: give one of them")


@dataclass(frozen=True, slots=True)
class _Encoder:
    """An FFmpeg encoder: `crf` is visually lossless, `options` always apply, `lossless` replaces the crf."""

    library: str
    crf: int | None
    options: Mapping[str, str] = field(default_factory=dict)
    lossless: Mapping[str, str] = field(default_factory=dict)


_ENCODERS = {
    "h264": _Encoder("libx264", 16, {"preset": "veryfast"}, {"qp": "0"}),
    "h264-rgb": _Encoder("libx264rgb", 16, {"preset": "veryfast"}, {"qp": "0"}),
    "hevc": _Encoder(
        *("libx265", 17),
        {"preset": "veryfast", "x265-params": "log-level=none"},
        {"x265-params": "log-level=none:lossless=1"},
    ),
    "vp9": _Encoder(
        *("libvpx-vp9", 18),
        {"deadline": "good", "cpu-used": "5", "row-mt": "1", "b": "0"},
        {"lossless": "1"},
    ),
    "av1": _Encoder("libsvtav1", 20, {"preset": "9"}, {"svtav1-params": "lossless=1"}),
    "ffv1": _Encoder("ffv1", None, {"level": "3", "g": "1"}),
}


def encoder_libraries() -> tuple[tuple[str, str, bool], ...]:
    """Return codec, FFmpeg's encoder for it, and whether this FFmpeg has it."""
    return tuple((codec, one.library, one.library in av.codecs_available) for codec, one in _ENCODERS.items())


def ffmpeg_licence() -> str:
    """Return the licence that this FFmpeg names for itself."""
    from av import _core

    about: dict[str, Any] = _core.library_meta
    return str(about.get("libavcodec", {}).get("license", "not named"))


@dataclass(frozen=True, slots=True)
class EncodePlan:
    """What to open: encoder, its options, the pixel format to feed it, and what to tell the user."""

    codec: str
    library: str
    options: Mapping[str, str]
    pixel_format: str
    warnings: tuple[str, ...] = ()


def plan_encoding(
    settings: EncodeSettings, info: VideoInfo, suffix: str, pixel_format: str, size_wh: tuple[int, int]
) -> EncodePlan:
    """Choose encoder and pixel format for frames of `pixel_format` and `size_wh`.

    Raises
    ------
    EncodeError
        If the suffix is unknown, the container can't hold the codec, or lossless is asked of a codec that can't.
    """
    codec = choose_codec(settings, info, suffix)
    if settings.lossless and codec == "h264":
        if av.VideoFormat(pixel_format).is_rgb and _depth(pixel_format) == 8:
            codec = "h264-rgb"
        elif settings.codec == "auto":
            # H.264 plays in more places, but must hold the very format; failing that, any that keeps the values
            held = {c: _target_format(c, pixel_format, size_wh, exact=True) for c in CONTAINERS[suffix.lower()]}
            as_it_is = [c for c in ("h264", "ffv1", "hevc") if held.get(c) == pixel_format]
            codec = next(iter(as_it_is + [c for c in held if held[c]]), codec)
    target = _target_format(codec, pixel_format, size_wh, exact=settings.lossless)
    if target is None:
        raise EncodeError(
            f"{codec} cannot hold {pixel_format} at {size_wh[0]}x{size_wh[1]} without loss: "
            "give a .mkv output and --codec ffv1"
        )
    encoder = _ENCODERS[codec]
    options = dict(encoder.options) | _reproducible(encoder.library)
    if settings.lossless:
        options.update(encoder.lossless)
    elif encoder.crf is not None:
        options["crf"] = str(encoder.crf if settings.crf is None else settings.crf)
    if suffix.lower() == ".avi" and codec.startswith("h264"):
        options["bf"] = "0"  # AVI has no presentation times: pictures must be stored in the order they are shown
    warnings: tuple[str, ...] = ()
    if target != pixel_format and not (codec == "h264-rgb" or target.replace("j", "") == pixel_format.replace("j", "")):
        warnings = (f"pixel format {pixel_format} is encoded as {target}, the nearest that {codec} holds",)
    return EncodePlan(codec.removesuffix("-rgb"), encoder.library, options, target, warnings)


def _reproducible(library: str) -> dict[str, str]:
    """Return options without which the same pictures are not encoded to the same bytes each time.

    x264 (core 165) reads memory that it has not set where it computes its macroblock tree with AVX-512. With AVX2,
    which every such processor has too, it does not, and is as quick.
    """
    has_avx512 = library.startswith("libx264") and cv2.checkHardwareSupport(_AVX512)
    return {"x264-params": "asm=AVX2"} if has_avx512 else {}


def on_device(plan: EncodePlan, device: str, settings: EncodeSettings) -> EncodePlan:
    """Return the plan with a device's encoder in it, or as it is with a warning that says why it is not used.

    Raises
    ------
    SettingsError
        If FFmpeg knows no such device.
    """
    if settings.lossless:
        library, trouble = None, f"{device}: lossless encoding is done in software"
    else:
        library, trouble = encoder_for(device, plan.codec, plan.pixel_format)
    if library is None:
        return replace(plan, warnings=(*plan.warnings, trouble))
    crf = settings.crf if settings.crf is not None else _ENCODERS[plan.codec].crf
    options = {} if crf is None else quality_options(device, crf)
    return replace(plan, library=library, options=options)


def choose_codec(settings: EncodeSettings, info: VideoInfo, suffix: str) -> str:
    """Return the codec for a target with `suffix`.

    Raises
    ------
    EncodeError
        If the suffix is unknown or its container does not hold the codec that is asked for.
    """
    allowed = CONTAINERS.get(suffix.lower())
    if allowed is None:
        known = ", ".join(CONTAINERS)
        raise EncodeError(f"cannot write a video with the ending {suffix or '(none)'!r}: name the output {known}")
    if settings.codec != "auto":
        if settings.codec not in allowed:
            raise EncodeError(f"{suffix} cannot hold {settings.codec}: choose {', '.join(allowed)} or another ending")
        return settings.codec
    if suffix.lower() == ".webm":
        return "av1" if info.bit_depth > 8 else "vp9"
    # H.264 plays everywhere at 8 bit; beyond that HEVC is what players decode in hardware
    return "hevc" if info.codec == "hevc" and info.bit_depth > 8 and "hevc" in allowed else allowed[0]


def _depth(name: str) -> int:
    return max(int(c.bits) for c in av.VideoFormat(name).components)


def _target_format(codec: str, name: str, size_wh: tuple[int, int], *, exact: bool) -> str | None:
    """Return the format to encode `name` in; None if `exact` is asked and no format holds all its values."""
    if codec == "h264-rgb":
        return "rgb24"
    formats = [f.name for f in av.Codec(_ENCODERS[codec].library, "w").video_formats or ()]
    usable = [f for f in formats if _is_plain(f) and _fits(codec, f, size_wh)]
    if name in usable:
        return name
    if exact:
        usable = [f for f in usable if _loss(name, f) == 0 and _depth(f) == _depth(name)]
    return min(usable, key=lambda f: (_loss(name, f), _depth(f), -subsampling_of(av.VideoFormat(f))[0]), default=None)


def _is_plain(name: str) -> bool:
    """Whether the format is one that a picture is converted to: planar, no alpha, no bare semi-planar kinds."""
    return name.startswith(("yuv4", "yuvj", "gbrp", "gray")) and "f" not in name.removeprefix("gbrp")


def _fits(codec: str, name: str, size_wh: tuple[int, int]) -> bool:
    """x264 and x265 refuse a width or height that chroma does not divide: odd sizes need 4:4:4."""
    if codec not in ("h264", "hevc"):
        return True
    sub = subsampling_of(av.VideoFormat(name))
    return size_wh[0] % sub[0] == 0 and size_wh[1] % sub[1] == 0


def _loss(source: str, target: str) -> int:
    """Return what is lost from one format to the other: family and chroma weigh more than depth."""
    a, b = av.VideoFormat(source), av.VideoFormat(target)
    loss = 4 * max(0, _depth(source) - _depth(target))
    if a.is_rgb != b.is_rgb:
        loss += 2
    if len(b.components) == 1 and len(a.components) > 1:
        return loss + 1000
    if a.is_rgb or b.is_rgb:
        return loss + 10 * sum(n - 1 for n in subsampling_of(b))
    if len(a.components) > 1:
        pairs = zip(subsampling_of(a), subsampling_of(b), strict=True)
        loss += sum(10 * max(0, to - frm) for frm, to in pairs)
        loss += 100 * (source.startswith("yuvj") != target.startswith("yuvj"))
    return loss + (1 if target.startswith("yuvj") and not source.startswith("yuvj") else 0)
