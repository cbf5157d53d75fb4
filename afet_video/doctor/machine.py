"""The machine: system libraries, models, encoders, cameras, display, room.

in: the machine -> out: findings.  Must not: open a camera or a display, or load a model into a runtime.
"""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from afet_video.doctor.finding import Finding
from afet_video.errors import ModelFileError
from afet_video.model_files import FACE_LANDMARKER, HAND_LANDMARKER, locate

_LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libGLESv2.so.2": "libgles2",
    "libglib-2.0.so.0": "libglib2.0-0",
}
"""What MediaPipe and OpenCV load on Linux, and the Debian package that holds it."""

_LITTLE_GIB = 2.0


def system() -> Iterator[Finding]:
    """Python, system, processors, memory."""
    yield Finding("system", "Python", "ok", f"{platform.python_version()} ({sys.executable})")
    yield Finding("system", "system", "ok", platform.platform())
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield Finding("system", "processors", "ok", f"{count}")
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
        few = gib < _LITTLE_GIB
        advice = "videos above 1080p may not fit: scale them down first" if few else ""
        yield Finding("system", "memory", "note" if few else "ok", f"{gib:.1f} GiB", advice)


def libraries() -> Iterator[Finding]:
    """Load the system libraries that a bare container lacks."""
    if platform.system() != "Linux":
        return
    for name, package in _LIBRARIES.items():
        try:
            ctypes.CDLL(name)
        except OSError as error:
            yield Finding("libraries", name, "problem", str(error), f"Debian, Ubuntu: apt-get install {package}")
        else:
            yield Finding("libraries", name, "ok", "found")


def models() -> Iterator[Finding]:
    """Compare size and hash of each model with what they must be."""
    for model in (FACE_LANDMARKER, HAND_LANDMARKER):
        try:
            locate(model)
        except ModelFileError as error:
            what, _, advice = str(error).rpartition(": ")
            yield Finding("models", model.name, "problem", what, advice)
        else:
            yield Finding("models", model.name, "ok", f"sha256 {model.sha256[:12]}… as it must be ({model.license})")


def encoders() -> Iterator[Finding]:
    """Say which encoders FFmpeg has, in software and for devices."""
    from afet_video.video.encoders import encoder_libraries

    for codec, library, is_there in encoder_libraries():
        advice = "" if is_there else "install PyAV's own wheel: python -m pip install --force-reinstall --no-deps av"
        yield Finding(
            *("encoders", codec),
            "ok" if is_there else "problem",
            library if is_there else f"{library} is not in this FFmpeg",
            advice,
        )


def hardware() -> Iterator[Finding]:
    """Say for each kind of device that FFmpeg knows whether it decodes here, and which encoders it has."""
    from afet_video.video.hwaccel import device_names, device_trouble, hardware_encoders

    for name in device_names():
        trouble = device_trouble(name)
        encodes = ", ".join(hardware_encoders(name)) or "no encoder"
        if trouble:
            yield Finding("hardware", name, "note", f"not usable: {trouble}", "nothing to do: it is optional")
        else:
            yield Finding("hardware", name, "ok", f"decodes; {encodes}", f"--hwaccel {name}")


def cameras() -> Iterator[Finding]:
    """List the cameras, for `afet-video live`."""
    from afet_video.video.camera import list_cameras

    there = list_cameras()
    for camera in there:
        yield Finding("cameras", str(camera.number), "ok", camera.name)
    if not there:
        yield Finding("cameras", "cameras", "note", "none", "for `live`: plug one in, or use --source FILE")


def display() -> Iterator[Finding]:
    """Look for a display, for the window of `afet-video live`."""
    if platform.system() != "Linux":
        yield Finding("display", "display", "ok", f"that of {platform.system()}")
        return
    found = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    advice = "" if found else "for `live --window`: start it from a desktop session, or set DISPLAY"
    yield Finding("display", "display", "ok" if found else "note", found or "none", advice)


def disk() -> Iterator[Finding]:
    """Measure the room where outputs and temporary files go, and whether they may be written there."""
    for name, folder in (("this folder", Path.cwd()), ("temporary files", Path(tempfile.gettempdir()))):
        free = shutil.disk_usage(folder).free / 2**30
        found = f"{free:.1f} GiB free in {folder}"
        if not os.access(folder, os.W_OK):
            yield Finding("disk", name, "note", f"{folder} is not writable", "write outputs elsewhere")
        elif free < _LITTLE_GIB:
            yield Finding("disk", name, "problem", found, "free some space, or set TMPDIR to a larger disk")
        else:
            yield Finding("disk", name, "ok", found)
