"""What the ledger keeps of a clip, from its drop to its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.job import STATES
from daemon.ledger import ClaimLost, Ledger, LedgerError
from tests.daemon.ledger_cases import LEASE, NOW, claimed, clip, offered, offered_and_claimed, open_ledger


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def ledger(state: Path) -> Iterator[Ledger]:
    with open_ledger(state) as opened:
        yield opened


def test_clip_dropped_twice_unchanged_is_one_job(ledger: Ledger) -> None:
    first = ledger.offer(clip("shot"), "key")

    assert first is not None
    assert (first.state, first.name, first.folder, first.created) == ("waiting", "shot", "/drop", NOW)
    assert ledger.offer(clip("shot"), "key") is None
    assert [job.id for job in ledger.jobs()] == [first.id]


def test_clip_that_is_done_is_not_done_again(ledger: Ledger) -> None:
    ledger.done(offered_and_claimed(ledger).id, Path("/out/shot"))

    assert ledger.offer(clip("shot"), "key of shot") is None
    assert ledger.claim("me", LEASE, NOW) is None


def test_changed_clip_is_a_new_job_beside_the_done_one(ledger: Ledger) -> None:
    ledger.done(offered_and_claimed(ledger).id, Path("/out/shot"))

    changed = offered(ledger, key="changed")

    assert [(job.key, job.state) for job in ledger.jobs()] == [
        ("changed", "waiting"),
        ("key of shot", "done"),
    ]
    assert claimed(ledger).id == changed.id


@pytest.mark.parametrize("end", ["waiting", "set aside", "failed", "cancelled"])
def test_changed_clip_takes_the_place_of_the_job_that_was_not_done(ledger: Ledger, end: str) -> None:
    other = offered(ledger, "other")
    job = offered(ledger)
    match end:
        case "set aside":
            ledger.set_aside(job.id, "shot.png: has no trimap.")
        case "cancelled":
            ledger.cancel(job.id)
        case "failed":
            claim = ledger.claim("me", LEASE, NOW, among=[job.key])
            assert claim is not None
            ledger.fail(job.id, "broken", None)

    changed = offered(ledger, key="changed")

    assert {found.id for found in ledger.jobs()} == {other.id, changed.id}


def test_clip_that_changes_while_it_runs_is_lost_to_its_holder(ledger: Ledger) -> None:
    job = offered_and_claimed(ledger)
    changed = offered(ledger, key="changed")

    assert not ledger.renew(job.id, "me", NOW + LEASE)
    with pytest.raises(ClaimLost):
        ledger.done(job.id, Path("/out/shot"))
    assert ledger.get(changed.id).state == "waiting"


def test_clip_that_left_and_came_back_is_a_new_job(ledger: Ledger) -> None:
    job = offered(ledger)
    ledger.forget(job.id)

    assert offered(ledger).id != job.id


@pytest.mark.parametrize("running", [True, False])
def test_set_aside_keeps_the_sentence(ledger: Ledger, running: bool) -> None:
    job = offered_and_claimed(ledger) if running else offered(ledger)
    ledger.set_aside(job.id, "shot.png: has no trimap; supply one.")

    aside = ledger.get(job.id)
    assert (aside.state, aside.error) == ("set_aside", "shot.png: has no trimap; supply one.")
    assert ledger.claim("me", LEASE, NOW + 1e6) is None


def test_plan_and_frames_survive_a_restart(state: Path) -> None:
    with open_ledger(state) as ledger:
        job = offered_and_claimed(ledger)
        ledger.plan(job.id, {"weights": "swift-1", "outputs": ["alpha"]}, 48)
        ledger.commit_frames(job.id, 2, [{"unknown": 0.1}, {"unknown": 0.2}], 3.5)
        ledger.commit_frames(job.id, 3, [{"unknown": 0.3}], 3.0)
        ledger.release("me")
    with open_ledger(state) as ledger:
        again = claimed(ledger, "next")

        assert again.plan == {"weights": "swift-1", "outputs": ["alpha"]}
        assert (again.frames_done, again.frames_total, again.fps) == (3, 48, 3.0)
        assert [figure["unknown"] for figure in ledger.figures(job.id)] == [0.1, 0.2, 0.3]


def test_frames_without_their_figures_are_refused_and_nothing_kept(ledger: Ledger) -> None:
    job = offered_and_claimed(ledger)

    with pytest.raises(ValueError, match="1 figures for the frames 0 to 1"):
        ledger.commit_frames(job.id, 2, [{}], None)

    assert ledger.get(job.id).frames_done == 0
    assert ledger.figures(job.id) == []


def test_restart_forgets_frames_and_plan(ledger: Ledger) -> None:
    job = offered_and_claimed(ledger)
    ledger.plan(job.id, {"weights": "gone"}, 5)
    ledger.commit_frames(job.id, 1, [{}], 1.0)
    ledger.restart(job.id)

    again = ledger.get(job.id)
    assert (again.state, again.plan, again.frames_done, again.frames_total) == ("running", None, 0, None)
    assert ledger.figures(job.id) == []
    ledger.commit_frames(job.id, 1, [{}], 1.0)


def test_done_job_has_its_result_and_needs_no_more_room(ledger: Ledger) -> None:
    job = offered_and_claimed(ledger)
    ledger.commit_frames(job.id, 1, [{}], 1.0)
    ledger.done(job.id, Path("/out/shot_v2"))

    done = ledger.get(job.id)
    assert (done.state, done.result, done.error, done.finished) == ("done", "/out/shot_v2", None, NOW)
    assert ledger.figures(job.id) == []


@pytest.mark.parametrize("end", ["failed", "set aside", "cancelled"])
def test_retry_renews_the_attempts(ledger: Ledger, end: str) -> None:
    job = offered_and_claimed(ledger)
    ledger.commit_frames(job.id, 1, [{}], None)
    match end:
        case "failed":
            ledger.fail(job.id, "broken", None)
        case "set aside":
            ledger.set_aside(job.id, "no trimap")
        case "cancelled":
            ledger.cancel(job.id)
            ledger.let_go(job.id)

    waiting = ledger.retry(job.id)

    assert (waiting.state, waiting.attempts, waiting.error, waiting.finished) == ("waiting", 0, None, None)
    assert claimed(ledger).frames_done == 1


def test_order_that_makes_no_sense_is_one_sentence(ledger: Ledger) -> None:
    job = offered(ledger)
    with pytest.raises(LedgerError, match="job 1: shot is waiting; name one that is failed, set aside"):
        ledger.retry(job.id)
    ledger.done(claimed(ledger).id, Path("/out/shot"))
    with pytest.raises(LedgerError, match="job 1: shot is done; name one that is waiting, running, failed"):
        ledger.cancel(job.id)
    with pytest.raises(LedgerError, match="set aside, cancelled, or touch its clip to have that made again"):
        ledger.retry(job.id)
    with pytest.raises(LedgerError, match="job 99: is not in the ledger; 'dimd status'"):
        ledger.cancel(99)


@pytest.mark.parametrize("number", [0, 2**63 - 1, 2**63, -(2**63) - 1])
def test_order_for_a_job_that_is_none_is_one_sentence(ledger: Ledger, number: int) -> None:
    with pytest.raises(LedgerError, match=rf"^job {number}: is not in the ledger; 'dimd status' lists"):
        ledger.retry(number)


def test_jobs_are_listed_newest_first_by_state(ledger: Ledger) -> None:
    for name in ("a", "b", "c"):
        offered(ledger, name)
    claimed(ledger)

    assert [job.name for job in ledger.jobs()] == ["c", "b", "a"]
    assert [job.name for job in ledger.jobs(limit=2)] == ["c", "b"]
    assert [job.name for job in ledger.jobs(["running"])] == ["a"]
    assert ledger.jobs([]) == []
    assert ledger.counts() == {**dict.fromkeys(STATES, 0), "waiting": 2, "running": 1}


def test_what_waits_in_a_folder_that_nobody_watches_any_more_is_not_counted_as_waiting(
    ledger: Ledger,
) -> None:
    for name, folder in (("a", "/left"), ("b", "/drop"), ("c", "/drop")):
        ledger.offer(clip(name, Path(folder)), name)
    ledger.set_aside(3, "c: no hint")
    assert ledger.counts(["/drop"]) == {**dict.fromkeys(STATES, 0), "waiting": 1, "set_aside": 1}
    assert ledger.counts(["/left", "/drop"])["waiting"] == ledger.counts()["waiting"] == 2


def test_job_is_found_by_its_key(ledger: Ledger) -> None:
    job = offered(ledger)

    assert ledger.find("key of shot") == job
    assert ledger.find("another") is None
