"""A folder for the kernels that numba compiles, looked for before numba is imported.

By itself numba raises where it finds none: the package is another user's and there is no home, as in a
container or under cron. A temporary one serves then, for this process and those that it starts.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_ASKED = "NUMBA_CACHE_DIR"


def ensure() -> None:
    """Have numba find a folder. It lasts as long as this process where numba would find none by itself."""
    if not any(map(_is_writable, _by_itself())):
        made = tempfile.mkdtemp(prefix="dimd-numba-")
        atexit.register(shutil.rmtree, made, ignore_errors=True)
        os.environ[_ASKED] = made


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
