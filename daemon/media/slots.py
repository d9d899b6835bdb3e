"""Memory that a decoding process writes frames into and the daemon reads them from: a few slots of one size.

A frame is not copied on its way out: who asks for it gets the slot itself, which is free again once the last
array that shows it is gone. One slot is never given out so; a frame that would need it is copied, so that
whoever keeps many frames never keeps the next from coming.
"""

from __future__ import annotations

import ctypes
import fcntl
import math
import mmap
import os
import weakref
from collections import deque

import numpy as np

from daemon.media.base import Pixels

COUNT = 4
"""Two frames on their way through the first stage, one being decoded, and the one that is never lent."""


_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_longlong)
_libc.munmap.argtypes = ctypes.c_void_p, ctypes.c_size_t
_FAILED = ctypes.c_void_p(-1).value


def _mapped(handle: int, size: int) -> memoryview:
    """The memory behind `handle`, until it and all that shows it are gone. Python's `mmap` would keep a file
    open for as long.
    """
    address = _libc.mmap(None, size, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, handle, 0)
    if address == _FAILED:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    memory = (ctypes.c_ubyte * size).from_address(address)
    finalizer = weakref.finalize(memory, _libc.munmap, address, size)
    finalizer.atexit = False
    return memoryview(memory)


class Slots:
    """`COUNT` frames of float32 [height, width, channels], of the daemon's end. handle: to be sent to the
    process that writes them; it can make the memory neither smaller nor larger.
    """

    def __init__(self, height: int, width: int, channels: int) -> None:
        self.size = -(-height * width * channels * 4 // mmap.PAGESIZE) * mmap.PAGESIZE
        self.handle = os.memfd_create("dimd-frames", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(self.handle, COUNT * self.size)
            fcntl.fcntl(self.handle, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
            self._memory = _mapped(self.handle, COUNT * self.size)
        except BaseException:
            os.close(self.handle)
            raise
        self._free = deque(range(COUNT))

    @property
    def spare(self) -> int:
        """Slots that a frame may be decoded into ahead of time."""
        return len(self._free) - 1

    def take(self) -> int:
        """A slot to write the next frame into."""
        return self._free.pop()  # the one that was used last, whose memory is there already

    def put_back(self, slot: int) -> None:
        self._free.append(slot)

    def frame(self, slot: int, shape: tuple[int, int, int]) -> Pixels:
        """What was written into a slot that was taken: the slot itself, or a copy of it."""
        pixels = np.frombuffer(self._memory, np.float32, math.prod(shape), slot * self.size)
        if not self._free:
            copied = pixels.reshape(shape).copy()
            self.put_back(slot)
            return copied
        # Whatever is made of the array later holds its base, which is a view of the memory.
        finalizer = weakref.finalize(pixels.base, self._free.append, slot)
        finalizer.atexit = False
        return pixels.reshape(shape)

    def close(self) -> None:
        """Frames that are still held stay as they are."""
        os.close(self.handle)


class WrittenSlots:
    """The decoding process's end of the same memory."""

    def __init__(self, handle: int) -> None:
        memory = _mapped(handle, os.fstat(handle).st_size)
        os.close(handle)
        self._slots = np.frombuffer(memory, np.uint8).reshape(COUNT, -1)

    def write(self, slot: int, pixels: Pixels) -> bool:
        """False where the frame is larger than a slot."""
        there = self._slots[slot]
        if pixels.nbytes > there.nbytes:
            return False
        np.copyto(there[: pixels.nbytes].view(np.float32).reshape(pixels.shape), pixels, casting="no")
        return True
