"""The model files the package works with: where they are and whether they are the right ones.

in: a `ModelFile` -> out: its verified path.  Must not: fetch anything, load a model.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from afet_video.errors import ModelFileError


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model file as it must be.

    Parameters
    ----------
    name : file name inside the package's `data` folder.
    size : in bytes.
    sha256 : of the whole file, hexadecimal.
    license : SPDX identifier.
    origin : who made it and under what name it is published.
    """

    name: str
    size: int
    sha256: str
    license: str
    origin: str


FACE_LANDMARKER = ModelFile(
    name="face_landmarker.task",
    size=3_758_596,
    sha256="64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
    license="Apache-2.0",
    origin="MediaPipe Face Landmarker (float16, version 1), Google",
)

HAND_LANDMARKER = ModelFile(
    name="hand_landmarker.task",
    size=7_819_105,
    sha256="fbc2a30080c3c557093b5ddfc334698132eb341044ccee322ccf8bcf3607cde1",
    license="Apache-2.0",
    origin="MediaPipe Hand Landmarker (float16, version 1), Google",
)


def locate(model: ModelFile) -> Path:
    """Return the path of `model` in the installed package, after `verify`.

    Raises
    ------
    ModelFileError
        If the file is missing or is not the expected one.
    """
    path = Path(str(resources.files("afet_video"))) / "data" / model.name
    verify(path, model)
    return path


def verify(path: Path, model: ModelFile) -> None:
    """Check that the file at `path` is `model`, byte for byte.

    Raises
    ------
    ModelFileError
        If it is missing, cannot be read, or differs in size or hash.
    """
    advice = "install afet-video again (pip install --force-reinstall afet-video)"
    try:
        size = path.stat().st_size
        if size != model.size:
            raise ModelFileError(f"{path} has {size} bytes, not the {model.size} of {model.origin}: {advice}")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelFileError(f"cannot read the model file {path} ({error.strerror or error}): {advice}") from error
    if digest != model.sha256:
        raise ModelFileError(f"{path} is damaged (sha256 {digest[:12]}…, not {model.sha256[:12]}…): {advice}")
