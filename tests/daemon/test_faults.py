"""Faults are said when they come up, not at every look, and again when they come back."""

from __future__ import annotations

from daemon.faults import Faults


def test_a_fault_is_said_once_while_it_stands() -> None:
    said: list[str] = []
    faults = Faults(said.append)
    assert faults.now("disk", ["full"]) == ["full"]
    assert faults.now("disk", ["full"]) == []
    assert faults.now("disk", ["full", "slow"]) == ["slow"]
    assert said == ["full", "slow"]


def test_a_fault_that_comes_back_is_said_again() -> None:
    said: list[str] = []
    faults = Faults(said.append)
    for standing in (["full"], [], ["full"]):
        faults.now("disk", standing)
    assert said == ["full", "full"]


def test_topics_do_not_end_each_other() -> None:
    said: list[str] = []
    faults = Faults(said.append)
    faults.now("disk", ["full"])
    faults.now("scan", [])
    faults.now("disk", ["full"])
    assert said == ["full"]
