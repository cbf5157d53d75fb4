"""The report's file, from top to bottom.

in: an `EvaluationReport` -> out: .html, whole or not at all.  Must not: measure.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import cv2

from afet_video.draw import SheetSample, before_after_sheet
from afet_video.errors import OutputError
from afet_video.evaluation.figures import EvaluationReport
from afet_video.evaluation.report.film import Film, side_by_side
from afet_video.evaluation.report.page import Parts, page
from afet_video.evaluation.report.plots import plot_series
from afet_video.evaluation.series import best_frames, worst_frames
from afet_video.outputs import Outputs, check_target, disk_errors
from afet_video.tracks import load_tracks, read_sidecar

_LIBRARIES = ("afet-video", "av", "matplotlib", "mediapipe", "numpy", "opencv-contrib-python", "scipy", "statsmodels")
_BEST, _WORST = 2, 4
_WORDS = {"off": "movement", "seam": "seam", "healthy half": "healthy half"}
_QUALITY = 88


def check_report(path: Path, *, overwrite: bool) -> None:
    """Raise `OutputError` if no report can be written to `path`: to be asked before hours of measuring."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise OutputError(f"{path}: a report is an HTML file; give a name that ends in .html")
    check_target(path.absolute(), overwrite=overwrite)


def write_report(report: EvaluationReport, path: str | Path, *, overwrite: bool = False) -> None:
    """Write one HTML file that needs nothing else.

    Parameters
    ----------
    report : what `evaluate` returned; its videos must still be where they were.
    path : ends in .html.

    Raises
    ------
    OutputError
        If the file exists (without `overwrite`) or cannot be written.
    """
    path = Path(path)
    check_report(path, overwrite=overwrite)
    best, worst = best_frames(report.series, _BEST), worst_frames(report.series, _WORST)
    shown = [*((frame, "best") for frame, _ in best), *((frame, f"worst: {_WORDS[why]}") for frame, why in worst)]
    film = side_by_side(report.source, report.result, {frame for frame, _ in shown})
    sidecar = _sidecar(report.result)
    seconds = report.series["seconds"]
    parts = Parts(
        film=film,
        plot=plot_series(report.series),
        sheet=_sheet(report, film, shown),
        shown=shown,
        times=[round(float(value - seconds[0]), 6) for value in seconds],
        settings=sidecar.get("settings", {}),
        versions=_versions(sidecar),
    )
    with Outputs(overwrite=overwrite) as outputs:
        temporary = outputs.path_for(path)
        with disk_errors(path):
            temporary.write_text(page(report, parts), encoding="utf-8")


def _sidecar(result: Path) -> Mapping[str, Any]:
    path = result.with_name(f"{result.stem}.afet.json")
    return read_sidecar(path) if path.exists() else {}


def _sheet(report: EvaluationReport, film: Film, shown: list[tuple[int, str]]) -> bytes:
    xyz = load_tracks(report.tracks).source_xyz
    samples = [
        SheetSample(*film.frames[frame], None if xyz is None else xyz[frame], f"{frame}: {why}")
        for frame, why in shown
        if frame in film.frames
    ]
    if not samples:
        return b""
    sheet = before_after_sheet(samples, title="Best and worst frames. Results are synthetic.", tile_width=260)
    is_encoded, data = cv2.imencode(
        ".jpg", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    )
    return data.tobytes() if is_encoded else b""


def _versions(sidecar: Mapping[str, Any]) -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed as a package"
    told = sidecar.get("versions", {})
    return found | ({"converted with afet-video": str(told["afet-video"])} if told.get("afet-video") else {})
