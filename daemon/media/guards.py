"""What is asked of a file before a library may open it.

Image and video libraries report an empty, unreadable or enormous file each in their own dialect, some only
after they have taken the memory. These checks come first and answer in one sentence with the mend.
"""

from __future__ import annotations

import os
from pathlib import Path

from daemon.media.base import MediaError


def check_readable(path: Path) -> None:
    """Raise MediaError unless `path` is a regular file with something in it that this user may read."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        raise MediaError(f"{path.name}: is not there any more; copy it again.") from None
    except PermissionError:
        raise MediaError(
            f"{path.name}: cannot be read (permission denied); give dimd's user read access to it."
        ) from None
    except IsADirectoryError:
        raise MediaError(f"{path.name}: is a folder where a file was expected; name the file.") from None
    except OSError as error:
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
