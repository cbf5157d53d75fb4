"""The cases, each made on the fly.

in: `Material` -> out: a file per case, and what is to come of it.  Must not: run anything.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np

from hostile.material import SIZE_WH, Material, boxes, patched

Outcome = Literal["converts", "refused", "either"]


@dataclass(frozen=True)
class Case:
    """One input: its `name` and `group`, how it is `made`, and what is expected of it.

    `says`: words that a refusal, or a warning of a conversion, must hold. `frames`: how many frames come out, None =
    any number. `keeps`: the properties of the video that must be the source's. `suffix` of the output, or a whole name
    of it as `target`; `settings` of the encoding.
    """

    group: str
    name: str
    made: Callable[[Material], Path]
    expected: Outcome = "converts"
    says: str = ""
    frames: int | None = 8
    keeps: tuple[str, ...] = ("pts", "size_wh", "rotation_deg", "bit_depth", "color")
    suffix: str = ".mp4"
    target: str = ""
    settings: dict[str, Any] = field(default_factory=dict)


def cases() -> Iterator[Case]:
    """Yield all cases, by group."""
    yield from _truncated()
    yield from _damaged()
    yield from _sizes()
    yield from _times()
    yield from _streams()
    yield from _pixels()
    yield from _turned()
    yield from _files()


# --- cut off and damaged -------------------------------------------------------------------------------------------


def _truncated() -> Iterator[Case]:
    """Cut at the border of every box, and in the middle of it: with the index at the end, and with it in front."""
    yield Case("cut off", "in the middle of the first box", _cut_at(lambda m: (m.plain, 20)), "refused", "media file")
    for where in ("start", "middle"):
        for name in ("mdat", "moov", "moov/trak", "moov/trak/mdia/minf/stbl/stsz", "moov/udta"):
            yield Case(
                *("cut off", f"MP4, index at its end, at the {where} of {name}"),
                _cut_at(lambda m, n=name, w=where: _place(m.plain, n, w)),
                *("either", "cut off"),
            )
    yield Case(
        *("cut off", "MP4, index in front, pictures cut in half"),
        _cut_at(lambda m: (_fast(m), int(len(_fast(m)) * 0.75))),
        *("either", "breaks off"),
        frames=None,
    )
    for suffix, codec in ((".mkv", "libx264"), (".avi", "mpeg4"), (".webm", "libvpx-vp9")):
        base = Fraction(1, 25) if suffix == ".avi" else Fraction(1, 1000)
        yield Case(
            *("cut off", f"{suffix} cut at 70 %"),
            lambda m, s=suffix, c=codec, b=base: _cut_file(m.clip(f"in{s}", codec=c, time_base=b)),
            *("either", "breaks off"),
            frames=None,
            keeps=("size_wh",),
        )


def _place(data: bytes, name: str, where: str) -> tuple[bytes, int]:
    start, stop = next((a, b) for box, a, b in boxes(data) if box == name)
    return data, start if where == "start" else (start + stop) // 2


def _cut_at(plan: Callable[[Material], tuple[bytes, int]]) -> Callable[[Material], Path]:
    def made(material: Material) -> Path:
        data, length = plan(material)
        return material.write(data[:length])

    return made


def _cut_file(path: Path) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * 0.7)])
    return path


def _fast(material: Material) -> bytes:
    """An MP4 whose index stands in front, each of its pictures decodable alone."""
    slow, fast = material.clip("slow.mp4", options={"g": "1", "crf": "5"}), material.folder / "fast.mp4"
    flags = {"movflags": "faststart"}
    with av.open(str(slow)) as inside, av.open(str(fast), "w", container_options=flags) as out:
        stream = out.add_stream_from_template(inside.streams.video[0])
        for packet in inside.demux(video=0):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    data = fast.read_bytes()
    slow.unlink()
    fast.unlink()
    return data


def _damaged() -> Iterator[Case]:
    yield Case("damaged", "0 bytes", lambda m: m.write(b""), "refused", "is empty")
    yield Case("damaged", "a text file called .mp4", lambda m: m.write(b"not a video\n" * 200), "refused", "media file")
    yield Case("damaged", "random bytes", lambda m: m.write(_noise(20_000)), "refused", "media file")
    yield Case("damaged", "zeros", lambda m: m.write(bytes(100_000)), "refused", "media file")
    yield Case("damaged", "the header, then random bytes", lambda m: m.write(m.plain[:40] + _noise(20_000)), "refused")
    yield Case("damaged", "every picture overwritten", _no_pictures, "refused", "no frame")
    for seed in range(4):
        yield Case(
            *("damaged", f"1 byte in 500 flipped, seed {seed}"),
            lambda m, s=seed: m.write(_flipped(m.plain, s)),
            "either",
            frames=None,
            keeps=(),
        )
    huge = struct.pack(">I", 0xFFFF_FFF0)
    for box, offset, what in (
        ("moov/trak/mdia/minf/stbl/stsz", 16, "samples counted: 4 thousand million"),
        ("moov/trak/mdia/minf/stbl/stts", 16, "ticks a picture: 4 thousand million"),
        ("moov/trak/mdia/minf/stbl/stco", 12, "chunks counted: 4 thousand million"),
        ("moov/trak/mdia/minf/stbl/stsz", 20, "a picture of 4 GB"),
        ("moov/trak/mdia/mdhd", 20, "ticks a second: 4 thousand million"),
        ("mdat", 0, "a box of 4 GB"),
    ):
        yield Case(
            *("huge claims", what),
            lambda m, b=box, o=offset: m.write(patched(m.plain, b, o, huge)),
            "either",
            frames=None,
            keeps=(),
        )
    yield Case("huge claims", "60000 x 60000 pixels", _claimed_size, "either", frames=None, keeps=())


def _noise(length: int) -> bytes:
    return np.random.default_rng(7).integers(0, 256, length, dtype=np.uint8).tobytes()


def _flipped(data: bytes, seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    changed = bytearray(data)
    for place in rng.integers(32, len(data), len(data) // 500):
        changed[place] ^= int(rng.integers(1, 256))
    return bytes(changed)


def _no_pictures(material: Material) -> Path:
    data = material.plain
    start, stop = next((a, b) for name, a, b in boxes(data) if name == "mdat")
    return material.write(data[: start + 8] + b"\xff" * (stop - start - 8) + data[stop:])


def _claimed_size(material: Material) -> Path:
    """Width and height in the sample description; those in the codec's own header stay."""
    data = material.plain
    start = data.index(b"avc1") - 4
    return material.write(data[: start + 32] + struct.pack(">HH", 60000, 60000) + data[start + 36 :])


# --- sizes and times -----------------------------------------------------------------------------------------------


def _sizes() -> Iterator[Case]:
    def flat(width: int, height: int, frames: int = 2) -> Any:
        return np.full((frames, height, width, 3), 90, np.uint8)

    no_face = ("refused", "no face")
    yield Case("sizes", "1 x 1", lambda m: m.clip("in.mkv", flat(1, 1), codec="ffv1", pixel_format="yuv444p"), *no_face)
    yield Case("sizes", "2 x 2", lambda m: m.clip(pictures=flat(2, 2)), *no_face)
    yield Case("sizes", "16000 x 64", lambda m: m.clip(pictures=flat(16000, 64)), *no_face)
    yield Case("sizes", "64 x 16000", lambda m: m.clip(pictures=flat(64, 16000)), *no_face)
    yield Case("sizes", "16000 wide, with a face of 150 pixels", _wide, *no_face)
    yield Case(
        "sizes", "odd: 199 x 149, 4:4:4", lambda m: m.clip(pictures=m.pictures[:, 1:, 1:], pixel_format="yuv444p")
    )
    yield Case("sizes", "one frame", lambda m: m.clip(pictures=m.pictures[4:5]), frames=1)
    yield Case("sizes", "two frames", lambda m: m.clip(pictures=m.pictures[3:5]), frames=2)
    yield Case(
        "sizes", "the size changes within", _size_changes, says="changes within", keeps=("size_wh",), frames=None
    )


def _wide(material: Material) -> Path:
    """A wall of video: the face in the middle of a strip, as large as it is high."""
    wall = np.full((3, 150, 16000, 3), 90, np.uint8)
    wall[:, :, 7900:8100] = material.pictures[[0, 4, 6]]
    return material.clip(pictures=wall)


def _size_changes(material: Material) -> Path:
    """H.264 elementary streams, one after the other, of two sizes."""
    parts = []
    for step in (1, 2):
        path = material.clip("part.h264", material.pictures[:, ::step, ::step][:, :74, :100] if step == 2 else None)
        parts.append(path.read_bytes())
        path.unlink()
    return material.write(b"".join(parts), "in.h264")


def _times() -> Iterator[Case]:
    yield Case("times", "1 frame a second", lambda m: m.clip(rate=1))
    yield Case("times", "240 frames a second", lambda m: m.clip(rate=240, time_base=Fraction(1, 240)))
    yield Case("times", "29.97 frames a second", lambda m: m.clip(time_base=Fraction(1, 30000), pts=_ntsc()))
    yield Case("times", "variable", lambda m: m.clip(pts=[0, 33, 66, 150, 151, 400, 1400, 1433]))
    yield Case(
        *("times", "the same time twice, and backward ones"),
        lambda m: m.write(_stamped(m.clip("in.mkv").read_bytes(), {2: 40, 5: 60}), "in.mkv"),
        says="were moved",
        keeps=("size_wh",),
        suffix=".mkv",
    )
    yield Case(
        "times",
        "starts at an hour",
        lambda m: m.clip("in.mkv", pts=[3_600_000 + 40 * i for i in range(8)]),
        suffix=".mkv",
    )
    yield Case("times", "starts before 0", lambda m: m.clip("in.mp4", pts=[40 * i - 200 for i in range(8)]), frames=3)
    yield Case("times", "an edit list leaves out the first frames", _edited, frames=None)


def _ntsc() -> list[int]:
    return [1001 * i for i in range(8)]


def _stamped(data: bytes, times_ms: dict[int, int]) -> bytes:
    """Give blocks of a Matroska file other times (from the cluster's start, milliseconds), by their number."""
    changed = bytearray(data)
    place, number = data.index(b"\x1f\x43\xb6\x75"), 0
    while (place := data.find(b"\xa3", place)) >= 0:
        length = data[place + 1]
        size, extra = (
            (length & 0x7F, 1) if length & 0x80 else (int.from_bytes(data[place + 1 : place + 3], "big") & 0x3FFF, 2)
        )
        head = place + 1 + extra
        if data[head] == 0x81 and head + size <= len(data):
            if number in times_ms:
                changed[head + 1 : head + 3] = struct.pack(">h", times_ms[number])
            number, place = number + 1, head + size
        else:
            place += 1
    return bytes(changed)


def _edited(material: Material) -> Path:
    """The list says: begin 120 ms into the media."""
    data = material.clip().read_bytes()
    name = next((n for n, _, _ in boxes(data) if n.endswith("elst")), None)
    assert name is not None, "FFmpeg writes an edit list for pictures stored out of order"
    begin = next(a for n, a, _ in boxes(data) if n == name)
    before = int.from_bytes(data[begin + 20 : begin + 24], "big")
    return material.write(patched(data, name, 20, struct.pack(">I", before + 120)))


# --- streams -------------------------------------------------------------------------------------------------------


def _streams() -> Iterator[Case]:
    yield Case("streams", "sound only", _sound_only, "refused", "holds no video")
    yield Case("streams", "three videos", lambda m: _joined(m, ["video"] * 3), says="3 video streams")
    yield Case("streams", "two sounds of two kinds", lambda m: _joined(m, ["video", "aac", "libmp3lame"]))
    yield Case("streams", "a cover picture first", _covered, says="cover picture")
    yield Case("streams", "sound of another length", lambda m: m.clip(audio="aac", audio_s=3.0))
    yield Case(
        "streams",
        "sound that the container cannot hold",
        lambda m: m.clip("in.mkv", audio="libopus"),
        "refused",
        "name the output .mkv",
        suffix=".avi",
    )
    yield Case("streams", "a still picture", _still, frames=1, keeps=("size_wh",))


def _joined(material: Material, kinds: list[str]) -> Path:
    path = material.folder / "in.mp4"
    parts = []
    for number, kind in enumerate(kinds):
        options = {} if kind == "video" else {"audio": kind}
        parts.append((kind, material.clip(f"part{number}.mkv", **options)))
    with av.open(str(path), "w") as out:
        opened = [(kind, av.open(str(part))) for kind, part in parts]
        streams = []
        for kind, container in opened:
            wanted = container.streams.video[0] if kind == "video" else container.streams.audio[0]
            streams.append((container, wanted, out.add_stream_from_template(wanted)))
        for container, wanted, made in streams:
            for packet in container.demux(wanted):
                if packet.size:
                    packet.stream = made
                    out.mux(packet)
            container.close()
    for _, part in parts:
        part.unlink()
    return path


def _sound_only(material: Material) -> Path:
    path = material.folder / "in.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = 48000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _covered(material: Material) -> Path:
    plain, path = material.clip("plain.mkv"), material.folder / "in.mp4"
    with av.open(str(plain)) as inside, av.open(str(path), "w") as out:
        art = out.add_stream("mjpeg", rate=1, width=32, height=32, pix_fmt="yuvj420p")
        art.disposition = av.stream.Disposition.attached_pic
        stream = out.add_stream_from_template(inside.streams[0])
        out.mux(art.encode(av.VideoFrame(32, 32, "yuvj420p")))
        out.mux(art.encode(None))
        for packet in inside.demux():
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    plain.unlink()
    return path


def _still(material: Material) -> Path:
    import cv2

    path = material.folder / "in.png"
    cv2.imwrite(str(path), material.pictures[0][..., ::-1])
    return path


# --- pixels --------------------------------------------------------------------------------------------------------


def _pixels() -> Iterator[Case]:
    yield Case(
        "pixels",
        "alpha (QuickTime PNG)",
        lambda m: m.clip("in.mov", codec="png", pixel_format="rgba"),
        says="is handled as",
        keeps=("pts", "size_wh"),
        suffix=".mov",
    )
    yield Case(
        "pixels",
        "alpha (FFV1, yuva420p)",
        lambda m: m.clip("in.mkv", codec="ffv1", pixel_format="yuva420p"),
        says="is handled as",
        keeps=("pts", "size_wh"),
        suffix=".mkv",
    )
    yield Case(
        "pixels",
        "4:4:4, 12 bit",
        lambda m: m.clip("in.mkv", codec="ffv1", pixel_format="yuv444p12le"),
        settings={"codec": "hevc"},
    )
    yield Case(
        "pixels",
        "4:4:4, 12 bit, lossless",
        lambda m: m.clip("in.mkv", codec="ffv1", pixel_format="yuv444p12le"),
        suffix=".mkv",
        settings={"codec": "ffv1", "lossless": True},
    )
    yield Case("pixels", "4:2:2, 10 bit", lambda m: m.clip(pixel_format="yuv422p10le"))
    yield Case(
        "pixels", "gray", lambda m: m.clip("in.mkv", codec="ffv1", pixel_format="gray"), keeps=("pts", "size_wh")
    )
    yield Case(
        "pixels",
        "gray, 16 bit",
        lambda m: m.clip("in.mkv", codec="ffv1", pixel_format="gray16le"),
        keeps=("pts", "size_wh"),
    )
    yield Case(
        "pixels",
        "palette",
        lambda m: m.clip("in.gif", codec="gif", pixel_format="rgb8", time_base=Fraction(1, 100)),
        says="is handled as",
        keeps=("pts", "size_wh"),
    )
    yield Case("pixels", "RGB", lambda m: m.clip("in.mkv", codec="ffv1", pixel_format="bgr0"), keeps=("pts", "size_wh"))
    yield Case("pixels", "full range", lambda m: m.clip(pixel_format="yuvj420p"), keeps=("pts", "size_wh"))
    yield Case(
        "pixels",
        "HDR10 (PQ), HEVC 10 bit",
        lambda m: _hdr(m, "in.mp4", 16),
        keeps=("pts", "size_wh", "bit_depth", "color", "hdr"),
    )
    yield Case("pixels", "HLG, HEVC 10 bit", lambda m: _hdr(m, "in.mp4", 18))
    yield Case(
        "pixels",
        "HDR10 as H.264 in AVI",
        lambda m: _hdr(m, "in.mp4", 16),
        suffix=".avi",
        keeps=("size_wh", "bit_depth", "color"),
    )
    yield Case(
        "pixels",
        "HDR10 as AV1",
        lambda m: _hdr(m, "in.mp4", 16),
        settings={"codec": "av1"},
        keeps=("pts", "size_wh", "bit_depth", "color", "hdr"),
    )
    yield Case("pixels", "HDR10 with 8 bits", lambda m: m.clip(color=(9, 1, 9, 16)), keeps=("pts", "color"))
    yield Case(
        "pixels",
        "HDR10 as VP9, which has 8 bits here",
        lambda m: _hdr(m, "in.mp4", 16),
        "refused",
        "choose --codec hevc or av1",
        settings={"codec": "vp9"},
    )
    yield Case("pixels", "interlaced", _interlaced, says="interlaced", keeps=("pts", "size_wh"))
    yield Case("pixels", "pixels that are not square", lambda m: m.clip(aspect=Fraction(4, 3)))


def _hdr(material: Material, name: str, transfer: int) -> Path:
    """BT.2020, 10 bit; 16 = PQ, 18 = HLG; with the mastering display and light levels that HDR10 names."""
    light = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
    extra = f":hdr10=1:master-display={light}:max-cll=1000,400" if transfer == 16 else ""
    params = f"log-level=none:repeat-headers=1:colorprim=9:transfer={transfer}:colormatrix=9{extra}"
    return material.clip(
        *(name,),
        codec="libx265",
        pixel_format="yuv420p10le",
        color=(9, 1, 9, transfer),
        options={"preset": "ultrafast", "crf": "12", "x265-params": params},
    )


def _interlaced(material: Material) -> Path:
    return material.clip(codec="mpeg4", time_base=Fraction(1, 25), options={"flags": "+ildct+ilme", "qscale": "2"})


# --- turned --------------------------------------------------------------------------------------------------------


def _turned() -> Iterator[Case]:
    for degrees in (90, 180, 270):
        yield Case(
            *("turned", f"by {degrees} degrees"),
            lambda m, d=degrees: m.clip(pictures=np.rot90(m.pictures, -d // 90, axes=(1, 2)), rotation_deg=d),
        )
    yield Case("turned", "mirrored", lambda m: _matrixed(m, (-1, 0, 0, 1)))
    yield Case("turned", "mirrored and by 90 degrees", lambda m: _matrixed(m, (0, 1, 1, 0)))
    yield Case(
        "turned",
        "by 33 degrees",
        lambda m: _matrixed(m, (0.84, 0.54, -0.54, 0.84)),
        says="not a right angle",
        keeps=("pts",),
    )
    yield Case(
        "turned",
        "a matrix of zeros",
        lambda m: _matrixed(m, (0, 0, 0, 0)),
        frames=None,
        expected="either",
        keeps=("pts",),
    )


def _matrixed(material: Material, abcd: tuple[float, ...]) -> Path:
    """Write a display matrix into the track's header; the face stays upright when it is carried out."""
    stored = material.pictures
    if abcd == (-1, 0, 0, 1):
        stored = stored[:, :, ::-1]
    elif abcd == (0, 1, 1, 0):
        stored = stored.swapaxes(1, 2)
    data = material.clip(pictures=stored).read_bytes()
    a, b, c, d = (round(value * 65536) for value in abcd)
    matrix = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    return material.write(patched(data, "moov/trak/tkhd", 8 + 40, matrix))


# --- files and folders ---------------------------------------------------------------------------------------------


def _files() -> Iterator[Case]:
    yield Case("files", "a name in Turkish, Chinese and emoji", lambda m: m.clip("yüz ifadesi 面部 🙂.mp4"))
    yield Case("files", "a name with quotes, % and a newline", lambda m: m.clip("a 'b' \"c\" %03d\n.mp4"))
    yield Case("files", "a name that looks like an option", lambda m: _relative(m.clip("-i.mp4")))
    yield Case("files", "a name that looks like a protocol", lambda m: _relative(m.clip("http:x.mp4")))
    yield Case("files", "a name of 250 bytes", lambda m: m.clip("n" * 246 + ".mp4"))
    yield Case("files", "a name that is not UTF-8", _not_utf8, "refused", "UTF-8")
    yield Case(
        "files",
        "an output whose track's name gets too long",
        lambda m: m.clip(),
        "refused",
        "too long",
        target="n" * 245 + ".mp4",
    )
    yield Case(
        "files", "an output in a folder that takes no files", lambda m: m.clip(), "refused", target="/proc/out.mp4"
    )
    yield Case("files", "a symbolic link", lambda m: _linked(m, m.clip("real.mp4")))
    yield Case(
        "files",
        "a symbolic link to nowhere",
        lambda m: _linked(m, m.folder / "nowhere.mp4"),
        "refused",
        "does not exist",
    )
    yield Case("files", "a symbolic link to itself", lambda m: _linked(m, m.folder / "in.mp4"), "refused")
    yield Case("files", "a FIFO nobody writes to", _fifo, "refused", "not a file")
    yield Case("files", "a device without end", lambda _: Path("/dev/zero"), "refused", "not a file")
    yield Case("files", "a folder", lambda m: m.folder, "refused", "is a folder")
    yield Case("files", "a playlist that names other files", _playlist, "refused", "media file")
    yield Case("files", "a concat script that names other files", _concat, "refused", "media file")


def _relative(path: Path) -> Path:
    return Path(path.name)


def _not_utf8(material: Material) -> Path:
    path = Path(os.fsdecode(os.fsencode(material.folder) + b"/\xff\xfe.mp4"))
    return material.clip().rename(path)


def _linked(material: Material, target: Path) -> Path:
    link = material.folder / "in.mp4"
    link.symlink_to(target)
    return link


def _fifo(material: Material) -> Path:
    path = material.folder / "in.mp4"
    os.mkfifo(path)
    return path


def _playlist(material: Material) -> Path:
    secret = material.clip("secret.mp4")
    text = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n"
    return material.write(text.encode(), "in.m3u8")


def _concat(material: Material) -> Path:
    secret = material.clip("secret.mp4")
    return material.write(f"ffconcat version 1.0\nfile '{secret}'\n".encode())


assert SIZE_WH == (200, 150)
