"""What is said of clips where somebody watches."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from daemon.named import told_as
from daemon.progress import ProgressReporter


@pytest.mark.parametrize("how", ["failed", "set_aside", "retry", "stopped", "superseded"])
def test_how_a_clip_ended_begins_with_its_name(how: str) -> None:
    said = io.StringIO()
    with ProgressReporter(Console(file=said)) as reporter:
        reporter.ended(told_as(1, "st"), how, "p.####.png: has no mask; put st_mask beside it.")
    line = f"{how.replace('_', ' ')}  st: p.####.png: has no mask; put st_mask beside it.\n"
    assert said.getvalue() == line


def test_a_note_begins_with_the_clips_name() -> None:
    said = io.StringIO()
    with ProgressReporter(Console(file=said)) as reporter:
        reporter.warned(told_as(1, "st"), "p.####.png: lacks frame 2.")
    assert said.getvalue() == "note    st: p.####.png: lacks frame 2.\n"


def test_a_name_draws_no_line_of_its_own() -> None:
    said = io.StringIO()
    with ProgressReporter(Console(file=said)) as reporter:
        reporter.published(told_as(1, "st\ndone    forged\x9b"), Path("out"))
    assert said.getvalue() == "done    st\\x0adone    forged\\x9b: out\n"


def test_a_sentence_that_begins_with_the_clips_name_does_not_have_it_twice() -> None:
    said = io.StringIO()
    with ProgressReporter(Console(file=said)) as reporter:
        reporter.ended(told_as(1, "st"), "failed", "st: is no video, so alpha cannot be vp9.")
    assert said.getvalue() == "failed  st: is no video, so alpha cannot be vp9.\n"


def test_what_an_earlier_run_gave_up_is_told_and_what_this_one_told_is_not_told_twice() -> None:
    said = io.StringIO()
    aside = replace(told_as(2, "b"), state="set_aside", error="b.png: is empty.")
    jobs = [replace(told_as(1, "a"), state="done"), aside, replace(told_as(3, "c"), state="cancelled")]
    with ProgressReporter(Console(file=said)) as reporter:
        reporter.ended(replace(told_as(4, "d"), state="failed"), "failed", "d.png: is empty.")
        jobs.append(replace(told_as(4, "d"), state="failed", error="d.png: is empty."))
        jobs += [
            replace(told_as(n, "e"), state="waiting", error=why) for n, why in ((5, "e: is away."), (6, None))
        ]
        reporter.left(jobs)
    assert said.getvalue().splitlines() == [
        "failed  d: d.png: is empty.",
        "set aside  b: b.png: is empty. It is so since before; 'dimd retry 2' takes it up again.",
        "cancelled  c: is so since before; 'dimd retry 3' takes it up again.",
        "waiting  e: is away. It waits for its next try.",
    ]


def test_where_all_was_done_before_that_is_said() -> None:
    said = io.StringIO()
    with ProgressReporter(Console(file=said)) as reporter:
        reporter.left([replace(told_as(n, name), state="done") for n, name in ((1, "a"), (2, "b"))])
    assert said.getvalue() == "Nothing to do: 2 clips are done already, and made again once touched.\n"


def test_what_is_done_in_this_run_is_not_said_to_be_done_already() -> None:
    said = io.StringIO()
    with ProgressReporter(Console(file=said)) as reporter:
        reporter.published(told_as(1, "a"), Path("out/a"))
        reporter.left([replace(told_as(n, name), state="done") for n, name in ((1, "a"), (2, "b"))])
    assert said.getvalue() == "done    a: out/a\n"
