"""A folder for the kernels that numba compiles, looked for before numba is imported.

By itself numba raises where it finds none: the package is another user's and there is no home, as in a
container or under cron. A temporary one serves then, for this process and those that it starts. It raises,
too, where a kernel cannot be kept, on a full disk, or is not whole, after a power cut: what is compiled
already, or can be, needs no cache to be used.
"""

from __future__ import annotations

import atexit
import os
import pickle
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_ASKED = "NUMBA_CACHE_DIR"

_DAMAGED = (EOFError, pickle.UnpicklingError, ValueError, TypeError, LookupError, AttributeError, ImportError)
"""What pickle raises over a file that was cut short or overwritten."""


def ensure() -> None:
    """Have numba find a folder. It lasts as long as this process where numba would find none by itself."""
    if not any(map(_is_writable, _by_itself())):
        made = tempfile.mkdtemp(prefix="dimd-numba-")
        atexit.register(shutil.rmtree, made, ignore_errors=True)
        os.environ[_ASKED] = made
    _spare()


def _spare() -> None:
    """Have numba compile what it cannot load, and do without keeping what it cannot write."""
    from numba.core import caching  # only now, for it reads the environment as it is imported

    index: Any = caching.IndexDataCacheFile
    cache: Any = caching.Cache
    load_index, load_data = index._load_index, index._load_data

    def loaded_index(self: Any) -> Any:
        try:
            return load_index(self)
        except _DAMAGED:
            return {}  # so that it is written anew

    def loaded_data(self: Any, name: str) -> Any:
        try:
            return load_data(self, name)
        except _DAMAGED as error:
            raise OSError(f"{name} is damaged") from error  # which is passed over as if it were not there

    @contextmanager
    def guard(self: Any) -> Iterator[None]:
        with suppress(OSError):
            yield

    index._load_index, index._load_data = loaded_index, loaded_data
    cache._guard_against_spurious_io_errors = guard


def _by_itself() -> Iterator[Path]:
    """Where numba looks, in its order."""
    if asked := os.environ.get(_ASKED):
        yield Path(asked)
    yield Path(__file__).parent / "__pycache__"
    with suppress(RuntimeError):  # this user has no home
        yield Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "numba"


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
