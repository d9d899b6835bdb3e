"""A clip's first picture, decoded by a process of its own before this one touches the file.

Codecs are large, old and written in C; the inbox holds what anybody sends. What crashes one, keeps it busy
for ever or has it take all memory costs that process, and the clip is set aside. The process is a fork of a
small one that has the media libraries loaded and nothing else, so a probe costs milliseconds.

It sees the first picture of each file alone: the rest is decoded by the daemon itself.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from daemon.media.base import MediaError
from daemon.media.find import MediaRef
from daemon.media.stills import read_still
from daemon.media.video_source import first_picture

_FINE, _MEMORY = 0, 3
_HANDLES = 64
_GIB = 1 << 30
_MEND = "export it again, or leave it out"

_START = "import sys; sys.path[:] = {path!r}; from daemon.media.probe import main; main()"
"""Whoever runs from a checkout has a path that a new interpreter has not."""


class Probe:
    """Asks the small process, which is started when it is first needed. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def check(self, ref: MediaRef, *, max_pixels: int, seconds: float, gib: float) -> None:
        """Raise MediaError for a clip whose first picture crashes its decoder, or takes more than so many
        seconds or GiB. What is merely wrong with it is left to whoever opens it next.
        """
        file = ref.files[0]
        asked = {"kind": ref.kind, "path": str(file.absolute()), "max_pixels": max_pixels}
        how, number = self._ask(asked | {"seconds": seconds, "gib": gib})
        if how == "fine":
            return
        reason = {
            "time": f"takes longer than limits: probe_seconds ({seconds:g}) for its first picture",
            "memory": f"takes more memory than limits: probe_gib ({gib:g}) for its first picture",
            "signal": f"crashes its decoder (signal {number})",
        }[how]
        mend = _MEND if how == "signal" else f"{_MEND}, or raise that"
        raise MediaError(f"{file.name}: {reason}; {mend}.")

    def _ask(self, question: dict[str, Any]) -> tuple[str, int]:
        with self._lock:
            for _ in range(2):  # the process may have been killed since; another one serves as well
                process = self._started()
                assert process.stdin is not None
                assert process.stdout is not None
                with suppress(OSError):
                    process.stdin.write(json.dumps(question) + "\n")
                    process.stdin.flush()
                    if answer := process.stdout.readline():
                        how, number = json.loads(answer)
                        return str(how), int(number)
                self._end()
        raise OSError(None, "the process that tries clips cannot be started", sys.executable)

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START.format(path=sys.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,  # a Ctrl-C is for the daemon, which ends it
            )
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):  # what could not be written is of no use now
                    if pipe is not None:
                        pipe.close()

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def main() -> None:
    """The small process: reads questions by lines until there are no more; answers each."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for line in sys.stdin:
        question = json.loads(line)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = _child(question)
            finally:
                os._exit(code)
        print(json.dumps(_outcome(child, question["seconds"])), flush=True)


def _outcome(child: int, seconds: float) -> tuple[str, int]:
    handle = os.pidfd_open(child)
    try:
        if not select.select([handle], [], [], seconds)[0]:
            os.kill(child, signal.SIGKILL)
            # Not waited for without end: a share that hangs does not let go of it.
            if select.select([handle], [], [], 1.0)[0]:
                os.waitpid(child, 0)
            return "time", 0
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    finally:
        os.close(handle)
    if code == _MEMORY:
        return "memory", 0
    if code == -signal.SIGXCPU:
        return "time", 0
    return ("signal", -code) if code < 0 else ("fine", 0)


def _child(question: dict[str, Any]) -> int:
    """Decode the first picture under limits, and write nothing."""
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    seconds = int(question["seconds"]) + 1
    for what, limit in (
        (resource.RLIMIT_AS, held + int(question["gib"] * _GIB)),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _HANDLES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (limit, limit))
    # Of the processor: all its threads together, so that there are as many seconds to each.
    resource.setrlimit(resource.RLIMIT_CPU, (seconds * (os.cpu_count() or 1),) * 2)
    path = Path(question["path"])
    try:
        if question["kind"] == "video":
            first_picture(path, question["max_pixels"])
        else:
            read_still(path, question["max_pixels"])
    except MemoryError:
        return _MEMORY
    except Exception:  # noqa: BLE001  (it is told by whoever opens the file next)
        return _FINE
    return _FINE
