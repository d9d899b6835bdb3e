"""A runtime whose device may run short of memory, or go away.

Short of memory (another program took it), the batch is halved for good and the tiles are done in turn:
slower, and the same matte but for the last bit, as kernels choose by the batch. A device that went away (it
fell off the bus, its driver was exchanged) is lost to this process whatever is tried: only a new one can open
it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor

from dim_model.encode import Inputs, empty_tiles
from dim_model.runtimes import DeviceError, DeviceLostError

_GONE = ("CUDA error", "CUDA failure", "cuDNN error", "CUBLAS_STATUS", "NVML")
"""What torch's errors, or ONNX Runtime's (the second), say when the fault is the device's: after one of these
a CUDA context is of no use.
"""


class Unguarded(Protocol):
    """Runs one batch after another, as a ``Runtime`` does, and raises what its device does."""

    description: str
    pinned: bool
    """Whether it reads a batch itself, from memory that is never moved."""

    def __call__(self, tiles: Tensor) -> Tensor:
        """Begins a batch. What is returned holds its alpha once ``finish`` was called."""
        ...

    def finish(self) -> None:
        """Returns when all that was begun is done."""
        ...

    def give_back(self) -> None:
        """Free what it holds but for its weights."""
        ...

    def close(self) -> None: ...


class GuardedRuntime:
    """Runs `inner` on batches, in as many parts as the device needs to hold them."""

    batches = True

    def __init__(self, inner: Unguarded) -> None:
        self._inner, self._parts = inner, 1
        self._lost = False
        self.description = inner.description
        self.halved = 0

    def room(self, count: int, size: tuple[int, int], inputs: Inputs) -> Tensor:
        try:
            with self._present():  # pinned memory is the device's as well
                return empty_tiles(count, size, inputs, pinned=self._inner.pinned)
        except torch.OutOfMemoryError:
            return empty_tiles(count, size, inputs)  # of which copies are slower

    def __call__(self, batches: Sequence[Tensor]) -> list[Tensor]:
        """As `Runtime`. Raises DeviceError where not even one tile fits, DeviceLostError."""
        try:
            begun = [self._begun(tiles) for tiles in batches]
        finally:  # else what was begun would go on while its memory is given away
            with self._present():
                self._inner.finish()
        return [parts[0] if len(parts) == 1 else torch.cat(parts) for parts in begun]

    def _begun(self, tiles: Tensor) -> list[Tensor]:
        """A batch, in as many parts as it takes, each of which ``finish`` is yet to fill."""
        begun: list[Tensor] = []
        at = 0
        while at < len(tiles):
            some = tiles[at : at + -(-len(tiles) // self._parts)]
            try:
                with self._present():
                    begun.append(self._inner(some))
                at += len(some)
                continue
            except torch.OutOfMemoryError as error:
                self._halve(len(some), error)
            # Not before the error is gone, whose trace holds what did not fit.
            with self._present():
                self._inner.give_back()
        return begun

    @contextmanager
    def _present(self) -> Iterator[None]:
        """Raises DeviceLostError for what tells that the device is gone."""
        try:
            yield
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            if "out of memory" in str(error):  # so CUDA itself says it, of pinned memory
                raise torch.OutOfMemoryError(str(error)) from error
            if not any(sign in str(error) for sign in _GONE):
                raise
            self._lost = True
            reason = str(error).splitlines()[0]
            raise DeviceLostError(
                f"device: {self.description} does not answer any more ({reason}); "
                "dimd ends to be started anew, see nvidia-smi and the kernel's log for the cause."
            ) from error

    def _halve(self, tiles: int, error: torch.OutOfMemoryError) -> None:
        self.halved += 1
        if tiles == 1:
            raise DeviceError(
                f"device: {self.description} has no memory for a single tile; "
                "end what else uses it, or set device: cpu."
            ) from error
        self._parts *= 2

    def close(self) -> None:
        if not self._lost:  # there is nothing to free any more, and to ask for it raises
            self._inner.close()
