"""Figures as HTML tables, everything escaped.

in: figures -> out: HTML text.  Must not: leave any text from outside unescaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from afet_video.datatypes import Side
from afet_video.evaluation.asymmetry import ClinicalRow
from afet_video.evaluation.figures import Figure
from afet_video.evaluation.unit_figures import UnitReport
from afet_video.evaluation.units import names as paper
from afet_video.evaluation.wording import number_text, target_text

_LEFT = dict.fromkeys(("Figure", "Note", "Measure", ""), "")
_RIGHT = ' class="n"'
_MARKS = {True: '<td class="met">met</td>', False: '<td class="missed">missed</td>', None: "<td></td>"}


def definitions_of(figures: Sequence[Figure]) -> dict[str, int]:
    """Return the definitions in order, each with its number from 1."""
    return {text: place for place, text in enumerate(dict.fromkeys(figure.definition for figure in figures), start=1)}


def figures_table(figures: Sequence[Figure], definitions: dict[str, int]) -> str:
    """Return all figures by part; each links to its definition."""
    rows = []
    part = None
    for figure in figures:
        if figure.part != part:
            part = figure.part
            rows.append(f'<tr class="part"><th colspan="8" scope="colgroup">{escape(part)}</th></tr>')
        place = definitions[figure.definition]
        unit = f" {escape(figure.unit)}" if figure.unit and figure.value is not None else ""
        floor = "" if figure.floor is None else number_text(figure.floor)
        error = "" if figure.error is None else f"± {figure.error:.2f}"
        rows.append(
            f'<tr><th scope="row">{escape(figure.name)} <a class="ref" href="#d{place}">{place}</a></th>'
            f'<td class="n">{number_text(figure.value)}{unit}</td><td class="n">{error}</td><td class="n">{floor}</td>'
            f'<td class="n">{escape(target_text(figure.target))}</td>{_MARKS[figure.met]}'
            f'<td class="n">{figure.n} {escape(figure.counted)}</td><td class="note">{escape(figure.note)}</td></tr>'
        )
    heads = ("Figure", "Result", "SE", "Source's own", "Target", "", "Measured on", "Note")
    return _table(heads, rows)


def definitions_list(definitions: dict[str, int]) -> str:
    """Return the definitions as a numbered list."""
    items = "".join(f'<li id="d{place}">{escape(text)}</li>' for text, place in definitions.items())
    return f'<ol class="definitions">{items}</ol>'


def clinical_table(rows: Sequence[ClinicalRow], side: Side) -> str:
    """Return left, right and difference of every clinical measure in source and result."""
    out = []
    for row in rows:
        cells = []
        for which, pair in (("source", row.source), ("result", row.result)):
            cells += [*pair, row.difference(which, side)]
        values = "".join(f'<td class="n">{number_text(value)}</td>' for value in cells)
        name = f"{row.name}, {row.when}" + (f" ({row.unit})" if row.unit else "")
        out.append(f'<tr><th scope="row">{escape(name)}</th>{values}<td class="n">{row.frames}</td></tr>')
    heads = (
        "Measure",
        *(f"{which} {what}" for which in ("Source", "Result") for what in ("left", "right", "h − a")),
        "n",
    )
    return _table(heads, out)


def units_table(units: UnitReport) -> str:
    """Return our numbers and those of the paper's Table II side by side."""
    rows = []
    for unit, ours in zip(paper.UNITS, units.rows, strict=True):
        values: list[float | None] = [None] * 5
        if ours is not None:
            values = [ours.precision, ours.recall, ours.f_score, ours.real, ours.generated]
        theirs = [unit.precision, unit.recall, unit.f_score, unit.real, unit.generated]
        cells = "".join(f'<td class="n">{number_text(value)}</td>' for value in (*values, *theirs))
        rows.append(f'<tr><th scope="row">{escape(unit.code)} {escape(unit.name)}</th>{cells}</tr>')
    words = ("precision", "recall", "F-score", "real", "generated")
    heads = (units.title, *words, *(f"paper {word}" for word in words))
    return _table(heads, rows)


def key_values(pairs: Iterable[tuple[str, object]]) -> str:
    """Return a two-column table."""
    rows = [f'<tr><th scope="row">{escape(key)}</th><td>{escape(str(value))}</td></tr>' for key, value in pairs]
    return f'<div class="scroll"><table class="plain">{"".join(rows)}</table></div>'


def _table(heads: Sequence[str], rows: Sequence[str]) -> str:
    head = "".join(f'<th scope="col"{_LEFT.get(text, _RIGHT)}>{escape(text)}</th>' for text in heads)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
