"""What would keep the daemon from working, found before it starts: folders, weights, device, figures,
encoders.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from daemon.canary import Canary, free_memory
from daemon.colour import ColourConfig
from daemon.config import Config, ConfigError
from daemon.media import deinterlace
from daemon.media.video_decoders import missing
from daemon.media.video_formats import substitute
from daemon.metrics_server import MetricsError, asked_of_callers
from daemon.outputs import misfit
from daemon.patience import MOUNT_SECONDS, Patience
from daemon.refusal import blamed
from daemon.room import free_bytes, nearest
from daemon.section import GIB
from daemon.trimaps import segmenter
from dim_model import weights
from dim_model.matter import Matter
from dim_model.runtimes import DeviceError
from dim_model.weights import WeightsError

_MOUNTS = Patience(MOUNT_SECONDS)

_LEDGER_GIB = 0.05
"""Free disk for the ledger: what it appends before it folds it in, many times over."""


def weights_root(config: Config) -> Path:
    """The folder of versions that a config means."""
    return config.weights or weights.SHIPPED


def open_matter(config: Config, folder: Path) -> Matter:
    """A version of weights on the device that a config means. Raises WeightsError, DeviceError."""
    return Matter.open(
        folder,
        device=config.device,
        runtime=config.runtime,
        precision=config.precision,
        batch=config.batch,
    )


def faults(config: Config) -> Iterator[str]:
    """One sentence for each thing that is wrong; nothing where all is well."""
    for pair in config.folders:
        yield from _folder(pair.in_, "folders: in", os.R_OK | os.X_OK)
        mend = "make room, or lower limits: min_free_gib, for until then no clip is begun"
        yield from _written(pair.out, "folders: out", config.limits.min_free_gib, mend)
    mend = "make room, for where the ledger cannot grow dimd ends"
    yield from _written(config.state, "state", _LEDGER_GIB, mend)
    try:
        _try_weights(config)
    except (WeightsError, DeviceError) as error:
        yield str(error)
    if config.metrics.port is not None:
        try:
            asked_of_callers(config.metrics)
        except MetricsError as error:
            yield str(error)
    yield from segmenter.faults(config.clip.trimap)
    if config.decoder == "nvdec" and (reason := missing()):
        mend = "set it to auto, or see to the GPU's driver"
        yield f"decoder: nvdec {reason}, so the CPU decodes instead; {mend}."
    if config.clip.deinterlace != "refuse" and (reason := deinterlace.lacking()):
        mend = "set it to refuse, or install av from PyPI's wheel"
        yield f"clip: deinterlace: {config.clip.deinterlace} {reason}; {mend}."
    for output, how in config.clip.outputs.items():
        if problem := misfit(output, how.format, how):
            yield str(problem.error("clip", output))
        elif found := substitute(how.format):
            other, reason = found
            mend = f"{other} by the CPU is made instead, so set it to that, or see to the GPU's driver"
            yield f"clip: outputs: {output}: format: {how.format} {reason}; {mend}."
    yield from colour_faults(config)


def _try_weights(config: Config) -> None:
    """As the daemon tries them before it begins. Raises WeightsError, DeviceError."""
    folder = weights.resolve(weights_root(config))
    # That a card has no answer keeps nobody from working.
    canary = Canary(config.canary, lambda _: None, partial(free_memory, config.device))
    with blamed(folder):
        canary(folder, partial(open_matter, config, folder)).close()


def colour_faults(config: Config) -> Iterator[str]:
    """What is wrong with the colour config, or with the names of it that the config gives."""
    clip, colours = config.clip, ColourConfig(config.colour.config)
    named = {"clip: colorspace": clip.colorspace, "clip: bg_colorspace": clip.bg_colorspace}
    named |= {f"clip: outputs: {name}: colorspace": how.colorspace for name, how in clip.outputs.items()}
    named |= config.colour.assume.given()
    try:
        colours.check()
    except ConfigError as error:
        yield str(error)
        return
    for key, name in named.items():
        if name != "auto":
            try:
                colours.space(name, key).check()
            except ConfigError as error:
                yield str(error)


def _written(path: Path, key: str, need: float, mend: str) -> Iterator[str]:
    """As ``_folder``, of one that is written to. need: GiB that its disk is to have free."""
    found = list(_folder(path, key, os.R_OK | os.W_OK | os.X_OK))
    yield from found
    with suppress(OSError):  # it went this very moment
        if not found and free_bytes(path) < need * GIB:
            yield f"{key}: {path} has less than {need:g} GiB free; {mend}."


def _folder(path: Path, key: str, access: int) -> Iterator[str]:
    """A folder that is not there yet is no fault where it can be made."""
    try:
        fault = _MOUNTS.ask(path, partial(_fault, path, access))
    except TimeoutError:
        fault = f"{path} does not answer within {MOUNT_SECONDS:g} s; see to its mount, or name another"
    except OSError as error:
        fault = f"{path} cannot be looked at ({error.strerror}); give this user access to its folder"
    if fault:
        yield f"{key}: {fault}."


def _fault(path: Path, access: int) -> str | None:
    there = nearest(path)
    if not there.is_dir():
        return f"{path} cannot be a folder, for {there} is a file; name another"
    if access & os.W_OK and os.statvfs(there).f_flag & os.ST_RDONLY:
        return f"{path} is on a disk that is mounted read-only; have it mounted for writing, or name another"
    if not os.access(there, access if there == path else os.W_OK | os.X_OK):
        need = "read and write" if access & os.W_OK else "read"
        return f"{path} is closed to this user; give it leave to {need} {there}"
    return None
