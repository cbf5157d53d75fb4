"""Fetch a model file from the network, whole and verified, or not at all.

in: a `ModelFile` with a `url` -> out: the file in the models folder.  Must not: run unless a user asked for it.

The only file of the package that touches the network.
"""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from afet_video.datatypes import unreported
from afet_video.errors import ModelFileError
from afet_video.model_files import ModelFile, verify
from afet_video.outputs import disk_errors

_TIMEOUT_S = 30.0
"""Longest wait for an answer or for the next piece, not for the whole file."""

_PIECE = 1 << 20


def fetch(
    model: ModelFile, folder: Path, *, source: str | None = None, on_bytes: Callable[[int], None] | None = None
) -> Path:
    """Fetch `model` into `folder`, unless it is there already and is the right one.

    Parameters
    ----------
    model : must have a `url`, a `size` and a `sha256`.
    folder : the models folder; created if need be.
    source : URL of a folder that has the file, in place of the published one (a mirror).
    on_bytes : called with the bytes that have come so far.

    Returns
    -------
    Path of the file.

    Raises
    ------
    ModelFileError
        If it cannot be fetched, or what came is not `model`; nothing is left then. Also if it cannot be verified
        because its publisher gives no hash.
    OutputError
        If it cannot be written.
    """
    if not (model.url and model.sha256 and model.size):
        raise ModelFileError(f"{model.name} has no published hash and is not fetched: get it from {model.origin}")
    target = folder / model.name
    if target.exists():
        verify(target, model, advice="delete it and fetch it again")
        return target
    url = model.url if source is None else f"{source.rstrip('/')}/{Path(model.name).name}"
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with disk_errors(target), temporary.open("wb") as file:
            digest = _download(url, model.size, file, on_bytes or unreported)
        if digest != model.sha256:
            raise ModelFileError(f"what {url} sent is not {model.name} (sha256 {digest[:12]}…): nothing was kept")
        with disk_errors(target):
            temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def _download(url: str, size: int, file: BinaryIO, on_bytes: Callable[[int], None]) -> str:
    """Write what `url` sends and return its SHA-256; stop at once if it is longer or shorter than `size`."""
    if not url.startswith(("https://", "http://")):
        raise ModelFileError(f"{url} is no web address: it must begin with https://")
    hasher = hashlib.sha256()
    done = 0
    for piece in _pieces(url):
        done += len(piece)
        if done > size:
            raise ModelFileError(f"{url} sends more than the {size} bytes expected: nothing was kept")
        hasher.update(piece)
        file.write(piece)
        on_bytes(done)
    if done != size:
        raise ModelFileError(f"{url} sent {done} of {size} bytes: nothing was kept, try again")
    return hasher.hexdigest()


def _pieces(url: str) -> Iterator[bytes]:
    request = urllib.request.Request(url, headers={"User-Agent": "afet-video"})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
            while piece := answer.read(_PIECE):
                yield piece
    except urllib.error.HTTPError as error:
        raise ModelFileError(f"{url} answers {error.code} ({error.reason}): try again later, or a mirror") from error
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", None) or error
        raise ModelFileError(f"cannot fetch {url} ({reason}): check the network, or name a mirror") from error
