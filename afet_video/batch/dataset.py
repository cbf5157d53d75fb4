"""The data set's folder: splits, tables, card.

in: results of finished jobs -> out: files in the places where data set libraries look for them.
Must not: write the time of day, or anything else that another run would write differently.

Hugging Face's VideoFolder reads `SPLIT/metadata.jsonl`; it takes a column whose name ends in `_file_name` for a file to
load, hence `tracks` and `sidecar`.
"""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import afet_video
from afet_video.batch.folder import Folder
from afet_video.batch.job import PARTS, JobResult
from afet_video.batch.people import Seen, grouped, load_looks
from afet_video.batch.settings import SPLITS, BatchSettings
from afet_video.batch.splits import split_groups
from afet_video.datatypes import ZONES, FaceStatus
from afet_video.outputs import disk_errors

LINES, TABLE = "metadata.jsonl", "metadata.parquet"

_MOST_NAMED = 4
"""Clips that a note names, and groups of them."""

Row = dict[str, Any]

_SCHEMA = pa.schema(
    [
        ("file_name", pa.string()),
        ("split", pa.string()),
        ("person", pa.string()),
        ("person_from", pa.string()),
        ("clip", pa.string()),
        ("source", pa.string()),
        ("source_sha256", pa.string()),
        ("side", pa.string()),
        ("profile", pa.string()),
        *[(f"kept_{zone}", pa.float32()) for zone in ZONES],
        ("frames", pa.int64()),
        *[(f"frames_{status}", pa.int64()) for status in FaceStatus],
        ("people", pa.int32()),
        ("duration_s", pa.float64()),
        ("tracks", pa.string()),
        ("sidecar", pa.string()),
        *[(f"{part}_sha256", pa.string()) for part in PARTS],
        ("synthetic", pa.bool_()),
        ("afet_video_version", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class DataSet:
    """What was put together: rows by split, and what should be known of the splits."""

    rows: Mapping[str, Sequence[Row]]
    notes: tuple[str, ...] = ()


def assemble(folder: Folder, results: Iterable[JobResult], settings: BatchSettings) -> DataSet:
    """Put every finished video into its person's split, and write the tables; may be done again and again.

    Raises
    ------
    OutputError
        If the disk refuses something.
    """
    done = sorted((r for r in results if r.error is None and is_there(folder, r.name)), key=lambda r: r.name)
    seen: dict[str, Seen] = {}
    for result in done:
        facts = result.facts
        looks = load_looks(folder.looks / f"{facts['source_sha256']}.npz")
        seen[facts["clip"]] = Seen(facts["person"], facts["source_sha256"], looks)
    groups = {clip: f"like-{first}" for clip, first in grouped(seen).items()}
    split_of = split_groups(groups.values(), settings.shares, settings.seed)
    rows: dict[str, list[Row]] = {split: [] for split in SPLITS}
    for result in done:
        group = groups[result.facts["clip"]]
        rows[split_of[group]].append(_row(result, group, split_of[group]))
        _move(folder, result.name, split_of[group])
    _write_tables(folder.root, rows)
    return DataSet(rows, tuple(_notes(seen, groups, rows)))


def is_there(folder: Folder, name: str) -> bool:
    """Return whether all files of a job are in the data set's folder, wherever."""
    return all(_place(folder, f"{name}{end}") is not None for end in PARTS.values())


def _place(folder: Folder, name: str) -> Path | None:
    """Return where a file lies: a new one comes before one that an earlier run sorted in."""
    places = (folder.done, *(folder.root / split for split in SPLITS))
    return next((place / name for place in places if (place / name).is_file()), None)


def _move(folder: Folder, name: str, split: str) -> None:
    home = folder.root / split
    with disk_errors(home):
        home.mkdir(exist_ok=True)
        for end in PARTS.values():
            lies = _place(folder, name + end)
            if lies is not None and lies.parent != home:
                lies.replace(home / lies.name)
            for other in SPLITS:  # left by a run with other people or another seed
                if other != split:
                    (folder.root / other / (name + end)).unlink(missing_ok=True)


def _row(result: JobResult, group: str, split: str) -> Row:
    facts = result.facts
    known = facts["person"]
    counts = facts["frames_by_status"]
    return {
        "file_name": f"{result.name}{PARTS['video']}",
        "split": split,
        "person": known if known is not None else group,
        "person_from": facts["person_from"] if known is not None else "look",
        "clip": facts["clip"],
        "source": facts["source"],
        "source_sha256": facts["source_sha256"],
        "side": facts["side"],
        "profile": facts["profile"],
        **{f"kept_{zone}": facts["movement_kept"][zone] for zone in ZONES},
        "frames": facts["frames"],
        **{f"frames_{status}": counts.get(str(status), 0) for status in FaceStatus},
        "people": facts["people"],
        "duration_s": facts["duration_s"],
        "tracks": f"{result.name}{PARTS['tracks']}",
        "sidecar": f"{result.name}{PARTS['sidecar']}",
        **{f"{part}_sha256": result.sha256[part] for part in PARTS},
        "synthetic": True,
        "afet_video_version": afet_video.__version__,
    }


def _write_tables(root: Path, rows: Mapping[str, Sequence[Row]]) -> None:
    for split, own in rows.items():
        home = root / split
        if own:
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in own)
            write_atomically(home / LINES, text.encode())
        elif home.is_dir():
            (home / LINES).unlink(missing_ok=True)
            if not any(home.iterdir()):
                home.rmdir()
    whole = [row | {"file_name": f"{split}/{row['file_name']}"} for split in rows for row in rows[split]]
    with disk_errors(root / TABLE):
        sink = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pylist(whole, schema=_SCHEMA), sink, compression="zstd")
    write_atomically(root / TABLE, sink.getvalue().to_pybytes())


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all.

    Raises
    ------
    OutputError
        If the disk refuses it.
    """
    part = path.with_name(f".{uuid.uuid4().hex[:8]}.part")
    try:
        with disk_errors(path):
            part.write_bytes(content)
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _taken_for_one(seen: Mapping[str, Seen], groups: Mapping[str, str]) -> list[list[str]]:
    """Return the clips of each group that looks put together, the largest group first."""
    members: dict[str, list[str]] = defaultdict(list)
    for clip in sorted(seen):
        members[groups[clip]].append(clip)
    guessed = [clips for clips in members.values() if len(clips) > 1 and any(seen[c].person is None for c in clips)]
    return sorted(guessed, key=len, reverse=True)


def _notes(seen: Mapping[str, Seen], groups: Mapping[str, str], rows: Mapping[str, Sequence[Row]]) -> Iterable[str]:
    if any(clip.person is None for clip in seen.values()):
        yield (
            "people were told apart by their looks (hair, skin, clothes, proportions), which is no face recognition: "
            "one person in other clothes may count as two; name them in a manifest's column `person`, or by --person, "
            "to be sure"
        )
    for alike in _taken_for_one(seen, groups)[:_MOST_NAMED]:
        more = f" and {len(alike) - _MOST_NAMED} more" if len(alike) > _MOST_NAMED else ""
        yield f"taken for one person, as far as looks say: {', '.join(alike[:_MOST_NAMED])}{more}"
    empty = [split for split in SPLITS if not rows[split]]
    if empty and seen:
        yield f"there are too few people for every split: {' and '.join(empty)} would be empty"
