"""Which clips a batch takes: files and folders as named, or the rows of a manifest.

in: inputs as the user gave them -> out: clips, and a line for each input that cannot be used.
Must not: read a video, or follow a manifest's path out of the folders that were given.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from afet_video.batch.folder import Folder
from afet_video.batch.settings import SIDES
from afet_video.errors import AfetError, InputError
from afet_video.profiles import load_profile

MANIFESTS = (".csv", ".jsonl", ".parquet")
VIDEOS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi")
COLUMNS = ("file", "person", "name", "sides", "profiles")
"""A manifest's columns; `file` is needed. `sides` and `profiles` are lists with commas and replace the options."""

_LONGEST_BYTES = 80


@dataclass(frozen=True, slots=True)
class Clip:
    """One video to be converted.

    `name` begins the names of what becomes of it; `person`: who is seen, None = not known; `person_from`: "manifest" or
    "path". `sides`, `profiles`: () = as for the whole batch. `where`: what to call it in messages.
    """

    path: Path
    name: str
    where: str
    person: str | None = None
    person_from: str | None = None
    sides: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()


@dataclass(slots=True)
class Inputs:
    """What was found: clips that can be tried, and (what, why not) of the others."""

    clips: list[Clip] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


def read_inputs(inputs: Sequence[Path], *, root: Path | None = None, person: str | None = None) -> Inputs:
    """Return the clips that `inputs` name: videos, folders of videos, manifests.

    Parameters
    ----------
    root : folder which a manifest's paths start from and must lie in; None = the manifest's own.
    person : regular expression that is looked for in a clip's path, as it is below the folder that was given, or as the
        manifest names it: its first group, or all it matches, is the person. A manifest's column `person` comes first.

    Raises
    ------
    InputError
        If nothing is named, or a manifest cannot be read or has an unknown column.
    """
    if not inputs:
        raise InputError("no video given: name videos, folders or a manifest")
    found = Inputs()
    taken: dict[str, str] = {}
    for path in inputs:
        for where, make in _candidates(path, root):
            try:
                clip, below = make()
                clip = _with_person(clip, below, person)
                if any(known.where == where for known in found.clips):
                    continue  # the same file named twice
                other = taken.setdefault(clip.name.casefold(), where)
                if other != where:
                    raise InputError(
                        f'{where}: the name "{clip.name}" is that of {other}: give one of them another name '
                        "(column `name` of a manifest)"
                    )
                found.clips.append(clip)
            except AfetError as error:
                found.refused.append((where, str(error)))
    return found


def _candidates(path: Path, root: Path | None) -> Iterator[tuple[str, Callable[[], tuple[Clip, str]]]]:
    """Yield what each clip is called, and a function that makes it and its path for `person`, or raises."""
    if path.is_dir():
        videos = _videos(path)
        if not videos:
            yield str(path), partial(_fail, f"{path}: the folder holds no video ({', '.join(VIDEOS)})")
        for video in videos:
            yield str(video), partial(_plain_clip, video, path)
    elif path.suffix.lower() in MANIFESTS:
        folder = path.parent if root is None else root
        for number, row in enumerate(_rows(path), 1):
            where = f"{path} row {number}"
            yield where, partial(_row_clip, row, where, folder)
    else:
        yield str(path), partial(_plain_clip, path, path.parent)


def _videos(folder: Path) -> list[Path]:
    """Return the videos in a folder and those in it, but not what is hidden, linked, or a batch's result."""
    found = []
    for home, folders, files in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and not Folder(Path(home, name)).state.exists()
        )
        videos = (name for name in files if Path(name).suffix.lower() in VIDEOS and not name.startswith("."))
        found += [Path(home, name) for name in sorted(videos)]
    return found


def _plain_clip(path: Path, folder: Path) -> tuple[Clip, str]:
    if not path.exists():
        raise InputError(f"{path}: no such file")
    below = path.relative_to(folder)
    return Clip(path.absolute(), clean_name(str(below.with_suffix(""))), str(path)), below.as_posix()


def _with_person(clip: Clip, below: str, person: str | None) -> Clip:
    match = None if person is None or clip.person is not None else re.search(person, below)
    known = "" if match is None else match[1 if match.re.groups else 0]
    return replace(clip, person=known, person_from="path") if known else clip


def _row_clip(row: Mapping[str, Any], where: str, folder: Path) -> tuple[Clip, str]:
    values = {key: str(value).strip() for key, value in row.items() if value is not None and str(value).strip()}
    if "file" not in values:
        raise InputError(f"{where}: no file is named: fill in the column `file`")
    path = _inside(values["file"], where, folder)
    sides, profiles = _words(values.get("sides")), _words(values.get("profiles"))
    for side in sides:
        if side not in SIDES:
            raise InputError(f'{where}: side "{side}" is unknown: choose among {", ".join(SIDES)}')
    for name in profiles:
        if name.lower().endswith(".toml"):
            raise InputError(
                f"{where}: profile {name} is a file: a manifest names presets only, give it with --profiles"
            )
        try:
            load_profile(name)
        except AfetError as error:
            raise InputError(f"{where}: {error}") from error
    name = clean_name(values.get("name", path.stem))
    person = values.get("person")
    known_from = None if person is None else "manifest"
    return Clip(path, name, where, person, known_from, sides, profiles), Path(values["file"]).as_posix()


def _inside(text: str, where: str, folder: Path) -> Path:
    """Return the path of an existing file inside `folder`, links followed."""
    if "\0" in text:
        raise InputError(f"{where}: the file's name holds a zero byte")
    path = folder / text
    real = path.resolve()
    if not real.is_relative_to(folder.resolve()):
        raise InputError(f"{where}: {text} lies outside {folder}: move it there, or name a folder above with --root")
    if not real.is_file():
        raise InputError(f"{where}: {text}: no such file in {folder}")
    return path.absolute()


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.strip() for word in (text or "").split(",") if word.strip()))


def clean_name(text: str) -> str:
    """Return `text` as a name that every file system and WebDataset (no dots) takes; a long one ends in its hash."""
    cleaned = re.sub(r"[^\w-]+", "_", text).strip("_").encode()
    if len(cleaned) <= _LONGEST_BYTES:
        return cleaned.decode() or "clip"
    end = f"-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    return cleaned[: _LONGEST_BYTES - len(end)].decode(errors="ignore") + end


def _rows(path: Path) -> list[Mapping[str, Any]]:
    """Return a manifest's rows.

    Raises
    ------
    InputError
        If it cannot be read, is empty, or has a column that is not known.
    """
    try:
        rows = {".csv": _csv_rows, ".jsonl": _jsonl_rows, ".parquet": _parquet_rows}[path.suffix.lower()](path)
    except OSError as error:
        raise InputError(f"cannot read the manifest {path}: {error.strerror or error}") from error
    except (ValueError, csv.Error, pa.ArrowException) as error:
        raise InputError(f"cannot read the manifest {path}: {str(error).splitlines()[0]}") from error
    if not rows:
        raise InputError(f"{path}: the manifest has no rows")
    for number, row in enumerate(rows, 1):
        for column in row:
            if column not in COLUMNS:
                near = difflib.get_close_matches(str(column), COLUMNS, n=1)
                hint = f'did you mean "{near[0]}"?' if near else f"known are {', '.join(COLUMNS)}"
                raise InputError(f'{path} row {number}: unknown column "{column}": {hint}')
    return rows


def _csv_rows(path: Path) -> list[Mapping[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, restkey="more values than columns", strict=True)
        return list(reader)


def _jsonl_rows(path: Path) -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ValueError(f"line {number} is not JSON ({error})") from error
        if not isinstance(row, dict):
            raise ValueError(f'line {number} is no object: write {{"file": "..."}}')
        rows.append({key: ",".join(map(str, v)) if isinstance(v, list) else v for key, v in row.items()})
    return rows


def _parquet_rows(path: Path) -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = pq.read_table(path).to_pylist()
    return [{key: ",".join(map(str, v)) if isinstance(v, list) else v for key, v in row.items()} for row in rows]


def _fail(message: str) -> tuple[Clip, str]:
    raise InputError(message)
