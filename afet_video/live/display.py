"""Whether a window can be opened at all.

in: the environment -> out: nothing, or one clear line.  Must not: open a window.

Without a display Qt, on which OpenCV's windows stand, ends the whole process; so it is asked first.
"""

from __future__ import annotations

import ctypes
import os
import platform
import re
import socket
from collections.abc import Mapping

from afet_video.errors import OutputError

_X11 = re.compile(r"^(?P<host>[^:]*):(?P<number>\d+)(\.\d+)?$")
_LIBRARIES = ("libX11.so.6", "libXext.so.6", "libSM.so.6", "libICE.so.6", "libxcb.so.1")
"""What OpenCV's Qt loads from the system; where one is missing, it ends the process."""
PACKAGES = "libsm6 libice6 libxext6 libx11-6 libxcb1"

_SOCKETS = "/tmp/.X11-unix"


def check_display(environment: Mapping[str, str] | None = None) -> None:
    """Make sure that a window can be opened.

    Raises
    ------
    OutputError
        If there is no display.
    """
    if platform.system() != "Linux":
        return
    environment = os.environ if environment is None else environment
    display = environment.get("DISPLAY", "")
    if not display:
        raise OutputError("no display to open a window on (DISPLAY is not set): use --browser, or start an X server")
    if not _answers(display):
        raise OutputError(f"no window can be opened: the display {display} does not answer: use --browser")
    missing = next((name for name in _LIBRARIES if not _loads(name)), None)
    if missing is not None:
        raise OutputError(
            f"no window can be opened: the system library {missing} is missing: on Debian or Ubuntu run "
            f"`apt-get install {PACKAGES}`, or use --browser"
        )


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _answers(display: str) -> bool:
    found = _X11.match(display)
    if found is None:
        return True  # an unusual name: let Qt find out
    number = int(found["number"])
    host = found["host"].removeprefix("unix")
    if host.startswith("/"):
        return True
    attempts: list[tuple[int, str | tuple[str, int]]] = []
    if host:
        attempts.append((socket.AF_INET, (host, 6000 + number)))
    else:
        attempts += [(socket.AF_UNIX, f"{_SOCKETS}/X{number}"), (socket.AF_UNIX, f"\0{_SOCKETS}/X{number}")]
    for family, address in attempts:
        with socket.socket(family, socket.SOCK_STREAM) as line:
            line.settimeout(2.0)
            try:
                line.connect(address)
            except OSError:
                continue
            return True
    return False
