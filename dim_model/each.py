"""How something is done to each of several: one after the other, or side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Each:
    """Called as ``map`` is; gives the results in order, which are the same whatever it is. by: ``map``, or
    an executor's. parts: into how many something large is best cut.
    """

    by: Callable[..., Iterable[Any]] = map
    parts: int = 1

    @classmethod
    def side_by_side(cls, threads: int, name: str) -> Self:
        """By threads, which end when nobody has it any more. What is done so may not do anything so itself:
        it would wait for a thread that waits for it.
        """
        return cls(ThreadPoolExecutor(threads, name).map, threads) if threads > 1 else cls()

    def __call__(self, what: Callable[..., Any], *of: Iterable[Any]) -> Iterable[Any]:
        return self.by(what, *of)


ONE_BY_ONE = Each()
