"""Small clips of two people, a batch of them, and the command line in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.synthetic import ClipSpec, make_clip

ROOT = Path(__file__).resolve().parents[2]
FRAMES, WORKERS = 10, 2
JOBS = {f"{clip}-{side}-hb3" for clip in ("man", "smile", "woman") for side in ("left", "right")}


@pytest.fixture(scope="session")
def clips(sample_pictures: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two clips of one man and one of a woman, 200x150 pixels, each of ten frames."""
    folder = tmp_path_factory.mktemp("clips")
    for name, first in (("man", 40), ("smile", 178)):
        frames = [cv2.resize(rgb, (200, 150), interpolation=cv2.INTER_AREA) for rgb in sample_pictures[first:][:FRAMES]]
        make_clip(folder / f"{name}.mp4", ClipSpec(size_wh=(200, 150), frames=FRAMES), pictures=frames)
    astronaut = cv2.imread(str(ROOT / "samples" / "astronaut.png"))[:300, 60:460, ::-1]
    shifted = [np.roll(astronaut, index, axis=1) for index in range(FRAMES)]
    frames = [cv2.resize(rgb, (200, 150), interpolation=cv2.INTER_AREA) for rgb in shifted]
    make_clip(folder / "woman.mp4", ClipSpec(size_wh=(200, 150), frames=FRAMES), pictures=frames)
    return folder


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-c", "from afet_video.cli import main; main()", "batch", *map(str, arguments)]


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)}


def start(*arguments: object) -> subprocess.Popen[str]:
    """Start ``afet-video batch`` with the profile hb3."""
    options = ("--profiles", "hb3", "--workers", WORKERS, "--json")
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command(*arguments, *options), env=environment(), **pipes)


def finished(process: subprocess.Popen[str], *, code: int = 0) -> list[dict[str, Any]]:
    """Wait for a batch, and return the lines of JSON that it printed; the last one is its report."""
    out, err = process.communicate(timeout=240)
    assert process.returncode == code, (out, err)
    return [json.loads(line) for line in out.splitlines()]


@pytest.fixture(scope="session")
def made(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data set that nobody disturbed: three clips, both sides, one profile, with shards."""
    folder = tmp_path_factory.mktemp("made") / "set"
    lines = finished(start(clips, "-o", folder, "--shards"))
    assert {line["job"] for line in lines[:-1]} == JOBS
    return folder


def content(folder: Path, suffixes: Sequence[str] = ("",)) -> dict[str, bytes]:
    """Return what a data set holds, but for logs and the journal."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {".afet-batch", "logs"} & set(path.relative_to(folder).parts)
        if path.name.endswith(tuple(suffixes))
    }


def journal(folder: Path) -> list[str]:
    """Return the jobs in the journal that are done, one for each line."""
    lines = (folder / ".afet-batch" / "journal.jsonl").read_text().splitlines()
    return [entry["name"] for entry in map(json.loads, lines) if entry["error"] is None]


def is_tidy(folder: Path) -> bool:
    """Return whether no temporary file is left."""
    left = [path for path in folder.rglob("*") if ".part" in path.name]
    return not left and not any((folder / ".afet-batch" / "work").iterdir())
