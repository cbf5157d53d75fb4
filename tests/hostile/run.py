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
from typing import Any

from hostile.corpus import Case, cases
from hostile.material import Material

LIMIT_S = 60.0
"""For one input; the machine may be busy."""

LIMIT_MIB = 1500
"""Peak memory of the process above what it held before."""


@dataclass(frozen=True)
class Result:
    """What came of a case: `kind` is converts, refused, or what must not be: crash, hang, or wrong (see `line`)."""

    kind: str
    line: str
    seconds: float
    grown_mib: int


def run(wanted: list[Case]) -> Iterator[tuple[Case, Result]]:
    """Yield each case with what came of it; a process that hangs or falls is replaced."""
    context = mp.get_context("spawn")
    with contextlib.ExitStack() as stack:
        worker: Any = None
        for case in wanted:
            if worker is None:
                ours, theirs = context.Pipe()
                worker = context.Process(target=_serve, args=(theirs,), daemon=True)
                worker.start()
                theirs.close()
                stack.callback(worker.kill)
                assert ours.poll(120) and ours.recv() == "ready"
            started = time.perf_counter()
            ours.send((case.group, case.name))
            try:
                result = ours.recv() if ours.poll(LIMIT_S) else Result("hang", "no answer", LIMIT_S, 0)
            except EOFError:
                worker.join()
                result = Result("crash", f"exit code {worker.exitcode}", time.perf_counter() - started, 0)
            if result.kind in ("hang", "crash"):
                worker.kill()
                worker = None
            yield case, result


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
