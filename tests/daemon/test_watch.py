"""Events of the real file system, waited for."""

from __future__ import annotations

import errno
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from watchdog.observers.api import BaseObserver

from daemon.watch import Watch

SOON = 5.0
"""Seconds; an event takes well under one."""


@pytest.fixture
def wake() -> threading.Event:
    return threading.Event()


@pytest.fixture
def watched(tmp_path: Path, wake: threading.Event) -> Iterator[Path]:
    folder = tmp_path / "in"
    (folder / "deep/plate").mkdir(parents=True)
    (folder / "there.png").write_bytes(b"x")
    (folder / "other.png").write_bytes(b"x")
    with Watch([folder], wake) as watch:
        assert watch.faults == []
        yield folder


@pytest.mark.parametrize("act", ["write", "move in", "move folder in", "deep write", "delete", "link"])
def test_change_wakes_the_scan(tmp_path: Path, watched: Path, wake: threading.Event, act: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "shot.png").write_bytes(b"x")
    match act:
        case "write":
            (watched / "shot.png").write_bytes(b"x")
        case "move in":
            (outside / "shot.png").rename(watched / "shot.png")
        case "move folder in":
            outside.rename(watched / "shot")
        case "deep write":
            (watched / "deep/plate/0001.png").write_bytes(b"x")
        case "delete":
            (watched / "there.png").unlink()
        case "link":
            (watched / "shot.png").hardlink_to(outside / "shot.png")

    assert wake.wait(SOON)


def test_our_own_reading_wakes_nothing(tmp_path: Path) -> None:
    (tmp_path / "shot.png").write_bytes(b"x")
    wakes: list[bool] = []
    has_read = threading.Event()
    woken_after = threading.Event()

    class Wake(threading.Event):
        def set(self) -> None:
            wakes.append(has_read.is_set())
            if has_read.is_set():
                woken_after.set()

    with Watch([tmp_path], Wake()):
        (tmp_path / "shot.png").read_bytes()
        list(tmp_path.iterdir())
        has_read.set()
        (tmp_path / "shot.png").unlink()
        assert woken_after.wait(SOON)
        # Events come in order: what the reading had caused would stand before the deletion, or beside it.

    assert wakes == [True]


def test_folder_that_cannot_be_watched_leaves_the_others_watched(
    tmp_path: Path, wake: threading.Event
) -> None:
    (tmp_path / "in").mkdir()

    with Watch([tmp_path / "missing", tmp_path / "in"], wake) as watch:
        (tmp_path / "in/shot.png").write_bytes(b"x")
        assert wake.wait(SOON)

    (fault,) = watch.faults
    assert fault == (
        f"{tmp_path / 'missing'}: sends no file events (No such file or directory); "
        "it is scanned at the interval."
    )


@pytest.mark.parametrize(
    ("number", "reason", "limit"),
    [
        (errno.ENOSPC, "inotify watch limit reached", "fs.inotify.max_user_watches"),
        (errno.EMFILE, "inotify instance limit reached", "fs.inotify.max_user_instances"),
    ],
)
def test_a_limit_of_inotify_is_named_and_no_error(
    number: int,
    reason: str,
    limit: str,
    tmp_path: Path,
    wake: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*args: object, **options: object) -> None:
        raise OSError(number, reason)

    monkeypatch.setattr(BaseObserver, "schedule", full)

    with Watch([tmp_path], wake) as watch:
        assert watch.faults == [
            f"{tmp_path}: sends no file events ({reason}); it is scanned at the interval, or raise {limit}."
        ]


def test_folder_removed_while_watched_is_no_error(watched: Path, wake: threading.Event) -> None:
    shutil.rmtree(watched)

    assert wake.wait(SOON)


def test_threads_end_with_the_context(tmp_path: Path, wake: threading.Event) -> None:
    before = set(threading.enumerate())
    with Watch([tmp_path], wake):
        assert set(threading.enumerate()) - before

    assert not [thread for thread in set(threading.enumerate()) - before if thread.is_alive()]
