"""The paper's two baselines with LivePortrait, as methods.

in: settings -> out: `Method`s that know what they lack.  Must not: paint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from afet_video.comparison.method import Method
from afet_video.comparison.repaint import Columns, PalsyPicture, Repainted, activity_shares
from afet_video.datatypes import SOURCE_TYPES
from afet_video.errors import ModelFileError, SettingsError
from afet_video.face.landmarker import FaceLandmarker
from afet_video.image_files import read_picture
from afet_video.liveportrait import Networks, Portrait, open_networks
from afet_video.liveportrait.reenactment import expression_change
from afet_video.liveportrait.weights import locate_weights
from afet_video.passes.cast import FaceRenderer
from afet_video.passes.render import Renderer
from afet_video.profiles import PRESETS
from afet_video.stills.driver import portrait_of
from afet_video.stills.find import find_face
from afet_video.tracks import sha256_file
from afet_video.video.decode import VideoReader

DIRECT, COLUMNS = "liveportrait-direct", "liveportrait-columns"

_SYNTHETIC = {"encode.source_type": SOURCE_TYPES[1]}
PAPER = {f"splice.{key}": value for key, value in PRESETS["paper"].splice.items()}
"""The splice as the paper has it: linear ramp, the neutral's own pixels."""

_NO_PICTURE = f"{DIRECT} needs a picture of a person with a palsy: give one with --palsy-picture FILE"


@dataclass(frozen=True, slots=True)
class LivePortraitSettings:
    """How the baselines with LivePortrait are made.

    `palsy_picture`: of a person with a palsy, shown with an expression; None: there is none at hand. `intermediates`:
    how many pictures between rest and expression are painted for each frame, both ends included; None: one for each
    column from the midline to the edge of the face, as in the paper (about a hundred). `backend`, `device`: as for
    `liveportrait.open_networks`.

    Raises
    ------
    SettingsError
        If a value is out of range.
    """

    palsy_picture: Path | None = None
    intermediates: int | None = None
    backend: str = "torch"
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.backend not in ("torch", "onnx"):
            raise SettingsError(f'there is no back-end "{self.backend}": choose torch or onnx')
        if self.intermediates is not None and self.intermediates < 2:
            raise SettingsError(f"{self.intermediates} intermediates: give 2 or more, both ends are among them")


class LivePortraitMethods:
    """Both methods; the networks and the picture are loaded once, when they are first asked for."""

    def __init__(self, settings: LivePortraitSettings) -> None:
        self._settings = settings

    def methods(self) -> tuple[Method, Method]:
        """Return both, the direct one first."""
        direct = Method(
            DIRECT,
            "LivePortrait driven by a picture of a person with a palsy (the paper's Fig. 8)",
            _SYNTHETIC,
            self._direct,
            self._direct_missing,
            self._about_direct,
        )
        columns = Method(
            COLUMNS,
            "LivePortrait's intermediate pictures in place of the morph (the paper's Fig. 9)",
            _SYNTHETIC | PAPER,
            self._columns,
            lambda: self._networks_missing,
            self._about_columns,
        )
        return direct, columns

    @cached_property
    def _networks(self) -> Networks:
        return open_networks(self._settings.backend, device=self._settings.device)

    @cached_property
    def _networks_missing(self) -> tuple[str, ...]:
        """Why LivePortrait cannot run; the networks are loaded now, and not found damaged after minutes."""
        try:
            locate_weights(self._settings.backend)  # that they are missing is said before a package that is
            _ = self._networks
        except ModelFileError as error:
            return (str(error),)
        return ()

    @cached_property
    def _palsy(self) -> Portrait | None:
        path = self._settings.palsy_picture
        if path is None:
            return None
        with FaceLandmarker() as landmarker:
            return portrait_of(find_face(read_picture(path), landmarker))

    def _direct_missing(self) -> tuple[str, ...]:
        lacks_picture = (_NO_PICTURE,) if self._palsy is None else ()
        return (*self._networks_missing, *lacks_picture)

    def _direct(self, renderer: Renderer, reader: VideoReader) -> FaceRenderer:
        assert self._palsy is not None
        change = expression_change(self._networks, self._palsy)
        return Repainted(renderer, reader, self._networks, PalsyPicture(change, activity_shares(renderer)))

    def _columns(self, renderer: Renderer, reader: VideoReader) -> FaceRenderer:
        return Repainted(renderer, reader, self._networks, Columns(self._settings.intermediates))

    def _about_direct(self) -> Mapping[str, Any]:
        path = self._settings.palsy_picture
        assert path is not None
        return {**self._about(), "palsy_picture": {"name": path.name, "sha256": sha256_file(path)}}

    def _about_columns(self) -> Mapping[str, Any]:
        return {**self._about(), "intermediates": self._settings.intermediates or "one a column"}

    def _about(self) -> Mapping[str, Any]:
        return {"made_with": self._networks.name, "exact_landmarks": False}
