"""What Prometheus scrapes: jobs, frames, seconds by stage, queues, the device, the weights, the disk.

A registry of its own, so that tests and several daemons in one process do not meet.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import torch
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, start_http_server

from daemon.job import STATES, State

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


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
        for state in STATES:
            self._jobs.labels(state).set(0)
        self._memory.set_function(_device_memory)

    def observe_stage(self, stage: str, seconds: float) -> None:
        self._stage.labels(stage).observe(seconds)

    def follow(
        self, counts: Callable[[], Mapping[State, int]], depth: Callable[[], int], folders: Iterable[Path]
    ) -> None:
        """Read these whenever somebody scrapes."""
        for state in STATES:
            self._jobs.labels(state).set_function(lambda state=state: counts()[state])  # type: ignore[misc]
        self._queue.set_function(depth)
        for folder in folders:
            self._free.labels(str(folder)).set_function(lambda folder=folder: _free_or_nan(folder))  # type: ignore[misc]

    def set_weights(self, version: str, description: str) -> None:
        self._weights.info({"version": version, "description": description})


def free_bytes(folder: Path) -> int:
    """Free space on the disk of ``folder``, or of the nearest folder above it that exists."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _free_or_nan(folder: Path) -> float:
    """For the scrape: a share that is away is no reason to show nothing at all."""
    try:
        return free_bytes(folder)
    except OSError:
        return math.nan


def _device_memory() -> int:
    return torch.cuda.memory_reserved() if torch.cuda.is_available() else 0


class MetricsError(OSError):
    """One sentence: where the figures cannot be served, and how to mend it."""


class MetricsServer:
    """Serves a registry over HTTP while it is entered. Raises MetricsError where it cannot listen."""

    def __init__(self, metrics: Metrics, host: str, port: int) -> None:
        try:
            self._server, self._thread = start_http_server(port, host, metrics.registry)
        except OSError as error:
            raise MetricsError(
                f"metrics: {host}:{port} cannot be listened on ({error.strerror}); "
                "give another port, or null for none."
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
