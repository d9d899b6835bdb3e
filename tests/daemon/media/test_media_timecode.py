"""Time code, counted on: every number once, in order, and none that does not exist."""

from __future__ import annotations

from fractions import Fraction

import pytest

from daemon.media.timecode import after


@pytest.mark.parametrize(
    ("first", "rate", "position", "expected"),
    [
        ("01:00:00:00", Fraction(24), 0, "01:00:00:00"),
        ("01:00:00:00", Fraction(24000, 1001), 25, "01:00:01:01"),
        ("23:59:59:24", Fraction(25), 1, "00:00:00:00"),
        ("01:00:59;29", Fraction(30000, 1001), 1, "01:01:00;02"),
        ("01:09:59;29", Fraction(30000, 1001), 1, "01:10:00;00"),
        ("00:00:00;00", Fraction(30000, 1001), 107892, "01:00:00;00"),
        ("01:00:59:29", Fraction(30000, 1001), 1, "01:01:00:00"),
        ("00:00:59;59", Fraction(60000, 1001), 1, "00:01:00;04"),
        ("00:00:00;00", Fraction(60000, 1001), 2 * 107892, "01:00:00;00"),
        ("10:00:00:49", Fraction(50), 1, "10:00:01:00"),
    ],
)
def test_time_code_is_counted_on(first: str, rate: Fraction, position: int, expected: str) -> None:
    assert after(first, rate, position) == expected


@pytest.mark.parametrize(("rate", "dropped"), [(Fraction(30000, 1001), 2), (Fraction(60000, 1001), 4)])
def test_each_number_but_the_dropped_ones_comes_once(rate: Fraction, dropped: int) -> None:
    each = round(rate)
    numbers = [
        f"00:{minute:02d}:{second:02d};{frame:02d}"
        for minute in range(12)
        for second in range(60)
        for frame in range(each)
        if not (frame < dropped and second == 0 and minute % 10)
    ]
    assert [after("00:00:00;00", rate, n) for n in range(len(numbers))] == numbers


@pytest.mark.parametrize("first", ["", "1:2:3:4", "01:00:00", "noon"])
def test_what_is_no_time_code_is_not_counted(first: str) -> None:
    assert after(first, Fraction(24), 1) is None
