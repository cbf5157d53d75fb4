"""Learning beside the running session: in a process of its own, so that no frame waits for it.

in: lessons -> out: what they taught, when it is ready.  Must not: start without being asked, or outlive the session.

A thread would do with less, but shares the interpreter's lock with the frames: each of their hundred calls into OpenCV
could then wait for it. The process has a low priority once the calibration is done, and ends when the session's end of
the pipe does.

Both begin with a rehearsal, the process first: what it compiles, numba keeps on the disk, and the session loads it.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import IO, Any, BinaryIO, Protocol

from afet_video.errors import AfetError
from afet_video.filters import OneEuroSettings
from afet_video.live.heap import give_back_freed
from afet_video.live.learn import Learned, Learner, Lesson
from afet_video.live.rehearsal import REHEARSAL, made_up_lesson, rehearse
from afet_video.passes.settings import ConvertSettings

_NICENESS = 10

_GIVE_BACK_S = 1.0
"""Time from the fetching of a result to the giving back of freed memory: what was in use before it is gone then."""


class LearningFailed(Exception):
    """A lesson could not be learnt; the text says why."""


class Teacher(Protocol):
    """Takes a lesson and has its result later; one at a time."""

    @property
    def is_busy(self) -> bool:
        """Whether a lesson is being learnt, or its result has not been fetched."""

    def submit(self, lesson: Lesson) -> None:
        """Start a lesson."""

    def fetch(self) -> Learned | None:
        """Return what was learnt, once, or None while there is nothing; LearningFailed if it failed."""

    def close(self) -> None:
        """Give up whatever is being done."""


class TeacherHere:
    """Learns at once, in the caller's thread: always the same result after the same frame."""

    def __init__(self) -> None:
        self._learner = Learner()
        self._result: Learned | LearningFailed | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a result waits to be fetched."""
        return self._result is not None

    def submit(self, lesson: Lesson) -> None:
        """Learn a lesson."""
        self._result = _learnt(self._learner, lesson)

    def fetch(self) -> Learned | None:
        """Return what was learnt."""
        result, self._result = self._result, None
        if isinstance(result, LearningFailed):
            raise result
        return result

    def close(self) -> None:
        """Do nothing."""


class TeacherBeside:
    """Learns in another process, which is started at once as it takes a second or two to load.

    Parameters
    ----------
    settings, smoothing : with which it is rehearsed what a frame goes through, before the first lesson is learnt.
    on_ready : called, in a thread, after the rehearsal.
    """

    def __init__(
        self,
        settings: ConvertSettings | None = None,
        smoothing: OneEuroSettings | None = None,
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        self._rehearsed_with = settings or ConvertSettings(), smoothing or OneEuroSettings()
        self._on_ready = on_ready
        environment = dict(os.environ)
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            environment[name] = "1"
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"from {__name__} import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            # Ctrl-C in the terminal is the session's to handle; of a session of its own Linux would not know that it
            # has a low priority
            process_group=0,
        )
        self._lessons: queue.Queue[Lesson | None] = queue.Queue()
        self._results: queue.Queue[Learned | LearningFailed] = queue.Queue()
        self._open = 0
        self._tidying: threading.Timer | None = None
        self._thread = threading.Thread(target=self._talk, name="afet-teacher", daemon=True)
        self._thread.start()

    @property
    def is_busy(self) -> bool:
        """Whether a lesson is being learnt, or its result has not been fetched."""
        return self._open > 0

    def submit(self, lesson: Lesson) -> None:
        """Start a lesson."""
        self._open += 1
        self._lessons.put(lesson)

    def fetch(self) -> Learned | None:
        """Return what was learnt, or None while there is nothing."""
        try:
            result = self._results.get_nowait()
        except queue.Empty:
            return None
        self._open -= 1
        self._tidying = threading.Timer(_GIVE_BACK_S, give_back_freed)
        self._tidying.daemon = True
        self._tidying.start()
        if isinstance(result, LearningFailed):
            raise result
        return result

    def close(self) -> None:
        """End the process."""
        self._lessons.put(None)
        self._process.kill()
        self._process.wait()
        self._thread.join()
        if self._tidying is not None:
            self._tidying.cancel()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()  # type: ignore[union-attr]

    def _talk(self) -> None:
        """Send lessons and take results; both can be megabytes, so this is done in a thread.

        A function for each: what it has at hand would be held until the next one comes, or for ever.
        """
        self._rehearse()
        self._on_ready()
        while self._answer():
            pass

    def _rehearse(self) -> None:
        learned = self._ask(made_up_lesson(*self._rehearsed_with))
        if isinstance(learned, Learned):
            _rehearsed(learned)

    def _answer(self) -> bool:
        """Wait for a lesson and have it learnt; False at the end."""
        lesson = self._lessons.get()
        if lesson is None:
            return False
        self._results.put(self._ask(lesson))
        return True

    def _ask(self, lesson: Lesson) -> Learned | LearningFailed:
        pipe_in, pipe_out = self._process.stdin, self._process.stdout
        assert pipe_in is not None and pipe_out is not None
        try:
            _send(pipe_in, lesson)
            result: Learned | LearningFailed = pickle.load(pipe_out)
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            return LearningFailed(f"the process that learns the face has ended ({type(error).__name__})")
        return result


def _send(pipe: IO[bytes], value: object) -> None:
    pickle.dump(value, pipe, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.flush()


def _learnt(learner: Learner, lesson: Lesson) -> Learned | LearningFailed:
    try:
        return learner.learn(lesson)
    except (AfetError, ValueError, ArithmeticError) as error:  # LinAlgError is a ValueError
        return LearningFailed(" ".join(str(error).split()) or type(error).__name__)


def _rehearsed(learned: Learned) -> None:
    """Rehearse; if that fails, the first frames are slow, and whatever is wrong shows by them."""
    with contextlib.suppress(AfetError, ValueError, ArithmeticError):
        rehearse(learned)


def serve(lessons: BinaryIO, results: BinaryIO) -> None:
    """Learn what comes in, one lesson after the other, until the other end closes."""
    learner = Learner()
    while True:
        try:
            lesson: Any = pickle.load(lessons)
        except EOFError:
            return
        learnt = _learnt(learner, lesson)
        if lesson.number == REHEARSAL and isinstance(learnt, Learned):
            # as it comes out of the pipe: compiled parts are for one layout of their arrays
            _rehearsed(pickle.loads(pickle.dumps(learnt, protocol=pickle.HIGHEST_PROTOCOL)))
        _send(results, learnt)
        if lesson.number != REHEARSAL:
            with contextlib.suppress(OSError, AttributeError):
                os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)  # for the first one somebody waits


def main() -> None:
    """Be the process beside."""
    results = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints must not get into the pipe
    import cv2

    cv2.setNumThreads(1)
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        serve(sys.stdin.buffer, results)
