"""What a run did, for people and for programs.

in: a `RunReport` -> out: a table or one JSON object on stdout.  Must not: write anything else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from afet_video.datatypes import ZONES, NeutralChoice, PalsyProfile, PersonReport, RunReport
from afet_video.settings_io import settings_to_mapping

_SHOWN = 8
_PIPE_WIDTH = 1000
"""Columns where stdout is no terminal: a path must not be cut in two."""


def print_json(report: RunReport) -> None:
    """Print `report` as one JSON object; fields are named as in `RunReport`."""
    typer.echo(json.dumps(report_to_mapping(report), allow_nan=False))


def report_to_mapping(report: RunReport) -> dict[str, Any]:
    """Return `report` as plain values; the neutral frames' times are given in seconds too."""
    mapping = settings_to_mapping(report)
    _add_seconds(mapping["neutral"], report.neutral)
    for found, person in zip(mapping["people"], report.people, strict=True):
        for shot, neutral in person.neutrals.items():
            _add_seconds(found["neutrals"][str(shot)], neutral)
    return mapping


def _add_seconds(mapping: dict[str, Any], neutral: NeutralChoice) -> None:
    timestamp = neutral.timestamp
    mapping["seconds"] = None if timestamp is None else float(timestamp.seconds)


def print_summary(report: RunReport, *, console: Console | None = None) -> None:
    """Print what was written, what was found in the frames, and how long it took."""
    console = console or Console()
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in _lines(report):
        table.add_row(name, Text(text))
    console.print(table)
    for warning in report.warnings:
        console.print(Text(f"warning: {warning}", style="yellow"), soft_wrap=True)


def _lines(report: RunReport) -> Iterator[tuple[str, str]]:
    yield "Video", str(report.target)
    for name, path in (
        ("Tracks", report.tracks),
        ("Side-car", report.sidecar),
        ("Contact sheet", report.contact_sheet),
    ):
        if path is not None:
            yield name, str(path)
    yield (
        "Palsy",
        f"{report.profile.side} side (the subject's own), {_kept(report.profile)}",
    )
    yield "Frames", f"{report.frames}: {_counts(report.frames_by_status)}"
    if len(report.shots) > 1:
        yield "Shots", f"{len(report.shots)}, from frames {_some(report.shots)}"
    if len(report.people) > 1 or any(len(person.neutrals) > 1 for person in report.people):
        for person in report.people:
            yield f"Person {person.face_id}", _person(person)
    else:
        yield "Neutral", _neutral(report.neutral)
    if report.segments_found:
        yield "Resumed", f"{report.segments_found} of {report.segments} segments were there from an earlier run"
    yield "Speed", _speed(report)


def _kept(profile: PalsyProfile) -> str:
    if len(set(profile.kept)) == 1:
        text = f"{profile.kept[0]:.0%} of movement kept"
    else:
        text = "movement kept: " + ", ".join(
            f"{zone} {kept:.0%}" for zone, kept in zip(ZONES, profile.kept, strict=True)
        )
    signs = (("droop", profile.droop), ("synkinesis", profile.synkinesis))
    return text + "".join(f", {name} {value:.0%}" for name, value in signs if value)


def _counts(frames_by_status: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {status}" for status, count in frames_by_status.items() if count) or "none"


def _some(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers[:_SHOWN])) + (", ..." if len(numbers) > _SHOWN else "")


def _person(person: PersonReport) -> str:
    """Return frames and neutrals, one line a shot; many shots are cut short: the side-car has all."""
    several = len(person.neutrals) > 1
    lines = [f"{_counts(person.frames_by_status)}"]
    for shot, neutral in list(person.neutrals.items())[:_SHOWN]:
        lines.append(f"neutral{f' in shot {shot}' if several else ''}: {_neutral(neutral)}")
    if len(person.neutrals) > _SHOWN:
        lines.append(f"and {len(person.neutrals) - _SHOWN} more shots: see the side-car")
    return "\n".join(lines)


def _neutral(neutral: NeutralChoice) -> str:
    if neutral.origin == "image":
        where = "from a picture"
    else:
        at = "" if neutral.timestamp is None else f" at {float(neutral.timestamp.seconds):.2f} s"
        where = f"frame {neutral.index}{at}, {'found' if neutral.origin == 'auto' else 'as you chose'}"
    why = neutral.explanation or ", ".join(f"{name} {score:.2f}" for name, score in neutral.reasons.items())
    return f"{where} (score {neutral.score:.2f}{f': {why}' if why else ''})"


def _speed(report: RunReport) -> str:
    seconds = sum(report.seconds_by_stage.values())
    if seconds <= 0:
        return "too quick to tell"
    stages = ", ".join(f"{name} {spent:.1f} s" for name, spent in report.seconds_by_stage.items())
    against = f", {report.duration_s / seconds:.2f} x real time" if report.duration_s > 0 else ""
    return f"{seconds:.1f} s = {report.frames / seconds:.1f} frames/s{against} ({stages})"
