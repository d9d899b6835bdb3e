"""What the service's tests are made of: small media, a network that needs no weights, a config on a temporary
folder.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from daemon.config import Config
from daemon.job import Job
from daemon.ledger import LedgerError, LedgerView
from daemon.media import ClipInfo, Frame, VideoTags, open_sink

GREY, WHITE = 128, 255
SIZE = (36, 64)


class FakeMatter:
    """Answers half of every unknown pixel. It notes what it was asked together, and can be held back or
    broken.
    """

    def __init__(self, version: str = "fake-1") -> None:
        self.version, self.sha256, self.description = version, "0" * 64, f"{version} on paper"
        self.calls: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.closed = False
        self.halved = 0
        self.pace = 0.0
        """Seconds a call takes: so that a test can step in between two frames."""

    def matte(
        self, rgb: Sequence[Tensor], trimap: Sequence[Tensor], clean: Sequence[Tensor | None]
    ) -> list[Tensor]:
        assert self.gate.wait(20)
        self.calls.append(len(rgb))
        time.sleep(self.pace)
        if self.error:
            raise self.error
        # It depends on the picture, so that frames cannot be exchanged unnoticed.
        return [torch.where(t == 0.5, 0.3 + 0.4 * v[:1], t) for v, t in zip(rgb, trimap, strict=True)]

    def warm_up(self) -> None: ...

    def close(self) -> None:
        self.closed = True


class Told:
    """A reporter that remembers."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, int]] = []
        self.safe: list[tuple[str, int]] = []
        self.done: list[Path] = []
        self.ends: list[tuple[str, str]] = []
        self.warnings: list[str] = []

    def started(self, job: Job, frames: int, begun_at: int) -> None:
        self.begun.append((job.name, begun_at))

    def advanced(self, job: Job, done: int, fps: float) -> None:
        self.safe.append((job.name, done))

    def warned(self, job: Job, sentence: str) -> None:
        self.warnings.append(sentence)

    def published(self, job: Job, folder: Path) -> None:
        self.done.append(folder)

    def ended(self, job: Job, how: str, sentence: str) -> None:
        self.ends.append((how, sentence))


def plate(index: int = 0, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A textured picture, uint8 [H, W, 3], BGR, that differs from frame to frame."""
    rng = np.random.default_rng(index)
    small = rng.integers(30, 220, (5, 8, 3), np.uint8)
    return cv2.resize(small, size[::-1], interpolation=cv2.INTER_CUBIC)


def trimap(size: tuple[int, int] = SIZE) -> np.ndarray:
    """White on the right, black on the left, an unknown band between: uint8 [H, W]."""
    made = np.zeros(size, np.uint8)
    made[:, size[1] * 3 // 8 : size[1] * 5 // 8] = GREY
    made[:, size[1] * 5 // 8 :] = WHITE
    return made


def write(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)
    return path


def still(folder: Path, name: str = "shot", *, with_trimap: bool = True) -> Path:
    """NAME.png and NAME_trimap.png."""
    if with_trimap:
        write(folder / f"{name}_trimap.png", trimap())
    return write(folder / f"{name}.png", plate())


def sequence(folder: Path, name: str = "shot", numbers: Sequence[int] = range(1001, 1011)) -> None:
    """NAME.1001.png and on, with one trimap for all."""
    write(folder / f"{name}_trimap.png", trimap())
    for n in numbers:
        write(folder / f"{name}.{n}.png", plate(n))


def video(folder: Path, name: str = "shot", frames: int = 10) -> Path:
    """NAME.mov, ProRes 4444, with one trimap for all."""
    from fractions import Fraction

    write(folder / f"{name}_trimap.png", trimap())
    height, width = SIZE
    info = ClipInfo(
        kind="video",
        width=width,
        height=height,
        channels=3,
        numbers=tuple(range(frames)),
        missing=(),
        encoding="display",
        bits=8,
        is_float=False,
        rate=Fraction(24),
        time_base=Fraction(1, 24),
        pts=tuple(range(frames)),
        tags=VideoTags(),
    )
    work = folder.parent / f"making-{name}"
    work.mkdir()
    with open_sink("prores4444", work, name, info, channels=3) as sink:
        for n in range(frames):
            sink.write(Frame(n, plate(n)[..., ::-1].astype(np.float32) / 255, n))
        sink.commit()
        sink.finish()
    (made,) = work.iterdir()
    return made.rename(folder / made.name)


def config(folder: Path, **changes: object) -> Config:
    """A config for tests: no waits, no port, folders below ``folder``."""
    data: dict[str, object] = {
        "folders": [{"in": str(folder / "in"), "out": str(folder / "out")}],
        "state": str(folder / "state"),
        "watch": {"settle_seconds": 0.0, "scan_seconds": 0.2},
        "jobs": {"retry_seconds": 0.2, "attempts": 2, "chunk_frames": 3},
        "limits": {"min_free_gib": 0.0},
        "metrics": {"port": None},
    }
    (folder / "in").mkdir(exist_ok=True, parents=True)
    return Config.model_validate(data | changes)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    """Until it holds; fails when it does not in time."""
    due = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < due, "it did not come about in time"
        time.sleep(0.02)


def jobs_in(state: Path) -> list[Job]:
    """The jobs of a ledger that a daemon may be about to make."""
    try:
        with LedgerView(state) as ledger:
            return ledger.jobs()
    except LedgerError:
        return []


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below, by its name: what two runs are compared by."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
