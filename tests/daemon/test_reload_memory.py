"""Memory is flat over many reloads, on either runtime. ``make reload-test N=200`` does the long form."""

from __future__ import annotations

import gc
import itertools
import os
import threading
from pathlib import Path

import pytest

from daemon.canary import Canary
from daemon.config import CanarySettings
from daemon.engine import Engine
from dim_model import canary, weights
from dim_model.matter import Matter
from dim_model.weights import Card

RELOADS = int(os.environ.get("DIMD_RELOADS", "24"))
_WARM = max(4, RELOADS // 10)
"""Reloads after which allocators, caches and pools have what they keep."""

pytestmark = pytest.mark.timeout(60 + 20 * RELOADS)


def resident() -> int:
    """Bytes of memory of this process."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("runtime", ["torch", "openvino"])
def test_memory_threads_and_handles_are_flat_over_reloads(tmp_path: Path, runtime: str) -> None:
    shipped = weights.load(weights.resolve(weights.SHIPPED))
    for version in ("one", "two"):
        weights.publish(tmp_path, Card(version, "swift", "sampled", "x", [], {}), shipped.state)
    weights.point(tmp_path, "one")

    def opened(folder: Path) -> Matter:
        return Matter.open(folder, device="cpu", runtime=runtime, precision="float32", batch=1)

    trial = Canary(CanarySettings(seconds=None, free_gib=0), lambda sentence: None, lambda: 1 << 40)
    seen = []
    with Engine(opened, tmp_path, trial=trial) as engine:
        versions = itertools.cycle(["two", "one"])
        for _ in range(RELOADS):
            with engine.lease() as lease:
                weights.point(tmp_path, next(versions))
                assert engine.refresh()
                lease.matte(*canary.picture()).result(60)  # a clip that ends on the old
            with engine.lease() as lease:
                lease.matte(*canary.picture()).result(60)
            seen.append((resident(), threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))))
    (first, threads, handles), (last, threads_then, handles_then) = seen[_WARM], seen[-1]
    print(f"{runtime}: {RELOADS} reloads, {first >> 20} MiB after {_WARM}, {last >> 20} MiB at the end")
    # Weights of 4 MiB and their buffers: one leaked at each reload would be 5 % in eight.
    assert last < first * 1.03, [each >> 20 for each, _, _ in seen]
    assert (threads_then, handles_then) <= (threads + 1, handles + 1)
