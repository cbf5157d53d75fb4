"""A short clip with a brow raise and a smile, and the data set that is made of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from afet_video.pairs import PairSettings, PairsReport, make_pairs
from afet_video.pairs.rows import Row, read_rows
from tests.synthetic import ClipSpec, make_clip


@dataclass(frozen=True)
class PairSet:
    folder: Path
    clip: Path
    pictures: NDArray[np.uint8]
    report: PairsReport

    @property
    def rows(self) -> list[Row]:
        return read_rows(self.folder)


@pytest.fixture(scope="session")
def pair_set(sample_pictures: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> PairSet:
    """Every second frame of the sample: at rest, brows up (frames 20 to 33), a broad smile (76 to 114), at rest."""
    folder = tmp_path_factory.mktemp("pairs")
    pictures = sample_pictures[20:280:2]
    spec = ClipSpec(size_wh=(400, 300), frames=len(pictures), rate=25, options={"crf": "6"})
    clip = make_clip(folder / "clip.mp4", spec, pictures=pictures)
    broken = folder / "broken.mp4"
    broken.write_bytes(b"no video")
    report = make_pairs([clip, broken], folder / "set", settings=PairSettings(size=256), review=True)
    return PairSet(folder / "set", clip, pictures, report)
