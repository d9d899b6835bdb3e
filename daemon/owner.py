"""Who holds a claim: a name for this process that another process of the same machine can check.

A lease alone frees the jobs of a killed daemon, but only once it has run out; under systemd the next daemon
stands there within a second. The name carries what Linux needs to say that a process is gone for certain, so
the clip goes on at once. For owners of other machines and containers the lease decides.
"""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

_PROC = Path("/proc")


def owner_name() -> str:
    """A name for one ledger user in this process: `host/boot.pidns/pid/start/random`."""
    pid = os.getpid()
    return "/".join((socket.gethostname(), _place(), str(pid), _started(pid) or "?", secrets.token_hex(4)))


def is_gone(owner: str) -> bool:
    """Whether the process behind `owner` has certainly ended; False where that cannot be known from here."""
    parts = owner.split("/")
    if len(parts) != 5 or "?" in parts or parts[1] != _place() or not parts[2].isdigit():
        return False
    pid = int(parts[2])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        pass  # it is another user's, and /proc may or may not say more
    started = _started(pid)
    return started is not None and started != parts[3]


def _place() -> str:
    """This boot of this machine and the process namespace in it: where a pid means one process."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        space = (_PROC / "self/ns/pid").stat().st_ino
    except OSError:
        return "?"
    return f"{boot}.{space}"


def _started(pid: int) -> str | None:
    """When the process started, in clock ticks since boot: a pid is used again, this pair is not.

    None where /proc does not tell; "ended" for a zombie, which holds nothing any more.
    """
    try:
        stat = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # the command's name, in brackets, may hold blanks and brackets; the start is the 20th field after it
    state, *fields = stat.rpartition(")")[2].split()
    return "ended" if state in "ZX" else fields[18]
