"""The other side of `apart` and `decoders`: a small process with the media libraries loaded and nothing else,
and its forks, each of which decodes one file under limits.

A fork costs milliseconds where a new interpreter costs half a second. It may open files to read them and
write nothing, take so much memory, and dies with the daemon, however that ends.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import select
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from daemon.media import open_source
from daemon.media.base import Frame, FrameSource, MediaError, PassingError
from daemon.media.find import MediaRef
from daemon.media.slots import WrittenSlots
from daemon.media.video_source import Reading, VideoSource
from daemon.media.wire import Message, receive, receive_with_file, send

_HANDLES = 64

_DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG, prctl(2)."""

_FIRST_TO_GO = 500
"""Of `oom_score_adj`: where memory runs out, the kernel takes this one rather than the daemon."""

_GRACE = 1.0
"""Seconds that a killed process has to go: one that waits for a share that hangs does not."""


def main(handle: int) -> None:
    """The small process: does what it is asked through the socket `handle` until its other end is shut."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=handle)
    # A daemon that was killed may have left an answer unread: then its end shows as an error.
    with suppress(ConnectionError):
        _obey(control)


def _obey(control: socket.socket) -> None:
    children: set[int] = set()
    stuck: set[int] = set()
    while True:
        question, handles, _, _ = socket.recv_fds(control, 4096, 1)
        if not question:
            return
        stuck = {child for child in stuck if os.waitpid(child, os.WNOHANG) == (0, 0)}
        asked = json.loads(question)
        answer: int | None
        if asked["do"] == "open":
            server = os.getpid()
            answer = os.fork()
            if answer == 0:
                code = 1
                try:
                    control.close()
                    _decode(socket.socket(fileno=handles[0]), server)
                    code = 0
                finally:
                    os._exit(code)
            os.close(handles[0])
            children.add(answer)
        else:
            child = asked["child"]
            answer = _end(child, asked["seconds"]) if child in children else None
            if answer is None and child in children:
                stuck.add(child)
            children.discard(child)
        control.sendall(json.dumps(answer).encode())


def _end(child: int, seconds: float) -> int | None:
    """The exit code of a child that has so many seconds to leave by itself; None where it does not even by
    force.
    """
    handle = os.pidfd_open(child)
    try:
        if not select.select([handle], [], [], seconds)[0]:
            os.kill(child, signal.SIGKILL)
            if not select.select([handle], [], [], _GRACE)[0]:
                return None
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    finally:
        os.close(handle)


def _decode(daemon: socket.socket, server: int) -> None:
    """A fork's whole life: opens the file that it is told of, then gives the frames that it is asked for."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != server:
        return
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(_FIRST_TO_GO))
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    try:
        asked = receive(daemon)
        _limit(asked["bytes"], asked["most"])
        try:
            made = _opened(asked)
        except Exception as error:  # noqa: BLE001  (raised again by the daemon)
            send(daemon, _told(error))
            return
        source, answer = made
        send(daemon, answer)
        _serve(daemon, source, asked["bytes"])
    except (EOFError, OSError):
        return  # nobody is there any more


def _limit(more: int, most: int) -> None:
    """more: bytes of memory, above what is held. most: that it may ever be raised to."""
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + more, held + most))
    for what, limit in (
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _HANDLES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (limit, limit))


def _opened(asked: Message) -> tuple[FrameSource, Message]:
    ref: MediaRef = asked["ref"]
    source = open_source(ref, max_pixels=asked["max_pixels"], video=Reading(asked["deinterlace"]))
    unsuited = source.nvdec_unsuited if isinstance(source, VideoSource) else None
    return source, {"info": source.info, "unsuited": unsuited}


def _serve(daemon: socket.socket, source: FrameSource, more: int) -> None:
    """Give frames until nobody asks."""
    slots: WrittenSlots | None = None
    runs: dict[int, Iterator[Frame]] = {}
    while True:
        asked, handle = receive_with_file(daemon, most=1)
        if handle is not None:
            soft, hard = resource.getrlimit(resource.RLIMIT_AS)
            resource.setrlimit(resource.RLIMIT_AS, (min(hard, soft + os.fstat(handle).st_size), hard))
            slots = WrittenSlots(handle)
        assert slots is not None
        for ended in asked["ended"]:
            runs.pop(ended, None)
        run = asked["run"]
        if run not in runs:
            runs[run] = source.frames(asked["start"], asked["stop"])
        try:
            answer = _written(next(runs[run], None), slots, asked["slot"])
        except Exception as error:  # noqa: BLE001  (raised again by the daemon)
            answer = _told(error)
        send(daemon, answer)


def _written(frame: Frame | None, slots: WrittenSlots, slot: int) -> Message:
    if frame is None:
        return {"frame": None}
    if not slots.write(slot, frame.pixels):
        raise MediaError(f"frame {frame.number}: has changed its size since it was opened; try it again.")
    told = {"number": frame.number, "pts": frame.pts, "tags": frame.tags, "mended": frame.mended}
    return {"frame": told, "shape": frame.pixels.shape}


def _told(error: Exception) -> Message:
    """An error, as the daemon raises it again."""
    if _for_want_of_memory(error):
        return {"error": "memory", "of": None}
    if isinstance(error, PassingError):
        return {"error": "passing", "of": str(error)}
    if isinstance(error, MediaError):
        return {"error": "media", "of": str(error)}
    if isinstance(error, OSError):
        name = None if error.filename is None else str(error.filename)
        return {"error": "os", "of": (error.errno, error.strerror, name)}
    return {"error": "other", "of": f"{type(error).__name__}: {error}"}


def _for_want_of_memory(error: BaseException) -> bool:
    """Whether that is what lies behind it: libraries put it into words of their own."""
    seen: Any = error
    while seen is not None:
        if isinstance(seen, MemoryError) or getattr(seen, "errno", None) == errno.ENOMEM:
            return True
        seen = seen.__cause__ or seen.__context__
    return False
