"""From clips to jobs.

in: clips, settings -> out: one `Job` for each clip, side and profile.  Must not: run one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from afet_video.batch.folder import Folder
from afet_video.batch.job import Job
from afet_video.batch.manifest import Clip, clean_name
from afet_video.batch.settings import BatchSettings
from afet_video.datatypes import ZONES, Side
from afet_video.errors import SettingsError
from afet_video.passes.settings import ConvertSettings, with_profile
from afet_video.passes.side import draw_side
from afet_video.settings_io import settings_to_mapping
from afet_video.tracks import sha256_file


@dataclass(frozen=True, slots=True)
class PlannedClip:
    """A clip and its content's hash."""

    clip: Clip
    sha256: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All jobs, in the order in which they are to run, and the clips they come from by name."""

    jobs: tuple[Job, ...]
    clips: dict[str, PlannedClip]


def profile_settings(settings: BatchSettings, names: Sequence[str]) -> dict[str, ConvertSettings]:
    """Return the settings of a conversion with each profile, by a name that can be a part of a file's.

    Raises
    ------
    SettingsError
        If a profile is unknown or a file wrong, or two files have one name.
    """
    found: dict[str, ConvertSettings] = {}
    for name in names:
        label = clean_name(Path(name).stem if name.lower().endswith(".toml") else name)
        if label in found:
            raise SettingsError(f'two profiles are called "{label}": give one of the files another name')
        found[label] = with_profile(settings.convert, name)
    return found


def plan_jobs(clips: Sequence[Clip], settings: BatchSettings, folder: Folder) -> Plan:
    """Return the jobs: first one of every clip, then the next one of every clip, and so on.

    The first one of a clip finds the face, the others go on from what it found.

    Raises
    ------
    SettingsError
        As `profile_settings` does.
    InputError
        If a clip cannot be read.
    """
    profiles = profile_settings(settings, settings.profiles)
    look = any(clip.person is None for clip in clips)  # then those whose person is known are compared with, too
    by_clip: list[list[Job]] = []
    planned: dict[str, PlannedClip] = {}
    for clip in clips:
        sha256 = sha256_file(clip.path)
        own = profile_settings(settings, clip.profiles) if clip.profiles else profiles
        sides = _sides(clip.sides or settings.sides, settings.seed, sha256)
        planned[clip.name] = PlannedClip(clip, sha256)
        by_clip.append(
            [_job(planned[clip.name], side, name, own[name], folder, look) for name in own for side in sides]
        )
    longest = max(map(len, by_clip), default=0)
    ordered = [jobs[turn] for turn in range(longest) for jobs in by_clip if turn < len(jobs)]
    return Plan(tuple(ordered), planned)


def known_person(clip: Clip) -> dict[str, Any]:
    """Return what a job's facts say of who is seen, and of where that is known from."""
    return {"person": clip.person, "person_from": clip.person_from}


def _sides(asked: Sequence[str], seed: int, sha256: str) -> list[Side]:
    """Return each side once; `random` is drawn from the seed and the content."""
    return list(dict.fromkeys(draw_side(seed, sha256) if side == "random" else Side(side) for side in asked))


def _job(planned: PlannedClip, side: Side, profile: str, settings: ConvertSettings, folder: Folder, look: bool) -> Job:
    clip = planned.clip
    settings = replace(settings, profile=replace(settings.profile, side=side), side_seed=None)
    mapping = settings_to_mapping(settings)
    known = json.dumps([planned.sha256, mapping, clip.path.name], sort_keys=True)
    name = f"{clip.name}-{side}-{profile}"
    return Job(
        name=name,
        source=str(clip.path),
        facts={
            "clip": clip.name,
            **known_person(clip),
            "source": clip.path.name,
            "source_sha256": planned.sha256,
            "side": str(side),
            "profile": profile,
            "movement_kept": dict(zip(ZONES, settings.profile.kept, strict=True)),
        },
        settings=mapping,
        fingerprint=hashlib.sha256(known.encode()).hexdigest()[:32],
        done=str(folder.done),
        work=str(folder.work),
        log=str(folder.logs / f"{name}.log"),
        look=str(folder.looks / f"{planned.sha256}.npz") if look else None,
    )
