"""The side-car: a JSON file beside an output that says how it was made.

in: a mapping <-> out: .json.  Must not: know what the mapping means.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from afet_video.datatypes import DIGITAL_SOURCE_TYPE
from afet_video.errors import InputError, TrackFileError
from afet_video.outputs import disk_errors

SIDECAR_VERSION = 1

OWN_HASH = "sidecar_sha256"
"""The key, last in the file, under which a side-car holds the hash of everything else in it."""


def write_sidecar(path: Path, content: Mapping[str, Any], *, target: Path | None = None) -> None:
    """Write `content` as JSON, after the schema version and the synthetic-media marks and before its own hash.

    Parameters
    ----------
    path : file to write; an existing one is replaced.
    content : keys in the order they are to be read in. Values may be JSON's own, and dataclasses, mappings, sequences,
        enums, paths, fractions (written "1/30") and NumPy values of them. NaN and infinities become null.
    target : path to name in error messages, if `path` is a temporary stand-in for it.

    Raises
    ------
    OutputError
        If the file cannot be written.
    TypeError
        If a value is of a kind that is not listed above.
    """
    whole = {
        "schema_version": SIDECAR_VERSION,
        "synthetic": True,
        "digital_source_type": DIGITAL_SOURCE_TYPE,
        **_mapping(content),
    }
    whole[OWN_HASH] = content_sha256(whole)
    text = json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with disk_errors(target or path):
        path.write_text(text, encoding="utf-8", newline="\n")


def read_sidecar(path: Path | str) -> dict[str, Any]:
    """Read a side-car back as plain JSON values.

    Raises
    ------
    TrackFileError
        If the file is missing, is not a side-car, or comes from a newer version of the schema.
    """
    path = Path(path)
    if not path.is_file():
        raise TrackFileError(f"{path}: no such side-car file")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrackFileError(f"{path} cannot be read as JSON (damaged or cut short?): {error}") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if not isinstance(version, int):
        raise TrackFileError(f"{path} is not a side-car of afet-video: it carries no schema version")
    if version > SIDECAR_VERSION:
        raise TrackFileError(
            f"{path} was written by a newer afet-video (schema {version}, this one reads up to {SIDECAR_VERSION}): "
            "update afet-video"
        )
    return dict(content)


def content_sha256(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a side-car's values, whatever their layout in the file; its own hash is left out."""
    rest = {key: value for key, value in content.items() if key != OWN_HASH}
    text = json.dumps(rest, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal, reading it piece by piece.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


def _mapping(content: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(_plain(key)): _plain(value) for key, value in content.items()}


def _plain(value: Any) -> Any:
    """Return `value` made of JSON's own types."""
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, (np.ndarray, np.generic)):
        return _plain(value.tolist())
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (Path, Fraction)):
        return str(value)
    return _plain_container(value)


def _plain_container(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return _mapping(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(_plain(item) for item in value)
    raise TypeError(f"a side-car cannot hold a {type(value).__name__}: {value!r}")
