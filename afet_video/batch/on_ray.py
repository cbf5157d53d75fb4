"""The Ray engine: the same jobs as tasks of a Ray cluster.

in: jobs -> out: results, as they come.  Must not: know what a job does, or load Ray before it is asked for.

Every machine of the cluster needs afet-video, and sees sources and the data set's folder under the same paths.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys
import threading
from collections.abc import Generator, Sequence
from typing import Any, TextIO

from afet_video.batch.job import Job, JobResult, run_job
from afet_video.batch.on_processes import ATTEMPTS, died
from afet_video.batch.waiting import Waiting
from afet_video.errors import AfetError, SettingsError

_OBJECTS_BYTES = 100 * 2**20
"""Ray's store for values that tasks hand over: ours are small. Ray's own default is a third of the memory."""

_ANSWER_S = 5.0


def run_on_ray(jobs: Sequence[Job], workers: int, address: str | None) -> Generator[JobResult, None, None]:
    """Yield the result of every job; at most `workers` run at a time. Ray itself tries again when a worker dies.

    Parameters
    ----------
    address : of a running cluster; None = one is started on this computer, and ended after the batch.

    Raises
    ------
    SettingsError
        If Ray is not installed, or there is no cluster at the address.
    """
    with contextlib.redirect_stdout(_OwnThread(sys.stdout)):
        yield from _results(_started(workers, address), jobs, workers)


def _results(ray: Any, jobs: Sequence[Job], workers: int) -> Generator[JobResult, None, None]:
    try:
        task = ray.remote(num_cpus=1, max_retries=ATTEMPTS - 1)(_run)
        waiting = Waiting(jobs)
        running: dict[Any, Job] = {}
        while waiting or running:
            while len(running) < workers and (next_one := waiting.take(running.values())):
                running[task.remote(next_one)] = next_one
            for reference in ray.wait(list(running), num_returns=1)[0]:
                job = running.pop(reference)
                waiting.ended(job)
                try:
                    yield JobResult.from_mapping(ray.get(reference))
                except ray.exceptions.RayError as error:
                    yield died(job, type(error).__name__)
    finally:
        ray.shutdown()


class _OwnThread:
    """The standard output for the thread that makes this; others write to the standard error.

    Ray prints warnings in a thread of its own, into the midst of what the program says.
    """

    def __init__(self, stdout: TextIO) -> None:
        self._stdout, self._thread = stdout, threading.get_ident()

    def write(self, text: str) -> int:
        return (self._stdout if threading.get_ident() == self._thread else sys.stderr).write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stdout, name)


def _run(job: Job) -> dict[str, Any]:
    return run_job(job).to_mapping()


def check_address(address: str) -> None:
    """Refuse an address of a cluster at which nothing answers; Ray itself would try for minutes.

    Raises
    ------
    SettingsError
        If it is HOST:PORT, and nothing listens there.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not (colon and port.isdecimal()):
        return  # "auto" and the like: Ray looks where it is
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_S).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error) or "no answer"
        raise SettingsError(
            f"no Ray cluster at {address}: {reason}. Start one with `ray start --head`, or leave out --ray-address"
        ) from error


def load_ray() -> Any:
    """Return the package `ray`.

    Raises
    ------
    SettingsError
        If it is not installed.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is sent anywhere
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # silences a note on what Ray does without a GPU
    try:
        import ray
    except ImportError as error:
        raise SettingsError("the engine ray needs Ray: pip install 'afet-video[ray]'") from error
    return ray


def _started(workers: int, address: str | None) -> Any:
    ray = load_ray()
    options: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    if address is None:
        options |= {"num_cpus": workers, "include_dashboard": False, "object_store_memory": _OBJECTS_BYTES}
        options |= {"address": "local", "_node_ip_address": "127.0.0.1"}
    else:
        options["address"] = address
    try:
        ray.init(**options)
    except AfetError:
        raise
    except (ConnectionError, ValueError, RuntimeError, OSError, ray.exceptions.RayError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SettingsError(f"no Ray cluster at {address or 'this computer'}: {reason}{_hint(address)}") from error
    return ray


def _hint(address: str | None) -> str:
    """Say what else is to be set for a cluster that asks for a token, as those of Ray 2.60 do where there is one."""
    if address is None or "RAY_AUTH_MODE" in os.environ:
        return ""
    return ". If it asks for a token (`ray start` says so), set RAY_AUTH_MODE=token"
