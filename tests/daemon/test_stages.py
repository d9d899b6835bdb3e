"""Stages: ahead, in order, bounded, and ended whole."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator

import pytest

from daemon.stages import Ahead, timed
from tests.daemon.cases import wait_for


def test_items_come_in_order() -> None:
    with Ahead(iter(range(100)), 3, "count") as items:
        assert list(items) == list(range(100))


def test_a_stage_runs_ahead_only_so_far() -> None:
    made: list[int] = []

    def count() -> Iterator[int]:
        for n in range(100):
            made.append(n)
            yield n

    with Ahead(count(), 4, "count") as items:
        iterator = iter(items)
        next(iterator)
        wait_for(lambda: len(made) >= 5)
        assert len(made) <= 6


def test_with_nothing_ahead_items_are_made_as_they_are_asked_for() -> None:
    made_by: list[int] = []

    def count() -> Iterator[int]:
        for n in range(3):
            made_by.append(threading.get_ident())
            yield n

    with Ahead(count(), 0, "count") as items:
        iterator = iter(items)
        assert (next(iterator), len(made_by)) == (0, 1)
        assert list(iterator) == [1, 2]
    assert set(made_by) == {threading.get_ident()}


def test_nothing_holds_an_item_that_was_handed_on() -> None:
    class Frame:
        """Something that can be pointed at weakly."""

    kept: list[weakref.ref[Frame]] = []

    def frames() -> Iterator[Frame]:
        for _ in range(2):
            frame = Frame()
            kept.append(weakref.ref(frame))
            yield frame
            del frame

    gate = threading.Event()

    def slow(items: Iterator[Frame]) -> Iterator[Frame]:
        for number, item in enumerate(items):
            assert number == 0 or gate.wait(20)
            yield item
            del item

    with (
        Ahead(timed("a", frames(), lambda *_: None), 1, "a") as first,
        Ahead(slow(iter(first)), 1, "b") as last,
    ):
        iterator = iter(last)
        item = next(iterator)
        assert item is kept[0]()
        del item
        wait_for(lambda: kept[0]() is None)
        gate.set()
        assert next(iterator) is kept[1]()


def test_an_error_comes_out_at_the_end_of_what_was_made() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise OSError("the disk is gone")

    with Ahead(broken(), 2, "broken") as first, Ahead((n + 1 for n in first), 2, "second") as second:
        iterator = iter(second)
        assert next(iterator) == 2
        with pytest.raises(OSError, match="the disk is gone"):
            next(iterator)


def test_leaving_early_ends_the_threads_and_closes_what_they_read() -> None:
    closed = threading.Event()

    def endless() -> Iterator[int]:
        try:
            while True:
                yield 0
        finally:
            closed.set()

    before = threading.active_count()
    with Ahead(endless(), 2, "endless") as first, Ahead(iter(first), 2, "second") as second:
        next(iter(second))
    assert closed.wait(5)
    wait_for(lambda: threading.active_count() == before)


def test_each_item_is_timed() -> None:
    told: list[tuple[str, float]] = []
    assert list(timed("read", [1, 2], lambda name, seconds: told.append((name, seconds)))) == [1, 2]
    assert [name for name, _ in told] == ["read", "read"]
