"""What is asked of a file before a library may open it.

Image and video libraries report an empty, unreadable or enormous file each in their own dialect, some only
after they have taken the memory. These checks come first and answer in one sentence with the mend.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from daemon.media.base import MediaError, PassingError

_PASSING = frozenset(
    {
        *(errno.EIO, errno.EREMOTEIO, errno.ESTALE, errno.EAGAIN, errno.EINTR, errno.EMFILE, errno.ENFILE),
        *(errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH),
        *(errno.ENOTCONN, errno.ESHUTDOWN, errno.ECONNABORTED, errno.ECONNREFUSED, errno.ECONNRESET),
    }
)
"""What a share that is away for a moment, a disk that stumbles and too many open files answer."""


_PROBE = 1 << 20
"""Bytes of either end of a file, by which it is seen whether its disk gives it."""


def check_passing(path: Path, code: int | None, reason: str | None) -> None:
    """Raise PassingError where an error of this `errno` says nothing of the file itself. reason: in words."""
    if code in _PASSING:
        raise PassingError(
            f"{path.name}: is not given at the moment ({reason}); see to the disk or mount that it is on."
        )


def check_disk(path: Path, code: int | None, reason: str | None) -> None:
    """As ``check_passing``, of what FFmpeg says: it has EIO for damage too, so the disk itself is asked."""
    if code != errno.EIO or not _is_given(path):
        check_passing(path, code, reason)


def _is_given(path: Path) -> bool:
    """Whether the disk gives the file's beginning and end."""
    try:
        with path.open("rb", buffering=0) as file:
            file.read(_PROBE)
            file.seek(-min(_PROBE, file.seek(0, os.SEEK_END)), os.SEEK_END)
            file.read(_PROBE)
    except OSError:
        return False
    return True


def check_readable(path: Path) -> None:
    """Raise MediaError unless `path` is a regular file with something in it that this user may read, and of
    it PassingError where that cannot be told at the moment.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.read(1)
    except FileNotFoundError:
        raise MediaError(f"{path.name}: is not there any more; copy it again.") from None
    except PermissionError:
        raise MediaError(
            f"{path.name}: cannot be read (permission denied); give dimd's user read access to it."
        ) from None
    except IsADirectoryError:
        raise MediaError(f"{path.name}: is a folder where a file was expected; name the file.") from None
    except OSError as error:
        check_passing(path, error.errno, error.strerror)
        raise MediaError(f"{path.name}: cannot be read ({error.strerror}); check its disk.") from None
    if size == 0:
        raise MediaError(f"{path.name}: is empty (0 bytes); copy it again.")


def check_raster(path: Path, width: int, height: int, max_pixels: int) -> None:
    """Raise MediaError for a raster that is empty or above `max_pixels`, before memory is taken for it."""
    if width < 1 or height < 1:
        raise MediaError(f"{path.name}: declares no picture size ({width} x {height}); export it again.")
    if width * height > max_pixels:
        raise MediaError(
            f"{path.name}: is {width} x {height} pixels, above the limit of {max_pixels:,} in all; "
            "scale it down or raise limits.max_pixels."
        )
