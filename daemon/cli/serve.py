"""``dimd --config FILE [--once]``: the service itself, and its signals."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from types import FrameType

import click
import torch
from rich.console import Console

from daemon.canary import Canary, free_memory
from daemon.check import colour_faults, open_matter, weights_root
from daemon.cli.options import FAULTY
from daemon.config import Config, ConfigError, load
from daemon.engine import Engine
from daemon.folders import StartError
from daemon.ledger import LedgerError
from daemon.progress import ProgressReporter
from daemon.report import LogReporter, configure_log
from daemon.service import Service
from dim_model.runtimes import DeviceError, DeviceLostError
from dim_model.weights import WeightsError

LOST = 3
"""Exit code when the device went away: a start anew may find it again, where a fault in the config stays."""

_LAST_PORT = 65_535


def open_engine(config: Config, canary: Canary) -> Engine:
    """The engine that a config asks for. canary: what new weights have to pass. Raises WeightsError,
    DeviceError.
    """
    return Engine(partial(open_matter, config), weights_root(config), trial=canary)


def _sound(path: Path, gpu: int | None) -> Config:
    """The config, whose colours are there: without them every clip would be set aside. Raises ConfigError."""
    config = load(path)
    for fault in colour_faults(config):
        raise ConfigError(fault)
    return config if gpu is None else on_gpu(config, gpu)


def on_gpu(config: Config, gpu: int) -> Config:
    """The config of one of several daemons that share it: its own GPU, and its own port for the figures.

    Raises ConfigError.
    """
    metrics = config.metrics
    if metrics.port is not None:
        if metrics.port + gpu > _LAST_PORT:
            raise ConfigError(
                f"metrics: port: {metrics.port} leaves none for GPU {gpu}, whose port is that + {gpu}; "
                "give a lower one."
            )
        metrics = metrics.model_copy(update={"port": metrics.port + gpu})
    return config.model_copy(update={"device": f"cuda:{gpu}", "metrics": metrics})


def _missing_gpu(gpu: int) -> str | None:
    """What is wrong with ``--gpu``, in a sentence; None: it is there."""
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if gpu < there:
        return None
    if there:
        return f"--gpu {gpu}: is not there; this machine shows GPUs 0 to {there - 1}, so give one of them."
    return (
        f"--gpu {gpu}: is not there, for this machine shows no CUDA device; leave it out to work on the "
        "config's device, or see what dimd doctor says."
    )


def _listen(service: Service) -> None:
    """Obey signals, in a thread of their own.

    A handler runs between two steps of the main thread, which may just hold the lock that waking it would
    need; SimpleQueue is what Python promises to be safe there.
    """
    arrived: SimpleQueue[int] = SimpleQueue()
    leaving = 0

    def take(number: int, frame: FrameType | None) -> None:
        nonlocal leaving
        leaving += number != signal.SIGHUP
        if leaving > 1:
            os._exit(128 + number)  # whatever is under way is hidden still, so nothing is half-published
        arrived.put(number)

    def obey() -> None:
        while True:
            if arrived.get() == signal.SIGHUP:
                service.reload()
            else:
                service.stop()

    threading.Thread(target=obey, name="signals", daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, take)


def serve(path: Path, *, once: bool, gpu: int | None = None) -> int:
    """Run the service; returns the exit code: 0, 1 where a clip failed with ``once``, 2 where it could not
    start, 3 where the device went away. gpu: see ``on_gpu``.
    """
    try:
        config = _sound(path, gpu)
    except ConfigError as error:
        click.echo(str(error), err=True)
        return FAULTY
    log = configure_log(config.log)

    def say(sentence: str) -> None:
        """To a person who waits for it, or to whatever reads the log of a service, as JSON perhaps."""
        if once:
            click.echo(sentence, err=True)
        else:
            log.critical(sentence)

    if gpu is not None and (fault := _missing_gpu(gpu)):
        say(fault)
        return FAULTY
    faulthandler.enable()  # a codec that crashes, or systemd that ends what hangs, leaves a trace in the log

    def warn(sentence: str) -> None:
        log.warning(sentence)  # looked up anew, for a reload may have set another format or level

    canary = Canary(config.canary, warn, partial(free_memory, config.device))
    with ExitStack() as stack:
        try:
            engine = stack.enter_context(open_engine(config, canary))
        except DeviceLostError as error:
            log.critical(str(error))
            return LOST
        except (WeightsError, DeviceError) as error:
            say(str(error))
            return FAULTY
        bars = stack.enter_context(ProgressReporter(Console(file=sys.stderr))) if once else None

        def reload() -> Config:
            changed = _sound(path, gpu)
            configure_log(changed.log)
            canary.settings = changed.canary
            return changed

        service = Service(config, engine, bars or LogReporter(log), log, reload=reload, once=once)
        _listen(service)
        if not once:
            # said once signals are obeyed: who reads it may send one at once
            watched = ", ".join(str(pair.in_) for pair in config.folders)
            log.info("watching", folders=watched, weights=engine.description)
        try:
            jobs = service.run()
        except (LedgerError, StartError, OSError) as error:
            say(str(error))
            return FAULTY
        except DeviceLostError as error:
            log.critical(str(error))
            return LOST
        if bars is not None:
            bars.left(jobs)
    if not once:
        log.info("stopped")
        return 0
    if not jobs:
        click.echo(f"Nothing to do: no clip is in {config.folders[0].in_}.", err=True)
    return 0 if all(job.state == "done" for job in jobs) else 1
