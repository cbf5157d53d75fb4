"""``afet-video pairs``.

in: arguments -> out: a data set of pairs, a report on the screen.  Must not: decide anything that the settings don't
say.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.text import Text

from afet_video.cli import options
from afet_video.cli.failures import FAILED, errors_as_lines

if TYPE_CHECKING:
    from afet_video.pairs import PairSettings, PairsReport, SourceReport

FIND, CUT = "What counts", "Pictures"

Sources = Annotated[
    list[Path] | None, typer.Argument(metavar="INPUT...", help="Videos of faces that move.", show_default=False)
]
Target = Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="The data set's folder.")]
PerExpression = Annotated[
    int,
    typer.Option(
        "--per-expression",
        min=0,
        metavar="K",
        help="Most pairs of one expression of a person in a shot, the best ones; 0: all.",
        rich_help_panel=FIND,
    ),
]
MinActivity = Annotated[
    float,
    typer.Option(
        "--min-activity",
        metavar="A",
        help="Least strength of an expression against the person's own rest: 1 is a slight smile, 3 a broad one.",
        rich_help_panel=FIND,
    ),
]
MaxPoseGap = Annotated[
    float,
    typer.Option(
        "--max-pose-gap", metavar="DEG", help="Largest turn of the head between the two.", rich_help_panel=FIND
    ),
]
Speech = Annotated[
    bool, typer.Option("--speech", help="Movements of speech count as expressions too.", rich_help_panel=FIND)
]
WhichFace = Annotated[
    str,
    typer.Option("--face", metavar="all|largest|N|x,y", help="Whose pairs; as for `convert`.", rich_help_panel=FIND),
]
Crop = Annotated[
    Literal["aligned", "box", "none"],
    typer.Option(
        "--crop",
        help="Pictures with the eyes at the same pixels, upright squares around each face, or whole frames.",
        rich_help_panel=CUT,
    ),
]
Size = Annotated[
    int, typer.Option("--size", min=64, max=4096, metavar="PX", help="Side of a crop.", rich_help_panel=CUT)
]
Review = Annotated[bool, typer.Option("--review", help="Also write review.html, to accept or reject pairs by hand.")]
ApplyReview = Annotated[
    Path | None,
    typer.Option(
        "--apply-review", metavar="FILE", help="Take the pairs that a review rejected out of the data set DIR."
    ),
]


def pairs(
    sources: Sources = None,
    *,
    output: Target,
    per_expression: PerExpression = 2,
    min_activity: MinActivity = 1.0,
    max_pose_gap: MaxPoseGap = 10.0,
    speech: Speech = False,
    face: WhichFace = "all",
    crop: Crop = "aligned",
    size: Size = 512,
    review: Review = False,
    apply_review: ApplyReview = None,
    overwrite: options.Overwrite = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Find pairs of a neutral and an expressive face in videos: a data set that loads at once."""
    if bool(sources) == (apply_review is not None):
        raise typer.BadParameter("give one or more INPUTs, or --apply-review FILE")
    with errors_as_lines(as_json=as_json):
        if apply_review is not None:
            _apply(apply_review, output, as_json=as_json, quiet=quiet)
            return
        from afet_video.face.tracker import TrackerSettings
        from afet_video.pairs import PairSettings

        settings = PairSettings(
            per_expression=per_expression,
            min_activity=min_activity,
            max_pose_gap_deg=max_pose_gap,
            crop=crop,
            size=size,
            speech=speech,
            tracker=TrackerSettings(face=face),
        )
        assert sources is not None
        report = _run(sources, output, settings, review=review, overwrite=overwrite, quiet=quiet or as_json)
        if as_json:
            from afet_video.settings_io import settings_to_mapping

            typer.echo(json.dumps(settings_to_mapping(report)))
        elif not quiet:
            _print(report)
        if any(source.error for source in report.sources):
            raise typer.Exit(FAILED)


def _run(
    sources: list[Path], target: Path, settings: PairSettings, *, review: bool, overwrite: bool, quiet: bool
) -> PairsReport:
    from afet_video.cli.interrupts import stoppable
    from afet_video.cli.progress import shown_progress
    from afet_video.pairs import make_pairs

    def show(source: SourceReport) -> None:
        if source.error:
            typer.echo(f"afet-video: error: {_named(source)}", err=True)

    with shown_progress(quiet=quiet) as bars, stoppable(bars) as on_progress:
        return make_pairs(
            sources,
            target,
            settings=settings,
            review=review,
            overwrite=overwrite,
            on_progress=on_progress,
            on_source=show,
        )


def _named(source: SourceReport) -> str:
    """Return the error with the file's name, which some messages hold already."""
    error = source.error or ""
    return error if str(source.source) in error else f"{source.source}: {error}"


def _print(report: PairsReport) -> None:
    console = Console(soft_wrap=True)
    for source in report.sources:
        if source.error:
            continue
        lacking = f", {source.without_neutral} without a neutral near enough" if source.without_neutral else ""
        line = f"{source.source}: {source.pairs} pairs of {source.expressions} expressions{lacking}"
        console.print(Text(line))
        for note in source.notes:
            console.print(Text(f"  {note}", style="yellow"))
    failed = sum(source.error is not None for source in report.sources)
    note = f", {failed} of {len(report.sources)} videos failed" if failed else ""
    console.print(Text(f"{report.pairs} pairs in {report.folder}{note}"))
    for name, path in (("contact sheet", next(iter(report.sheets), None)), ("review", report.review_page)):
        if path is not None:
            console.print(Text(f"{name}: {path}"))


def _apply(decisions: Path, folder: Path, *, as_json: bool, quiet: bool) -> None:
    from afet_video.pairs import apply_review

    report: Any = apply_review(decisions, folder)
    if as_json:
        from afet_video.settings_io import settings_to_mapping

        typer.echo(json.dumps(settings_to_mapping(report)))
    elif not quiet:
        kept = report.accepted + report.undecided
        typer.echo(
            f"{report.rejected} pairs rejected (now in {report.folder / 'rejected'}), {kept} kept: "
            f"{report.accepted} accepted, {report.undecided} undecided"
        )
