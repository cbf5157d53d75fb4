"""Which back-end tells action units.

in: settings -> out: a back-end.  Must not: load what is not asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from afet_video.errors import SettingsError
from afet_video.evaluation.units.faces import UnitBackend
from afet_video.face.landmarker import LandmarkerSettings

BACKENDS = ("proxy", "opengraphau", "table", "off")


@dataclass(frozen=True, slots=True)
class UnitSettings:
    """How units are told.

    `backend`: one of `BACKENDS`. `path`: the model file of `opengraphau`, the folder of `table`. `frames`: in how many
    frames, evenly spaced over the video; a table is read at all of them.

    Raises
    ------
    SettingsError
        If a value is out of range or a path is missing.
    """

    backend: str = "proxy"
    path: Path | None = None
    frames: int = 60

    def __post_init__(self) -> None:
        if self.backend not in BACKENDS:
            raise SettingsError(f'units "{self.backend}" are unknown: choose {", ".join(BACKENDS)}')
        if self.backend in ("opengraphau", "table") and self.path is None:
            what = "its model.pt" if self.backend == "opengraphau" else "a folder of tables"
            raise SettingsError(f"units {self.backend} need {what}: as in --units {self.backend}:PATH")
        if self.backend in ("proxy", "off") and self.path is not None:
            raise SettingsError(f"units {self.backend} take no path")
        if not 4 <= self.frames <= 100_000:
            raise SettingsError(f"units.frames = {self.frames}: give 4 to 100000")

    @classmethod
    def parse(cls, text: str) -> UnitSettings:
        """Read what the command line says: "proxy", "off", "opengraphau:model.pt", "table:folder"."""
        name, _, path = text.partition(":")
        return cls(name.strip(), Path(path) if path else None)


def open_backend(settings: UnitSettings, landmarker: LandmarkerSettings | None = None) -> UnitBackend | None:
    """Return the back-end, None if units are off; what it needs is loaded here, so that a lack shows at once.

    Raises
    ------
    ModelFileError, TrackFileError
        If a model or table is missing or damaged.
    """
    if settings.backend == "proxy":
        from afet_video.evaluation.units.proxy import ProxyBackend

        return ProxyBackend(landmarker)
    if settings.backend == "opengraphau":
        from afet_video.evaluation.units.opengraphau import OpenGraphAU

        assert settings.path is not None
        return OpenGraphAU(settings.path)
    if settings.backend == "table":
        from afet_video.evaluation.units.table import TableBackend

        assert settings.path is not None
        return TableBackend(settings.path)
    return None
