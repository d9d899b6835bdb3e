"""Processes that decode for the daemon, one to a file: forks of a small one that has the media libraries
loaded and nothing else (see `decoding`).
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from daemon.closing import Closing

_START = "import sys; sys.path[:] = {path!r}; from daemon.media.decoding import main; main({handle})"
"""Whoever runs from a checkout has a path that a new interpreter has not."""

_MEMORY = {
    "MALLOC_ARENA_MAX": "4",
    "MALLOC_MMAP_THRESHOLD_": str(1 << 27),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 28),
}
"""Of glibc, see mallopt(3). Else each of a decoder's threads reserves address space, which is limited, and
never fills it, and the memory of each picture is given back and fetched anew: 9 ms of a frame at 1080p.
"""

_LOOK = 0.5
"""Seconds over which a process is watched."""


def computes(process: int) -> bool:
    """Whether it takes the processor, rather than wait for something."""
    before = cpu_seconds(process)
    time.sleep(_LOOK)
    return cpu_seconds(process) - before > _LOOK / 20


def cpu_seconds(process: int) -> float:
    """Of the processor that it had so far; 0 where it is gone."""
    try:
        told = Path(f"/proc/{process}/stat").read_bytes()
    except OSError:
        return 0.0
    # utime and stime, see proc(5); a name may hold anything, a bracket too.
    return sum(map(int, told.rpartition(b")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")


class Decoders(Closing):
    """The small process, which is started when it is first needed, and its forks, one to a file. Safe to
    share between threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def begin(self) -> tuple[int, socket.socket]:
        """A new process, by its number, and a socket to it. Raises OSError where there can be none."""
        with self._lock:
            for _ in range(2):  # the process may have been killed since; another one serves as well
                ours, theirs = socket.socketpair()
                with theirs, suppress(OSError, ValueError):
                    child = self._ask({"do": "open"}, theirs)
                    if child is not None:
                        return child, ours
                ours.close()
                self._end()
        raise OSError(None, "the process that decodes clips cannot be started", sys.executable)

    def finish(self, child: int, seconds: float) -> int | None:
        """End a process, which has so many seconds to leave by itself. Its exit code, as `subprocess` gives
        it; None where nobody knows.
        """
        with self._lock:
            if self._control is None:
                return None
            try:
                return self._ask({"do": "end", "child": child, "seconds": seconds})
            except (OSError, ValueError):
                return None

    def _ask(self, question: dict[str, Any], handle: socket.socket | None = None) -> int | None:
        data, control = json.dumps(question).encode(), self._started()
        socket.send_fds(control, [data], [handle.fileno()] if handle else [])
        answer = json.loads(control.recv(4096))  # nothing, where it is gone, is no JSON
        return None if answer is None else int(answer)

    def _started(self) -> socket.socket:
        if self._control is None:
            self._control, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-c", _START.format(path=sys.path, handle=theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    env=_MEMORY | os.environ,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,  # a Ctrl-C is for the daemon, which ends it
                )
        return self._control

    def _end(self) -> None:
        process, control = self._process, self._control
        self._process = self._control = None
        if control is not None:
            control.close()
        if process is not None:
            process.kill()
            process.wait()

    def close(self) -> None:
        """End the small process, and with it all that decode."""
        with self._lock:
            self._end()
