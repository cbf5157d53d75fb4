"""Finished stretches of pass 2, kept on disk, so that a conversion that was killed need not make them again.

in: encoded packets, rows and memory of a stretch of frames <-> out: a folder each, which appears whole or not at all.
Must not: encode, or take what another source, setting, version or target left.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from afet_video.outputs import disk_errors
from afet_video.passes.checkpoint import Checkpoints, fingerprint_of, into_place
from afet_video.passes.settings import ConvertSettings
from afet_video.settings_io import settings_to_mapping
from afet_video.tracks import sha256_file

_ABOUT = "about.json"


@dataclass(frozen=True, slots=True)
class SegmentFiles:
    """The files of one segment, in `folder`."""

    folder: Path

    @property
    def packets(self) -> Path:
        """The encoded pictures."""
        return self.folder / "packets"

    @property
    def rows(self) -> Path:
        """The rows of the landmark track."""
        return self.folder / "rows.parquet"

    @property
    def memory(self) -> Path:
        """What the frames after it need to know."""
        return self.folder / "memory.npz"

    @property
    def sheet(self) -> Path:
        """Pictures for the contact sheet."""
        return self.folder / "sheet.npz"


@dataclass(frozen=True, slots=True)
class Segment:
    """The frames `start` to `stop` (without `stop`), and where they are kept."""

    number: int
    start: int
    stop: int
    kept: SegmentFiles


class Segments:
    """All segments of one conversion: as few as `most` allows, and of about the same length.

    Parameters
    ----------
    folder : of these segments alone (`segments_folder`); made when needed.
    frames : of the video.
    most : frames in a segment.
    """

    def __init__(self, folder: Path, frames: int, most: int) -> None:
        self._folder = folder
        count = -(-frames // most)
        borders = [frames * number // count for number in range(count + 1)]
        self._all = tuple(
            Segment(number, borders[number], borders[number + 1], SegmentFiles(folder / f"{number:06d}"))
            for number in range(count)
        )

    def __len__(self) -> int:
        return len(self._all)

    def __getitem__(self, number: int) -> Segment:
        return self._all[number]

    def __iter__(self) -> Iterator[Segment]:
        return iter(self._all)

    def is_kept(self, segment: Segment) -> bool:
        """Return whether a segment is there, whole; one that is damaged is deleted."""
        folder = segment.kept.folder
        if not folder.is_dir():
            return False
        try:
            about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
            if about == _about(segment, folder):
                return True
        except (OSError, ValueError):
            pass
        shutil.rmtree(folder, ignore_errors=True)
        return False

    def new_files(self) -> SegmentFiles:
        """Return where to write a segment until it is whole.

        Raises
        ------
        OutputError
            If the folder cannot be made.
        """
        folder = self._folder / f".{uuid.uuid4().hex[:8]}.part"
        with disk_errors(folder):
            folder.mkdir(parents=True)
        return SegmentFiles(folder)

    def keep(self, segment: Segment, made: SegmentFiles) -> None:
        """Give a segment that is whole its place.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        with disk_errors(segment.kept.folder):
            (made.folder / _ABOUT).write_text(json.dumps(_about(segment, made.folder)), encoding="utf-8")
            into_place(made.folder, segment.kept.folder)
        self.drop(made)

    @staticmethod
    def drop(made: SegmentFiles) -> None:
        """Delete what was begun and is not kept."""
        shutil.rmtree(made.folder, ignore_errors=True)

    def delete(self) -> None:
        """Delete all segments."""
        shutil.rmtree(self._folder, ignore_errors=True)


def segments_folder(
    checkpoints: Checkpoints, settings: ConvertSettings, target: Path, *, has_sheet: bool
) -> Path | None:
    """Return the folder for the segments of one conversion; None if no checkpoints are kept.

    Parameters
    ----------
    checkpoints : of the same source; segments lie beside what pass 1 found.
    settings : all of them count: another setting, another folder.
    target : the video; two jobs of one batch can have the same source and settings, but not the same name.
    has_sheet : whether pictures for a contact sheet are kept, too.

    Raises
    ------
    InputError
        If the neutral's picture cannot be read.
    """
    if checkpoints.folder is None:
        return None
    picture = Path(settings.neutral.choice)
    known = {
        "settings": settings_to_mapping(settings),
        "neutral": sha256_file(picture) if picture.is_file() else None,
        "target": target.name,
        "sheet": has_sheet,
        "pyarrow": metadata.version("pyarrow"),
    }
    return checkpoints.folder / f"segments-{fingerprint_of(known)}"


def _about(segment: Segment, folder: Path) -> dict[str, Any]:
    """Return what is known of a segment whose files lie in `folder`."""
    files = sorted(path for path in folder.iterdir() if path.name != _ABOUT)
    return {
        "frames": [segment.start, segment.stop],
        "sha256": {path.name: sha256_file(path) for path in files},
    }
