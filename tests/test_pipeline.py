"""Whole conversions of real pictures."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from splice_scene import mirrored_xyz
from synthetic import ClipSpec, make_clip, packets, stored_planes, video_pts
from tolerances import MIRROR_IOD

from afet_video import PalsyProfile, RunReport, Side, Tracks, convert, facemesh, load_tracks, with_profile
from afet_video.errors import NoFaceError, NoNeutralError
from afet_video.face.neutral import NeutralSettings
from afet_video.face.pose import interocular_px
from afet_video.face.tracker import TrackerSettings
from afet_video.passes.render import Renderer
from afet_video.passes.settings import ConvertSettings
from afet_video.video.decode import VideoReader
from afet_video.video.encode import VideoWriter
from afet_video.video.encoders import EncodeSettings

Pictures = NDArray[np.uint8]
LOSSLESS = ConvertSettings(encode=EncodeSettings(lossless=True))
NOSE_TIP = 4
RAMP_IOD = 0.34
"""The ramp ends nearer to the midline than this, also beside the mouth, where it is widest."""
FRAMES = [*range(130, 148), *range(174, 190)]
"""Frames of the sample: 18 at rest, 16 of a smile with closed eyes."""


@dataclass(frozen=True)
class Result:
    """A conversion and what it made."""

    source: Path
    report: RunReport

    @property
    def tracks(self) -> Tracks:
        assert self.report.tracks is not None
        return load_tracks(self.report.tracks)

    @property
    def before(self) -> Pictures:
        return pictures_of(self.source)

    @property
    def after(self) -> Pictures:
        return pictures_of(self.report.target)


def pictures_of(path: Path) -> Pictures:
    return np.array([frame.rgb() for frame in VideoReader(path)])


def run(source: Path, target: Path, settings: ConvertSettings | None = None, **options: Any) -> Result:
    return Result(source, convert(source, target, settings=settings, **options))


@pytest.fixture(scope="session")
def moving(sample_pictures: Pictures) -> Pictures:
    """From rest into an expression, (34, 300, 400, 3) RGB."""
    return sample_pictures[FRAMES]


@pytest.fixture(scope="session")
def clip(moving: Pictures, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clip_of(tmp_path_factory.mktemp("clip") / "clip.mp4", moving)


@pytest.fixture(scope="session")
def lossless(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """One conversion whose decoded pictures are exactly those that were rendered."""
    return run(clip, tmp_path_factory.mktemp("lossless") / "out.mp4", LOSSLESS)


def clip_of(path: Path, pictures: Sequence[Pictures] | Pictures, **changes: Any) -> Path:
    height, width = pictures[0].shape[:2]
    spec = ClipSpec(size_wh=(width, height), frames=len(pictures), **changes)
    return make_clip(path, spec, pictures=pictures)


def test_one_frame_and_one_row_for_every_frame(lossless: Result) -> None:
    tracks, report = lossless.tracks, lossless.report
    times = video_pts(lossless.source)
    assert video_pts(report.target) == times
    assert report.frames == len(tracks.index) == len(times) == len(FRAMES)
    assert tracks.index.tolist() == list(range(len(times)))
    assert [int(p) * tracks.time_base for p in tracks.pts] == times
    assert report.frames_by_status == {
        "detected": len(times),
        "reduced": 0,
        "interpolated": 0,
        "held": 0,
        "missing": 0,
    }
    assert {str(status) for status in tracks.status} == {"detected"}
    assert np.isfinite(tracks.output_xyz).all()
    assert report.duration_s == pytest.approx(float(times[-1] - times[0]))
    assert set(report.seconds_by_stage) == {"detect", "register", "prepare", "splice"}


def test_only_the_affected_side_changes(lossless: Result) -> None:
    """The subject's left is the right of an unmirrored picture."""
    tracks = lossless.tracks
    columns = np.arange(400)
    changed_somewhere = 0
    for index, (before, after) in enumerate(zip(lossless.before, lossless.after, strict=True)):
        changed = (before != after).any(axis=2)
        xyz = np.concatenate([tracks.source_xyz[index], tracks.output_xyz[index]])
        y, x = np.nonzero(changed)
        changed_somewhere += len(x)
        iod = float(interocular_px(tracks.source_xyz[index]))
        middle = np.interp(y, tracks.midline_y[index], tracks.midline_x[index])
        assert (x - middle > -RAMP_IOD * iod).all(), "the healthy half changed"
        assert (columns[x] <= xyz[:, 0].max() + 3).all(), "the background changed"
        assert ((y >= xyz[:, 1].min() - 3) & (y <= xyz[:, 1].max() + 3)).all(), "the background changed"
    assert changed_somewhere > 5000


def test_stored_values_outside_the_changed_region_stay_bit_for_bit(lossless: Result) -> None:
    region = np.zeros((300, 400), bool)
    xyz = lossless.tracks.output_xyz
    low, high = xyz[..., :2].min(axis=(0, 1)).astype(int) - 4, xyz[..., :2].max(axis=(0, 1)).astype(int) + 5
    region[low[1] : high[1], left_of_the_affected_half(lossless) : high[0]] = True
    before, after = stored_planes(lossless.source), stored_planes(lossless.report.target)
    assert len(before) == len(after)
    for mine, theirs in zip(after, before, strict=True):
        for plane, original in zip(mine, theirs, strict=True):
            step = 300 // len(plane)
            outside = ~region[::step, ::step] if step > 1 else ~region
            assert np.array_equal(plane[outside], original[outside])
    assert any(not np.array_equal(mine[0], theirs[0]) for mine, theirs in zip(after, before, strict=True))


def left_of_the_affected_half(result: Result) -> int:
    """A column left of everything that may change."""
    iod = float(interocular_px(result.tracks.source_xyz[0]))
    return int(result.tracks.midline_x.min() - 0.3 * iod) // 2 * 2 - 2


def test_the_expression_is_gone_from_the_affected_side(lossless: Result) -> None:
    tracks = lossless.tracks
    at_rest, smiling = slice(2, 12), slice(20, 34)
    moved = np.linalg.norm(tracks.output_xyz - tracks.source_xyz, axis=2)[:, : facemesh.SKIN_COUNT]
    assert moved[at_rest].max() < 0.5
    assert moved[smiling].max(axis=1).min() > 3
    assert moved[:, facemesh.RIGHT_COMMISSURE].max() < 0.05, "the healthy side keeps its movement"
    assert np.ptp(tracks.alpha, axis=1).min() > 0.99
    width = tracks.output_xyz[..., 0] - tracks.output_xyz[..., NOSE_TIP, 0][:, None]
    wider = width[smiling].mean(axis=0) - width[at_rest].mean(axis=0)
    assert -wider[facemesh.RIGHT_COMMISSURE] > 2, "the healthy commissure goes outwards"
    assert abs(wider[facemesh.LEFT_COMMISSURE]) < -0.6 * wider[facemesh.RIGHT_COMMISSURE]


def test_an_expression_held_to_the_end_is_not_taken_for_rest(sample_pictures: Pictures, tmp_path: Path) -> None:
    # a third of the clip at rest, then a raised brow: the many frames of it must not outweigh the few before
    source = clip_of(tmp_path / "in.mp4", sample_pictures[136:172])
    tracks = run(source, tmp_path / "out.mp4").tracks
    brow = list(facemesh.LEFT_BROW)
    shift = np.linalg.norm((tracks.output_xyz - tracks.source_xyz)[14:, brow, :2], axis=2)
    assert shift.max() > 3.0


def test_with_all_movement_kept_every_stored_value_stays(clip: Path, tmp_path: Path) -> None:
    result = run(clip, tmp_path / "out.mp4", replace(LOSSLESS, profile=PalsyProfile(movement_kept=1.0)))
    for mine, theirs in zip(stored_planes(result.report.target), stored_planes(clip), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(mine, theirs, strict=True))
    tracks = result.tracks
    assert np.abs(tracks.output_xyz - tracks.source_xyz).max() < 1e-3
    assert tracks.alpha.min() > 1 - 1e-6


def test_a_mirrored_video_and_the_other_side_give_the_mirrored_result(
    moving: Pictures, lossless: Result, tmp_path: Path
) -> None:
    source = clip_of(tmp_path / "in.mp4", np.ascontiguousarray(moving[:, :, ::-1]))
    mirrored = run(source, tmp_path / "out.mp4", replace(LOSSLESS, profile=PalsyProfile(Side.RIGHT)))
    plain, seen = lossless.tracks, mirrored.tracks
    iod = float(interocular_px(plain.source_xyz).mean())
    for name in ("source_xyz", "output_xyz"):
        expected = mirrored_xyz(getattr(plain, name), 400)
        error = np.linalg.norm((getattr(seen, name) - expected)[..., :2], axis=2) / iod
        assert np.quantile(error, 0.95) < MIRROR_IOD
    assert set(seen.side) == {"right"}
    x = np.nonzero((mirrored.before != mirrored.after).any(axis=(0, 1, 3)))[0]
    assert x.max() < seen.midline_x.max() + RAMP_IOD * iod, (
        "the subject's right is the picture's left... in a mirror too"
    )


def test_every_row_says_what_each_zone_keeps(clip: Path, tmp_path: Path) -> None:
    profile = PalsyProfile(movement_kept=0.2, brow=1.0, eye=0.9)
    result = run(clip, tmp_path / "out.mp4", replace(LOSSLESS, profile=profile), tracks=tmp_path / "out.csv")
    kept = result.tracks.kept
    assert kept.shape == (len(FRAMES), 5)
    assert np.abs(kept - [1.0, 0.9, 0.2, 0.2, 0.2]).max() < 1e-6


def test_droop_changes_the_affected_side_only(clip: Path, tmp_path: Path) -> None:
    """With the philtrum pulled and the fold flattened too."""
    result = run(clip, tmp_path / "out.mp4", with_profile(LOSSLESS, "hb6"))
    tracks = result.tracks
    for index, (before, after) in enumerate(zip(result.before, result.after, strict=True)):
        y, x = np.nonzero((before != after).any(axis=2))
        assert len(x) > 500, "it droops at rest as well"
        iod = float(interocular_px(tracks.source_xyz[index]))
        middle = np.interp(y, tracks.midline_y[index], tracks.midline_x[index])
        assert (x - middle > -RAMP_IOD * iod).all(), "the healthy half changed"
    moved = tracks.output_xyz - tracks.source_xyz
    assert np.abs(moved[:, facemesh.RIGHT_COMMISSURE]).max() < 0.1
    assert moved[:12, facemesh.UPPER_LIP[4], 0].max() < 0, "towards the healthy side, left in the picture"


def test_sound_is_copied(clip: Path, moving: Pictures, tmp_path: Path) -> None:
    source = clip_of(tmp_path / "in.mp4", moving, audio="aac", audio_s=1.6)
    result = run(source, tmp_path / "out.mp4")
    assert packets(result.report.target, "audio") == packets(source, "audio") != []
    assert video_pts(result.report.target) == video_pts(source)


VARIANTS: dict[str, tuple[Callable[[Pictures], Pictures], dict[str, Any]]] = {
    "vfr": (lambda p: p, {"pts": [0, *np.cumsum([33 + 40 * (i % 3 == 0) + i % 5 for i in range(33)]).tolist()]}),
    "turned": (lambda p: np.rot90(p, -1, axes=(1, 2)), {"rotation_deg": 90}),
    "10 bit": (lambda p: p, {"codec": "libx265", "pixel_format": "yuv420p10le"}),
    "odd": (lambda p: p[:, 1:, 1:], {"pixel_format": "yuv444p"}),
    "late start": (lambda p: p, {"pts": [5000 + 40 * i for i in range(34)]}),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_unusual_clips_come_out_as_they_went_in(moving: Pictures, name: str, tmp_path: Path) -> None:
    changed, spec = VARIANTS[name]
    stored = np.ascontiguousarray(changed(moving))
    source = clip_of(tmp_path / "in.mkv" if name == "late start" else tmp_path / "in.mp4", stored, **spec)
    result = run(source, tmp_path / f"out{source.suffix}")
    before, after = VideoReader(source).info, VideoReader(result.report.target).info
    assert video_pts(result.report.target) == video_pts(source)
    assert after.size_wh == before.size_wh == ((400, 300) if name != "odd" else (399, 299))
    assert after.rotation_deg == before.rotation_deg
    assert after.bit_depth == before.bit_depth
    tracks = result.tracks
    assert len(tracks.index) == len(stored)
    assert {str(status) for status in tracks.status} == {"detected"}
    assert tracks.source_xyz[..., 0].mean() == pytest.approx(208 - (name == "odd"), abs=4)
    differs = np.abs(result.after.astype(int) - result.before).max(axis=3)
    assert (differs[20:, :, 210:260] > 25).any(), "nothing was spliced"
    assert np.quantile(differs[:, :, :150], 0.99) < 12


def test_frames_without_a_face_pass_unchanged_and_short_gaps_are_bridged(moving: Pictures, tmp_path: Path) -> None:
    covered = moving.copy()
    short, long = slice(12, 14), slice(20, 30)
    for stretch in (short, long):  # as by a hand; a wholly different picture would be a shot of its own
        covered[stretch, 60:240, 140:280] = np.median(moving[:, 120:200, 180:240], axis=(0, 1, 2)).astype(np.uint8)
    source = clip_of(tmp_path / "in.mp4", covered)
    result = run(source, tmp_path / "out.mp4", LOSSLESS)
    status = [str(value) for value in result.tracks.status]
    assert status[short] == ["interpolated"] * 2
    assert status[long] == ["missing"] * 10
    assert status[17:20] == status[30:33] == ["reduced"] * 3, "no popping on and off beside a gap"
    assert status.count("detected") == 34 - 12 - 6
    assert result.report.frames_by_status == {
        "detected": 16,
        "reduced": 6,
        "interpolated": 2,
        "held": 0,
        "missing": 10,
    }
    assert np.isnan(result.tracks.output_xyz[long]).all()
    assert (result.tracks.face_id[long] == -1).all()
    assert np.isfinite(result.tracks.output_xyz[short]).all()
    before, after = stored_planes(source), stored_planes(result.report.target)
    for index in range(34)[long]:
        assert all(np.array_equal(a, b) for a, b in zip(after[index], before[index], strict=True))
    held = run(source, tmp_path / "held.mp4", replace(LOSSLESS, on_no_face="hold")).tracks
    assert [str(value) for value in held.status[long]] == ["held"] * 10
    assert np.ptp(held.source_xyz[long], axis=0).max() < 0.05
    with pytest.raises(NoFaceError, match=r"frame 20 \(0\.80 s\)"):
        run(source, tmp_path / "fail.mp4", replace(LOSSLESS, on_no_face="fail"))
    assert not list(tmp_path.glob("*fail*"))


def test_a_clip_without_any_face_is_an_error(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mp4", ClipSpec(size_wh=(128, 96), frames=5))
    with pytest.raises(NoFaceError, match="no face in any frame"):
        run(source, tmp_path / "out.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_the_neutral_can_be_chosen(clip: Path, moving: Pictures, tmp_path: Path) -> None:
    def neutral_of(choice: str) -> Result:
        return run(clip, tmp_path / "out.mp4", ConvertSettings(neutral=NeutralSettings(choice)), overwrite=True)

    for choice in ("frame:7", "0.29"):
        result = neutral_of(choice)
        assert (result.report.neutral.index, result.report.neutral.origin) == (7, "user")
        assert set(result.tracks.neutral_index.tolist()) == {7}
    picture = tmp_path / "rest.png"
    cv2.imwrite(str(picture), cv2.resize(moving[7], None, fx=1.5, fy=1.5)[..., ::-1])
    result = neutral_of(str(picture))
    assert (result.report.neutral.index, result.report.neutral.origin) == (-1, "image")
    auto = convert(clip, tmp_path / "auto.mp4")
    assert auto.tracks is not None
    moved = [t.output_xyz - t.source_xyz for t in (result.tracks, load_tracks(auto.tracks))]
    assert np.abs(moved[0] - moved[1])[..., :2].mean() < 0.5, "the same face at rest, larger"


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("frame:34", "frame 34 is outside the video: it has frames 0 to 33"),
        ("99", "outside the video"),
        ("-1", "outside the video"),
        ("nobody.png", "no such file"),
        (__file__, "not a picture"),
        ("EMPTY.png", "no face"),
        ("frame:2", "shows no face"),
    ],
)
def test_a_neutral_that_cannot_be_is_an_error(
    choice: str, message: str, moving: Pictures, clip: Path, tmp_path: Path
) -> None:
    if choice == "EMPTY.png":
        choice = str(tmp_path / choice)
        cv2.imwrite(choice, np.full((100, 100, 3), 90, np.uint8))
    source = clip
    if choice == "frame:2":
        covered = moving[:12].copy()
        covered[:5] = 128
        source = clip_of(tmp_path / "in.mp4", covered)
    there = set(tmp_path.iterdir())
    with pytest.raises(NoNeutralError, match=message):
        run(source, tmp_path / "out.mp4", ConvertSettings(neutral=NeutralSettings(choice)))
    assert set(tmp_path.iterdir()) == there


def test_results_do_not_depend_on_what_came_before(
    clip: Path, lossless: Result, short_clip: Path, tmp_path: Path
) -> None:
    """Twice the same; and after another clip the same as alone."""
    run(short_clip, tmp_path / "other.mp4")
    again = run(clip, tmp_path / "again.mp4", LOSSLESS)
    assert np.array_equal(again.after, lossless.after)
    for name in ("source_xyz", "output_xyz", "alpha", "blendshapes", "midline_x"):
        assert np.array_equal(getattr(again.tracks, name), getattr(lossless.tracks, name)), name
    assert again.report.neutral == lossless.report.neutral


class Broken(Exception):
    """Something unforeseen."""


@pytest.mark.parametrize("error", [Broken, KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize(("owner", "method"), [(Renderer, "render"), (VideoWriter, "write")])
def test_no_file_is_left_behind(
    error: type[BaseException], owner: Any, method: str, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, calls = getattr(owner, method), []

    def breaks(self: Any, frame: Any) -> Any:
        calls.append(1)
        if len(calls) == 9:
            raise error
        return plain(self, frame)

    monkeypatch.setattr(owner, method, breaks)
    (tmp_path / "palsy.mp4").write_bytes(b"was here before")
    with pytest.raises(error):
        convert(clip, tmp_path / "palsy.mp4", contact_sheet=tmp_path / "palsy.png", overwrite=True)
    assert len(calls) >= 9
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"palsy.mp4": b"was here before"}


@pytest.fixture(scope="session")
def couple(moving: Pictures, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The man, and beside him, a little smaller, himself in a mirror."""
    other = np.array([cv2.resize(p[:, ::-1], None, fx=0.9, fy=0.9, interpolation=cv2.INTER_AREA) for p in moving[:26]])
    padded = np.zeros((len(other), 300, 360, 3), np.uint8)
    padded[:, 30:] = other
    return clip_of(tmp_path_factory.mktemp("couple") / "couple.mp4", np.concatenate([moving[:26], padded], axis=2))


@pytest.mark.parametrize(("face", "place"), [("0", 0), ("1", 1), ("largest", 0), ("590,200", 1)])
def test_only_the_person_chosen_changes(couple: Path, face: str, place: int, tmp_path: Path) -> None:
    result = run(couple, tmp_path / "out.mp4", replace(LOSSLESS, tracker=TrackerSettings(face=face)))
    changed = (result.before != result.after).any(axis=(0, 3))
    halves = changed[:, :400], changed[:, 400:]
    assert halves[place].sum() > 300
    assert not halves[1 - place].any()
    assert (result.tracks.source_xyz[..., 0] > 400).all() == (place == 1)
    assert {str(status) for status in result.tracks.status} == {"detected"}


MEMORY = """
import sys
import psutil
from afet_video import convert

peak = 0

def look(progress):
    global peak
    peak = max(peak, psutil.Process().memory_info().rss >> 20)

convert(sys.argv[1], sys.argv[2], on_progress=look)
print(peak)
"""


def test_memory_does_not_grow_with_length(moving: Pictures, tmp_path: Path) -> None:
    there_and_back = np.concatenate([moving, moving[::-1]])
    peak_mib = {}
    for frames in (200, 640):
        pictures = np.concatenate([there_and_back] * 10)[:frames]
        source = clip_of(tmp_path / f"{frames}.mp4", pictures)
        command = [sys.executable, "-c", MEMORY, str(source), str(tmp_path / f"{frames}.out.mp4")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peak_mib[frames] = int(done.stdout)
    # 440 of these pictures are 151 MiB; the rest shape is fitted on up to 400 frames, which takes 40 MiB once, and
    # the allocators of several threads differ by as much from run to run
    assert peak_mib[640] < peak_mib[200] + 110, peak_mib
