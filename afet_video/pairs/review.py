"""Pairs looked through by a person: a page that asks, and what they decided carried out.

in: a data set's rows, a decision file -> out: `review.html`; the data set without what was rejected.
Must not: judge by itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from afet_video.errors import InputError
from afet_video.outputs import disk_errors
from afet_video.pairs.rows import PICTURES, Row, read_rows, write_rows
from afet_video.pairs.sheet import write_sheets

PAGE, REJECTED = "review.html", "rejected"

_KIND, _VERSION = "afet-video pair review", 1
_DATA = '<script type="application/json" id="data">{"pairs": []}</script>'
_WORDS = {"accept": "accepted", "reject": "rejected"}


@dataclass(frozen=True, slots=True)
class ReviewReport:
    """What `apply_review` did: pairs that stay, by decision, and those that went to the folder `rejected`."""

    folder: Path
    accepted: int
    undecided: int
    rejected: int


def write_page(folder: Path, rows: Sequence[Row]) -> Path:
    """Write the page into a data set's folder; it needs no network and no server."""
    pairs = [_shown(row) for row in rows]
    data = json.dumps({"fingerprint": _fingerprint(rows), "pairs": pairs}).replace("<", "\\u003c")
    page = resources.files("afet_video.pairs").joinpath("review.html").read_text(encoding="utf-8")
    assert _DATA in page
    path = folder / PAGE
    with disk_errors(path):
        path.write_text(
            page.replace(_DATA, f'<script type="application/json" id="data">{data}</script>'),
            encoding="utf-8",
            newline="\n",
        )
    return path


def apply_review(decisions: str | Path, folder: str | Path) -> ReviewReport:
    """Take rejected pairs out of a data set; their pictures are moved to its folder `rejected`.

    Parameters
    ----------
    decisions : file that the review page saved.
    folder : the data set.

    Raises
    ------
    InputError
        If the file is no such file, or belongs to another data set, or the folder holds none.
    OutputError
        If the folder cannot be changed.
    """
    folder, decisions = Path(folder), Path(decisions)
    rows = read_rows(folder)
    decided = _read(decisions)
    known = {row["id"] for row in rows}
    strangers = sorted(set(decided) - known - _rejected_before(folder))
    if strangers:
        raise InputError(f"{decisions} decides on pair {strangers[0]}, which {folder} does not hold: is it another's?")
    kept: list[Row] = []
    gone: list[Row] = []
    for row in rows:
        word = decided.get(row["id"])
        row["review"] = _WORDS[word] if word else row["review"]
        (gone if word == "reject" else kept).append(row)
    has_page = (folder / PAGE).exists()
    with disk_errors(folder):
        # The table first: a picture too many does no harm, one too few does.
        write_rows(folder, kept)
        for row in gone:
            (folder / REJECTED).mkdir(exist_ok=True)
            for role in ("neutral", "expression"):
                name = row[f"{role}_file_name"]
                (folder / PICTURES / name).replace(folder / REJECTED / name)
        write_sheets(folder, kept)
        if has_page:
            write_page(folder, kept)
    accepted = sum(row["review"] == "accepted" for row in kept)
    return ReviewReport(folder, accepted, len(kept) - accepted, len(gone))


def _read(path: Path) -> dict[str, str]:
    """Return the decisions ("accept" or "reject") by pair."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise InputError(f"{path} cannot be read as JSON (damaged or cut short?): {error}") from error
    if not isinstance(content, Mapping) or content.get("kind") != _KIND:
        raise InputError(f"{path} is no decision file: save one from the page {PAGE}")
    if content.get("schema_version") != _VERSION:
        raise InputError(f"{path} was saved by another version of {PAGE}: write the page again with --review")
    decisions: Any = content.get("decisions")
    if not isinstance(decisions, Mapping) or not all(word in _WORDS for word in decisions.values()):
        raise InputError(f'{path}: decisions are to be "accept" or "reject" by pair')
    return {str(pair): str(word) for pair, word in decisions.items()}


def _rejected_before(folder: Path) -> set[str]:
    """Return the pairs that an earlier review took out: the same file may be applied twice."""
    return {path.name.partition("_")[0] for path in (folder / REJECTED).glob("*_neutral.png")}


def _fingerprint(rows: Sequence[Row]) -> str:
    """Return what tells one data set from another, so that a browser does not mix up their decisions."""
    what = [(row["id"], row["source_sha256"], row["neutral_frame"], row["expression_frame"]) for row in rows]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]


def _shown(row: Row) -> dict[str, Any]:
    """Return what the page shows of a pair."""
    units = ", ".join(f"{unit['au']} {unit['name']} {_sides(unit)}" for unit in row["action_units"])
    gaze = "eyes shut" if row["gaze_gap"] is None else f"{row['gaze_gap']:.2f} eye widths"
    light = "unknown" if row["light_gap"] is None else f"{row['light_gap']:.2f}"
    return {
        "id": row["id"],
        "name": row["expression_name"],
        **{
            role: {"file": f"{PICTURES}/{row[f'{role}_file_name']}", "seconds": row[f"{role}_seconds"]}
            for role in ("neutral", "expression")
        },
        "facts": [
            ["What moves", units or "little"],
            ["Quality", f"{row['quality']:.2f}"],
            ["Head differs by", f"{row['pose_gap_deg']:.1f} degrees"],
            ["Gaze, light differ by", f"{gaze}; {light}"],
            ["Source", f"{row['source']}, person {row['person']}, shot {row['shot']}"],
        ],
    }


def _sides(unit: Mapping[str, Any]) -> str:
    if unit["left"] == unit["right"]:
        return f"{unit['left']:.2f}"
    return f"left {unit['left']:.2f} right {unit['right']:.2f}"
