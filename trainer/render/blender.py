"""A Blender that waits for scenes: started once, asked many times, killed when it hangs."""

from __future__ import annotations

import shutil
import subprocess
from collections import deque
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from types import TracebackType
from typing import Self

_SCRIPT = Path(__file__).with_name("inside.py")
_ANSWER = "dimd: "
_START_LIMIT = 120.0
"""Seconds until Blender must answer at all: ten times what a busy machine took."""


class NoBlenderError(Exception):
    """There is no Blender to run."""


class BlenderError(Exception):
    """A render that came to nothing: why, in one sentence."""


def find_blender(path: Path | None = None) -> Path:
    """The executable at `path`, or the one on PATH. Raises NoBlenderError."""
    found = shutil.which(path or "blender")
    if found is None:
        raise NoBlenderError(
            f"{path or 'Blender'} is not there or cannot be run; install it with `apt install blender`, "
            "or name it with `--blender PATH`."
        )
    return Path(found)


class Blender:
    """One Blender process. `version`: what it says it is."""

    def __init__(self, executable: Path) -> None:
        self._child = subprocess.Popen(
            # The threads of a farm are its workers: one Blender keeps to one core.
            [str(executable), "-b", "--factory-startup", "-t", "1", "-P", str(_SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C is the farm's to obey
        )
        self._answers: SimpleQueue[str | None] = SimpleQueue()
        self._chatter: deque[str] = deque(maxlen=3)
        self._listener = Thread(target=self._listen, name="blender", daemon=True)
        self._listener.start()
        self.version = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._listener.join()
        with suppress(BrokenPipeError), self._child:  # a question that it never read breaks the pipe
            pass

    def _listen(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            if line.startswith(_ANSWER):
                self._answers.put(line.removeprefix(_ANSWER).strip())
            elif line.strip() and not line.startswith("Fra:"):
                self._chatter.append(line.strip())
        self._answers.put(None)

    def _answer(self, seconds: float) -> str:
        try:
            said = self._answers.get(timeout=seconds)
        except Empty:
            raise BlenderError(f"Blender gave no answer within {seconds:.0f} s.") from None
        if said is None:
            raise BlenderError(
                f"Blender ended by itself; its last words: {' / '.join(self._chatter) or 'none'}."
            )
        return said

    def render(self, scene: Path, limit: float) -> float:
        """Render a scene within `limit` seconds; returns the seconds it took. After a BlenderError this
        Blender is of no more use.
        """
        if not self.version:
            self.version = self._answer(_START_LIMIT).removeprefix("ready ")
        start = monotonic()
        assert self._child.stdin is not None
        with suppress(BrokenPipeError):  # it has ended; the answer says so with its last words
            self._child.stdin.write(f"{scene}\n")
            self._child.stdin.flush()
        verdict, _, rest = self._answer(limit).partition(" ")
        if verdict != "done":
            raise BlenderError(f"Blender could not render it: {rest}")
        return monotonic() - start

    def kill(self) -> None:
        """End it at once; safe from any thread and from a signal handler."""
        self._child.kill()
