"""Encoding leaves the computer to others too, and the terminal: no thread becomes real-time, no banner is printed."""

from __future__ import annotations

import os
import sys
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.stream import VideoStream

from afet_video.datatypes import Timestamp
from afet_video.errors import EncodeError
from afet_video.video import record
from afet_video.video.decode import VideoReader
from afet_video.video.encode import VideoWriter
from afet_video.video.encoders import EncodeSettings
from afet_video.video.open_encoder import scheduling_kept
from afet_video.video.record import RecordingWriter
from tests.synthetic import ClipSpec, make_clip

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux schedules threads one by one")


def real_time() -> list[int]:
    """Return the threads of this process that are real-time."""
    threads = [int(path.name) for path in Path("/proc/self/task").iterdir()]
    return [thread for thread in threads if os.sched_getscheduler(thread) in (os.SCHED_FIFO, os.SCHED_RR)]


def test_writing_av1_makes_no_thread_real_time(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = make_clip(tmp_path / "source.mp4", ClipSpec(frames=3))
    reader = VideoReader(source)
    with VideoWriter(tmp_path / "made.webm", source=source, info=reader.info, settings=EncodeSettings("av1")) as writer:
        for frame in reader:
            writer.write(frame)
            assert real_time() == []
    assert real_time() == []
    assert capfd.readouterr() == ("", "")


def test_recording_av1_makes_no_thread_real_time(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    settings, tick = EncodeSettings("av1"), Fraction(1, 1000)
    with RecordingWriter(tmp_path / "made.mkv", size_wh=(96, 64), time_base=tick, settings=settings) as writer:
        for index in range(3):
            writer.write(np.full((64, 96, 3), 40 * index, np.uint8), Timestamp(40 * index, tick))
            assert real_time() == []
    assert capfd.readouterr() == ("", "")


def test_an_encoder_that_refuses_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(stream: VideoStream) -> None:
        raise av.FFmpegError(22, "Invalid argument")

    monkeypatch.setattr(record, "open_encoder", refuse)
    with pytest.raises(EncodeError, match="the encoder refuses"):
        RecordingWriter(
            tmp_path / "made.mkv", size_wh=(96, 64), time_base=Fraction(1, 25), settings=EncodeSettings("av1")
        )


def test_what_is_started_in_the_block_is_scheduled_as_its_caller() -> None:
    is_done = threading.Event()
    thread = threading.Thread(target=is_done.wait)
    try:
        with scheduling_kept():
            try:
                os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
            except PermissionError:
                pytest.skip("this user may not make a thread real-time, nor may an encoder then")
            thread.start()
            assert thread.native_id in real_time()
        assert real_time() == []
    finally:
        is_done.set()
        if thread.ident is not None:
            thread.join()
