"""How the lives of a daemon ended, counted over restarts: what an alert on the watchdog needs to know.

A process cannot count its own death. It leaves a mark while it runs, takes it back when it leaves in order,
and the next one reads from what is left how this one ended. The counts lie in the state folder, so that
Prometheus sees a counter that rises, rather than one that begins anew with every death.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, Literal, Self, get_args

End = Literal["stop", "crash", "watchdog", "boot"]
ENDS: tuple[End, ...] = get_args(End)
"""In order, or by a sentence before it began; by itself; by systemd, for it hung; or with the machine."""

_BOOT = Path("/proc/sys/kernel/random/boot_id")


class LifeError(OSError):
    """One sentence: the state folder, why it takes no note, how to mend it."""


class Life:
    """One run of a daemon; entered while it lasts. instance: tells daemons of one state folder apart, by the
    port of each. Of several with one name, or none, all but the first have a number behind it.

    An error that leaves the `with` is a crash to whoever comes next. in_order: errors that are none: what
    a run says that could not begin. To enter it raises LifeError.
    """

    def __init__(self, state: Path, instance: str, in_order: tuple[type[Exception], ...] = ()) -> None:
        self._state, self._instance, self._in_order = state, instance, in_order
        self._name = instance
        self._lock: int | None = None
        self.ends: dict[End, int] = dict.fromkeys(ENDS, 0)
        """How often a run ended so, as far as is known."""
        self.last: End | None = None
        """How the run before this one ended; None: this is the first."""

    @property
    def _file(self) -> Path:
        return self._state / f"life-{self._name}.json"

    @property
    def traces(self) -> Path:
        """Where a process that hangs writes what each of its threads is at."""
        return self._state / f"hung-{self._name}.txt"

    def _begin(self) -> None:
        """Take the first name that no running daemon has; the system gives it back, however this one ends."""
        for number in count(1):
            self._name = self._instance if number == 1 else f"{self._instance}-{number}"
            path = self._file.with_suffix(".lock")
            lock = self._lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                self._let_go()

    def _let_go(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _read(self) -> dict[str, Any]:
        """What the last run left; nothing where that cannot be made out, for it is only counted."""
        try:
            left = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return left if isinstance(left, dict) else {}

    def _write(self, running: bool) -> None:
        told = {"running": running, "boot": _boot(), "last": self.last, "ends": self.ends}
        unfinished = self._file.with_suffix(".tmp")
        unfinished.write_text(json.dumps(told), encoding="utf-8")
        unfinished.replace(self._file)

    def _ended(self, left: dict[str, Any]) -> End:
        if not left.get("running"):
            return "stop"
        if left.get("boot") != _boot():
            return "boot"
        try:
            return "watchdog" if self.traces.stat().st_size else "crash"
        except OSError:
            return "crash"

    def __enter__(self) -> Self:
        try:
            self._take_up()
        except OSError as error:
            self._let_go()
            raise LifeError(
                f"{self._state}: cannot be written to ({error.strerror}); make room on its disk, or give "
                "dimd's user access to it."
            ) from error
        return self

    def _take_up(self) -> None:
        self._begin()
        left = self._read()
        known = left.get("ends")
        if isinstance(known, dict):
            self.ends |= {end: known[end] for end in ENDS if isinstance(known.get(end), int)}
        if left:
            self.last = self._ended(left)
            self.ends[self.last] += 1
        if self.last == "watchdog":
            self.traces.replace(self.kept)
        self._write(running=True)

    @property
    def kept(self) -> Path:
        """The traces of the last run that hung."""
        return self.traces.with_name(self.traces.stem + "-last.txt")

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            if kind is None or issubclass(kind, self._in_order):
                # Where that cannot be noted, on a full disk, the next run takes this one for a crash: better
                # than a stop that fails.
                with suppress(OSError):
                    self._write(running=False)
        finally:
            self._let_go()


def _boot() -> str:
    """Which start of the machine this is; empty where the kernel does not say, as if it were always one."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""
