"""What one file says of itself.

in: a file -> out: its marks as synthetic, wherever they stand.  Must not: compare files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from afet_video.content_credentials import MISSING, SIGNABLE, is_available, read_manifest
from afet_video.errors import AfetError
from afet_video.image_files import read_mark as read_picture_mark
from afet_video.tracks import TRACK_SUFFIXES
from afet_video.tracks.marks import read_track_mark
from afet_video.video.provenance import has_c2pa_box, read_comment, read_mark

_MOVIES = (".mp4", ".m4v", ".mov")
_VIDEOS = (*_MOVIES, ".mkv", ".webm", ".avi")
_PICTURES = (".png", ".jpg", ".jpeg")
_IN_COMMENT = "IPTC digital source type: "


@dataclass(frozen=True, slots=True)
class Mark:
    """A place that can hold a mark.

    `place`: "XMP", "comment", "track metadata" or "C2PA". `source_type`: the term of IPTC's vocabulary that stands
    there, None if none does. `holds`: False if the mark itself is broken (a signature that does not fit). `note`: more.
    """

    place: str
    source_type: str | None
    holds: bool = True
    note: str = ""


def read_marks(path: Path, *, trust: Path | None = None) -> tuple[Mark, ...]:
    """Return the marks of a video, a picture or a track; places that the kind of file has not are left out.

    Parameters
    ----------
    path : the file.
    trust : PEM file of certificates that are trusted to sign C2PA manifests.

    Raises
    ------
    InputError
        If the file cannot be read.
    SettingsError
        If `trust` cannot be used.
    """
    suffix = path.suffix.lower()
    marks = []
    if suffix in _MOVIES:
        marks.append(Mark("XMP", read_mark(path)))
    if suffix in _PICTURES:
        marks.append(Mark("XMP", read_picture_mark(path)))
    if suffix in _VIDEOS:
        marks.append(Mark("comment", _term_in(read_comment(path))))
    if suffix in TRACK_SUFFIXES and suffix != ".csv":
        marks.append(Mark("track metadata", read_track_mark(path)))
    if suffix in SIGNABLE:
        marks.append(_manifest_mark(path, trust))
    return tuple(marks)


def _term_in(comment: str) -> str | None:
    _, found, after = comment.partition(_IN_COMMENT)
    return after.split()[0].strip(".|") if found and after.split() else None


def _manifest_mark(path: Path, trust: Path | None) -> Mark:
    if not is_available():
        note = f"there is a manifest, but {MISSING}" if has_c2pa_box(path) else ""
        return Mark("C2PA", None, note=note)
    try:
        manifest = read_manifest(path, trust=trust)
    except AfetError as error:
        if trust is not None and not trust.is_file():
            raise
        return Mark("C2PA", None, holds=False, note=str(error))
    if manifest is None:
        return Mark("C2PA", None)
    note = f"signed by {manifest.signer}, {manifest.state.lower()}"
    if manifest.ingredients:
        note += f", made from {', '.join(manifest.ingredients)}"
    is_whole = manifest.state in ("Trusted", "Valid")
    if not is_whole and manifest.problems:
        note += f" ({', '.join(manifest.problems)})"
    return Mark("C2PA", manifest.source_type, holds=is_whole, note=note)
