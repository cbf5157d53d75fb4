"""The model files the package works with: where they are and whether they are the right ones.

in: a `ModelFile` -> out: its verified path.  Must not: fetch anything, load a model.

Small models ship inside the package; large ones, which are optional, lie in the models folder of this machine.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from afet_video.errors import ModelFileError


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model file as it must be.

    Parameters
    ----------
    name : path inside the package's `data` folder, or inside the models folder if it has a `url`; with `/`.
    size : in bytes; 0 if it is not known.
    sha256 : of the whole file, hexadecimal; empty if it is not known, and then the file cannot be verified.
    license : SPDX identifier.
    origin : who made it and under what name it is published.
    url : where it can be fetched; empty for what ships in the package.
    """

    name: str
    size: int
    sha256: str
    license: str
    origin: str
    url: str = ""


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


def models_folder() -> Path:
    """Return the folder for models that do not ship: AFET_MODELS, or else the user's cache. It need not exist."""
    given = os.environ.get("AFET_MODELS", "")
    if given:
        return Path(given).expanduser().absolute()
    import platformdirs  # only those who use large models pay for it

    return Path(platformdirs.user_cache_dir("afet-video", appauthor=False)) / "models"


def verify(
    path: Path,
    model: ModelFile,
    *,
    advice: str = "install afet-video again (pip install --force-reinstall afet-video)",
) -> None:
    """Check that the file at `path` is `model`, byte for byte.

    Parameters
    ----------
    path : where it lies.
    model : what it must be. Without a known hash only the size is checked, if that is known.
    advice : what the user can do, for the end of an error message.

    Raises
    ------
    ModelFileError
        If it is missing, cannot be read, or differs in size or hash.
    """
    try:
        size = path.stat().st_size
        if model.size and size != model.size:
            raise ModelFileError(f"{path} has {size} bytes, not the {model.size} of {model.origin}: {advice}")
        digest = sha256_of(path)
    except OSError as error:
        raise ModelFileError(f"cannot read the model file {path} ({error.strerror or error}): {advice}") from error
    if model.sha256 and digest != model.sha256:
        raise ModelFileError(f"{path} is damaged (sha256 {digest[:12]}…, not {model.sha256[:12]}…): {advice}")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal; an `OSError` passes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
