"""Two landmarkers that take turns."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from afet_video.datatypes import ByteArray, Landmarks, Timestamp
from afet_video.face.landmarker import FaceLandmarker
from afet_video.face.solo import LOOK_AHEAD, LOOK_AHEAD_OF_ONE, STRETCH, SoloPair
from afet_video.threads import with_following


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


def follow(pair: SoloPair, rgb: list[ByteArray], ahead: int = LOOK_AHEAD) -> list[int]:
    found = []
    for picture, coming in with_following(rgb, ahead):
        if coming:
            pair.look_ahead(picture, coming)
        found.append(pair.look(picture))
    return found


def test_without_a_look_ahead_one_landmarker_sees_every_picture(lab: Lab) -> None:
    pair = SoloPair(lab.open, lab.find)
    assert follow(pair, pictures(1, 2, 3), ahead=0) == [1, 2, 3]
    (model,) = lab.models
    assert [value for value, _ in model.seen] == [1, 1, 1, 2, 3]  # the first one again and again, until it settles
    assert model.threads == {threading.current_thread().name}
    pair.close()
    pair.close()
    assert model.closed == 1


def test_with_a_look_ahead_they_take_turns_in_stretches_and_time_goes_on(lab: Lab) -> None:
    pair = SoloPair(lab.open, lab.find)
    values = list(range(1, 3 * STRETCH + 2))
    assert follow(pair, pictures(*values)) == values
    pair.close()
    seen = sorted(list(dict.fromkeys(value for value, _ in model.seen)) for model in lab.models)
    assert seen == [
        [*values[:STRETCH], *values[2 * STRETCH : 3 * STRETCH]],
        [*values[STRETCH : 2 * STRETCH], values[-1]],
    ]
    for model in lab.models:
        times = [ms for _, ms in model.seen]
        assert times == sorted(set(times))
        assert model.closed == 1
        counts = Counter(value for value, _ in model.seen)
        firsts = {values[0], values[STRETCH], values[2 * STRETCH], values[3 * STRETCH]}
        assert all(counts[value] == (3 if value in firsts else 1) for value in counts)
    assert not [t.name for t in threading.enumerate() if t.name.startswith("afet-solo")]


def test_a_single_one_looks_ahead_in_a_thread_and_settles_once(lab: Lab) -> None:
    pair = SoloPair(lab.open, lab.find, 1)
    values = list(range(1, 2 * STRETCH + 2))
    assert follow(pair, pictures(*values), LOOK_AHEAD_OF_ONE) == values
    (model,) = lab.models
    assert [value for value, _ in model.seen] == [1, 1, *values]
    assert threading.current_thread().name not in model.threads
    pair.close()
    assert model.closed == 1


def test_a_picture_that_is_passed_over_is_dropped(lab: Lab) -> None:
    one, two, three = pictures(1, 2, 3)
    pair = SoloPair(lab.open, lab.find)
    pair.look_ahead(one, (two, three))
    assert pair.look(one) == 1
    pair.look_ahead(two, (three,))  # two is seen by other means: nobody looks at it alone
    pair.look_ahead(three, ())
    assert pair.look(three) == 3
    assert pair.look(two) == 2
    pair.close()


def test_who_is_lost_is_looked_for_until_it_settles(lab: Lab) -> None:
    one, two, three = pictures(1, 2, 3)
    pair = SoloPair(lab.open, lab.find)
    pair.look_ahead(one, (two, three))
    assert pair.look(one) == 1
    pair.lose()
    assert pair.look(three) == 3
    assert [value for value, _ in lab.models[0].seen][-3:] == [3, 3, 3]
    pair.close()


def test_a_failure_is_raised_where_the_picture_is_asked_for(lab: Lab) -> None:
    one, bad, two = pictures(1, 99, 2)
    pair = SoloPair(lab.open, lab.find)
    pair.look_ahead(one, (bad, two))
    assert pair.look(one) == 1
    with pytest.raises(ValueError, match="a bad picture"):
        pair.look(bad)
    assert pair.look(two) == 2
    pair.close()


def test_on_a_real_clip_nothing_is_lost_by_looking_ahead() -> None:
    clip = Path(__file__).resolve().parents[2] / "samples" / "webcam.mp4"
    with av.open(str(clip)) as container:
        rgb = [f.to_ndarray(format="rgb24") for f, _ in zip(container.decode(video=0), range(60), strict=False)]
    alone, ahead = followed(rgb), followed(rgb, LOOK_AHEAD)
    assert np.array_equal(ahead, followed(rgb, LOOK_AHEAD))
    assert np.array_equal(alone, followed(rgb, LOOK_AHEAD_OF_ONE, sharing=1))
    height = float(np.ptp(alone[0, :, 1]))
    assert np.array_equal(alone[: STRETCH - 1], ahead[: STRETCH - 1])
    assert 0 < np.sqrt(((alone - ahead)[..., :2] ** 2).sum(-1).mean()) < 0.005 * height
    assert jitter(ahead) < 1.1 * jitter(alone)


def followed(rgb: list[ByteArray], ahead: int = 0, *, sharing: int = 2) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return the landmarks (T, 478, 3) of the face in each picture."""
    found: list[Landmarks] = []
    size_wh = (rgb[0].shape[1], rgb[0].shape[0])
    with FaceLandmarker(sharing=sharing) as landmarker:
        for index, (picture, coming) in enumerate(with_following(rgb, ahead)):
            found += landmarker.detect(
                picture,
                timestamp=Timestamp(33 * index, Fraction(1, 1000)),
                size_wh=size_wh,
                follow=found[-1] if found else None,
                coming=coming,
            )
    return np.array([face.xyz for face in found], np.float32)


def jitter(xyz: np.ndarray[Any, np.dtype[np.float32]]) -> float:
    return float(np.linalg.norm(np.diff(xyz[..., :2], 2, axis=0), axis=-1).mean())
