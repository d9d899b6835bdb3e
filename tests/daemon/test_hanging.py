"""A network mount that hangs: its clips wait or are tried again, others go on, nothing half-made is visible.

For a single file it is a pipe that nobody writes to.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from daemon import intake, room
from daemon.engine import Engine
from daemon.hashing import Hashing
from daemon.ledger import Ledger
from daemon.media import MediaError
from daemon.patience import Patience
from tests.daemon.cases import FakeMatter, config, sequence, still, wait_for
from tests.daemon.hung import Hung
from tests.daemon.media.apart_cases import POISON
from tests.daemon.serving import Running, running


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "_PATIENCE", 1.0)
    monkeypatch.setattr(room, "_DISKS", Patience(1.0))
    for module in ("folders", "litter", "watch"):
        monkeypatch.setattr(f"daemon.{module}._PATIENCE", 0.5)


def pairs(folder: Path) -> list[dict[str, str]]:
    for name in ("far-in", "far-out", "in", "out"):
        (folder / name).mkdir(exist_ok=True)
    return [
        {"in": str(folder / "far-in"), "out": str(folder / "far-out")},
        {"in": str(folder / "in"), "out": str(folder / "out")},
    ]


def visible(out: Path) -> list[str]:
    return sorted(path.name for path in out.iterdir() if not path.name.startswith("."))


def goes_on(daemon: Running, folder: Path, hung: Path) -> None:
    """Clips elsewhere are done, and what hangs is said once."""
    for name in ("near", "nearer"):
        still(folder / "in", name)
        wait_for(lambda name=name: name in visible(folder / "out"), 30)  # type: ignore[misc]
    wait_for(lambda: daemon.said(f"{hung}: cannot be looked at (no answer)"), 30)
    assert daemon.said("cannot be looked at (no answer)") == 1


@pytest.mark.parametrize("which", ["far-in", "far-out"])
def test_clips_of_a_mount_that_hangs_wait_and_others_go_on(
    tmp_path: Path, engine: Engine, which: str
) -> None:
    settings = config(tmp_path, folders=pairs(tmp_path))
    with running(settings, engine) as daemon:
        still(tmp_path / "far-in", "first")
        wait_for(lambda: daemon.told.done)  # not as soon as it is visible: its folder is looked at yet
        with Hung(tmp_path / which):
            if which == "far-out":
                still(tmp_path / "far-in", "second")
            goes_on(daemon, tmp_path, tmp_path / which)
        still(tmp_path / "far-in", "third")
        wait_for(lambda: "third" in visible(tmp_path / "far-out"), 30)
        wait_for(lambda: {job.state for job in daemon.jobs()} == {"done"})
    assert [path.name for path in (tmp_path / "far-out").iterdir() if path.name.startswith(".")] == []
    assert len(visible(tmp_path / "far-out")) == (3 if which == "far-out" else 2)


def test_a_mount_that_hangs_while_it_is_written_to_costs_a_try_and_others_go_on(
    tmp_path: Path, engine: Engine, matter: FakeMatter
) -> None:
    jobs = {"retry_seconds": 0.2, "attempts": 100, "parallel": 2}
    matter.pace = 0.03
    with running(config(tmp_path, folders=pairs(tmp_path), jobs=jobs), engine) as daemon:
        sequence(tmp_path / "far-in", "far", range(1, 41))
        wait_for(lambda: daemon.told.safe)
        with Hung(tmp_path / "far-out"):
            goes_on(daemon, tmp_path, tmp_path / "far-out")
            (job,) = (job for job in daemon.jobs() if job.name == "far")
            # It waits in the middle of a write, or was asked after its disk first, and waits in the queue.
            assert job.state in ("running", "waiting")
            done = job.frames_done
        wait_for(lambda: visible(tmp_path / "far-out") == ["far"], 30)
    how, why = daemon.told.ends[0]
    assert how == "retry"
    waits = ("Transport endpoint is not connected", "cannot be looked at (no answer)", "until it is back")
    assert any(words in why for words in waits)
    assert 0 < done < 40
    assert len(list((tmp_path / "far-out/far").glob("alpha/*"))) == 40


@pytest.mark.parametrize("which", ["far-in", "far-out"])
def test_a_mount_that_hangs_at_the_start_keeps_no_other_folder_from_being_served(
    tmp_path: Path, engine: Engine, which: str
) -> None:
    settings = config(tmp_path, folders=pairs(tmp_path))
    still(tmp_path / "far-in", "far")
    with Hung(tmp_path / which) as hung, running(settings, engine) as daemon:
        goes_on(daemon, tmp_path, tmp_path / which)
        assert daemon.said(f"{tmp_path / which}: does not answer; its clips wait until it does.") == 1
        hung.back()
        wait_for(lambda: visible(tmp_path / "far-out") == ["far"], 30)


def test_many_mounts_that_hang_cost_the_start_and_the_first_look_the_time_of_one(
    tmp_path: Path, engine: Engine
) -> None:
    names = [f"far-{n}" for n in range(8)]
    for name in (*names, "in"):
        (tmp_path / name).mkdir()
    out = str(tmp_path / "out")
    settings = config(tmp_path, folders=[{"in": str(tmp_path / name), "out": out} for name in (*names, "in")])
    still(tmp_path / "in", "near")
    begun = time.monotonic()
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(Hung(tmp_path / name))
        daemon = stack.enter_context(running(settings, engine))
        wait_for(lambda: daemon.said("cannot be looked at (no answer)") == len(names))
        assert time.monotonic() - begun < 8
        wait_for(lambda: visible(tmp_path / "out") == ["near"], 30)


@pytest.mark.parametrize("change", ["changed", "taken away"])
def test_a_clip_that_changes_while_its_results_folder_hangs_holds_up_no_other(
    tmp_path: Path, engine: Engine, change: str
) -> None:
    plate = still(tmp_path / "far-in", "far", with_trimap=False)
    still(tmp_path / "far-in", "other", with_trimap=False)
    with running(config(tmp_path, folders=pairs(tmp_path)), engine) as daemon:
        wait_for(lambda: len(daemon.told.ends) == 2)
        with Hung(tmp_path / "far-out"):
            if change == "changed":
                still(tmp_path / "far-in", "far")
            else:
                plate.unlink()
            goes_on(daemon, tmp_path, tmp_path / "far-out")
            with Ledger(daemon.state, create=False) as beside:
                (other,) = (job for job in beside.jobs() if job.name == "other")
                beside.cancel(other.id)  # so nobody holds the ledger
        after = ["far"] if change == "changed" else []
        wait_for(lambda: visible(tmp_path / "far-out") == after, 30)
        assert [job.name for job in daemon.jobs() if job.name == "far"] == after


def test_a_file_that_hangs_while_it_is_decoded_costs_a_try_and_others_go_on(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.media.decoders._START", POISON)
    (tmp_path / "in").mkdir()
    sequence(tmp_path / "in", "hangs", range(1, 5))
    (tmp_path / "in/harm").write_text("hang 3")
    limits = {"min_free_gib": 0.0, "decode_seconds": 1.0}
    jobs = {"retry_seconds": 0.5, "attempts": 100}
    with running(config(tmp_path, limits=limits, jobs=jobs), engine) as daemon:
        wait_for(lambda: daemon.told.ends)
        still(tmp_path / "in", "near")
        wait_for(lambda: visible(tmp_path / "out") == ["near"])
        (tmp_path / "in/harm").unlink()
        wait_for(lambda: visible(tmp_path / "out") == ["hangs", "near"])
        how, why = daemon.told.ends[0]
    assert how == "retry"
    assert why.startswith(
        "hangs.3.png: does not answer within limits: decode_seconds (1); see to the disk or mo"
    )


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Path]:
    """Whoever opens it waits, until the test is over."""
    path = tmp_path / "shot.mov"
    os.mkfifo(path)
    yield path
    os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))


def test_a_file_that_hangs_while_it_is_hashed_is_given_up_and_waited_for_no_more(pipe: Path) -> None:
    begun = time.monotonic()
    with Hashing([pipe], pipe.parent) as hashing:
        with pytest.raises(MediaError, match=r"^shot\.mov: does not answer; see to the disk or mount"):
            hashing.result(threading.Event(), 0.5)
    with Hashing([pipe], pipe.parent) as hashing:
        told = threading.Event()
        told.set()
        assert hashing.result(told, None) is None
    assert time.monotonic() - begun < 10


def test_a_file_that_is_being_hashed_gives_signs_of_life_as_long_as_it_comes(pipe: Path) -> None:
    alive = threading.Event()

    def feed() -> None:
        with pipe.open("wb") as file:
            file.write(bytes(1 << 20))
            file.flush()
            assert alive.wait(20)

    feeding = threading.Thread(target=feed)
    with Hashing([pipe], pipe.parent) as hashing:
        with pytest.raises(MediaError, match="does not answer"):
            hashing.result(threading.Event(), 0.5, alive.set)
        assert not alive.is_set()
        feeding.start()
        with pytest.raises(OSError, match="seek"):  # it is a pipe, after all, and was read to its end
            hashing.result(threading.Event(), 20.0, alive.set)
    feeding.join()
    assert alive.is_set()


def test_what_answers_late_is_heard_at_the_next_question_and_no_second_one_is_sent_meanwhile() -> None:
    patience, gate, asked = Patience(0.2), threading.Event(), []

    def question() -> int:
        asked.append(len(asked))
        assert gate.wait(20)
        return len(asked)

    for _ in range(3):
        with pytest.raises(TimeoutError):
            patience.ask("share", question)
    assert patience.ask("disk", lambda: "there") == "there"
    gate.set()
    wait_for(lambda: not [thread for thread in threading.enumerate() if thread.name == "patience"])
    assert patience.ask("share", question) == 1
    assert asked == [0]
    assert patience.ask("share", question) == 2
    with pytest.raises(ZeroDivisionError):
        patience.ask("share", lambda: 1 // 0)
