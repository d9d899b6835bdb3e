"""One network on one device for all jobs: frames of every clip share its batches.

A job takes a ``Lease`` of the weights that are current when it begins and keeps it to its end; when
``current`` moves, the next job gets the new ones, and the old are closed once nobody holds them. New weights
are loaded and tried beside those in use, which go on meanwhile; what fails its trial is never used. One
thread computes, and closes what is no longer needed, so nothing is closed under a frame that still waits for
it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from torch import Tensor

from daemon.closing import Closing
from daemon.refusal import Refusal, blamed
from dim_model import weights
from dim_model.weights import WeightsError

TOGETHER = 4
"""Most frames to a call of the network: their inputs are made side by side, and each waits for the others."""


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

Trial = Callable[[Path, Callable[[], Matting]], Matting]
"""Opens a version by what it is handed, and returns it if it may be used. Raises ``WeightsError`` or
``DeviceError``.
"""


def _untried(folder: Path, opened: Callable[[], Matting]) -> Matting:
    return opened()


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


class Engine(Closing):
    """open_matter: loads a version onto the device. root: the folder of versions. together: most frames to a
    call. trial: what ``current`` has to pass.

    Begins on ``current``, or, where that cannot be used, on ``previous``; ``refresh`` then says why. Raises
    ``WeightsError`` or ``DeviceError`` at once where there is nothing to begin with.
    """

    def __init__(
        self, open_matter: Open, root: Path, *, together: int = TOGETHER, trial: Trial = _untried
    ) -> None:
        self._open, self._root, self._together, self._trial = open_matter, root, together, trial
        self._lock = threading.Lock()
        # Held while weights load: two jobs that ask for the same version at once are to share it, and those
        # that have theirs are not to wait.
        self._loading = threading.Lock()
        self._holders: dict[str, int] = {}
        self._loaded: dict[str, Matting] = {}
        self._waiting: queue.Queue[_Item] = queue.Queue()
        self._closed = False
        self._halved_before = 0
        """Of weights that are gone."""
        self._refusal = Refusal(root)
        self._current = self._begin()
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)
        self._thread.start()

    @property
    def version(self) -> str:
        """Of the weights that the next job gets."""
        return self._current

    @property
    def description(self) -> str:
        return self._loaded[self._current].description

    def _begin(self) -> str:
        """The version to begin on, loaded. A daemon that was started again goes on as it did before, on what
        ``current`` named until it was moved to weights that are refused.
        """
        try:
            folder = weights.resolve(self._root)
            with self._refusal.kept(folder):
                matter = self._tried(folder)
        except WeightsError as error:
            try:
                folder = weights.resolve(self._root, weights.PREVIOUS)
                matter = self._tried(folder)
            except WeightsError:
                raise error from None
        self._add(folder.name, matter)
        return folder.name

    def _tried(self, folder: Path) -> Matting:
        with blamed(folder):
            return self._trial(folder, lambda: self._opened(folder))

    def _opened(self, folder: Path) -> Matting:
        """A version, loaded and warm. Raises ``WeightsError``, ``DeviceError``."""
        with blamed(folder):
            matter = self._open(folder)
            try:
                matter.warm_up()
            except BaseException:
                matter.close()
                raise
        return matter

    def lease(self, version: str | None = None) -> Lease:
        """The current weights, or ``version``. Raises ``WeightsError`` where that is gone; close it by
        ``with``.
        """
        if version is None:
            with self._lock:
                return self._lent(self._current)
        with self._loading:
            with self._lock:
                # By what its card says, which is what a clip notes: a folder may have been renamed.
                if loaded := [name for name, matter in self._loaded.items() if matter.version == version]:
                    return self._lent(loaded[0])
            # Untried: a clip ends on the weights that it began with, whatever is thought of them by now.
            matter = self._opened(weights.resolve(self._root, version))
            with self._lock:
                self._add(version, matter)
                return self._lent(version)

    def _add(self, version: str, matter: Matting) -> None:
        """The caller holds the lock, and does not let go of it before there is a reason to keep them."""
        self._loaded[version] = matter
        self._holders[version] = 0

    def _lent(self, version: str) -> Lease:
        """The caller holds the lock."""
        self._holders[version] += 1
        return Lease(self, self._loaded[version])

    def give_back(self, matter: Matting) -> None:
        with self._lock:
            (name,) = [name for name, loaded in self._loaded.items() if loaded is matter]
            self._holders[name] -= 1
            self._retire()

    def refresh(self) -> bool:
        """Take up what ``current`` names now; False where it is what is in use. Raises as the constructor
        does: the old weights stay. What was refused is not tried again before it changes.
        """
        folder = weights.resolve(self._root)
        if folder.name == self._current:
            return False
        self._refusal.check(folder)
        with self._loading, self._refusal.kept(folder):
            # A clip of an earlier start may hold it; it passed its trial before that clip was begun.
            matter = None if folder.name in self._loaded else self._tried(folder)
            with self._lock:
                if folder.name not in self._loaded:
                    if matter is None:
                        return False  # its clip ended in between; it is loaded at the next look
                    self._add(folder.name, matter)
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
                # A device that is gone frees nothing, which its next frame tells; nobody is to wait for it.
                with suppress(RuntimeError):
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
