"""One network on one device for all jobs: frames of every clip share its batches.

A job takes a ``Lease`` of the weights that are current when it begins and keeps it to its end; when
``current`` moves, the next job gets the new ones, and the old are closed once nobody holds them. The device
belongs to one thread.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from torch import Tensor

from dim_model import weights


class Matting(Protocol):
    """What the engine needs of a ``dim_model.matter.Matter``."""

    version: str
    sha256: str
    description: str

    def matte(self, rgb: Sequence[Tensor], trimap: Sequence[Tensor]) -> list[Tensor]: ...

    def warm_up(self) -> None: ...

    def close(self) -> None: ...


Open = Callable[[Path], Matting]


class EngineClosedError(RuntimeError):
    """A frame was asked for after the engine was closed."""


@dataclass
class _Frame:
    matter: Matting
    rgb: Tensor
    trimap: Tensor
    future: Future[Tensor]


class Lease:
    """The weights that one job began with."""

    def __init__(self, engine: Engine, matter: Matting) -> None:
        self._engine, self._matter = engine, matter
        self.version, self.sha256, self.description = matter.version, matter.sha256, matter.description

    def matte(self, rgb: Tensor, trimap: Tensor) -> Future[Tensor]:
        """Alpha of one frame, [1, H, W]; see ``Matter.matte``."""
        future: Future[Tensor] = Future()
        self._engine.submit(_Frame(self._matter, rgb, trimap, future))
        return future

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, *exc: object) -> None:
        self._engine.give_back(self._matter)


class Engine:
    """open_matter: loads a version onto the device. root: the folder of versions. together: most frames to a
    call.

    Raises ``WeightsError`` or ``DeviceError`` at once where there is nothing to begin with.
    """

    def __init__(self, open_matter: Open, root: Path, *, together: int = 4) -> None:
        self._open, self._root, self._together = open_matter, root, together
        self._lock = threading.Lock()
        self._holders: dict[str, int] = {}
        self._loaded: dict[str, Matting] = {}
        self._waiting: queue.Queue[_Frame | None] = queue.Queue()
        self._closed = False
        self._current = self._load(weights.resolve(root))
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)
        self._thread.start()

    @property
    def version(self) -> str:
        """Of the weights that the next job gets."""
        return self._current

    @property
    def description(self) -> str:
        return self._loaded[self._current].description

    def _load(self, folder: Path) -> str:
        matter = self._open(folder)
        matter.warm_up()
        with self._lock:
            self._loaded[folder.name] = matter
            self._holders.setdefault(folder.name, 0)
        return folder.name

    def lease(self, version: str | None = None) -> Lease:
        """The current weights, or ``version``. Raises ``WeightsError`` where that is gone; close it by
        ``with``.
        """
        wanted = version or self._current
        if wanted not in self._loaded:
            self._load(weights.resolve(self._root, wanted))
        with self._lock:
            self._holders[wanted] += 1
            return Lease(self, self._loaded[wanted])

    def give_back(self, matter: Matting) -> None:
        with self._lock:
            (name,) = [name for name, loaded in self._loaded.items() if loaded is matter]
            self._holders[name] -= 1
        self._drop_unused()

    def refresh(self) -> bool:
        """Take up what ``current`` names now; False where it is what is loaded. Raises as the constructor
        does: the old weights stay.
        """
        folder = weights.resolve(self._root)
        if folder.name == self._current:
            return False
        if folder.name not in self._loaded:
            self._load(folder)
        self._current = folder.name
        self._drop_unused()
        return True

    def _drop_unused(self) -> None:
        with self._lock:
            unused = [n for n, held in self._holders.items() if not held and n != self._current]
            dropped = [self._loaded.pop(name) for name in unused]
            for name in unused:
                del self._holders[name]
        for matter in dropped:
            matter.close()

    def submit(self, frame: _Frame) -> None:
        if self._closed:
            raise EngineClosedError("the engine is closed")
        self._waiting.put(frame)

    @property
    def depth(self) -> int:
        """Frames that wait."""
        return self._waiting.qsize()

    def _work(self) -> None:
        held: _Frame | None = None
        while True:
            first, held = held or self._waiting.get(), None
            if first is None:
                return
            batch = [first]
            with contextlib.suppress(queue.Empty):
                while len(batch) < self._together:
                    following = self._waiting.get_nowait()
                    if following is None or following.matter is not first.matter:
                        held = following
                        if following is None:
                            self._waiting.put(None)
                        break
                    batch.append(following)
            _matte(batch)

    def close(self) -> None:
        """Finish what waits, then free the device."""
        self._closed = True
        self._waiting.put(None)
        self._thread.join()
        for matter in self._loaded.values():
            matter.close()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _matte(batch: list[_Frame]) -> None:
    try:
        alphas = batch[0].matter.matte([f.rgb for f in batch], [f.trimap for f in batch])
    except Exception as error:  # noqa: BLE001  (whatever it is belongs to the jobs that wait for it)
        for frame in batch:
            frame.future.set_exception(error)
        return
    for frame, alpha in zip(batch, alphas, strict=True):
        frame.future.set_result(alpha)
