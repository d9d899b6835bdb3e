"""What Prometheus scrapes: jobs, frames, seconds by stage, queues, the device, the weights, the disk, and the
process itself (memory, files, processor time).

A registry of its own, so that tests and several daemons in one process do not meet.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import torch
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector

from daemon.job import STATES, State
from daemon.ledger_file import LedgerError
from daemon.life import ENDS, End
from daemon.room import free_bytes

HOWS = ("done", "failed", "retry", "set_aside", "stopped", "superseded")
"""How a try can end. Each is counted from nought, for `increase` does not see a series begin."""

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Bounds that a frame's time in a stage is counted by."""


class Metrics:
    """Counters that the work raises, and gauges that are read when they are scraped."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self._jobs = Gauge("dimd_jobs", "Jobs in the ledger by state.", ["state"], registry=r)
        self.frames = Counter("dimd_frames", "Frames that are durable on disk.", registry=r)
        self.ended = Counter("dimd_jobs_ended", "Tries that ended, by how.", ["how"], registry=r)
        self._stage = Histogram(
            "dimd_stage_seconds", "Seconds a frame takes in a stage.", ["stage"], buckets=_SECONDS, registry=r
        )
        self._queue = Gauge("dimd_queue_depth", "Frames that wait for the network.", registry=r)
        self.unknown = Histogram(
            "dimd_unknown_fraction",
            "Share of a frame that is unknown.",
            buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1),
            registry=r,
        )
        self.flicker = Histogram(
            "dimd_flicker",
            "Change of the matte's soft parts along the motion, from one frame to the next.",
            buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1),
            registry=r,
        )
        self._memory = Gauge(
            "dimd_device_memory_bytes", "Memory of the GPU in use by this process.", registry=r
        )
        self.out_of_memory = Counter(
            "dimd_device_out_of_memory",
            "Times the GPU's memory ran out and the batch was halved.",
            registry=r,
        )
        self._memory_free = Gauge(
            "dimd_device_memory_free_bytes", "Memory of the GPU that nobody uses.", registry=r
        )
        self._memory_total = Gauge("dimd_device_memory_total_bytes", "Memory of the GPU.", registry=r)
        self._weights = Info("dimd_weights", "The weights that the next job gets.", registry=r)
        self.refused = Counter("dimd_weights_refused", "Weights that could not be taken up.", registry=r)
        self.config_refused = Counter(
            "dimd_config_refused", "Configs that could not be taken up.", registry=r
        )
        self.last_success = Gauge(
            "dimd_last_success_timestamp_seconds", "When a result was last published.", registry=r
        )
        self._free = Gauge(
            "dimd_disk_free_bytes", "Free bytes on the disk of a folder.", ["folder"], registry=r
        )
        self._need = Gauge("dimd_disk_needed_bytes", "Free disk below which no clip is begun.", registry=r)
        self.stalled = Gauge(
            "dimd_stalled_jobs", "Running jobs that have not come forward for too long.", registry=r
        )
        self._restarts = Counter(
            "dimd_restarts", "Earlier runs of this daemon, by how they ended.", ["why"], registry=r
        )
        ProcessCollector(registry=r)
        for state in STATES:
            self._jobs.labels(state).set(0)
        for how in HOWS:
            self.ended.labels(how)
        for why in ENDS:
            self._restarts.labels(why)

    def observe_stage(self, stage: str, seconds: float) -> None:
        self._stage.labels(stage).observe(seconds)

    def follow(
        self,
        counts: Callable[[], Mapping[State, int]],
        depth: Callable[[], int],
        folders: Iterable[Path],
        needed: Callable[[], float],
        device: str,
    ) -> None:
        """Read these whenever somebody scrapes. needed: bytes. device: as the config has it."""
        for state in STATES:
            self._jobs.labels(state).set_function(lambda state=state: _count_or_nan(counts, state))  # type: ignore[misc]
        self._queue.set_function(depth)
        for folder in folders:
            self._free.labels(str(folder)).set_function(lambda folder=folder: _free_or_nan(folder))  # type: ignore[misc]
        self._need.set_function(needed)
        gpu = _gpu(device)
        if gpu is not None:
            self._memory.set_function(lambda: torch.cuda.memory_reserved(gpu))
            self._memory_free.set_function(lambda: _free_memory(gpu))
            self._memory_total.set(torch.cuda.get_device_properties(gpu).total_memory)

    def set_ends(self, ends: Mapping[End, int]) -> None:
        """How earlier runs ended; once, at the start."""
        for why, count in ends.items():
            self._restarts.labels(why).inc(count)

    def set_weights(self, version: str, description: str) -> None:
        self._weights.info({"version": version, "description": description})


def _count_or_nan(counts: Callable[[], Mapping[State, int]], state: State) -> float:
    """For the scrape: a ledger that is damaged, or closed by now, is told of by whoever works with it."""
    try:
        return counts()[state]
    except LedgerError:
        return math.nan


def _free_or_nan(folder: Path) -> float:
    """For the scrape, as ``_count_or_nan``: a share that is away is no reason to show nothing at all."""
    try:
        return free_bytes(folder)
    except OSError:
        return math.nan


def _free_memory(gpu: int) -> float:
    """For the scrape, as ``_free_or_nan``: a GPU that fell off the bus is told of by what fails on it."""
    try:
        return torch.cuda.mem_get_info(gpu)[0]
    except RuntimeError:
        return math.nan


def _gpu(device: str) -> int | None:
    """The number of the GPU that is worked on; None: there is none."""
    if device == "cpu" or not torch.cuda.is_available():
        return None
    return int(device.partition(":")[2] or torch.cuda.current_device())
