"""Stages that overlap: an iterator that is run ahead in a thread of its own, by so many items and no more.

A clip is read, matted, composed and written by iterators laid over one another; each that is wrapped in
``Ahead`` works while the next one does. An error in any of them comes out of the last, once, and leaving the
``with`` ends all threads.
"""

from __future__ import annotations

import contextvars
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, Self, TypeVar

T = TypeVar("T")

_PATIENCE = 0.1
"""Seconds between looks at whether a full queue's reader is gone."""

Observe = Callable[[str, float], None]
"""Takes a stage's name and the seconds that one item took it."""


def timed(name: str, items: Iterable[T], observe: Observe) -> Iterator[T]:
    """The same items; ``observe`` is told how long each took to come."""
    iterator = iter(items)
    while True:
        begun = time.perf_counter()
        try:
            handed = [next(iterator)]
        except StopIteration:
            return
        observe(name, time.perf_counter() - begun)
        yield handed.pop()  # a frame is large: nothing here holds it while it is worked on


class Ahead(Generic[T]):
    """Iterates over ``items`` in a thread, at most ``depth`` items ahead of whoever iterates over this; with
    0, in that one's own thread, as the items are asked for.

    It holds no item that it has handed on.
    """

    def __init__(self, items: Iterable[T], depth: int, name: str) -> None:
        self._items, self._is_ahead = items, depth > 0
        self._queue: queue.Queue[list[T] | BaseException | None] = queue.Queue(depth)
        self._stop = threading.Event()
        # In the context of whoever made it: what is logged there bears the same job.
        work = contextvars.copy_context().run
        self._thread = threading.Thread(target=work, args=(self._work,), name=name, daemon=True)

    def _work(self) -> None:
        end: BaseException | None = None
        try:
            for item in self._items:
                if not self._put([item]):
                    return
                del item
        except BaseException as error:  # noqa: BLE001  (it is raised again where the items are taken)
            end = error
        finally:
            close = getattr(self._items, "close", None)
            if close:
                close()
        self._put(end)

    def _put(self, item: list[T] | BaseException | None) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=_PATIENCE)
            except queue.Full:
                continue
            return True
        return False

    def __iter__(self) -> Iterator[T]:
        return self._taken() if self._is_ahead else iter(self._items)

    def _taken(self) -> Iterator[T]:
        while True:
            item = self._queue.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item.pop()

    def __enter__(self) -> Self:
        if self._is_ahead:
            self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        if self._is_ahead:
            self._thread.join()
