"""Learning rates: what rises, holds and falls, and the floor that the original's code forgot."""

from __future__ import annotations

import pytest

from trainer.schedules import UnknownScheduleError, schedule


def test_a_plateau_rises_holds_and_falls_to_nothing() -> None:
    share = schedule("plateau", steps=10_000, decay=0.3, rate=2e-3, epoch=250)
    assert share(0) < 0.01
    assert share(200) == share(6_000) == 1.0
    assert share(8_500) == pytest.approx(0.5, abs=0.01)
    assert share(10_000) == 0


def test_a_plateau_does_not_depend_on_the_length_of_the_run() -> None:
    short, long = (schedule("plateau", steps=n, decay=0.3, rate=2e-3, epoch=250) for n in (10_000, 50_000))
    assert [short(n) for n in range(0, 7_000, 50)] == [long(n) for n in range(0, 7_000, 50)]


def test_a_cosine_falls_from_the_full_rate_to_nothing() -> None:
    share = schedule("cosine", steps=1_000, decay=0.3, rate=2e-3, epoch=250)
    assert share(500) == pytest.approx(0.5, abs=0.01)
    assert share(1_000) == 0
    falling = [share(n) for n in range(300, 1_000)]
    assert falling == sorted(falling, reverse=True)


def test_a_staircase_takes_a_tenth_off_every_20_epochs_and_stops_at_1e_6() -> None:
    share = schedule("staircase", steps=10**9, decay=0.3, rate=1e-4, epoch=10)
    assert share(199) == 1.0
    assert share(200) == pytest.approx(0.9)
    assert share(450) == pytest.approx(0.81)
    assert 1e-4 * share(10**7) == pytest.approx(1e-6)


def test_an_unknown_schedule_is_named_with_those_there_are() -> None:
    with pytest.raises(UnknownScheduleError, match="'linear'; choose one of plateau, cosine, staircase"):
        schedule("linear", steps=1, decay=0.3, rate=1e-4, epoch=1)
