"""What a frame costs as its unknown region grows: it is to be in proportion.

It grows in two ways: there is more of a band that is as wide as it was, or a ring of one length becomes
wider. However thin that is, tiles lie all along it, its surroundings are looked at, and flow is sought: so
its frames lie on a line that does not lead to a frame of which all is known.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from bench import footage
from daemon.colour import DISPLAY
from daemon.compose import compose
from daemon.engine import TOGETHER
from dim_model.encode import empty_tiles, encode_tiles
from dim_model.matter import Matter
from dim_model.nets.swift import Swift
from dim_model.temporal import Steadier

SHARES = (0.0, 0.05, 0.1, 0.2, 0.3)


def stages(
    matter: Matter, share: float, raster: footage.Raster = footage.HD, whole: float | None = None
) -> dict[str, Callable[[], object]]:
    """What happens to a frame between reading and writing, each to be run alone."""
    rgb, trimap = footage.frame(share, raster, whole)
    tiling = Swift.tiling
    cover = tiling.cover((trimap[0] == 0.5).numpy())
    corners = [(tile.y, tile.x) for tile in cover]
    rooms = [empty_tiles(1, (tiling.height, tile.width), Swift.inputs)[0] for tile in cover]
    alpha = matter.matte([rgb], [trimap])[0]

    def steady() -> object:
        steadier = Steadier[int](2)
        return [list(steadier.take(n, rgb, alpha)) for n in range(TOGETHER)], list(steadier.rest())

    return {
        "trimap inputs": lambda: encode_tiles(rgb, trimap, corners, Swift.inputs, rooms),
        "trimap inputs + network (together)": lambda: matter.matte([rgb] * TOGETHER, [trimap] * TOGETHER),
        "steady (together)": steady,
        "foreground": lambda: compose(rgb, alpha, None, DISPLAY, ["alpha", "foreground"]),
    }


def measure(
    matter: Matter, rounds: int, raster: footage.Raster = footage.HD, shares: Sequence[float] = SHARES
) -> dict[str, Any]:
    """Of a band that grows ``longer`` and of a ring that grows ``wider``: seconds of each stage, and of a
    frame, by share, the least of some interleaved rounds; R² of a line, also of that through the frames alone
    of which something is unknown.

    What is done together is timed for ``TOGETHER`` frames.
    """
    growths = {"longer": max(shares), "wider": None}
    return {name: _measured(matter, rounds, raster, shares, whole) for name, whole in growths.items()}


def _measured(
    matter: Matter, rounds: int, raster: footage.Raster, shares: Sequence[float], whole: float | None
) -> dict[str, Any]:
    works = {share: stages(matter, share, raster, whole) for share in shares}
    found: dict[str, dict[str, float]] = {str(share): {} for share in shares}
    for share, some in works.items():
        for work in some.values():
            work()
        del share
    for _ in range(rounds):
        for share, some in works.items():
            for name, work in some.items():
                begun = time.perf_counter()
                work()
                taken = time.perf_counter() - begun
                row = found[str(share)]
                row[name] = min(row.get(name, np.inf), taken)
    for row in found.values():
        together = row["trimap inputs + network (together)"] + row["steady (together)"]
        row["frame"] = together / TOGETHER + row["foreground"]
    points = [(share, found[str(share)]["frame"]) for share in shares]
    unknown = [(share, frame) for share, frame in points if share]
    return {"shares": found, "R2": straightness(points), "R2 of what is unknown": straightness(unknown)}


def straightness(points: Sequence[tuple[float, float]]) -> float:
    """R² of the line that is fitted to the points: 1 where they lie on it."""
    x, y = np.asarray(points).T
    slope, offset = np.polyfit(x, y, 1)
    rest = y - (slope * x + offset)
    return float(1 - (rest**2).sum() / ((y - y.mean()) ** 2).sum())
