"""What this machine has of what dimd can use, and the mend for what it has not."""

from __future__ import annotations

import errno
import importlib.metadata
import platform
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import av
import OpenImageIO as oiio
import torch

from daemon.media import CODECS
from daemon.media.video_decoders import missing
from daemon.media.video_formats import substitute
from daemon.media.video_nvenc import NVENC
from daemon.patience import MOUNT_SECONDS, Patience
from daemon.room import nearest
from daemon.section import GIB
from dim_model import weights
from dim_model.weights import WeightsError

Verdict = Literal["ok", "note", "fault"]

_PACKAGES = (
    *("dimd", "torch", "openvino", "av", "OpenImageIO", "opencolorio"),
    *("opencv-python-headless", "numba", "watchdog"),
)
_ENCODERS = tuple(dict.fromkeys(codec.encoder for codec in CODECS.values()))
_DECODERS = ("h264", "hevc", "libvpx", "libvpx-vp9")
_NEEDED = ("prores_ks", "ffv1")
"""Encoders that a default config uses, or that nothing can stand in for."""

_FORMATS = ("openexr", "png", "tiff", "jpeg", "dpx")
_ROOM = 2 * GIB
_MOUNTS = Patience(MOUNT_SECONDS)
_MENDS = {errno.EROFS: "have its disk mounted for writing", errno.ENOSPC: "make room on its disk"}


@dataclass(frozen=True)
class Finding:
    """``note``: works without it. ``mend``: what to do about it; empty where nothing is to do."""

    verdict: Verdict
    what: str
    mend: str = ""


def examine(folders: list[Path], versions: Path = weights.SHIPPED) -> Iterator[Finding]:
    """Everything looked at, in the order in which a person reads it. folders: where dimd is to write.
    versions: the folder of weights.
    """
    yield Finding("ok", f"Python {platform.python_version()} on {platform.platform(terse=True)}")
    for name in _PACKAGES:
        yield _package(name)
    yield from _devices()
    for name in _ENCODERS:
        yield _encoder(name)
    reason = missing()
    yield Finding(
        "note" if reason else "ok",
        f"NVDEC {reason}" if reason else "NVDEC decodes H.264 and HEVC",
        "the CPU decodes; nothing to do" if reason else "",
    )
    for form, codec in NVENC.items():
        yield _gpu_encoder(form, codec.stand_in)
    for name in _DECODERS:
        yield _decoder(name)
    readable = set(str(oiio.get_string_attribute("format_list")).split(","))
    for form in _FORMATS:
        if form in readable:
            yield Finding("ok", f"{form} files through OpenImageIO")
        else:
            yield Finding("fault", f"{form} files cannot be read", "install OpenImageIO from PyPI's wheel")
    yield _weights(versions)
    for folder in folders:
        yield _writable(folder)


def _package(name: str) -> Finding:
    try:
        return Finding("ok", f"{name} {importlib.metadata.version(name)}")
    except importlib.metadata.PackageNotFoundError:
        return Finding("fault", f"{name} is not installed", f"pip install {name}")


def _devices() -> Iterator[Finding]:
    if torch.version.cuda is None:
        yield Finding("note", "PyTorch is built without CUDA", "for a GPU install PyTorch's CUDA build")
    elif not torch.cuda.is_available():
        mend = (
            "install the NVIDIA driver" if shutil.which("nvidia-smi") is None else "update the NVIDIA driver"
        )
        yield Finding(
            "note",
            "no CUDA device; dimd works on the CPU",
            f"for a GPU, {mend} for CUDA {torch.version.cuda}",
        )
    for n in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        properties = torch.cuda.get_device_properties(n)
        yield Finding("ok", f"cuda:{n} {properties.name}, {properties.total_memory / GIB:.0f} GiB")
    yield Finding(
        "ok", f"CPU with {torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}"
    )


def _encoder(name: str) -> Finding:
    formats = ", ".join(form for form, codec in CODECS.items() if codec.encoder == name)
    if _has(name, "w"):
        return Finding("ok", f"FFmpeg writes {formats} ({name})")
    verdict: Verdict = "fault" if name in _NEEDED else "note"
    return Finding(verdict, f"FFmpeg lacks {name}, which {formats} needs", "install av from PyPI's wheel")


def _gpu_encoder(form: str, stand_in: str | None) -> Finding:
    found = substitute(form)
    if found is None:
        return Finding("ok", f"NVENC writes {form}")
    return Finding("note", f"{form} {found[1]}", f"asked for, it becomes {stand_in} by the CPU")


def _decoder(name: str) -> Finding:
    if _has(name, "r"):
        return Finding("ok", f"FFmpeg reads {name}")
    return Finding("fault", f"FFmpeg lacks {name}", "install av from PyPI's wheel")


def _has(name: str, mode: Literal["r", "w"]) -> bool:
    try:
        av.codec.Codec(name, mode)
    except av.codec.codec.UnknownCodecError:
        return False
    return True


def _weights(versions: Path) -> Finding:
    try:
        folder = weights.resolve(versions)
        card = weights.load(folder).card
    except WeightsError as error:
        mend = "install dimd again" if versions == weights.SHIPPED else "see dimd weights list"
        return Finding("fault", str(error).rstrip("."), mend)
    return Finding("ok", f"weights {card.version}: {card.network}, {card.licence}")


def _writable(folder: Path) -> Finding:
    try:
        free = _MOUNTS.ask(folder, partial(_free_for_us, folder))
    except TimeoutError:
        return Finding("fault", f"{folder} does not answer within {MOUNT_SECONDS:g} s", "see to its mount")
    except OSError as error:
        mend = _MENDS.get(error.errno or 0, "give this user access to it")
        return Finding("fault", f"{folder} cannot be written to ({error.strerror})", mend)
    if free < _ROOM:
        return Finding(
            "fault", f"{folder} has only {free / GIB:.1f} GiB free", "make room, or name another disk"
        )
    return Finding("ok", f"{folder} is writable, {free / GIB:.0f} GiB free")


def _free_for_us(folder: Path) -> int:
    there = nearest(folder)
    with tempfile.TemporaryFile(dir=there):
        return shutil.disk_usage(there).free
