"""The bars that dimd's speed is held to, each a ratio of one run or a time on the machine of the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Bar(NamedTuple):
    """path: where the figure stands in those of the bench. most: the figure is to be at most the bar."""

    name: str
    path: tuple[str, ...]
    bar: float
    most: bool = False


BARS = (
    Bar("dim-vgg16, full frame / (inputs + network)", ("network", "ratios", "dim-vgg16"), 100),
    Bar("closed-form / (inputs + network)", ("network", "ratios", "closed-form"), 20),
    Bar("RVM / (inputs + network)", ("network", "ratios", "RVM"), 1),
    Bar("IS-Net still / (inputs + network)", ("network", "ratios", "IS-Net"), 10),
    Bar("end to end: rate / floor's, 10 % unknown", ("jobs", "ratios", "dimd 0.1 / floor"), 0.6),
    Bar("cost by unknown area, longer: R² of a line", ("area", "longer", "R2"), 0.98),
    Bar("the same, wider, something unknown", ("area", "wider", "R2 of what is unknown"), 0.98),
    Bar("the same, wider, from nothing on", ("area", "wider", "R2"), 0.98),
    Bar("nothing unknown: seconds over the floor", ("jobs", "ratios", "dimd 0.0 - floor"), 0.015, most=True),
    Bar("scan of 100,000 files, s", ("crowd", "10000", "scan"), 2, most=True),
    Bar("claim among 10,000 clips, s", ("crowd", "10000", "claim"), 0.005, most=True),
    Bar("idle CPU share", ("process", "idle CPU share"), 0.01, most=True),
    Bar("start to first frame, s", ("process", "start to first frame"), 5, most=True),
)


def verdicts(figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each bar whose figure was measured, or was to be; ``holds`` is None where it was not."""
    found = []
    for bar in BARS:
        value: Any = figures
        for key in bar.path:
            value = value.get(key) if isinstance(value, Mapping) else None
        holds = None if value is None else bool(value <= bar.bar if bar.most else value >= bar.bar)
        if bar.path[0] in figures:
            found.append({"bar": bar.name, "value": value, "at": bar.bar, "most": bar.most, "holds": holds})
    return found


def line(verdict: Mapping[str, Any]) -> str:
    """A bar as a person reads it."""
    said = "not measured" if verdict["value"] is None else f"{verdict['value']:.4g}"
    end = {True: "holds", False: "MISSES", None: ""}[verdict["holds"]]
    bound = f"{'at most' if verdict['most'] else 'at least'} {verdict['at']:g}"
    return f"{verdict['bar']:48s}{said:>14s}   {bound:18s}{end}".rstrip()
