"""How the C library keeps the memory of frames: one heap, whose pages are used again.

By itself it hands large arrays back to the system as soon as they are freed, and fetches the next page by
page, each cleared by the kernel: at HD a fifth of all that a frame costs beside decoding, encoding and its
network. It also gives each thread a heap of its own, so that what the reader has freed is of no use to the
writer. Both are settings of glibc (mallopt(3)); another C library is left as it is.
"""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8

_LARGEST = 33 << 20
"""Bytes: an array up to this is of the heap: four channels of HD. What is larger goes back at once, for at 4K
memory is scarcer than time.
"""

_NEVER = -1
"""Keeps all that is free at the heap's end: between two clips that is more than a gigabyte, and to fetch it
again, page by page, costs the next one up to 20 ms a frame.
"""


def keep() -> None:
    """Keep what is freed for what is made next. To be called once, and before torch is there: its threads
    would have heaps of their own, and no call takes those back.
    """
    if _library is not None:
        _library.mallopt(_ARENA_MAX, 1)
        _library.mallopt(_MMAP_THRESHOLD, _LARGEST)
        _library.mallopt(_TRIM_THRESHOLD, _NEVER)


def give_back() -> None:
    """Hand the system what is free: once a clip is done and none waits, memory is others' too."""
    if _library is not None:
        _library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(None)
        return library if hasattr(library, "gnu_get_libc_version") else None
    except (OSError, TypeError):  # there is no such library to be asked
        return None


_library = _glibc()
