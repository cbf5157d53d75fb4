"""What all tests share: real clips, guards against side effects, and what a test may need from the machine."""

from __future__ import annotations

import importlib.util
import logging
import os
import random
import shutil
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

import afet_video
from afet_video.datatypes import ByteArray, Landmarks
from afet_video.face.landmarker import FaceLandmarker
from afet_video.video.decode import VideoReader

ROOT = Path(__file__).resolve().parent.parent
SHORT_FRAMES = 60


def _has_browser() -> bool:
    return shutil.which("chromium") is not None and shutil.which("chromedriver") is not None


NEEDS = {
    "c2pa": lambda: importlib.util.find_spec("c2pa") is not None,
    "datasets": lambda: importlib.util.find_spec("datasets") is not None,
    "torch": lambda: importlib.util.find_spec("torch") is not None,
    "onnx": lambda: all(map(importlib.util.find_spec, ("torch", "onnx", "onnxruntime"))),
    "mimic_head": lambda: importlib.util.find_spec("mimic_head") is not None,
    "ray": lambda: importlib.util.find_spec("ray") is not None,
    "webdataset": lambda: importlib.util.find_spec("webdataset") is not None,
    "mlcroissant": lambda: importlib.util.find_spec("mlcroissant") is not None,
    "browser": _has_browser,
    "display": lambda: shutil.which("Xvfb") is not None,
    "rerun": lambda: importlib.util.find_spec("rerun") is not None,
}


def pytest_configure(config: pytest.Config) -> None:
    unknown = _required() - NEEDS.keys()
    if unknown:
        raise pytest.UsageError(f"AFET_REQUIRE names {sorted(unknown)}: it knows {sorted(NEEDS)}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test marked ``needs("torch")`` where torch is missing, or fail it if AFET_REQUIRE names torch."""
    for marker in item.iter_markers("needs"):
        for name in marker.args:
            if NEEDS[name]():
                continue
            if name in _required():
                pytest.fail(f"AFET_REQUIRE names {name}, but it is not on this machine", pytrace=False)
            pytest.skip(f"needs {name}, which is not on this machine")


def _required() -> set[str]:
    return {name.strip() for name in os.environ.get("AFET_REQUIRE", "").split(",") if name.strip()}


@pytest.fixture(autouse=True)
def _random_state_restored() -> Iterator[None]:
    """No test may depend on the random numbers that another one drew."""
    plain, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002 - the global state is what is guarded
    yield
    random.setstate(plain)
    np.random.set_state(numpy_state)  # noqa: NPY002


@pytest.fixture(autouse=True)
def _scheduling_kept() -> Iterator[None]:
    """A test that leaves its process real-time starves all other tests, and programs, on the computer."""
    if not hasattr(os, "sched_getscheduler"):
        yield
        return
    before = os.sched_getscheduler(0)
    yield
    after = os.sched_getscheduler(0)
    if after != before:
        os.sched_setscheduler(0, before, os.sched_param(0))
    assert after == before


@pytest.fixture(autouse=True)
def _no_error_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A test whose code logs an ERROR has failed, whatever it asserts."""
    yield
    errors = [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.ERROR]
    assert not errors, errors


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """afet-video works offline: whoever connects to a network fails. This computer itself is none."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family != getattr(socket, "AF_UNIX", None) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test tried to reach the network: {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def _no_debug_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests see errors as users see them, however the developer's shell is set."""
    monkeypatch.delenv("AFET_DEBUG", raising=False)


@pytest.fixture(scope="session")
def sample_clip() -> Path:
    """The clip that ships: neutral, brow raise, smile, open jaw, neutral; 400x300, no sound."""
    return ROOT / "samples" / "webcam.mp4"


@pytest.fixture(scope="session")
def short_clip(sample_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's first frames, with their times, for quick end-to-end tests."""
    path = tmp_path_factory.mktemp("short") / "short.mp4"
    with av.open(str(sample_clip)) as source, av.open(str(path), "w") as target:
        inside = source.streams.video[0]
        out = target.add_stream("libx264", rate=inside.average_rate, options={"crf": "12", "preset": "veryfast"})
        out.width, out.height, out.pix_fmt = inside.width, inside.height, "yuv420p"
        out.time_base = inside.time_base
        for index, frame in enumerate(source.decode(inside)):
            if index == SHORT_FRAMES:
                break
            frame.pict_type = av.video.frame.PictureType.NONE
            target.mux(out.encode(frame))
        target.mux(out.encode(None))
    return path


@pytest.fixture(scope="session")
def tiny_clip(sample_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve frames of the sample, from rest into a smile: whole conversions in a second or two."""
    path = tmp_path_factory.mktemp("tiny") / "tiny.mp4"
    frames = [frame.rgb() for frame in VideoReader(sample_clip)][170:182]
    with av.open(str(path), "w") as target:
        out = target.add_stream("libx264", rate=25, options={"crf": "12", "preset": "veryfast"})
        out.width, out.height, out.pix_fmt = frames[0].shape[1], frames[0].shape[0], "yuv420p"
        for rgb in frames:
            target.mux(out.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        target.mux(out.encode(None))
    return path


@pytest.fixture(scope="session")
def converted(sample_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> afet_video.RunReport:
    """One real conversion of the whole sample clip with default settings, shared by all tests that look at it."""
    folder = tmp_path_factory.mktemp("converted")
    report: afet_video.RunReport = afet_video.convert(
        sample_clip, folder / "palsy.mp4", contact_sheet=folder / "palsy.png"
    )
    return report


@dataclass(frozen=True)
class RealFace:
    """A frame of the sample, (300, 400, 3) RGB, and its face."""

    rgb: ByteArray
    landmarks: Landmarks

    @property
    def xyz(self) -> NDArray[np.float32]:
        return self.landmarks.xyz


@pytest.fixture(scope="session")
def sample_pictures(sample_clip: Path) -> NDArray[np.uint8]:
    """All frames of the sample, (431, 300, 400, 3) RGB."""
    return np.array([frame.rgb() for frame in VideoReader(sample_clip)])


@pytest.fixture(scope="session")
def real_faces(sample_pictures: NDArray[np.uint8]) -> Mapping[str, RealFace]:
    """Faces of the sample by what they do: `neutral`, `rest` (another calm moment), `brows`, `smile`, `jaw`."""
    frames = {"neutral": 325, "rest": 45, "brows": 74, "smile": 184, "jaw": 294}
    with FaceLandmarker() as landmarker:
        return {
            name: RealFace(sample_pictures[index], landmarker.detect_image(sample_pictures[index])[0])
            for name, index in frames.items()
        }
