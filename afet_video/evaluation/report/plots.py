"""Movement and asymmetry over time, as an SVG that takes its colors from the page.

in: series -> out: SVG text, where its time axis lies.  Must not: know HTML, or touch matplotlib's global state.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import ZONES

_COLORS = {"ink": "#0b0c01", "faint": "#0b0c02", "healthy": "#0b0c03", "source": "#0b0c04", "result": "#0b0c05"}
"""Stand-ins that become CSS variables, so that the plot follows light and dark."""

_LEFT, _RIGHT = 0.075, 0.99
_WIDTH_IN, _ROW_IN = 10.0, 0.95

Line = tuple[str, str, str]
"""Series, color, dash."""

_ROWS: tuple[tuple[str, tuple[Line, ...]], ...] = (
    *(
        (
            f"{zone.replace('_', ' ')}\n(iod)",
            (
                (f"healthy, {zone}", "healthy", "-"),
                (f"source, {zone}", "source", "--"),
                (f"result, {zone}", "result", "-"),
            ),
        )
        for zone in ZONES
    ),
    ("asymmetry\n(iod)", (("asymmetry, source", "source", "--"), ("asymmetry, result", "result", "-"))),
    ("seam, line\n(x source)", (("seam", "result", "-"),)),
    ("healthy half\n(levels)", (("healthy half", "result", "-"),)),
    ("found again\n(iod)", (("found again", "result", "-"),)),
)


@dataclass(frozen=True, slots=True)
class Plot:
    """`svg` text; the time axis runs from `left` to `right` (shares of its width) over `start` to `stop` seconds."""

    svg: str
    left: float
    right: float
    start: float
    stop: float


def plot_series(series: Mapping[str, NDArray[np.float64]]) -> Plot:
    """Return all series over time, one row each, under one time axis."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    seconds = series["seconds"] - series["seconds"][0]
    stop = float(seconds[-1]) if len(seconds) > 1 and seconds[-1] > 0 else 1.0
    figure = Figure(figsize=(_WIDTH_IN, _ROW_IN * len(_ROWS) + 0.5))
    axes: Any = figure.subplots(len(_ROWS), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (label, lines) in zip(axes, _ROWS, strict=True):
        for name, color, dash in lines:
            axis.plot(seconds, series[name], dash, color=_COLORS[color], linewidth=1.3, solid_joinstyle="round")
        _dress(axis, label, lines[0][0])
    axes[-1].set_xlim(0.0, stop)
    axes[-1].set_xlabel("seconds", color=_COLORS["ink"], fontsize=8)
    figure.subplots_adjust(left=_LEFT, right=_RIGHT, top=0.995, bottom=0.045, hspace=0.28)
    text = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "afet-video"}), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a series without any value is an empty row, which is meant
        canvas: Any = FigureCanvasSVG(figure)
        canvas.print_svg(text, metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    for name, color in _COLORS.items():
        svg = svg.replace(color, f"var(--{name})")
    return Plot(svg, _LEFT, _RIGHT, 0.0, stop)


def _dress(axis: Any, label: str, first: str) -> None:
    axis.set_facecolor("none")
    axis.figure.patch.set_alpha(0.0)
    axis.set_ylabel(label, color=_COLORS["ink"], fontsize=7.5)
    axis.tick_params(colors=_COLORS["ink"], labelsize=7, length=2)
    axis.grid(True, color=_COLORS["faint"], linewidth=0.5)
    for name, spine in axis.spines.items():
        spine.set_visible(name in ("left", "bottom"))
        spine.set_color(_COLORS["faint"])
    if first == "seam":
        axis.axhline(1.0, color=_COLORS["ink"], linewidth=0.6, linestyle=":")
    else:
        axis.set_ylim(bottom=0.0)
    axis.locator_params(axis="y", nbins=3)
