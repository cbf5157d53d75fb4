from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from afet_video.threads import prefetch, run_behind, side_by_side, with_following

PREFIX = "afet-"


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    yield
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and any(t.name.startswith(PREFIX) for t in threading.enumerate()):
        time.sleep(0.01)
    assert [t.name for t in threading.enumerate() if t.name.startswith(PREFIX)] == []


class Broken(Exception):
    """Something unforeseen."""


def counting(stop: int, taken: list[int], *, fails_at: int = -1) -> Iterator[int]:
    for i in range(stop):
        if i == fails_at:
            raise Broken(i)
        taken.append(i)
        yield i


def test_values_come_in_order_from_another_thread() -> None:
    names = []

    def values() -> Iterator[int]:
        for i in range(50):
            names.append(threading.current_thread().name)
            yield i

    assert list(prefetch(values())) == list(range(50))
    assert set(names) == {"afet-prefetch"}
    assert list(prefetch([])) == []


def test_it_runs_only_so_far_ahead() -> None:
    taken: list[int] = []
    ahead = prefetch(counting(1000, taken), depth=3)
    assert next(ahead) == 0
    deadline = time.monotonic() + 30
    while len(taken) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)  # so that it could go too far
    assert 2 <= len(taken) <= 1 + 3 + 1
    ahead.close()
    time.sleep(0.15)
    assert len(taken) < 10


def test_an_error_comes_after_the_values_before_it() -> None:
    got = []
    with pytest.raises(Broken, match="7"):
        for value in prefetch(counting(20, [], fails_at=7)):
            got.append(value)
    assert got == list(range(7))


def test_leaving_early_stops_the_thread() -> None:
    taken: list[int] = []
    ahead = prefetch(counting(10_000, taken))
    for value in ahead:
        if value == 5:
            break
    ahead.close()
    assert len(taken) < 20


def test_everything_put_is_done_in_order_behind() -> None:
    done: list[int] = []
    with run_behind(done.append, depth=2) as behind:
        for i in range(100):
            behind.put(i)
    assert done == list(range(100))


def test_the_line_is_bounded() -> None:
    gate, started = threading.Event(), time.monotonic()

    def slow(_: int) -> None:
        gate.wait(30)

    with run_behind(slow, depth=2) as behind:
        for i in range(3):
            behind.put(i)
        threading.Timer(0.1, gate.set).start()
        behind.put(3)
        assert time.monotonic() - started > 0.05
    assert gate.is_set()


def test_an_error_behind_reaches_the_one_who_puts() -> None:
    done: list[int] = []

    def fails(value: int) -> None:
        if value == 3:
            raise Broken(value)
        done.append(value)

    with pytest.raises(Broken, match="3"), run_behind(fails) as behind:
        for i in range(10_000):
            behind.put(i)
    assert done == [0, 1, 2]


def test_an_error_at_the_very_end_is_not_lost() -> None:
    def fails(value: int) -> None:
        raise Broken(value)

    with pytest.raises(Broken, match="1"), run_behind(fails) as behind:
        behind.put(1)


def test_an_error_of_the_producer_is_the_one_that_counts() -> None:
    done: list[int] = []
    with pytest.raises(KeyboardInterrupt), run_behind(done.append) as behind:
        behind.put(1)
        raise KeyboardInterrupt
    assert done == [1]


def test_side_by_side_keeps_the_order_and_takes_few_ahead() -> None:
    taken: list[int] = []

    def slow_first(value: int) -> int:
        time.sleep(0.05 if value == 0 else 0.0)
        return value * value

    results = side_by_side(slow_first, counting(1000, taken), workers=2)
    assert [next(results) for _ in range(5)] == [0, 1, 4, 9, 16]
    assert len(taken) <= 5 + 2
    results.close()
    assert list(side_by_side(slow_first, range(20))) == [value**2 for value in range(20)]
    assert list(side_by_side(slow_first, [])) == []


def test_side_by_side_uses_several_threads_at_once() -> None:
    both = threading.Barrier(2, timeout=30)
    assert len(list(side_by_side(lambda _: both.wait(), range(4), workers=2))) == 4


def test_side_by_side_raises_an_error_in_place_of_its_value() -> None:
    def fails_at_three(value: int) -> int:
        if value == 3:
            raise Broken(value)
        return value

    got = []
    with pytest.raises(Broken):
        for value in side_by_side(fails_at_three, range(100)):
            got.append(value)
    assert got == [0, 1, 2]


def test_side_by_side_raises_an_error_of_its_input() -> None:
    with pytest.raises(Broken):
        list(side_by_side(str, counting(10, [], fails_at=4)))


@pytest.mark.parametrize(
    ("values", "count", "pairs"),
    [
        ([], 2, []),
        ([1], 2, [(1, ())]),
        ([1, 2, 3, 4], 2, [(1, (2, 3)), (2, (3, 4)), (3, (4,)), (4, ())]),
        ([1, 2], 0, [(1, ()), (2, ())]),
    ],
)
def test_each_value_comes_with_those_after_it(
    values: list[int], count: int, pairs: list[tuple[int, tuple[int, ...]]]
) -> None:
    assert list(with_following(iter(values), count)) == pairs
