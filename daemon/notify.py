"""Telling systemd how the service is: sd_notify(3), which is one datagram to a socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress


class Notifier:
    """Sends to ``NOTIFY_SOCKET``; does nothing where that is unset, as when the daemon is started by hand."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address

    def __call__(self, *lines: str) -> None:
        """Send assignments such as ``READY=1`` and ``STATUS=2 jobs``. A systemd that does not listen is no
        fault, and one message that is lost says nothing of the next.
        """
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto("\n".join(lines).encode(), self._address)
