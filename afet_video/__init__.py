"""afet-video: expression videos become facial-palsy videos of the same person, with exact landmarks of every frame.

in: nothing -> out: the public names, loaded at first use.  Must not: load a heavy package when it is imported.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from afet_video.batch import BatchReport, BatchSettings, JobResult, make_batch
    from afet_video.datatypes import FaceStatus, NeutralChoice, PalsyProfile, Progress, RunReport, Side, Timestamp
    from afet_video.errors import (
        AfetError,
        DecodeError,
        EncodeError,
        FaceError,
        InputError,
        MidlineError,
        ModelFileError,
        NoFaceError,
        NoNeutralError,
        OutputError,
        SettingsError,
        TrackFileError,
    )
    from afet_video.evaluation import EvaluationReport, Figure, evaluate
    from afet_video.live.results import LiveResult, LiveState
    from afet_video.live.session import LiveSession
    from afet_video.live.settings import LiveSettings
    from afet_video.live.stream import live
    from afet_video.pairs import PairSettings, PairsReport, ReviewReport, apply_review, make_pairs
    from afet_video.passes.settings import with_profile
    from afet_video.pipeline import ConvertSettings, convert
    from afet_video.profiles import load_profile, preset
    from afet_video.settings_io import load_settings, replace_nested
    from afet_video.stills import StillReport, StillsReport, splice_pairs, splice_still
    from afet_video.tracks import Tracks, load_tracks

__version__ = "0.1.0"

__all__ = [
    "AfetError",
    "BatchReport",
    "BatchSettings",
    "ConvertSettings",
    "DecodeError",
    "EncodeError",
    "EvaluationReport",
    "FaceError",
    "FaceStatus",
    "Figure",
    "InputError",
    "JobResult",
    "LiveResult",
    "LiveSession",
    "LiveSettings",
    "LiveState",
    "MidlineError",
    "ModelFileError",
    "NeutralChoice",
    "NoFaceError",
    "NoNeutralError",
    "OutputError",
    "PairSettings",
    "PairsReport",
    "PalsyProfile",
    "Progress",
    "ReviewReport",
    "RunReport",
    "SettingsError",
    "Side",
    "StillReport",
    "StillsReport",
    "Timestamp",
    "TrackFileError",
    "Tracks",
    "__version__",
    "apply_review",
    "convert",
    "evaluate",
    "live",
    "load_profile",
    "load_settings",
    "load_tracks",
    "make_batch",
    "make_pairs",
    "preset",
    "replace_nested",
    "splice_pairs",
    "splice_still",
    "with_profile",
]

_HOMES = {
    "batch": ("BatchReport", "BatchSettings", "JobResult", "make_batch"),
    "datatypes": ("FaceStatus", "NeutralChoice", "PalsyProfile", "Progress", "RunReport", "Side", "Timestamp"),
    "errors": tuple(name for name in __all__ if name.endswith("Error")),
    "live.results": ("LiveResult", "LiveState"),
    "live.session": ("LiveSession",),
    "live.settings": ("LiveSettings",),
    "pairs": ("PairSettings", "PairsReport", "ReviewReport", "apply_review", "make_pairs"),
    "passes.settings": ("with_profile",),
    "evaluation": ("EvaluationReport", "Figure", "evaluate"),
    "pipeline": ("ConvertSettings", "convert"),
    "profiles": ("load_profile", "preset"),
    "settings_io": ("load_settings", "replace_nested"),
    "stills": ("StillReport", "StillsReport", "splice_pairs", "splice_still"),
    "tracks": ("Tracks", "load_tracks"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load a public name from the module that defines it, at its first use."""
    if name == "live":
        return importlib.import_module(f"{__name__}.live")  # the package itself can be called
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
