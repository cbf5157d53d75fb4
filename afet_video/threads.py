"""Let one step of a loop run ahead of, or behind, the others.

in: an iterator or a function -> out: the same values, computed in another thread.  Must not: reorder, drop, or hold
more than a few values.

Decoding, detection, the splice kernel and encoding all release the interpreter lock, so that threads overlap them.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_DEPTH = 4
_WORKERS = 2
_END = object()


def prefetch(values: Iterable[T], *, depth: int = _DEPTH) -> Generator[T, None, None]:
    """Yield `values`, which another thread takes from their iterator up to `depth` ahead.

    An error in that thread is raised here, in place of the value. Closing this generator stops the thread.
    """
    line: queue.Queue[object] = queue.Queue(depth)
    stop = threading.Event()
    failure: list[BaseException] = []

    def put(value: object) -> bool:
        while not stop.is_set():
            try:
                line.put(value, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def work() -> None:
        try:
            for value in values:
                if not put(value):
                    return
        except BaseException as error:  # noqa: BLE001 - handed to the consumer, nothing is swallowed
            failure.append(error)
        put(_END)

    thread = threading.Thread(target=work, name="afet-prefetch", daemon=True)
    thread.start()
    try:
        while (value := line.get()) is not _END:
            yield value  # type: ignore[misc]
        if failure:
            raise failure[0]
    finally:
        stop.set()
        thread.join()


def with_following(values: Iterable[T], count: int) -> Iterator[tuple[T, tuple[T, ...]]]:
    """Yield each value with the `count` that come after it, fewer at the end."""
    line: deque[T] = deque()
    for value in values:
        line.append(value)
        if len(line) > count:
            yield line.popleft(), tuple(line)
    while line:
        yield line.popleft(), tuple(line)


def side_by_side(
    function: Callable[[T], R], values: Iterable[T], *, workers: int = _WORKERS
) -> Generator[R, None, None]:
    """Yield `function` of each of `values` in their order, several at a time in threads; takes few ahead.

    An error is raised in place of the value whose it is.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="afet-side")
    line: deque[Future[R]] = deque()
    try:
        for value in values:
            line.append(pool.submit(function, value))
            if len(line) > workers:
                yield line.popleft().result()
        while line:
            yield line.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


class Behind(Generic[T]):
    """Calls a function for one value after another in a thread of its own; see `run_behind`."""

    def __init__(self, function: Callable[[T], None], depth: int) -> None:
        self._function = function
        self._line: queue.Queue[object] = queue.Queue(depth)
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="afet-behind", daemon=True)
        self._thread.start()

    def put(self, value: T) -> None:
        """Hand over the next value; waits while the line is full, raises what the function raised."""
        if self._failure is not None:
            raise self._failure
        self._line.put(value)

    def finish(self) -> None:
        """Wait until all values are done; raises what the function raised."""
        self.stop()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """End the thread after the values that are in line."""
        if self._thread.is_alive():
            self._line.put(_END)
            self._thread.join()

    def _work(self) -> None:
        while (value := self._line.get()) is not _END:
            if self._failure is None:  # after a failure the line is emptied, so that nobody waits for ever
                try:
                    self._function(value)  # type: ignore[arg-type]
                except BaseException as error:  # noqa: BLE001 - handed to the producer, nothing is swallowed
                    self._failure = error


@contextmanager
def run_behind(function: Callable[[T], None], *, depth: int = _DEPTH) -> Iterator[Behind[T]]:
    """Give an object whose `put` hands values to `function` in another thread; all are done at a clean exit."""
    behind = Behind(function, depth)
    try:
        yield behind
    except BaseException:
        behind.stop()
        raise
    behind.finish()
