"""Faults that last: each is said when it comes up, and again only after it was gone.

Folders are scanned every few seconds, for months. A sentence at every scan would bury the log; one that is
said once in a process's life would hide that the disk is full for the second time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable


class Faults:
    """What is wrong at the moment, by topic. say: takes a sentence. Safe to share between threads."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self._standing: dict[str, frozenset[str]] = {}
        self._lock = threading.Lock()

    def now(self, topic: str, sentences: Iterable[str]) -> list[str]:
        """These stand in ``topic`` now, and no others. Says those that are new, and returns them."""
        with self._lock:
            standing = frozenset(sentences)
            new = sorted(standing - self._standing.get(topic, frozenset()))
            self._standing[topic] = standing
        for sentence in new:
            self._say(sentence)
        return new
