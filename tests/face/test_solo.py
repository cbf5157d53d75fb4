"""Two landmarkers that take turns."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from afet_video.datatypes import ByteArray, Landmarks, Timestamp
from afet_video.face.landmarker import FaceLandmarker
from afet_video.face.solo import SoloPair
from afet_video.threads import with_next


@dataclass
class FakeModel:
    """Remembers what it was asked, in which thread."""

    seen: list[tuple[int, int]] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)
    closed: int = 0

    def close(self) -> None:
        self.closed += 1


@dataclass
class Lab:
    models: list[FakeModel] = field(default_factory=list)

    def open(self) -> FakeModel:
        self.models.append(FakeModel())
        return self.models[-1]

    def find(self, model: FakeModel, rgb: ByteArray, ms: int) -> int:
        model.seen.append((int(rgb[0, 0, 0]), ms))
        model.threads.add(threading.current_thread().name)
        if rgb[0, 0, 0] == 99:
            raise ValueError("a bad picture")
        return int(rgb[0, 0, 0])


def pictures(*values: int) -> list[ByteArray]:
    return [np.full((2, 2, 3), value, np.uint8) for value in values]


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_without_a_look_ahead_one_landmarker_sees_every_picture(lab: Lab) -> None:
    pair = SoloPair(lab.open, lab.find)
    assert [pair.look(rgb) for rgb in pictures(1, 2, 3)] == [1, 2, 3]
    (model,) = lab.models
    assert [value for value, _ in model.seen] == [1, 1, 2, 3]  # the first one twice: to find it, then to follow it
    pair.close()
    pair.close()
    assert model.closed == 1


def test_with_a_look_ahead_they_take_turns_and_time_goes_on(lab: Lab) -> None:
    pair = SoloPair(lab.open, lab.find)
    found = []
    for rgb, coming in with_next(pictures(1, 2, 3, 4, 5)):
        if coming is not None:
            pair.look_ahead(rgb, coming)
        found.append(pair.look(rgb))
    pair.close()
    assert found == [1, 2, 3, 4, 5]
    seen = sorted([value for value, _ in model.seen] for model in lab.models)
    assert seen == [[1, 1, 3, 5], [2, 2, 4]]
    for model in lab.models:
        times = [ms for _, ms in model.seen]
        assert times == sorted(set(times))
        assert model.closed == 1
    assert not [t.name for t in threading.enumerate() if t.name.startswith("afet-solo")]


def test_what_nobody_asks_for_is_dropped(lab: Lab) -> None:
    one, two, three = pictures(1, 2, 3)
    pair = SoloPair(lab.open, lab.find)
    pair.look_ahead(one, two)
    assert pair.look(one) == 1
    pair.look_ahead(two, three)  # two is seen by other means: nobody looks at it alone
    assert pair.look(three) == 3
    pair.close()


def test_a_failure_is_raised_where_the_picture_is_asked_for(lab: Lab) -> None:
    one, bad, two = pictures(1, 99, 2)
    pair = SoloPair(lab.open, lab.find)
    pair.look_ahead(one, bad)
    assert pair.look(one) == 1
    with pytest.raises(ValueError, match="a bad picture"):
        pair.look(bad)
    assert pair.look(two) == 2
    pair.close()


def test_on_a_real_clip_nothing_is_lost_by_looking_ahead() -> None:
    clip = Path(__file__).resolve().parents[2] / "samples" / "webcam.mp4"
    with av.open(str(clip)) as container:
        rgb = [f.to_ndarray(format="rgb24") for f, _ in zip(container.decode(video=0), range(40), strict=False)]
    alone, ahead = followed(rgb, looks_ahead=False), followed(rgb, looks_ahead=True)
    assert np.array_equal(ahead, followed(rgb, looks_ahead=True))
    height = float(np.ptp(alone[0, :, 1]))
    assert 0 < np.sqrt(((alone - ahead)[..., :2] ** 2).sum(-1).mean()) < 0.005 * height
    assert jitter(ahead) < 1.1 * jitter(alone)


def followed(rgb: list[ByteArray], *, looks_ahead: bool) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return the landmarks (T, 478, 3) of the face in each picture."""
    found: list[Landmarks] = []
    size_wh = (rgb[0].shape[1], rgb[0].shape[0])
    with FaceLandmarker() as landmarker:
        for index, (picture, coming) in enumerate(with_next(rgb)):
            found += landmarker.detect(
                picture,
                timestamp=Timestamp(33 * index, Fraction(1, 1000)),
                size_wh=size_wh,
                follow=found[-1] if found else None,
                coming=coming if looks_ahead else None,
            )
    return np.array([face.xyz for face in found], np.float32)


def jitter(xyz: np.ndarray[Any, np.dtype[np.float32]]) -> float:
    return float(np.linalg.norm(np.diff(xyz[..., :2], 2, axis=0), axis=-1).mean())
