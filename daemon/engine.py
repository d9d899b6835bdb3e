"""One network on one device for all jobs: frames of every clip share its batches.

A job takes a ``Lease`` of the weights that are current when it begins and keeps it to its end; when
``current`` moves, the next job gets the new ones, and the old are closed once nobody holds them. One thread
computes, and closes what is no longer needed, so nothing is closed under a frame that still waits for it.
"""

from __future__ import annotations

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

    @property
    def halved(self) -> int: ...

    def matte(
        self, rgb: Sequence[Tensor], trimap: Sequence[Tensor], clean: Sequence[Tensor | None]
    ) -> list[Tensor]: ...

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
    clean: Tensor | None
    future: Future[Tensor]


@dataclass
class _Retired:
    """Weights that no job holds any more; to be closed after the frames before it."""

    matter: Matting


class _End:
    """Nothing comes after it."""


_Item = _Frame | _Retired | _End


class Lease:
    """The weights that one job began with."""

    def __init__(self, engine: Engine, matter: Matting) -> None:
        self._engine, self._matter = engine, matter
        self.version, self.sha256, self.description = matter.version, matter.sha256, matter.description

    def matte(self, rgb: Tensor, trimap: Tensor, clean: Tensor | None = None) -> Future[Tensor]:
        """Alpha of one frame, [1, H, W]; see ``Matter.matte``."""
        future: Future[Tensor] = Future()
        self._engine.submit(_Frame(self._matter, rgb, trimap, clean, future))
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
        # Held while weights load, too: two jobs that ask for the same version at once are to share it.
        self._lock = threading.Lock()
        self._holders: dict[str, int] = {}
        self._loaded: dict[str, Matting] = {}
        self._waiting: queue.Queue[_Item] = queue.Queue()
        self._closed = False
        self._halved_before = 0
        """Of weights that are gone."""
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
        self._loaded[folder.name] = matter
        self._holders[folder.name] = 0
        return folder.name

    def lease(self, version: str | None = None) -> Lease:
        """The current weights, or ``version``. Raises ``WeightsError`` where that is gone; close it by
        ``with``.
        """
        with self._lock:
            wanted = version or self._current
            if wanted not in self._loaded:
                self._load(weights.resolve(self._root, wanted))
            self._holders[wanted] += 1
            return Lease(self, self._loaded[wanted])

    def give_back(self, matter: Matting) -> None:
        with self._lock:
            (name,) = [name for name, loaded in self._loaded.items() if loaded is matter]
            self._holders[name] -= 1
            self._retire()

    def refresh(self) -> bool:
        """Take up what ``current`` names now; False where it is what is loaded. Raises as the constructor
        does: the old weights stay.
        """
        folder = weights.resolve(self._root)
        with self._lock:
            if folder.name == self._current:
                return False
            if folder.name not in self._loaded:
                self._load(folder)
            self._current = folder.name
            self._retire()
            return True

    def _retire(self) -> None:
        """Let go of what nobody holds and the next job will not get."""
        for name in [n for n, held in self._holders.items() if not held and n != self._current]:
            del self._holders[name]
            matter = self._loaded.pop(name)
            self._halved_before += matter.halved
            self._waiting.put(_Retired(matter))

    def submit(self, frame: _Frame) -> None:
        if self._closed:
            raise EngineClosedError("the engine is closed")
        self._waiting.put(frame)

    @property
    def halved(self) -> int:
        """How often the device was out of memory, and the batch was halved, since the start."""
        with self._lock:
            return self._halved_before + sum(matter.halved for matter in self._loaded.values())

    @property
    def depth(self) -> int:
        """Frames that wait."""
        return self._waiting.qsize()

    def _work(self) -> None:
        following: _Item | None = None
        while not isinstance(item := following or self._waiting.get(), _End):
            following = None
            if isinstance(item, _Retired):
                item.matter.close()
            else:
                batch, following = self._gather(item)
                _matte(batch)
                del batch  # nothing is held while there is nothing to do
            del item

    def _gather(self, first: _Frame) -> tuple[list[_Frame], _Item | None]:
        """The frames that wait for the same weights as ``first``, it among them, and what came after them."""
        batch = [first]
        while len(batch) < self._together:
            try:
                item = self._waiting.get_nowait()
            except queue.Empty:
                break
            if not isinstance(item, _Frame) or item.matter is not first.matter:
                return batch, item
            batch.append(item)
        return batch, None

    def close(self) -> None:
        """Finish what waits, then free the device."""
        self._closed = True
        self._waiting.put(_End())
        self._thread.join()
        for matter in self._loaded.values():
            matter.close()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _matte(batch: list[_Frame]) -> None:
    try:
        columns = zip(*((f.rgb, f.trimap, f.clean) for f in batch), strict=True)
        alphas = batch[0].matter.matte(*columns)
        answers = list(zip(batch, alphas, strict=True))
    except Exception as error:  # noqa: BLE001  (whatever it is belongs to the jobs that wait for it)
        for frame in batch:
            frame.future.set_exception(error)
        return
    for frame, alpha in answers:
        frame.future.set_result(alpha)
