"""Asymmetry of movement that is planted, so that the answer is known."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from afet_video.datatypes import PalsyProfile, Side
from afet_video.evaluation.asymmetry import asymmetry_figures, clinical_figures, clinical_rows, mirrored
from afet_video.evaluation.heads import HeadFixed, resting_face
from afet_video.evaluation.inputs import Conversion, HowMade
from afet_video.metrics.movement import MESH478

FRAMES = 60


@pytest.mark.parametrize("side", [Side.LEFT, Side.RIGHT])
@pytest.mark.parametrize(("kept", "own"), [(0.0, 1.0), (0.25, 1.0), (0.5, 0.8), (1.0, 1.0)])
def test_planted_movement_is_measured(real_faces: Mapping[str, Any], side: Side, kept: float, own: float) -> None:
    """The healthy brow and commissure move in full, the affected ones `own` times as far in the source."""
    xyz = np.repeat(real_faces["neutral"].xyz[None], FRAMES, axis=0)
    face = resting_face(xyz, np.ones(FRAMES), 0)
    still = face.fixed(xyz, face.heads(xyz))
    still = (still + mirrored(still)) / 2
    noise = np.random.default_rng(3).normal(0, 0.001, still.shape)
    wave = np.clip(np.sin(np.arange(FRAMES) / FRAMES * 6 * np.pi), 0, 1)

    def moved(share: float) -> Any:
        fixed = still + noise
        for at, amount in ((side.other, 1.0), (side, share)):
            for points in (MESH478.brow[at], MESH478.commissure[at]):
                fixed[:, list(points), 1] -= 0.1 * amount * wave[:, None]
        return fixed

    source, result = moved(own), moved(own * kept)
    conversion = cast(
        Conversion,
        SimpleNamespace(
            source_xyz=xyz,
            side=side,
            rest=wave == 0,
            made=HowMade(PalsyProfile(side, kept)),
            tracks=SimpleNamespace(neutral_index=np.zeros(FRAMES, np.int64)),
        ),
    )
    found = {
        figure.name: figure
        for figure in asymmetry_figures(conversion, HeadFixed(source, result, np.zeros_like(source)))
    }
    for zone in ("brow, moving", "commissure, moving"):
        assert found[zone].value == pytest.approx((1 - kept * own) / (1 + kept * own), abs=0.03)
        assert found[zone].floor == pytest.approx((1 - own) / (1 + own), abs=0.03)
        assert found[zone].met
    assert found["eye, moving"].value is None
    assert "moves clearly in 0 frames" in found["eye, moving"].note
    assert found["at rest"].value == pytest.approx(found["at rest"].floor, abs=1e-6)
    rows = clinical_rows(conversion, source, result)
    peak = next(figure for figure in clinical_figures(conversion, rows) if figure.name == "brow height, peak")
    full = float(np.quantile(wave, 0.95)) * 0.1
    assert peak.value is not None
    assert peak.floor is not None
    assert peak.value - peak.floor == pytest.approx(full * own * (1 - kept), abs=0.02)
