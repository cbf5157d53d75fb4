"""A thread for what no frame waits for: one task at a time, and a low priority.

in: tasks -> out: nothing; they leave their results where they like.  Must not: queue, or hold anybody up.

Everything that a low thread starts is low too, the threads of a model that it loads among them. So two cores go to the
frames first, and what is left of them to looks at the whole picture.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable

_NICENESS = 10

Task = Callable[[], None]


class Aside:
    """Does a task in a thread of its own while everything else goes on.

    Parameters
    ----------
    first : done at once, such as the loading of models.
    """

    def __init__(self, first: Task) -> None:
        self._changed = threading.Condition()
        self._task: Task | None = first
        self._is_open = True
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="afet-aside", daemon=True)
        self._thread.start()

    def offer(self, task: Task) -> bool:
        """Take a task and return True, or leave it if the one before is not done.

        Raises
        ------
        BaseException
            What a task before has ended with.
        """
        with self._changed:
            if self._failure is not None:
                raise self._failure
            if self._task is not None or not self._is_open:
                return False
            self._task = task
            self._changed.notify()
            return True

    def close(self) -> None:
        """Wait for the task that is being done, and end; closing twice does no harm."""
        with self._changed:
            self._is_open = False
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        _lower()
        while True:
            with self._changed:
                while self._is_open and self._task is None:
                    self._changed.wait()
                task = self._task
                if not self._is_open or task is None:
                    return
            try:
                task()
            except BaseException as failure:  # noqa: BLE001 - handed to whoever comes with the next task
                self._failure = failure
            with self._changed:
                self._task = None


def _lower() -> None:
    """Give the calling thread a low priority, where threads have one of their own."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
