"""What systemd is told, also after it could not be told once."""

from __future__ import annotations

import resource
import socket
from contextlib import closing
from pathlib import Path

from daemon.notify import Notifier


def listening(address: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.bind(str(address))
    made.settimeout(10)
    return made


def test_a_message_that_nobody_heard_silences_none_after_it(tmp_path: Path) -> None:
    address = tmp_path / "notify"
    notify = Notifier({"NOTIFY_SOCKET": str(address)})
    notify("WATCHDOG=1")
    with closing(listening(address)) as systemd:
        notify("WATCHDOG=1", "STATUS=well")
        assert systemd.recv(4096) == b"WATCHDOG=1\nSTATUS=well"


def test_a_message_for_which_no_file_is_left_ends_nothing(tmp_path: Path) -> None:
    address = tmp_path / "notify"
    notify = Notifier({"NOTIFY_SOCKET": str(address)})
    with closing(listening(address)) as systemd:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        try:
            notify("STATUS=lost")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        notify("WATCHDOG=1")
        assert systemd.recv(4096) == b"WATCHDOG=1"
