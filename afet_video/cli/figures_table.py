"""Figures as a table on the screen.

in: reports -> out: lines.  Must not: measure or judge anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from afet_video.evaluation import DatasetReport, EvaluationReport, Figure, SweepReport
    from afet_video.evaluation.unit_figures import UnitReport

_PIPE_WIDTH = 160


def print_report(
    report: EvaluationReport | SweepReport | DatasetReport, *, definitions: bool = False, console: Console | None = None
) -> None:
    """Print what was measured, and a table with one line a figure."""
    console = console or Console()
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    console.print(Text(_title(report)))
    console.print(_table(report.figures, spread="IQR" if hasattr(report, "failures") else "± SE"))
    units = getattr(report, "units", None)
    if units is not None:
        console.print(_units_table(units))
        console.print(Text(units.note))
    for result, why in getattr(report, "failures", {}).items():
        console.print(Text(f"not measured: {result}: {why}", style="yellow"))
    for warning in getattr(report, "warnings", ()):
        console.print(Text(f"warning: {warning}", style="yellow"))
    if definitions:
        for definition, names in _by_definition(report.figures).items():
            console.print(Text(f"{', '.join(names)}: {definition}"))


def _title(report: EvaluationReport | SweepReport | DatasetReport) -> str:
    from afet_video.evaluation.dataset import DatasetReport

    if isinstance(report, DatasetReport):
        return f"{report.folder}: {len(report.reports)} results measured, {len(report.failures)} not"
    if hasattr(report, "shares"):
        return f"{report.source}: {report.frames} frames, converted at {', '.join(f'{s:g}' for s in report.shares)}"
    return f"{report.source} -> {report.result}: {report.frames} frames, {report.profile.side} side affected"


def _table(figures: Sequence[Figure], *, spread: str) -> Table:
    table = Table()
    for name in ("Part", "What"):
        table.add_column(name)
    for name in ("Value", "Source", spread, "n", "Target", "Met"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Note")
    before = ""
    for figure in figures:
        if figure.part != before and before:
            table.add_section()
        table.add_row(*_cells(figure, "" if figure.part == before else figure.part))
        before = figure.part
    return table


def _units_table(units: UnitReport) -> Table:
    from afet_video.evaluation.units.names import UNITS
    from afet_video.evaluation.wording import ASCII, number_text

    table = Table(title=f"{units.title}, half faces: here | in the paper")
    table.add_column("Unit")
    for name in ("precision", "recall", "F", "real", "generated", "| precision", "recall", "F", "real", "generated"):
        table.add_column(name, justify="right", no_wrap=True)
    for unit, row in zip(UNITS, units.rows, strict=True):
        ours: list[float | None] = [None] * 5
        if row is not None:
            ours = [row.precision, row.recall, row.f_score, row.real, row.generated]
        theirs = [unit.precision, unit.recall, unit.f_score, unit.real, unit.generated]
        cells = [number_text(value, ASCII) for value in (*ours, *theirs)]
        table.add_row(f"{unit.code} {unit.name}", *cells)
    return table


def _cells(figure: Figure, part: str) -> Iterator[str]:
    from afet_video.evaluation.wording import ASCII, number_text, target_text

    yield part
    yield figure.name
    yield "n/a" if figure.value is None else f"{number_text(figure.value, ASCII)} {figure.unit}".rstrip()
    yield "" if figure.floor is None else number_text(figure.floor, ASCII)
    yield "" if figure.error is None else f"{figure.error:.2f}"
    yield f"{figure.n} {figure.counted}"
    yield target_text(figure.target, ASCII)
    yield {None: "", True: "yes", False: "no"}[figure.met]
    yield figure.note


def _by_definition(figures: Sequence[Figure]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for figure in figures:
        found.setdefault(figure.definition, []).append(f"{figure.part} ({figure.name})")
    return found
