"""Run cases in a process of their own, within limits of time and memory.

in: cases -> out: a `Result` each.  Must not: hang or fall with what it runs.
"""

from __future__ import annotations

import contextlib
import multiprocessing as mp
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self

from hostile.corpus import Case, cases
from hostile.material import Material

LIMIT_S = 60.0
"""For one input; the machine may be busy."""

START_S = 240.0
"""For the first conversion, in which numba may compile everything."""

LIMIT_MIB = 1500
"""Peak memory of the process above what it held before."""


@dataclass(frozen=True)
class Result:
    """What came of a case: `kind` is converts, refused, or what must not be: crash, hang, or wrong (see `line`)."""

    kind: str
    line: str
    seconds: float
    grown_mib: int


class Runner:
    """Runs cases in one process of their own, which is replaced when it hangs or falls; use as a context manager."""

    def __init__(self) -> None:
        self._context = mp.get_context("spawn")
        self._worker: Any = None
        self._pipe: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def run(self, case: Case) -> Result:
        """Return what came of a case."""
        if self._worker is None:
            self._start()
        started = time.perf_counter()
        self._pipe.send((case.group, case.name))
        try:
            result: Result = self._pipe.recv() if self._pipe.poll(LIMIT_S) else Result("hang", "no answer", LIMIT_S, 0)
        except EOFError:
            self._worker.join()
            result = Result("crash", f"exit code {self._worker.exitcode}", time.perf_counter() - started, 0)
        if result.kind in ("hang", "crash"):
            self._stop()
        return result

    def _start(self) -> None:
        self._pipe, theirs = self._context.Pipe()
        self._worker = self._context.Process(target=_serve, args=(theirs,), daemon=True)
        self._worker.start()
        theirs.close()
        if not self._pipe.poll(START_S) or self._pipe.recv() != "ready":
            raise RuntimeError("the process that runs the cases does not start")

    def _stop(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker.join()
            self._pipe.close()
        self._worker = None


def run(wanted: list[Case]) -> Iterator[tuple[Case, Result]]:
    """Yield each case with what came of it."""
    with Runner() as runner:
        for case in wanted:
            yield case, runner.run(case)


def _serve(pipe: Connection) -> None:
    import afet_video  # noqa: F401
    from afet_video import pipeline  # noqa: F401

    known = {(case.group, case.name): case for case in cases()}
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        material = Material.load(Path(folder))
        warm_up = Case("", "", lambda m: m.clip())
        _run_one(warm_up, material.inside(_fresh(Path(folder) / "case")))
        pipe.send("ready")
        with contextlib.suppress(EOFError):
            while True:
                case = known[pipe.recv()]
                pipe.send(_run_one(case, material.inside(_fresh(Path(folder) / "case"))))


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def _run_one(case: Case, material: Material) -> Result:
    from afet_video.errors import AfetError

    os.chdir(material.folder)  # cases may name their file without a folder
    source = case.made(material)
    out = material.folder / "out"
    out.mkdir()
    _forget_peak()
    before, started = _memory_mib("VmRSS"), time.perf_counter()
    kind, line, report = "converts", "", None
    try:
        report = _convert(case, source, Path(case.target) if case.target else out / f"palsy{case.suffix}")
    except AfetError as error:
        kind, line = "refused", str(error)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what came of the case
        kind, line = "wrong", f"{type(error).__name__}: {error}"
    seconds, grown = time.perf_counter() - started, _memory_mib("VmHWM") - before
    if kind != "wrong":
        from hostile.judge import judge

        trouble = judge(case, source, out, kind, line, report, grown)
        if trouble:
            kind, line = "wrong", trouble
    if report is not None and not line:
        line = "; ".join(report.warnings)
    for name in (str(source), str(material.folder)):
        line = line.replace(name, Path(name).name if name == str(source) else "FOLDER")
    return Result(kind, line, seconds, max(grown, 0))


def _convert(case: Case, source: Path, target: Path) -> Any:
    from afet_video import convert
    from afet_video.passes.settings import ConvertSettings
    from afet_video.video.encoders import EncodeSettings

    return convert(source, target, settings=ConvertSettings(encode=EncodeSettings(**case.settings)))


def _forget_peak() -> None:
    """Have the kernel measure the peak anew."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _memory_mib(key: str) -> int:
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    return int(status.partition(f"{key}:")[2].split()[0]) // 1024
