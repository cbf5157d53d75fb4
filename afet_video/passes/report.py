"""The side-car's content: all that is needed to know how a result was made, and to make it again.

in: the report, settings, models -> out: a mapping for JSON.  Must not: write it.
"""

from __future__ import annotations

import functools
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from afet_video.datatypes import NeutralChoice, PersonReport, RunReport, VideoInfo
from afet_video.model_files import FACE_LANDMARKER, HAND_LANDMARKER
from afet_video.passes.analyze import Analysis
from afet_video.passes.prepare import FaceModels
from afet_video.passes.settings import ConvertSettings
from afet_video.passes.side import side_choice
from afet_video.settings_io import settings_to_mapping
from afet_video.tracks import sha256_file
from afet_video.xmp import source_type_url

_LIBRARIES = (
    *("afet-video", "av", "mediapipe", "numba", "numpy", "opencv-contrib-python", "pillow", "scipy", "statsmodels"),
)

METHOD = "AFET: asymmetric facial expression transfer (Tan & Iren), per frame of the subject's own video"


def people_report(analysis: Analysis, models: FaceModels) -> tuple[PersonReport, ...]:
    """Return what is to be said of each person who was changed, by `face_id`."""
    return tuple(
        PersonReport(
            face_id=face_id,
            frames_by_status=analysis.lane_of(face_id).track.counts(face_id),
            neutrals={shot: models[one, shot].neutral for one, shot in sorted(models) if one == face_id},
        )
        for face_id in sorted({one for one, _ in models})
    )


def main_neutral(analysis: Analysis, models: FaceModels) -> NeutralChoice:
    """Return the neutral of the person seen in most frames, in the shot where they are seen most."""
    face_id = analysis.main_person
    track = analysis.lane_of(face_id).track
    shots, frames = np.unique(track.shot[track.face_id == face_id], return_counts=True)
    return models[face_id, int(shots[frames.argmax()])].neutral


def sidecar_content(
    report: RunReport,
    settings: ConvertSettings,
    info: VideoInfo,
    written: Mapping[str, Path | None],
    source_sha256: str,
    signer: str | None = None,
) -> dict[str, Any]:
    """Return what the side-car says, besides its marks as synthetic.

    `written`: where each of the other outputs ("video", "tracks", ...) lies now, in its final state. `signer`: who
    signed the video's C2PA manifest, None if there is none.
    """
    return {
        "digital_source_type": source_type_url(settings.encode.source_type),
        "method": METHOD,
        "marked_in_file": settings.encode.mark_synthetic,
        "source": {
            "name": report.source.name,
            "sha256": source_sha256,
            "container": info.container,
            "codec": info.codec,
            "pixel_format": info.pixel_format,
            "size_wh": list(info.size_wh),
            "rotation_deg": info.rotation_deg,
        },
        "outputs": {
            "video": report.target.name,
            "tracks": report.tracks.name if report.tracks else None,
            "contact_sheet": report.contact_sheet.name if report.contact_sheet else None,
            "sha256": output_hashes(written),
        },
        "c2pa_signer": signer,
        "affected_side": str(report.profile.side),
        "side_choice": side_choice(settings),
        "side_convention": "left and right are the subject's own",
        "frames": report.frames,
        "frames_by_status": dict(report.frames_by_status),
        "encoded_in_segments": report.segments,
        "duration_s": report.duration_s,
        "neutral": {str(person.face_id): neutral_content(_best(person)) for person in report.people},
        "shots": list(report.shots),
        "people": {str(person.face_id): _person(person) for person in report.people},
        "settings": settings_to_mapping(settings),
        "models": model_hashes(),
        "versions": library_versions(),
        "warnings": list(report.warnings),
    }


def output_hashes(written: Mapping[str, Path | None]) -> dict[str, str]:
    """Return the SHA-256 of each output that was written, for `afet-video verify`.

    Raises
    ------
    InputError
        If a file cannot be read back.
    """
    return {name: sha256_file(path) for name, path in written.items() if path is not None}


def _best(person: PersonReport) -> NeutralChoice:
    return max(person.neutrals.values(), key=lambda choice: choice.score)


def _person(person: PersonReport) -> dict[str, Any]:
    return {
        "frames_by_status": dict(person.frames_by_status),
        "neutral_by_shot": {str(shot): neutral_content(choice) for shot, choice in person.neutrals.items()},
    }


def neutral_warnings(people: Sequence[PersonReport]) -> tuple[str, ...]:
    """Return a line for each person whose neutral plainly is no face at rest, with what the user can do."""
    return tuple(
        _neutral_warning(f"person {person.face_id}, " if len(people) > 1 else "", shown)
        for person in people
        if (shown := [choice for choice in person.neutrals.values() if choice.shows])
    )


def _neutral_warning(who: str, choices: Sequence[NeutralChoice]) -> str:
    first = choices[0]
    at = "" if first.timestamp is None else f" at {float(first.timestamp.seconds):.2f} s"
    others = len(choices) - 1
    more = f", and in {others} more shot{'s' * (others > 1)}," if others else ""
    return (
        f"{who}the neutral{at}{more} is no face at rest, it {' and '.join(first.shows)}: the affected side keeps that; "
        "name a calmer moment, or a picture of this face at rest, with --neutral"
    )


def neutral_content(choice: NeutralChoice) -> dict[str, Any]:
    """Return what is said of a neutral."""
    stamp = choice.timestamp
    return {
        "frame": choice.index if choice.index >= 0 else None,
        "pts": stamp.pts if stamp else None,
        "seconds": float(stamp.seconds) if stamp else None,
        "score": choice.score,
        "origin": choice.origin,
        "reasons": dict(choice.reasons),
        "explanation": choice.explanation,
        "bank": list(choice.bank),
        "brows_below_iod": dict(zip(("left", "right"), choice.brows_below_iod, strict=True)),
        "shows": list(choice.shows),
    }


def model_hashes() -> dict[str, Any]:
    """Return size and SHA-256 of each model file."""
    return {model.name: {"sha256": model.sha256, "size": model.size} for model in (FACE_LANDMARKER, HAND_LANDMARKER)}


@functools.cache
def library_versions() -> dict[str, str | None]:
    """Return the versions of Python and of the libraries that a result depends on, None where one is not installed."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found
