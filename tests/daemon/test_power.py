"""What a power cut asks for: bytes on the disk before their name, the name before the ledger says so.

The file layer is watched, not the code: whatever was written by whichever library, a file counts as safe only
if its bytes are those that it had when it was last synced.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daemon.engine import Engine
from daemon.ledger import Ledger
from tests.daemon.cases import config, plate, sequence, still, tree, video, write
from tests.daemon.serving import once


class Disk:
    """What would be left of a folder if the power went now."""

    def __init__(self) -> None:
        self._bytes: dict[int, bytes] = {}
        self._names: dict[int, set[str]] = {}
        self.fsync = os.fsync

    def synced(self, handle: int) -> None:
        self.fsync(handle)
        here, inode = Path(f"/proc/self/fd/{handle}"), os.fstat(handle).st_ino
        if here.is_dir():
            self._names[inode] = set(os.listdir(handle))
        else:
            self._bytes[inode] = here.read_bytes()

    def lacks(self, folder: Path) -> list[str]:
        """What in `folder` a power cut would take or spoil."""
        names = self._names.get(folder.stat().st_ino, set())
        found = []
        for path in sorted(folder.iterdir()):
            if path.name not in names:
                found.append(f"the name {path.name}")
            elif path.is_dir():
                found += self.lacks(path)
            elif self._bytes.get(path.stat().st_ino) != path.read_bytes():
                found.append(f"the bytes of {path.name}")
        return found

    def has_name(self, path: Path) -> bool:
        return path.name in self._names.get(path.parent.stat().st_ino, set())


def carried(folder: Path) -> None:
    """Three frames with a mask of the first."""
    for number in range(1, 4):
        write(folder / f"shot.{number}.png", plate())
    mask = np.zeros(plate().shape[:2], np.uint8)
    mask[8:28, 20:44] = 255
    write(folder / "shot_mask.1.png", mask)


@pytest.mark.parametrize("drop", [still, sequence, video, carried])
def test_nothing_is_said_to_be_safe_or_published_before_it_is_on_the_disk(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch, drop: Callable[[Path], Any]
) -> None:
    disk, out = Disk(), tmp_path / "out"
    steps: list[str] = []
    rename, commit, done = os.rename, Ledger.commit_frames, Ledger.done

    def renamed(source: Path, target: Path) -> None:
        if Path(target).parent == out and not Path(target).name.startswith("."):
            assert disk.lacks(Path(source)) == []
            steps.append("published")
        rename(source, target)

    def committed(ledger: Ledger, job: int, stop: int, figures: Sequence[Any], fps: float | None) -> None:
        (work,) = out.iterdir()
        assert disk.has_name(work)
        assert disk.lacks(work) == []
        steps.append(f"committed {stop}")
        commit(ledger, job, stop, figures, fps)

    def ended(ledger: Ledger, job: int, result: Path) -> None:
        assert disk.has_name(result)
        steps.append("done")
        done(ledger, job, result)

    monkeypatch.setattr(os, "fsync", disk.synced)
    monkeypatch.setattr(os, "rename", renamed)
    monkeypatch.setattr(Ledger, "commit_frames", committed)
    monkeypatch.setattr(Ledger, "done", ended)
    drop(tmp_path / "in") if drop is not sequence else sequence(tmp_path / "in", numbers=range(1, 4))
    settings = config(tmp_path)
    jobs, told = once(settings, engine)
    assert [job.state for job in jobs] == ["done"], told.ends
    last = {still: 1, sequence: 3, video: 10, carried: 3}[drop]  # type: ignore[index]
    assert steps[-3:] == [f"committed {last}", "published", "done"]
    assert disk.lacks(out) == []
    assert tree(out)


def test_a_result_found_after_a_kill_is_durable_before_the_ledger_says_so(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the rename and the sync of its folder; the power goes after the next start."""
    still(tmp_path / "in")
    settings, disk, done = config(tmp_path), Disk(), Ledger.done
    once(settings, engine)
    (tmp_path / "state/ledger.sqlite3").unlink()

    def ended(ledger: Ledger, job: int, result: Path) -> None:
        assert disk.has_name(result)
        done(ledger, job, result)

    monkeypatch.setattr(os, "fsync", disk.synced)
    monkeypatch.setattr(Ledger, "done", ended)
    jobs, told = once(settings, engine)
    assert [job.state for job in jobs] == ["done"], told.ends
