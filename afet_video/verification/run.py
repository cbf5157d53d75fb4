"""A file, its side-car and the other outputs: do they still belong together?

in: any of the outputs -> out: a `Verification`.  Must not: change a file, or leave the folder the side-car lies in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afet_video.datatypes import DIGITAL_SOURCE_TYPE
from afet_video.errors import InputError, TrackFileError
from afet_video.tracks import OWN_HASH, content_sha256, read_sidecar, sha256_file
from afet_video.verification.marks import Mark, read_marks

_SIDECAR = ".afet.json"
_MOST_SIDECARS = 10_000
_EXPECTED = DIGITAL_SOURCE_TYPE.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison: `what`, whether it `fits` (None = cannot be told), and a word on it."""

    what: str
    fits: bool | None
    note: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` found: `marks` of the file itself, `checks` of it and of what belongs to it."""

    path: Path
    sidecar: Path | None
    marks: tuple[Mark, ...]
    checks: tuple[Check, ...]

    @property
    def fits(self) -> bool:
        """Whether nothing contradicts."""
        return all(check.fits is not False for check in self.checks)


def verify(path: str | Path, *, source: str | Path | None = None, trust: str | Path | None = None) -> Verification:
    """Read a file's marks and compare it, its side-car and the other outputs with the hashes in the side-car.

    Parameters
    ----------
    path : a video, track, contact sheet, still or side-car that afet-video wrote.
    source : the video, or a picture, it was made from, compared too if it is given.
    trust : PEM file of the certificates that are trusted to sign C2PA manifests.

    Raises
    ------
    InputError
        If the file is missing or cannot be read.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} does not exist or is no file: name a file that afet-video has written")
    sidecar_path = path if path.name.endswith(_SIDECAR) else _find_sidecar(path)
    marks = () if path == sidecar_path else read_marks(path, trust=None if trust is None else Path(trust))
    checks: list[Check] = []
    sidecar: dict[str, Any] = {}
    if sidecar_path is None:
        checks.append(Check("side-car", None, f"there is none beside {path.name} that names it: hashes are unknown"))
    else:
        try:
            sidecar = read_sidecar(sidecar_path)
        except TrackFileError as error:
            checks.append(Check("side-car", False, str(error)))
    if sidecar and sidecar_path is not None:
        checks.append(_own_hash(sidecar, sidecar_path))
        checks.extend(_output_checks(sidecar, sidecar_path))
        if source is not None:
            checks.append(_source_check(sidecar, Path(source)))
    if marks:
        checks.extend(_mark_checks(marks, sidecar, path.name))
    return Verification(path, sidecar_path, marks, tuple(checks))


def _find_sidecar(path: Path) -> Path | None:
    """Return the side-car that names `path` among its outputs; the one with its name is looked at first."""
    usual = path.with_name(path.name.removesuffix(path.suffix).removesuffix(".tracks") + _SIDECAR)
    if usual.is_file():
        return usual
    for number, candidate in enumerate(sorted(path.parent.glob(f"*{_SIDECAR}"))):
        if number >= _MOST_SIDECARS:
            break
        try:
            names = read_sidecar(candidate).get("outputs", {})
        except TrackFileError:
            continue
        if isinstance(names, dict) and path.name in names.values():
            return candidate
    return None


def _own_hash(sidecar: Mapping[str, Any], path: Path) -> Check:
    told = sidecar.get(OWN_HASH)
    if told is None:
        return Check(path.name, None, "written by an older afet-video, which kept no hash of it")
    fits = told == content_sha256(sidecar)
    return Check(path.name, fits, "unchanged" if fits else "changed since it was written")


def _output_checks(sidecar: Mapping[str, Any], path: Path) -> Iterator[Check]:
    outputs = sidecar.get("outputs")
    hashes = outputs.get("sha256") if isinstance(outputs, dict) else None
    for key, name in outputs.items() if isinstance(outputs, dict) else ():
        if not isinstance(name, str):
            continue
        told = hashes.get(key) if isinstance(hashes, dict) else None
        if Path(name).name != name:
            yield Check(name, False, "the side-car names a file outside its folder: not looked at")
        elif told is None:
            yield Check(name, None, "the side-car holds no hash of it")
        else:
            yield _hash_check(path.with_name(name), str(told), name)


def _hash_check(path: Path, told: str, name: str) -> Check:
    if not path.is_file():
        return Check(name, False, "missing")
    fits = sha256_file(path) == told
    return Check(name, fits, "unchanged" if fits else "changed since it was written")


def _source_check(sidecar: Mapping[str, Any], source: Path) -> Check:
    digests = _source_hashes(sidecar)
    if not digests:
        return Check(f"source {source.name}", None, "the side-car holds no hash of the source")
    one = "the one it was made from" if len(digests) == 1 else "one of those it was made from"
    fits = sha256_file(source) in digests
    return Check(f"source {source.name}", fits, one if fits else "another file")


def _source_hashes(sidecar: Mapping[str, Any]) -> list[str]:
    """Return the hashes of what a video was made from, or a still, which has several sources."""
    told, several = sidecar.get("source"), sidecar.get("sources")
    entries = [told, *(several.values() if isinstance(several, dict) else ())]
    return [entry["sha256"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("sha256"), str)]


def _mark_checks(marks: tuple[Mark, ...], sidecar: Mapping[str, Any], name: str) -> Iterator[Check]:
    outputs = sidecar.get("outputs")
    was_signed = bool(sidecar.get("c2pa_signer")) and isinstance(outputs, dict) and outputs.get("video") == name
    own = [mark for mark in marks if mark.place != "C2PA"]
    wanted = str(sidecar.get("digital_source_type", _EXPECTED)).rpartition("/")[2]
    found = [mark for mark in own if mark.source_type == wanted]
    is_left_out = sidecar.get("marked_in_file") is False and not any(mark.place == "track metadata" for mark in own)
    if is_left_out and not found:
        yield Check("marks", None, "left out on request, as the side-car says")
    elif own and len(found) == len(own):
        yield Check("marks", True, wanted)
    elif own:
        absent = ", ".join(f"{mark.place}: {mark.source_type or 'none'}" for mark in own if mark not in found)
        yield Check("marks", False, f"not marked as {wanted} ({absent})")
    for mark in marks:
        if mark.place == "C2PA" and not mark.holds:
            yield Check("C2PA", False, mark.note)
        elif mark.place == "C2PA" and was_signed and mark.source_type is None:
            # without the package nothing can be said; with it, a manifest that is gone was taken away
            yield Check("C2PA", None if mark.note else False, mark.note or "signed once, the manifest is gone")
        elif mark.source_type is not None and mark.place == "C2PA":
            yield Check("C2PA", mark.source_type == wanted, mark.note)
