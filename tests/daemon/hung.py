"""A stand-in for a network mount that hangs: a FUSE file system that nobody serves. Whatever is asked of it
waits until it is taken away.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import pytest

_DETACH = 2
"""MNT_DETACH, umount2(2)."""


class Hung:
    """While entered, or until it is `back`, `folder` lies on a mount that answers nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._libc = os.fsencode(folder), ctypes.CDLL(None, use_errno=True)
        self._server: int | None = None

    def __enter__(self) -> Hung:
        try:
            self._server = os.open("/dev/fuse", os.O_RDWR)
        except OSError:
            pytest.skip("there is no FUSE here")
        options = f"fd={self._server},rootmode=40000,user_id=0,group_id=0".encode()
        if self._libc.mount(b"hangs", self._folder, b"fuse", 0, options) != 0:
            os.close(self._server)
            pytest.skip("nothing may be mounted here")
        return self

    def back(self) -> None:
        if self._server is not None:
            self._libc.umount2(self._folder, _DETACH)
            os.close(self._server)  # whoever waits is told that the connection is gone
            self._server = None

    def __exit__(self, *exc: object) -> None:
        self.back()
