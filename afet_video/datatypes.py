"""Every value that crosses a file border.

in: numbers and arrays.  out: frozen, shape-checked types.  Must not: read files, import a model or PyAV.

Frame of reference everywhere: pixels of the *upright* frame, x right, y down, an integer is a pixel centre.
Letters: T frames, N = 478 landmarks, K midline samples, H W rows and columns of a picture.
Left and right are always the subject's own.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from afet_video.errors import SettingsError

FloatArray = NDArray[np.float32]
ByteArray = NDArray[np.uint8]

LANDMARK_COUNT = 478
"""Points of MediaPipe's face mesh: 468 of the skin, 10 of the irises."""

BLENDSHAPE_COUNT = 52

DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic"
"""IPTC's machine-readable mark that every output carries: real footage with synthetic parts."""

GENERATED_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""The mark of what has parts that a trained network painted (LivePortrait's pictures, and all that is made of them)."""

SOURCE_TYPES = tuple(url.rpartition("/")[2] for url in (DIGITAL_SOURCE_TYPE, GENERATED_SOURCE_TYPE))
"""Both as the bare terms that settings take."""


class Side(enum.StrEnum):
    """A side of the face: the subject's own left or right."""

    LEFT = "left"
    RIGHT = "right"

    @property
    def other(self) -> Side:
        """The opposite side."""
        return Side.RIGHT if self is Side.LEFT else Side.LEFT


class FaceStatus(enum.StrEnum):
    """Why a track row has the values it has; `reduced` is detected, with the palsy shown in part or not at all."""

    DETECTED = "detected"
    REDUCED = "reduced"
    INTERPOLATED = "interpolated"
    HELD = "held"
    MISSING = "missing"


def _frozen(values: Any, shape: tuple[int | None, ...], what: str, dtype: Any = np.float32) -> NDArray[Any]:
    """Return `values` as a read-only array, or raise if its shape is not `shape` (None = any length)."""
    array = np.asarray(values, dtype=dtype)
    if len(array.shape) != len(shape) or any(s not in (None, n) for s, n in zip(shape, array.shape, strict=True)):
        raise ValueError(f"{what}: expected shape {shape}, got {array.shape}")
    if array.flags.writeable:
        array = array.view()
        array.flags.writeable = False
    return array


@dataclass(frozen=True, slots=True)
class Timestamp:
    """When a frame is shown: `pts` ticks of `time_base` seconds. Never a frame count over a rate."""

    pts: int
    time_base: Fraction

    @property
    def seconds(self) -> Fraction:
        """Exact presentation time in seconds."""
        return self.pts * self.time_base


@dataclass(frozen=True, slots=True)
class ColorTags:
    """Colour description as FFmpeg's own enumeration values (2 = unspecified, range 0 = unspecified)."""

    space: int = 2
    range: int = 0
    primaries: int = 2
    transfer: int = 2


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a container says of its first video stream.

    `size_wh` is that of the upright frame, `coded_size_wh` that of the stored one. `rotation_deg` turns the stored
    frame counter-clockwise into the upright one (0, 90, 180, 270). `frame_count` and `duration_s` are the
    container's claims: hints for a progress bar, never used for time.
    """

    path: Path
    container: str
    codec: str
    pixel_format: str
    bit_depth: int
    size_wh: tuple[int, int]
    coded_size_wh: tuple[int, int]
    rotation_deg: int
    time_base: Fraction
    average_rate: Fraction | None
    frame_count: int | None
    duration_s: float | None
    sample_aspect_ratio: Fraction | None
    color: ColorTags
    audio_streams: int
    subtitle_streams: int

    @property
    def has_audio(self) -> bool:
        """Whether there is any sound."""
        return self.audio_streams > 0


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the upright frame: columns `x0 <= x < x1`, rows `y0 <= y < y1`."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.x1 - self.x0, self.y1 - self.y0


class VideoFrame(Protocol):
    """One decoded picture that keeps its stored values; only what is asked for is converted to RGB."""

    index: int
    timestamp: Timestamp
    size_wh: tuple[int, int]

    def rgb(self, *, max_side: int | None = None) -> ByteArray:
        """Upright picture (H, W, 3) uint8 RGB, scaled down so that its longer side is at most `max_side`."""
        ...

    def read_box(self, box: Box) -> FloatArray:
        """RGB of a rectangle, (h, w, 3) float32 on the 0..255 scale (fractions where the depth is over 8 bit)."""
        ...

    def read_luma(self, box: Box) -> FloatArray:
        """Luma of a rectangle, (h, w) float32 on the 0..255 scale."""
        ...

    def write_box(self, box: Box, before: FloatArray, after: FloatArray) -> None:
        """Add the change `after - before` (h, w, 3) to the stored values; where it is 0 they stay, bit for bit."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """One face in one frame.

    `xyz` (478, 3) float32: x, y in pixels; z in the same scale, smaller is nearer to the camera.
    `blendshapes` (52,) float32 in 0..1, in MediaPipe's order (`facemesh.BLENDSHAPES`).
    `transform` (4, 4) float32: MediaPipe's canonical face (centimetres) to camera, or NaN.
    """

    xyz: FloatArray
    blendshapes: FloatArray
    transform: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "xyz", _frozen(self.xyz, (LANDMARK_COUNT, 3), "Landmarks.xyz"))
        object.__setattr__(self, "blendshapes", _frozen(self.blendshapes, (BLENDSHAPE_COUNT,), "Landmarks.blendshapes"))
        object.__setattr__(self, "transform", _frozen(self.transform, (4, 4), "Landmarks.transform"))

    def __repr__(self) -> str:
        return f"Landmarks(xyz{self.xyz.shape}, blendshapes{self.blendshapes.shape})"


@dataclass(frozen=True, slots=True)
class Pose:
    """Head pose in degrees. yaw > 0: the subject turns to their own left; pitch > 0: looks up; roll > 0: head tilts
    towards the subject's own right shoulder (clockwise in the picture is negative).
    """

    yaw_deg: float
    pitch_deg: float
    roll_deg: float


def _straight_beyond(y: FloatArray, x: FloatArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return samples of a curve (K,) with one more at either end, far out on the straight line that goes on there."""
    rows, columns = np.empty(len(y) + 2), np.empty(len(y) + 2)
    rows[1:-1], columns[1:-1] = y, x
    for end, last, inner, to in ((0, 1, 2, -_FAR_PX), (-1, -2, -3, _FAR_PX)):
        slope = (columns[last] - columns[inner]) / (rows[last] - rows[inner])
        rows[end], columns[end] = rows[last] + to, columns[last] + slope * to
    return rows, columns


_FAR_PX = 1e6


@dataclass(frozen=True, slots=True, eq=False)
class Midline:
    """The facial midline of one frame: column `x` (K,) at rows `y` (K,), strictly increasing, NaN-free."""

    y: FloatArray
    x: FloatArray
    _beyond: tuple[NDArray[np.float64], NDArray[np.float64]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "y", _frozen(self.y, (None,), "Midline.y"))
        object.__setattr__(self, "x", _frozen(self.x, (len(self.y),), "Midline.x"))
        object.__setattr__(self, "_beyond", _straight_beyond(self.y, self.x))

    def x_at(self, rows: Any) -> FloatArray:
        """Column of the midline at `rows` (any shape); beyond the samples the end slopes go on straight."""
        return np.asarray(np.interp(np.asarray(rows, np.float32), *self._beyond), np.float32)

    def __repr__(self) -> str:
        return f"Midline(y{self.y.shape}, x{self.x.shape})"


ZONES = ("brow", "eye", "cheek", "commissure", "lower_lip")
"""Zones of the face that a palsy can spare or take, from top to bottom."""


@dataclass(frozen=True, slots=True)
class PalsyProfile:
    """What the simulated palsy does.

    `side` is the affected side, the subject's own. `movement_kept` in 0..1: share of the movement that the affected
    side keeps (0 = complete paralysis, 1 = unchanged), in every zone that has no value of its own. `brow` (with the
    forehead), `eye` (lids and around), `cheek` (with the nose's wing and the nasolabial fold), `commissure` (with the
    upper lip), `lower_lip` (with the chin): share kept in that zone, None = `movement_kept`. `droop` in 0..1: how far
    the affected side hangs at rest, in zones that lost movement. `synkinesis` in 0..1: how much the affected eye
    narrows when the mouth moves, and the corner of the mouth lifts when an eye closes or a brow rises. `bell` in 0..1:
    how far the affected eyeball turns up and out when lids that stay open are meant to be shut for longer than a blink
    (Bell's phenomenon). `lid_fall` in 0..1: how far of the way to the lower lid the affected upper lid comes down all
    the same when it is meant to shut, as its levator (another nerve's) lets go; what `eye` keeps counts in.
    """

    side: Side = Side.LEFT
    movement_kept: float = 0.0
    brow: float | None = None
    eye: float | None = None
    cheek: float | None = None
    commissure: float | None = None
    lower_lip: float | None = None
    droop: float = 0.0
    synkinesis: float = 0.0
    bell: float = 0.0
    lid_fall: float = 0.0

    def __post_init__(self) -> None:
        try:
            # A plain "left" is equal to Side.LEFT, but is not it: it must not get past here.
            object.__setattr__(self, "side", Side(self.side))
        except ValueError as error:
            raise SettingsError(f'profile.side is "{self.side}": give "left" or "right"') from error
        for name in ("movement_kept", *ZONES, "droop", "synkinesis", "bell", "lid_fall"):
            value = getattr(self, name)
            if value is None and name in ZONES:
                continue
            if isinstance(value, str) or value is None or not 0 <= value <= 1:
                raise SettingsError(f"profile.{name} is {value}: give a share from 0 to 1")

    @property
    def kept(self) -> tuple[float, ...]:
        """Share of the movement kept in each zone, in the order of `ZONES`."""
        given = (getattr(self, zone) for zone in ZONES)
        return tuple(self.movement_kept if value is None else value for value in given)

    @property
    def gives_every_zone(self) -> bool:
        """Whether each zone has a value of its own, so that `movement_kept` has no say."""
        return all(getattr(self, zone) is not None for zone in ZONES)

    @property
    def changes_nothing(self) -> bool:
        """Whether every frame stays as it is: droop comes with movement lost, so it alone changes nothing."""
        return min(self.kept) == 1 and self.synkinesis == 0


@dataclass(frozen=True, slots=True, eq=False)
class ExpressionPair:
    """One face at rest and with an expression, pixel on pixel, painted by the same generator.

    `neutral`, `expressive` (S, S, 3) uint8 RGB: the same crop. `to_photo` (2, 3) float64 maps pixels of the crop to
    those of the photo that it was made from. `paste_mask` (S, S) float32 in 0..1: the share of the crop that shows
    when it is put back. `strength`: of the expression; 0 is the neutral itself. `origin`: what it was made with.
    """

    neutral: ByteArray
    expressive: ByteArray
    to_photo: NDArray[np.float64]
    paste_mask: FloatArray
    strength: float
    origin: str

    def __post_init__(self) -> None:
        size = self.neutral.shape[0]
        for name in ("neutral", "expressive"):
            checked = _frozen(getattr(self, name), (size, size, 3), f"ExpressionPair.{name}", np.uint8)
            object.__setattr__(self, name, checked)
        object.__setattr__(self, "to_photo", _frozen(self.to_photo, (2, 3), "ExpressionPair.to_photo", np.float64))
        object.__setattr__(self, "paste_mask", _frozen(self.paste_mask, (size, size), "ExpressionPair.paste_mask"))

    def __repr__(self) -> str:
        return f"ExpressionPair(neutral{self.neutral.shape}, strength={self.strength}, origin={self.origin!r})"


@dataclass(frozen=True, slots=True)
class NeutralChoice:
    """The neutral frame chosen, and why.

    `origin`: "auto", "user" (a time or frame was given) or "image" (a file was given; `index` is then -1).
    `score` in 0..1, higher is better; `reasons` maps each criterion to its own 0..1 score. `bank`: further frames at
    rest in other poses of the head, whose pixels are used where they are nearer. `brows_below_iod`: how far below this
    frame's the brows (left, right) are taken to rest, in inter-ocular distances; 0 where the frame shows them at rest.
    `shows`: what this face does that none does at rest, such as "smiles".
    """

    index: int
    timestamp: Timestamp | None
    score: float
    origin: str
    reasons: Mapping[str, float] = field(default_factory=dict)
    explanation: str = ""
    bank: tuple[int, ...] = ()
    brows_below_iod: tuple[float, float] = (0.0, 0.0)
    shows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class TrackRow:
    """One row of a landmark track: what is known of one face in one decoded frame.

    Missing values are NaN throughout (status `missing`: no landmarks at all). `source_xyz` and `output_xyz` (478, 3)
    are pixels of the upright frame; `output_xyz` is the ground truth of the warp itself, not a re-detection.
    `alpha` (478,): share of each landmark's own movement that the output shows (1 = expressive, 0 = neutral), what
    its zone keeps included; droop and synkinesis come on top of it. `movement_kept`: the profile's overall share;
    `kept` (5,): its share in each zone, in the order of `ZONES`. `strength` in 0..1: how much of the palsy the frame
    shows; less than 1 near profile views, at the picture's edge, and where the face comes or goes. `midline_y`,
    `midline_x` (K,). `neutral_index`: frame whose pixels served as neutral, -1 = none. `face_id`: the person, -1 =
    none. `shot`: what lies between two cuts, counted from 0.
    """

    index: int
    timestamp: Timestamp
    status: FaceStatus
    face_id: int
    side: Side
    movement_kept: float
    kept: FloatArray
    strength: float
    source_xyz: FloatArray
    output_xyz: FloatArray
    alpha: FloatArray
    blendshapes: FloatArray
    pose: Pose
    midline_y: FloatArray
    midline_x: FloatArray
    neutral_index: int
    shot: int = 0

    def __post_init__(self) -> None:
        for name in ("source_xyz", "output_xyz"):
            object.__setattr__(self, name, _frozen(getattr(self, name), (LANDMARK_COUNT, 3), f"TrackRow.{name}"))
        object.__setattr__(self, "kept", _frozen(self.kept, (len(ZONES),), "TrackRow.kept"))
        object.__setattr__(self, "alpha", _frozen(self.alpha, (LANDMARK_COUNT,), "TrackRow.alpha"))
        object.__setattr__(self, "blendshapes", _frozen(self.blendshapes, (BLENDSHAPE_COUNT,), "TrackRow.blendshapes"))
        object.__setattr__(self, "midline_y", _frozen(self.midline_y, (None,), "TrackRow.midline_y"))
        object.__setattr__(self, "midline_x", _frozen(self.midline_x, (len(self.midline_y),), "TrackRow.midline_x"))

    def __repr__(self) -> str:
        return f"TrackRow(index={self.index}, status={self.status}, source_xyz{self.source_xyz.shape})"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a program is: `done` frames of `total` (None = the container won't say) in a `stage`.

    Stages of a conversion: "detect", "register", "splice".
    """

    stage: str
    done: int
    total: int | None


ProgressCallback = Callable[[Progress], None]


def unreported(_: object) -> None:
    """Stand in for a callback where nobody wants to know."""


@dataclass(frozen=True, slots=True)
class PersonReport:
    """One person who was changed: `frames_by_status` counts the frames they are in, `neutrals` by shot."""

    face_id: int
    frames_by_status: Mapping[str, int]
    neutrals: Mapping[int, NeutralChoice]


@dataclass(frozen=True, slots=True)
class RunReport:
    """What `convert` did.

    `frames_by_status` counts every decoded frame once: by the best status (detected, interpolated, held, missing) that
    anybody has in it, so that the counts sum up to `frames`. `neutral` is that of the person seen in most frames, in
    the shot where they are seen most; `people` has all. `shots`: the first frame of each. `seconds_by_stage` is wall
    time. Paths are None where a file was not asked for. `segments`: in how many the video was encoded; `segments_found`
    of them were there from an earlier run.
    """

    source: Path
    target: Path
    tracks: Path | None
    sidecar: Path | None
    contact_sheet: Path | None
    frames: int
    frames_by_status: Mapping[str, int]
    neutral: NeutralChoice
    profile: PalsyProfile
    duration_s: float
    seconds_by_stage: Mapping[str, float]
    warnings: tuple[str, ...] = ()
    people: tuple[PersonReport, ...] = ()
    shots: tuple[int, ...] = (0,)
    segments: int = 1
    segments_found: int = 0
