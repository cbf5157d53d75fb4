"""Who is who, from stretches with looks made up: one colour a person."""

from __future__ import annotations

import numpy as np

from afet_video.face.look import Look
from afet_video.face.people import Place, Stretch, best_pairs, identify


def look(person: int | None) -> Look | None:
    if person is None:
        return None
    colors = np.zeros((3, 576), np.float32)
    colors[:, person] = 1.0
    return Look(colors, np.zeros(20, np.float32))


def stretch(first: int, last: int, x: float, person: int | None, *, end: float | None = None) -> Stretch:
    places = [Place(at, 100.0, 100.0, frame / 25) for at, frame in ((x, first), (x if end is None else end, last))]
    return Stretch(first, last, *places, look(person), 1)


def who(*stretches: Stretch, cuts: tuple[int, ...] = ()) -> tuple[list[int], list[int]]:
    shots = np.zeros(1000, np.int32)
    for cut in cuts:
        shots[cut:] += 1
    people = identify(stretches, shots)
    return people.person.tolist(), people.run.tolist()


def test_who_comes_back_is_known_by_their_look() -> None:
    assert who(stretch(0, 10, 100, 0), stretch(200, 210, 800, 0)) == ([0, 0], [0, 1])
    assert who(stretch(0, 10, 100, 0), stretch(200, 210, 100, 1)) == ([0, 1], [0, 1])


def test_without_a_look_nobody_is_known_again_but_who_goes_on_at_once() -> None:
    assert who(stretch(0, 10, 100, None), stretch(200, 210, 100, None)) == ([0, 1], [0, 1])
    assert who(stretch(0, 10, 100, None), stretch(12, 20, 110, None)) == ([0, 0], [0, 0])


def test_a_look_that_speaks_against_it_is_stronger_than_the_place() -> None:
    assert who(stretch(0, 10, 100, 0), stretch(12, 20, 100, 1))[0] == [0, 1]


def test_nothing_goes_on_across_a_cut() -> None:
    assert who(stretch(0, 10, 100, 0), stretch(11, 20, 100, 0), cuts=(11,)) == ([0, 0], [0, 1])
    assert who(stretch(0, 10, 100, None), stretch(11, 20, 100, None), cuts=(11,)) == ([0, 1], [0, 1])


def test_two_people_who_change_sides_at_a_cut() -> None:
    found, _ = who(
        *(stretch(0, 10, 100, 0), stretch(0, 10, 500, 1), stretch(11, 20, 100, 1), stretch(11, 20, 500, 0)), cuts=(11,)
    )
    assert found == [0, 1, 1, 0]


def test_nobody_is_in_two_places_at_once() -> None:
    found, _ = who(stretch(0, 10, 100, 0), stretch(5, 20, 500, 0), stretch(100, 110, 100, 0))
    assert found[0] != found[1]
    assert found[2] in found[:2]


def test_joint_assignment_pairs_as_many_as_it_can() -> None:
    costs = np.array([[1.0, 2.0], [1.1, np.inf]])
    assert sorted(best_pairs(costs)) == [(0, 1), (1, 0)], "the nearest alone would leave the second without a partner"
    assert best_pairs(np.zeros((0, 3))) == []
    assert best_pairs(np.full((2, 2), np.inf)) == []
