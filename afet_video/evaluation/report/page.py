"""The page's text, put together.

in: a report, a film, a plot, pictures -> out: HTML text.  Must not: read or write files of the user's.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from typing import Any

from afet_video.evaluation.figures import EvaluationReport, Figure
from afet_video.evaluation.report.film import Film
from afet_video.evaluation.report.plots import Plot
from afet_video.evaluation.report.tables import (
    clinical_table,
    definitions_list,
    definitions_of,
    figures_table,
    key_values,
    units_table,
)
from afet_video.evaluation.units import names as paper
from afet_video.evaluation.wording import number_text, target_text

_NOTICE = (
    "Synthetic: the result was made by afet-video. Facial movement on one side was altered to simulate a facial palsy. "
    "It shows no patient, and is not for diagnosis."
)
_LEGEND = (
    ("healthy", "solid", "healthy side, source"),
    ("source", "dashed", "affected side, source"),
    ("result", "solid", "affected side or whole face, result"),
)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the page shows besides figures: `sheet` a JPEG; `shown` frames and why; `settings`, `versions` as text."""

    film: Film
    plot: Plot
    sheet: bytes
    shown: Sequence[tuple[int, str]]
    times: Sequence[float]
    settings: Mapping[str, Any]
    versions: Mapping[str, Any]


def page(report: EvaluationReport, parts: Parts) -> str:
    """Return the whole page."""
    script, style = _asset("page.js"), _asset("page.css")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    title = f"{report.result.name}: evaluation"
    sections = "".join(
        f"<section><h2>{escape(name)}</h2>{body}</section>" for name, body in _sections(report, parts) if body
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body>"
        f"<h1>{escape(title)}</h1>{_intro(report)}{sections}"
        f'<script type="application/json" id="data">{_data(parts)}</script><script>{script}</script></body></html>\n'
    )


def _asset(name: str) -> str:
    return resources.files("afet_video.evaluation.report").joinpath(name).read_text(encoding="utf-8")


def _data(parts: Parts) -> str:
    plot = parts.plot
    values = {
        "left": plot.left,
        "right": plot.right,
        "start": plot.start,
        "stop": plot.stop,
        "times": list(parts.times),
    }
    return json.dumps(values, allow_nan=False).replace("<", "\\u003c")


def _intro(report: EvaluationReport) -> str:
    judged = [figure for figure in report.figures if figure.met is not None]
    missed = [figure for figure in judged if figure.met is False]
    unknown = sum(figure.value is None for figure in report.figures)
    text = (
        f"{len(judged) - len(missed)} of {len(judged)} targets are met; {unknown} figures could not be measured (n/a, "
        f"with the reason). {report.frames} frames, {report.profile.side} side affected (the subject's own)."
    )
    parts = [f'<p class="notice" role="note">{escape(_NOTICE)}</p>', f"<p>{escape(text)}</p>"]
    if missed:
        parts.append(f"<p>Missed: {'; '.join(_missed(figure) for figure in missed)}.</p>")
    parts += [f'<p class="soft">Warning: {escape(text)}</p>' for text in report.warnings]
    return "".join(parts)


def _missed(figure: Figure) -> str:
    value = f"{number_text(figure.value)} {figure.unit}".rstrip()
    return escape(f"{figure.part}, {figure.name} {value} (target {target_text(figure.target)})")


def _sections(report: EvaluationReport, parts: Parts) -> list[tuple[str, str]]:
    definitions = definitions_of(report.figures)
    units = ""
    if report.units is not None:
        text = f"{report.units.note} {report.units.expressive} of {report.units.frames} frames looked at show a unit."
        units = f"<p>{escape(text)} {escape(paper.WHAT_DIFFERS)}</p>{units_table(report.units)}"
        units += (
            f'<p class="note">Counted are half faces, as in the paper. Its mean number of units is '
            f"{paper.PAPER_NUMBER_GENERATED[0]} (SD {paper.PAPER_NUMBER_GENERATED[1]}) generated and "
            f"{paper.PAPER_NUMBER_REAL[0]} (SD {paper.PAPER_NUMBER_REAL[1]}) real.</p>"
        )
    files = [("source", report.source), ("result", report.result), ("tracks", report.tracks)]
    kept = [(f"kept, {zone}", f"{share:.2f}") for zone, share in report.kept.items()]
    return [
        ("Both videos", _player(parts)),
        ("Over time", _plot(parts.plot)),
        ("Best and worst frames", _sheet(parts)),
        ("Figures", f"<p>{escape(_HOW_TO_READ)}</p>{figures_table(report.figures, definitions)}"),
        (f"The paper's Table II, by {report.units.title if report.units else ''}", units),
        ("Clinical measures, left and right", clinical_table(report.clinical, report.profile.side)),
        ("Definitions", definitions_list(definitions)),
        ("Files and versions", key_values([*files, *kept, *parts.versions.items()])),
        ("Settings of the conversion", _settings(parts.settings)),
    ]


_HOW_TO_READ = (
    "“Source's own” is the same measure with the source in the result's place, or the detector's own error: what the "
    "figure says where nothing was done. Lengths are in inter-ocular distances (iod), between the outer corners of the "
    "eyes. The small numbers lead to the definitions."
)


def _player(parts: Parts) -> str:
    width, height = parts.film.size_wh
    video = base64.b64encode(parts.film.mp4).decode()
    speeds = "".join(
        f'<option value="{speed}"{" selected" if speed == 1 else ""}>{speed} x</option>'
        for speed in (0.1, 0.25, 0.5, 1)
    )
    return (
        '<div class="player"><div class="names"><span>Source</span><span>Result (synthetic)</span></div>'
        f'<video id="film" muted playsinline loop preload="auto" width="{width}" height="{height}" '
        f'src="data:video/mp4;base64,{video}">This browser shows no video.</video>'
        '<div class="controls"><button id="play" type="button">Play</button>'
        '<button id="back" type="button" aria-label="One frame back">‹</button>'
        '<button id="on" type="button" aria-label="One frame on">›</button>'
        '<input id="time" type="range" min="0" value="0" step="1" aria-label="Frame">'
        f'<select id="speed" aria-label="Speed">{speeds}</select><output id="clock"></output></div></div>'
    )


def _plot(plot: Plot) -> str:
    legend = "".join(
        f'<span><i style="border-color: var(--{color}); border-top-style: {dash}"></i>{escape(text)}</span>'
        for color, dash, text in _LEGEND
    )
    text = (
        "How far each zone is from its place at rest, by the track; then asymmetry, the seam's ratio, the healthy "
        "half's difference, and how far landmarks found again in the result are from the ground truth. Click a place, "
        "and the videos go there."
    )
    return (
        f'<p>{escape(text)}</p><p class="legend">{legend}</p>'
        f'<div class="plot" id="plot">{plot.svg}<div class="playhead" id="playhead"></div></div>'
    )


def _sheet(parts: Parts) -> str:
    if not parts.sheet:
        return "<p>No frame could be judged.</p>"
    picture = base64.b64encode(parts.sheet).decode()
    texts = [(frame, escape(f"frame {frame}: {why}")) for frame, why in parts.shown]
    buttons = " ".join(f'<button type="button" data-frame="{frame}">{text}</button>' for frame, text in texts)
    text = (
        "Best: least of all three of how far the affected zones are from what was asked for, seam, and change of the "
        "healthy half, among frames with much movement. Worst: most of each in turn."
    )
    return (
        f'<p>{escape(text)}</p><p class="controls">{buttons}</p>'
        '<img alt="Best and worst frames: source, result, eyes and mouth enlarged" '
        f'src="data:image/jpeg;base64,{picture}">'
    )


def _settings(settings: Mapping[str, Any]) -> str:
    if not settings:
        return "<p>There is no side-car beside the result: its settings are not known.</p>"
    return f"<pre>{escape(json.dumps(settings, indent=2, ensure_ascii=False))}</pre>"
