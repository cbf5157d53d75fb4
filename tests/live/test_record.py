"""What is recorded stays, whatever happens; and it is what `convert` would write."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

import afet_video
from afet_video.datatypes import FaceStatus, NeutralChoice, Pose, Side, Timestamp, TrackRow
from afet_video.errors import EncodeError, OutputError, TrackFileError
from afet_video.live.record import Recorder, free_name
from afet_video.live.results import LiveResult, LiveState
from afet_video.live.settings import LiveSettings
from afet_video.tracks import join_parts, read_sidecar, sha256_file
from afet_video.tracks.parts import PART_ROWS, PartedTrackWriter, parts_folder
from afet_video.video.encoders import EncodeSettings
from afet_video.video.provenance import SYNTHETIC_COMMENT, read_mark
from afet_video.video.record import FRAGMENT_S, RecordingWriter

TICK = Fraction(1, 1_000_000)
IRREGULAR_MS = [0, 33, 70, 71, 140, 200]


def row(index: int, timestamp: Timestamp, *, neutral: int = -1) -> TrackRow:
    xyz = np.full((478, 3), float(index), np.float32)
    midline = np.linspace(0, 60, 33, dtype=np.float32)
    return TrackRow(
        index=index,
        timestamp=timestamp,
        status=FaceStatus.DETECTED,
        face_id=0,
        side=Side.LEFT,
        movement_kept=0.0,
        kept=np.zeros(5, np.float32),
        strength=1.0,
        source_xyz=xyz,
        output_xyz=xyz + 1,
        alpha=np.ones(478, np.float32),
        blendshapes=np.zeros(52, np.float32),
        pose=Pose(0.0, 0.0, 0.0),
        midline_y=midline,
        midline_x=midline,
        neutral_index=neutral,
    )


def result(index: int, ms: float, *, size_wh: tuple[int, int] = (96, 64), neutral: int = -1) -> LiveResult:
    stamp = Timestamp(round(ms * 1000), TICK)
    rgb = np.full((size_wh[1], size_wh[0], 3), (10 * index) % 256, np.uint8)
    return LiveResult(rgb, rgb, stamp, row(index, stamp, neutral=neutral), LiveState.LIVE, "", None, 1.0)


def frames_of(path: Path) -> list[tuple[Fraction, NDArray[np.uint8]]]:
    with av.open(str(path)) as container:
        return [(frame.pts * frame.time_base, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def recorded(path: Path, results: list[LiveResult], settings: LiveSettings | None = None) -> Recorder:
    with Recorder(path, settings=settings or LiveSettings(), source="fake camera") as recorder:
        for one in results:
            recorder.put(one)
        recorder.know(NeutralChoice(7, None, 0.9, "auto"), 0)
    return recorder


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_video_track_and_sidecar_go_together(tmp_path: Path, suffix: str) -> None:
    start = 5_000  # the session had run for a while
    results = [result(20 + i, start + ms) for i, ms in enumerate(IRREGULAR_MS)]
    path = tmp_path / f"session{suffix}"
    recorder = recorded(path, results)
    assert recorder.frames == 6 and recorder.dropped == 0 and recorder.problem == ""
    frames = frames_of(path)
    assert [round(float(pts * 1000)) for pts, _ in frames] == IRREGULAR_MS
    for (_, rgb), one in zip(frames, results, strict=True):
        assert abs(int(rgb[32, 48, 0]) - int(one.result[0, 0, 0])) <= 3
    tracks = afet_video.load_tracks(tmp_path / "session.tracks.parquet")
    assert tracks.index.tolist() == list(range(6))
    assert [round(float(pts * tracks.time_base * 1000)) for pts in tracks.pts.tolist()] == IRREGULAR_MS
    assert tracks.output_xyz[:, 0, 0].tolist() == [21.0 + i for i in range(6)]
    said = read_sidecar(tmp_path / "session.afet.json")
    assert said["synthetic"] is True and said["live"] is True and said["finished"] is True
    assert said["frames"] == 6 and said["frames_by_status"]["detected"] == 6
    assert said["duration_s"] == pytest.approx(0.2)
    assert said["source"] == {"name": "fake camera", "size_wh": [96, 64]}
    assert said["neutral"]["0"]["score"] == 0.9
    assert said["settings"]["convert"]["profile"]["side"] == "left"
    hashes = said["outputs"].pop("sha256")
    assert said["outputs"] == {"video": path.name, "tracks": "session.tracks.parquet", "contact_sheet": None}
    assert hashes == {name: sha256_file(tmp_path / said["outputs"][name]) for name in ("video", "tracks")}
    assert (
        sorted(entry.name for entry in tmp_path.iterdir())
        == [
            "session.afet.json",
            path.name,
            "session.tracks.parquet",
        ]
        or suffix != ".mp4"
    )


def test_the_recording_is_marked_as_synthetic(tmp_path: Path) -> None:
    recorded(tmp_path / "a.mp4", [result(i, 40 * i) for i in range(3)])
    assert read_mark(tmp_path / "a.mp4") == "compositeSynthetic"
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.metadata["comment"] == SYNTHETIC_COMMENT
    plain = LiveSettings()
    plain = replace(plain, convert=replace(plain.convert, encode=EncodeSettings(mark_synthetic=False)))
    recorded(tmp_path / "b.mp4", [result(i, 40 * i) for i in range(3)], plain)
    assert read_mark(tmp_path / "b.mp4") is None
    assert read_sidecar(tmp_path / "b.afet.json")["marked_in_file"] is False


def test_the_neutral_is_named_by_its_number_in_the_recording(tmp_path: Path) -> None:
    results = [result(10, 0, neutral=3), result(11, 40, neutral=11), result(12, 80, neutral=11)]
    recorded(tmp_path / "a.mp4", results)
    tracks = afet_video.load_tracks(tmp_path / "a.tracks.parquet")
    assert tracks.neutral_index.tolist() == [-1, 1, 1]


def test_other_sizes_end_a_recording_and_keep_it(tmp_path: Path) -> None:
    sizes = [(96, 64), (96, 64), (64, 48), (96, 64)]
    recorder = recorded(tmp_path / "a.mp4", [result(i, 40 * i, size_wh=size) for i, size in enumerate(sizes)])
    assert recorder.problem == "the camera's pictures are now 64x48: the recording has ended"
    assert len(frames_of(tmp_path / "a.mp4")) == 2
    assert read_sidecar(tmp_path / "a.afet.json")["warnings"] == [recorder.problem]


def test_an_encoder_that_cannot_keep_up_costs_frames_and_no_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = RecordingWriter.write

    all_put = threading.Event()

    def slow(self: RecordingWriter, rgb: NDArray[np.uint8], timestamp: Timestamp) -> None:
        assert all_put.wait(60)
        write(self, rgb, timestamp)

    monkeypatch.setattr(RecordingWriter, "write", slow)
    with Recorder(tmp_path / "a.mp4", settings=LiveSettings(), source="fake camera") as recorder:
        for i in range(80):
            recorder.put(result(i, 40 * i))
        all_put.set()
    assert recorder.dropped > 0 and recorder.frames + recorder.dropped == 80
    tracks = afet_video.load_tracks(tmp_path / "a.tracks.parquet")
    assert tracks.index.tolist() == list(range(recorder.frames))
    assert [pts for pts, _ in frames_of(tmp_path / "a.mp4")] == [int(pts) * TICK for pts in tracks.pts]
    assert "frames were not recorded" in read_sidecar(tmp_path / "a.afet.json")["warnings"][0]


def test_a_full_disk_ends_the_recording_with_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: RecordingWriter, rgb: NDArray[np.uint8], timestamp: Timestamp) -> None:
        raise OutputError("the disk is full")

    monkeypatch.setattr(RecordingWriter, "write", full)
    recorder = recorded(tmp_path / "a.mp4", [result(i, 40 * i) for i in range(3)])
    assert recorder.problem == "the disk is full"


def test_an_unexpected_failure_holds_nobody_up_and_is_raised_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: RecordingWriter, rgb: NDArray[np.uint8], timestamp: Timestamp) -> None:
        raise ZeroDivisionError("unexpected")

    monkeypatch.setattr(RecordingWriter, "write", broken)
    recorder = Recorder(tmp_path / "a.mp4", settings=LiveSettings(), source="fake camera")
    for i in range(80):  # far more than wait in line
        recorder.put(result(i, 40 * i))
    with pytest.raises(ZeroDivisionError, match="unexpected"):
        recorder.close()
    assert "ZeroDivisionError" in recorder.problem
    assert read_sidecar(tmp_path / "a.afet.json")["finished"] is True


def test_what_exists_is_not_replaced_unasked(tmp_path: Path) -> None:
    (tmp_path / "a.tracks.parquet").write_text("mine")
    with pytest.raises(OutputError, match=r"a\.tracks\.parquet exists already"):
        Recorder(tmp_path / "a.mp4", settings=LiveSettings(), source="")
    assert (tmp_path / "a.tracks.parquet").read_text() == "mine"
    with Recorder(tmp_path / "a.mp4", settings=LiveSettings(), source="", overwrite=True) as recorder:
        recorder.put(result(0, 0))
    assert len(afet_video.load_tracks(tmp_path / "a.tracks.parquet")) == 1
    with pytest.raises(EncodeError, match="cannot record to"):
        Recorder(tmp_path / "a.webm", settings=LiveSettings(), source="")


def test_a_free_name_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    assert free_name(path) == path
    path.touch()
    (tmp_path / "a-2.mp4").touch()
    assert free_name(path) == tmp_path / "a-3.mp4"


def test_nothing_recorded_leaves_no_track(tmp_path: Path) -> None:
    recorded(tmp_path / "a.mp4", [])
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.afet.json"]
    assert read_sidecar(tmp_path / "a.afet.json")["frames"] == 0


_KILLED = """
import sys, time
from pathlib import Path
from tests.live.test_record import result
from afet_video.live.record import Recorder
from afet_video.live.settings import LiveSettings
recorder = Recorder(Path(sys.argv[1]), settings=LiveSettings(), source="fake camera")
for index in range(10_000):
    recorder.put(result(index, 40 * index))
    time.sleep(0.005)
    print(recorder.frames, flush=True)
"""


def test_a_killed_program_leaves_what_it_recorded(tmp_path: Path) -> None:
    path = tmp_path / "killed.mp4"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(path)], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        frames = next(int(line) for line in process.stdout if int(line) >= 3 * PART_ROWS)
        process.send_signal(signal.SIGKILL)
        process.wait()
    found = frames_of(path)
    assert len(found) >= frames - FRAGMENT_S * 25 - 3
    assert all(b > a for (a, _), (b, _) in itertools.pairwise(found))
    assert read_mark(path) == "compositeSynthetic"
    assert json.loads((tmp_path / "killed.afet.json").read_text())["finished"] is False
    rows = join_parts(tmp_path / "killed.tracks.parquet")
    assert rows >= frames - PART_ROWS - 3
    tracks = afet_video.load_tracks(tmp_path / "killed.tracks.parquet")
    assert tracks.index.tolist() == list(range(rows))
    both = min(rows, len(found))
    assert [int(pts) * TICK for pts in tracks.pts[:both]] == [pts for pts, _ in found[:both]]
    assert not parts_folder(tmp_path / "killed.tracks.parquet").exists()


def test_parts_become_the_same_track(tmp_path: Path) -> None:
    rows = [row(i, Timestamp(40_000 * i, TICK)) for i in range(2 * PART_ROWS + 7)]
    with PartedTrackWriter(tmp_path / "parts.parquet") as parted:
        for one in rows:
            parted.write(one)
    with afet_video.tracks.open_track_writer(tmp_path / "whole.parquet") as whole:
        for one in rows:
            whole.write(one)
    a, b = (afet_video.load_tracks(tmp_path / name) for name in ("parts.parquet", "whole.parquet"))
    assert a.time_base == b.time_base == TICK
    for name in ("index", "pts", "source_xyz", "output_xyz", "midline_x", "status"):
        assert np.array_equal(getattr(a, name), getattr(b, name)), name


def test_parts_that_are_not_there_or_damaged(tmp_path: Path) -> None:
    target = tmp_path / "a.tracks.parquet"
    with pytest.raises(TrackFileError, match="no such folder"):
        join_parts(target)
    parts_folder(target).mkdir()
    (parts_folder(target) / "000000.parquet").write_bytes(b"cut short")
    with pytest.raises(TrackFileError, match="a part of the track is damaged"):
        join_parts(target)
    assert parts_folder(target).is_dir()


def test_pictures_are_those_of_the_session(tmp_path: Path, sample_pictures: NDArray[np.uint8]) -> None:
    path = tmp_path / "a.mkv"
    settings = EncodeSettings(codec="h264", lossless=True)
    with RecordingWriter(path, size_wh=(400, 300), time_base=TICK, settings=settings) as writer:
        for number, index in enumerate((0, 74, 184)):
            writer.write(sample_pictures[index], Timestamp(40_000 * number, TICK))
    found = frames_of(path)
    assert all(b > a for (a, _), (b, _) in itertools.pairwise(found))
    for (_, rgb), index in zip(found, (0, 74, 184), strict=True):
        assert np.array_equal(rgb, sample_pictures[index])
