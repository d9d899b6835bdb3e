"""Who holds a job, across threads, daemons and crashes."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from daemon.ledger import ClaimLost, Job, Ledger, owner_name
from tests.daemon.ledger_cases import LEASE, NOW, claimed, offered, offered_and_claimed, open_ledger


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def ledger(state: Path) -> Iterator[Ledger]:
    with open_ledger(state) as opened:
        yield opened


def test_oldest_job_is_claimed_first(ledger: Ledger) -> None:
    for name in ("c", "a", "b"):
        offered(ledger, name)

    assert [claimed(ledger).name for _ in range(3)] == ["c", "a", "b"]
    assert ledger.claim("me", LEASE, NOW) is None


def test_claim_says_who_holds_the_job_and_since_when(ledger: Ledger) -> None:
    job = offered_and_claimed(ledger)

    assert (job.state, job.attempts, job.started, job.finished) == ("running", 1, NOW, None)
    assert ledger.counts()["running"] == 1


def test_only_clips_that_the_caller_has_are_claimed(ledger: Ledger) -> None:
    offered(ledger, "a")
    second = offered(ledger, "b")

    assert ledger.claim("me", LEASE, NOW, among=[]) is None
    assert ledger.claim("me", LEASE, NOW, among=["key of b", "key of c"]) == ledger.get(second.id)


def test_one_job_has_one_holder_among_threads(state: Path) -> None:
    with open_ledger(state) as one, open_ledger(state) as two:
        for number in range(30):
            offered(one, f"shot{number}")

        def work(ledger: Ledger) -> list[int]:
            mine = []
            while job := ledger.claim(threading.current_thread().name, LEASE, NOW):
                mine.append(job.id)
            return mine

        with ThreadPoolExecutor(4) as pool:
            taken = [job for jobs in pool.map(work, [one, two, one, two]) for job in jobs]

    assert sorted(taken) == sorted(set(taken))
    assert len(taken) == 30


def _claim_all(state: Path, results: Queue[int], both: Barrier) -> None:
    with Ledger(state) as ledger:
        owner = owner_name()
        both.wait(10)
        while job := ledger.claim(owner, LEASE, NOW):
            results.put(job.id)
        results.put(-1)
        both.wait(10)  # a daemon that is gone would lose its jobs to the other


def test_one_job_has_one_holder_among_daemons(state: Path) -> None:
    context = multiprocessing.get_context("spawn")
    results, both = context.Queue(), context.Barrier(2)
    with open_ledger(state) as ledger:
        for number in range(20):
            offered(ledger, f"shot{number}")
    daemons: list[BaseProcess] = [
        context.Process(target=_claim_all, args=(state, results, both)) for _ in range(2)
    ]
    for daemon in daemons:
        daemon.start()
    taken: list[int] = []
    while taken.count(-1) < 2:
        taken.append(results.get(timeout=20))
    for daemon in daemons:
        daemon.join(20)

    assert Counter(job for job in taken if job > 0) == Counter(range(1, 21))


def test_claim_of_a_dead_daemon_lapses_with_its_lease(state: Path) -> None:
    with open_ledger(state) as dead:
        job = offered_and_claimed(dead)
        dead.commit_frames(job.id, 2, [{"n": 0}, {"n": 1}], 5.0)
    with open_ledger(state) as ledger:
        assert ledger.claim("next", LEASE, NOW + LEASE - 1) is None

        again = claimed(ledger, "next", NOW + LEASE)

        assert (again.id, again.frames_done, again.attempts) == (job.id, 2, 1)
        assert ledger.figures(job.id) == [{"n": 0}, {"n": 1}]


def test_lease_that_is_renewed_does_not_lapse(state: Path) -> None:
    with open_ledger(state) as holder, open_ledger(state) as other:
        job = offered_and_claimed(holder)
        assert holder.renew(job.id, "me", NOW + 2 * LEASE)

        assert other.claim("other", LEASE, NOW + LEASE) is None
        assert not other.renew(job.id, "other", NOW + 9 * LEASE)
        assert other.claim("other", LEASE, NOW + 2 * LEASE) is not None
        assert not holder.renew(job.id, "me", NOW + 9 * LEASE)


def _claim_and_die(state: Path) -> None:
    with Ledger(state) as ledger:
        ledger.claim(owner_name(), 3600, NOW)
        os.kill(os.getpid(), 9)


def test_job_of_a_killed_daemon_goes_on_before_its_lease_ends(state: Path) -> None:
    with Ledger(state) as ledger:
        offered(ledger)
        process = multiprocessing.get_context("spawn").Process(target=_claim_and_die, args=(state,))
        process.start()
        process.join(20)
        assert ledger.counts()["running"] == 1

        assert claimed(ledger, owner_name()).attempts == 1


def test_holder_that_was_overtaken_can_write_nothing(state: Path) -> None:
    with open_ledger(state) as slow, open_ledger(state) as quick:
        job = offered_and_claimed(slow)
        claimed(quick, "quick", NOW + LEASE)

        writes: list[Callable[[], None]] = [
            lambda: slow.plan(job.id, {}, 3),
            lambda: slow.commit_frames(job.id, 1, [{}], None),
            lambda: slow.restart(job.id),
            lambda: slow.done(job.id, Path("/out")),
            lambda: slow.fail(job.id, "late", None),
            lambda: slow.set_aside(job.id, "late"),
        ]
        for write in writes:
            with pytest.raises(ClaimLost):
                write()

        quick.commit_frames(job.id, 1, [{}], None)
        assert quick.get(job.id).state == "running"


def test_process_does_not_overtake_itself(ledger: Ledger) -> None:
    job = offered_and_claimed(ledger)

    assert ledger.claim("me", LEASE, NOW + 9 * LEASE) is None
    ledger.cancel(job.id)
    ledger.retry(job.id)
    assert ledger.claim("me", LEASE, NOW) is None
    ledger.let_go(job.id)
    assert claimed(ledger).id == job.id


def test_clip_that_kills_the_daemon_is_set_aside_at_last_and_told(state: Path) -> None:
    told: list[Job] = []
    with open_ledger(state) as ledger:
        job = offered(ledger)
    now, deaths = NOW, 0
    while True:
        with open_ledger(state, deadly=told.append) as ledger:
            if ledger.claim("me", LEASE, now) is None:
                failed = ledger.get(job.id)
                break
        now, deaths = now + LEASE, deaths + 1
        assert deaths < 20

    assert deaths == 5
    assert told == [failed]
    assert failed.state == "set_aside"
    assert failed.error == (
        "shot: dimd died 5 times after frame 0 of this clip; "
        "see the system log for the cause (memory?), then run dimd retry 1."
    )


def test_clip_that_advances_between_crashes_is_not_given_up(state: Path) -> None:
    with open_ledger(state) as ledger:
        offered(ledger)
    for crash in range(10):
        with open_ledger(state) as ledger:
            job = claimed(ledger, now=NOW + crash * LEASE)
            ledger.commit_frames(job.id, crash + 1, [{}], None)


def test_failed_try_waits_for_its_time_and_keeps_its_frames(ledger: Ledger) -> None:
    job = offered_and_claimed(ledger)
    ledger.commit_frames(job.id, 1, [{"unknown": 0.1}], 2.5)
    ledger.fail(job.id, "shot.png: the disk is full.", NOW + 30)

    waiting = ledger.get(job.id)
    assert (waiting.state, waiting.error, waiting.retry_at) == (
        "waiting",
        "shot.png: the disk is full.",
        NOW + 30,
    )
    assert ledger.claim("me", LEASE, NOW + 29) is None
    again = claimed(ledger, now=NOW + 30)

    assert (again.attempts, again.frames_done) == (2, 1)


def test_a_clock_that_is_set_back_does_not_put_a_retry_off(ledger: Ledger) -> None:
    job = offered(ledger)
    ledger.fail(claimed(ledger, now=NOW + 8 * 3600).id, "share is away", NOW + 8 * 3600 + 30)

    assert ledger.claim("me", LEASE, NOW + 7 * 3600, longest=3600 + 30) is None
    assert ledger.claim("me", LEASE, NOW, longest=3600) == ledger.get(job.id)


def test_waiting_for_a_retry_does_not_hold_up_others(ledger: Ledger) -> None:
    ledger.fail(offered_and_claimed(ledger).id, "later", NOW + 30)
    other = offered(ledger, "other")

    assert claimed(ledger).id == other.id


def test_failed_for_good_is_never_claimed(ledger: Ledger) -> None:
    job = offered_and_claimed(ledger)
    ledger.fail(job.id, "broken", None)

    assert ledger.claim("me", LEASE, NOW + 1e6) is None
    assert (ledger.get(job.id).state, ledger.get(job.id).finished) == ("failed", NOW)


def test_clip_that_waits_for_what_is_not_its_fault_loses_no_try(ledger: Ledger) -> None:
    job = offered_and_claimed(ledger)
    ledger.commit_frames(job.id, 1, [{}], None)
    ledger.wait(job.id, "the disk is nearly full")

    waiting = ledger.get(job.id)
    assert (waiting.state, waiting.attempts, waiting.frames_done) == ("waiting", 0, 1)
    assert claimed(ledger).attempts == 1


def test_clean_stop_gives_the_jobs_back_without_counting_the_try(ledger: Ledger) -> None:
    offered_and_claimed(ledger)
    offered(ledger, "other")
    other = claimed(ledger, "other")

    assert ledger.release("me") == 1
    assert ledger.get(other.id).state == "running"
    assert claimed(ledger, "me").attempts == 1


def test_cancelled_job_is_lost_to_its_holder(ledger: Ledger, state: Path) -> None:
    job = offered_and_claimed(ledger)
    with Ledger(state, create=False) as beside:
        assert beside.cancel(job.id).state == "cancelled"

    assert not ledger.renew(job.id, "me", NOW + LEASE)
    with pytest.raises(ClaimLost, match="job 1: is no longer held here"):
        ledger.commit_frames(job.id, 1, [{}], None)
    assert ledger.claim("me", LEASE, NOW + 1e6) is None
