"""Pairs out of footage: from videos to a data set.

in: videos -> out: a folder with pictures, tables, contact sheets, a review page.  Must not: parse arguments, print.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from afet_video.datatypes import ProgressCallback, unreported
from afet_video.errors import AfetError, InputError, OutputError
from afet_video.outputs import disk_errors
from afet_video.pairs.dataset import Origin, write_pictures
from afet_video.pairs.find import find_pairs
from afet_video.pairs.review import PAGE, write_page
from afet_video.pairs.rows import LINES, PICTURES, TABLE, Row, write_rows
from afet_video.pairs.settings import PairSettings
from afet_video.pairs.sheet import write_sheets
from afet_video.tracks import sha256_file
from afet_video.video.decode import VideoReader
from afet_video.video.provenance import read_mark


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What one video gave: how many pairs, of how many expressions; `error` is one line, None = it could be read.

    `without_neutral`: expressions for which no moment at rest was near enough in head pose. `notes`: what else stood in
    the way.
    """

    source: Path
    pairs: int = 0
    expressions: int = 0
    without_neutral: int = 0
    notes: tuple[str, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class PairsReport:
    """What `make_pairs` wrote: the folder, its sheets and review page (None = not asked for), and source by source."""

    folder: Path
    pairs: int
    sources: tuple[SourceReport, ...]
    sheets: tuple[Path, ...] = ()
    review_page: Path | None = None


SourceCallback = Callable[[SourceReport], None]


def make_pairs(
    sources: Sequence[str | Path],
    target: str | Path,
    *,
    settings: PairSettings | None = None,
    review: bool = False,
    overwrite: bool = False,
    on_progress: ProgressCallback | None = None,
    on_source: SourceCallback | None = None,
) -> PairsReport:
    """Find pairs of a neutral and an expressive frame in videos, and write them as a data set.

    Parameters
    ----------
    sources : videos; one that fails does not stop the others.
    target : folder to write: `pairs/` (pictures and `metadata.parquet`, as Hugging Face's ImageFolder reads them),
        `pairs.jsonl`, `contact-sheet.png`.
    settings : what counts as an expression, and how pictures are cut out.
    review : whether to write a page to look through the pairs as well.
    overwrite : whether a data set that is there may be replaced.
    on_progress, on_source : called with the frames done in each pass, and with what each video gave.

    Raises
    ------
    OutputError
        If the folder cannot be written, or holds a data set already.
    InputError
        If there is no source.
    """
    target, settings = Path(target), settings or PairSettings()
    paths = _videos(sources)
    _check_target(target, overwrite=overwrite)
    with disk_errors(target):
        target.mkdir(parents=True, exist_ok=True)
        part = target / f".{uuid.uuid4().hex[:8]}.part"
        (part / PICTURES).mkdir(parents=True)
    try:
        rows: list[Row] = []
        reports = []
        for source in paths:
            report = _one(source, part, rows, settings, on_progress or unreported)
            reports.append(report)
            if on_source is not None:
                on_source(report)
        write_rows(part, rows, target=target)
        sheets = write_sheets(part, rows)
        page = write_page(part, rows) if review else None
        with disk_errors(target):
            _move_into_place(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return PairsReport(
        folder=target,
        pairs=len(rows),
        sources=tuple(reports),
        sheets=tuple(target / sheet.name for sheet in sheets),
        review_page=None if page is None else target / page.name,
    )


def _one(
    source: Path, part: Path, rows: list[Row], settings: PairSettings, on_progress: ProgressCallback
) -> SourceReport:
    """Add the pairs of one video to `rows` and its pictures to `part`."""
    try:
        reader = VideoReader(source)
        origin = Origin(source.name, sha256_file(source), read_mark(source) is not None)
        found = find_pairs(reader, settings, on_progress)
        rows += write_pictures(reader, found.pairs, len(rows) + 1, part, settings, origin, on_progress)
    except AfetError as error:
        for picture in (part / PICTURES).iterdir():
            if int(picture.name[:6]) > len(rows):
                picture.unlink()
        return SourceReport(source, error=str(error))
    notes = found.notes
    if origin.is_synthetic:
        notes = (*notes, "the video says that it is synthetic: so do its pairs")
    return SourceReport(source, len(found.pairs), found.expressions, found.without_neutral, notes)


def _videos(sources: Sequence[str | Path]) -> list[Path]:
    """Return the videos, each once."""
    if not sources:
        raise InputError("no video given: name at least one")
    return list(dict.fromkeys(Path(source) for source in sources))


def _check_target(target: Path, *, overwrite: bool) -> None:
    if target.exists() and not target.is_dir():
        raise OutputError(f"{target} is a file: give the name of a folder")
    if not (target / PICTURES).exists():
        return
    if not overwrite:
        raise OutputError(f"{target} holds pairs already: choose another folder or add --overwrite")
    if not (target / PICTURES / TABLE).is_file():
        raise OutputError(f"{target / PICTURES} was not written by afet-video: choose another folder")


def _move_into_place(part: Path, target: Path) -> None:
    """Replace what an earlier run wrote by what lies in `part`."""
    for name in (PICTURES, "rejected"):
        shutil.rmtree(target / name, ignore_errors=True)
    for old in (target / LINES, target / PAGE, *target.glob("contact-sheet*.png")):
        old.unlink(missing_ok=True)
    for path in list(part.iterdir()):
        path.replace(target / path.name)
