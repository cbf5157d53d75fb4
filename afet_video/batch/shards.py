"""WebDataset archives: plain tar files in which files of one name belong together.

in: rows, the data set's folder -> out: `shards/SPLIT-000000.tar`.  Must not: unpack, or hold a video in memory.
"""

from __future__ import annotations

import io
import json
import shutil
import tarfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from afet_video.batch.dataset import Row
from afet_video.batch.job import PARTS
from afet_video.outputs import disk_errors

FOLDER = "shards"


def write_shards(root: Path, rows: Mapping[str, Sequence[Row]], *, largest_bytes: int) -> list[Path]:
    """Write the archives, each at most about `largest_bytes` long, and return them; older ones are replaced.

    Every sample has `NAME.mp4`, `NAME.tracks.parquet` and `NAME.json`, the row. Owners and times are 0, so that the
    same data give the same bytes.

    Raises
    ------
    OutputError
        If the disk refuses something.
    """
    part = root / f".{uuid.uuid4().hex[:8]}.part"
    try:
        with disk_errors(root / FOLDER):
            part.mkdir()
            for split, own in rows.items():
                for number, group in enumerate(_grouped(root / split, own, largest_bytes)):
                    _write(part / f"{split}-{number:06d}.tar", root / split, group)
            shutil.rmtree(root / FOLDER, ignore_errors=True)
            part.replace(root / FOLDER)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return sorted((root / FOLDER).iterdir())


def _grouped(home: Path, rows: Sequence[Row], largest_bytes: int) -> Iterator[list[Row]]:
    group: list[Row] = []
    held = 0
    for row in rows:
        size = sum((home / row[key]).stat().st_size for key in ("file_name", "tracks"))
        if group and held + size > largest_bytes:
            yield group
            group, held = [], 0
        group.append(row)
        held += size
    if group:
        yield group


def _write(path: Path, home: Path, rows: Sequence[Row]) -> None:
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        for row in rows:
            key = row["file_name"].removesuffix(PARTS["video"])
            for end, name in ((".mp4", row["file_name"]), (".tracks.parquet", row["tracks"])):
                with (home / name).open("rb") as file:
                    archive.addfile(_entry(key + end, (home / name).stat().st_size), file)
            text = json.dumps(row, ensure_ascii=False).encode()
            archive.addfile(_entry(f"{key}.json", len(text)), io.BytesIO(text))


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o644
    return entry
