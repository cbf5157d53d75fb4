"""Keeps pauses out of a process while a session runs.

in: sessions that come and go -> out: settings of OpenCV and of Python's garbage collector, put back after the last one.
Must not: change a result.

Measured with two cores at 640x480: a full garbage collection scans what MediaPipe, numba and the rest have loaded, and
stops the session for 80 to 110 ms every few seconds; and OpenCV's threads, on pictures this small, cost a frame a tenth
of its time, as both cores have work already. The same holds for OpenBLAS, which only listens before NumPy is loaded:
the command sees to that.
"""

from __future__ import annotations

import gc
import threading

import cv2


class SteadyPace:
    """What one session holds from its first frame to its end."""

    _lock = threading.Lock()
    _held = 0
    _threads_before = -1

    def __init__(self) -> None:
        self._is_held = False

    def hold(self) -> None:
        """Call once everything is loaded."""
        if self._is_held:
            return
        self._is_held = True
        with SteadyPace._lock:
            if SteadyPace._held == 0:
                SteadyPace._threads_before = cv2.getNumThreads()
                cv2.setNumThreads(1)
            SteadyPace._held += 1
            gc.collect()
            gc.freeze()

    def release(self) -> None:
        """Put everything back, if no other session needs it; releasing twice does no harm."""
        if not self._is_held:
            return
        self._is_held = False
        with SteadyPace._lock:
            SteadyPace._held -= 1
            if SteadyPace._held == 0:
                cv2.setNumThreads(SteadyPace._threads_before)
                gc.unfreeze()
