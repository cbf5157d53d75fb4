"""Pictures of the sample's man: at rest, smiling, with raised brows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from afet_video.face.landmarker import FaceLandmarker
from afet_video.image_files import Picture, write_picture
from afet_video.stills import Face, find_face


@pytest.fixture(scope="session")
def still_pictures(sample_pictures: NDArray[np.uint8]) -> Mapping[str, Picture]:
    frames = {"neutral": 325, "smile": 184, "brows": 74}
    return {name: Picture(sample_pictures[index], name=f"{name}.png") for name, index in frames.items()}


@pytest.fixture(scope="session")
def landmarker() -> Iterator[FaceLandmarker]:
    with FaceLandmarker() as one:
        yield one


@pytest.fixture(scope="session")
def faces(still_pictures: Mapping[str, Picture], landmarker: FaceLandmarker) -> Mapping[str, Face]:
    return {name: find_face(picture, landmarker) for name, picture in still_pictures.items()}


@pytest.fixture(scope="session")
def still_files(still_pictures: Mapping[str, Picture], tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    folder = tmp_path_factory.mktemp("stills")
    for name, picture in still_pictures.items():
        write_picture(folder / f"{name}.png", picture, is_synthetic=False)
    return {name: folder / f"{name}.png" for name in still_pictures}
