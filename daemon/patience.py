"""Questions to a disk that may never answer: a network mount hangs in the middle of whatever is asked of it.

Each is put by a thread of its own and waited for so long and no longer, so that a share that is away holds up
its own clips and no others. Nothing can end such a thread; it ends when the share is back, and until then no
second one is sent after it.
"""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")

MOUNT_SECONDS = 10.0
"""For a folder to answer: a server that is merely slow has done so by then."""


class Patience:
    """Waits `seconds` for each answer; where `then` is given, only that long once one did not come, so that
    many questions after one another do not add up. Safe to share between threads.
    """

    def __init__(self, seconds: float, then: float | None = None) -> None:
        self._seconds = seconds
        self._then = seconds if then is None else then
        self._lock = threading.Lock()
        self._out: dict[Hashable, _Question] = {}

    def ask(self, about: Hashable, question: Callable[[], T]) -> T:
        """What `question` returns or raises. about: what is one and the same, such as a folder. Where an
        earlier question about it was given up and has its answer by now, that is the answer.

        Raises TimeoutError, which is an OSError, where there is none in time.
        """
        return self.put(about, question)()

    def put(self, about: Hashable, question: Callable[[], T]) -> Callable[[], T]:
        """As `ask`, but what is returned waits for the answer: the time of several that are put first and
        then waited for is that of one.
        """
        with self._lock:
            asked = self._out.get(about)
            if asked is None:
                asked = self._out[about] = _Question(question)
                asked.start()
        return partial(self._answer, about, asked)

    def _answer(self, about: Hashable, asked: _Question) -> Any:
        if not asked.answered.wait(max(0.0, asked.begun + self._seconds - time.monotonic())):
            self._seconds = self._then
            raise TimeoutError(errno.ETIMEDOUT, "no answer")
        with self._lock:
            if self._out.get(about) is asked:
                del self._out[about]
        if asked.error is not None:
            raise asked.error
        return asked.answer


class _Question(threading.Thread):
    def __init__(self, question: Callable[[], Any]) -> None:
        super().__init__(name="patience", daemon=True)
        self._question = question
        self.begun = time.monotonic()
        self.answered = threading.Event()
        self.answer: Any = None
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.answer = self._question()
        except Exception as error:  # noqa: BLE001  (it is raised again where it was asked)
            self.error = error
        self.answered.set()
