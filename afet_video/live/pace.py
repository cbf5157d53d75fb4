"""Keeps pauses out of a process while a session runs.

in: sessions that come and go -> out: settings of OpenCV and of Python, put back after the last one.
Must not: change a result.

Measured with two cores at 640x480: a full garbage collection scans what MediaPipe, numba and the rest have loaded, and
stops the session for 80 to 110 ms every few seconds; and OpenCV's threads, on pictures this small, cost a frame a tenth
of its time, as both cores have work already. The same holds for OpenBLAS, which only listens before NumPy is loaded:
the command sees to that. A thread that wants Python's interpreter while another one has it waits for up to 5 ms each
time, and a frame lets go of it a hundred times.
"""

from __future__ import annotations

import gc
import sys
import threading

import cv2

SWITCH_S = 0.0005
"""Time after which a thread gives the interpreter to another one that waits for it."""


class SteadyPace:
    """What one session holds from its first frame to its end."""

    _lock = threading.Lock()
    _held = 0
    _threads_before = -1
    _switch_before = 0.0

    def __init__(self) -> None:
        self._is_held = False

    def hold(self) -> None:
        """Call once everything is loaded."""
        if self._is_held:
            return
        with SteadyPace._lock:
            self._is_held = True
            if SteadyPace._held == 0:
                SteadyPace._threads_before = cv2.getNumThreads()
                cv2.setNumThreads(1)
                SteadyPace._switch_before = sys.getswitchinterval()
                sys.setswitchinterval(SWITCH_S)
            SteadyPace._held += 1
            _freeze()

    def loaded_more(self) -> None:
        """Call once more has been loaded, from any thread; before `hold` it does nothing."""
        with SteadyPace._lock:
            if self._is_held:
                _freeze()

    def release(self) -> None:
        """Put everything back, if no other session needs it; releasing twice does no harm."""
        if not self._is_held:
            return
        with SteadyPace._lock:
            self._is_held = False
            SteadyPace._held -= 1
            if SteadyPace._held == 0:
                cv2.setNumThreads(SteadyPace._threads_before)
                sys.setswitchinterval(SteadyPace._switch_before)
                gc.unfreeze()


def _freeze() -> None:
    """Take all that is there out of the garbage collector's sight."""
    gc.collect()
    gc.freeze()
