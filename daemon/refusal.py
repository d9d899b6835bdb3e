"""Weights that were refused, so that they are not loaded again at every look: that would take the device from
the clips, every few seconds, for as long as nobody mends them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dim_model import weights
from dim_model.runtimes import DeviceError
from dim_model.weights import WeightsError

_PATIENCE = 60.0
"""Seconds after which what may pass by itself is tried again."""


class ShortOfMemoryError(WeightsError):
    """There is no room for the weights now; there may be later."""


@contextmanager
def blamed(folder: Path) -> Iterator[None]:
    """Tensors may be anything that their sha256 fits: what libraries raise over them is the
    weights' fault and is raised as a ``WeightsError``.
    """
    try:
        yield
    except (WeightsError, DeviceError):
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise WeightsError(f"{folder}: cannot be used ({reason}); publish the weights again.") from error


class Refusal:
    """What was refused last. root: the folder of versions. clock: monotonic seconds."""

    def __init__(self, root: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._root, self._clock = root, clock
        self._error: WeightsError | DeviceError | None = None
        self._stamp: object = None
        self._due: float | None = None

    def check(self, folder: Path) -> None:
        """Raise again what ``folder`` was refused for, unless it, or the link to it, has changed since."""
        if self._error is None or self._stamp != weights.stamp(self._root, folder):
            return
        if self._due is None or self._clock() < self._due:
            raise self._error.with_traceback(None)

    @contextmanager
    def kept(self, folder: Path) -> Iterator[None]:
        """Remembers why ``folder`` is refused in here; a success forgets it."""
        stamp = weights.stamp(self._root, folder)
        try:
            yield
        except (WeightsError, DeviceError) as error:
            passing = isinstance(error, ShortOfMemoryError | DeviceError)
            self._error, self._stamp = error, stamp
            self._due = self._clock() + _PATIENCE if passing else None
            raise
        self._error = None
