"""Weights are tried before they are used: what they say of a known picture, how long they take, and whether
the device has room for them beside those that are in use.

The picture and what is wrong with an answer are `dim_model.canary`'s; clock and memory are here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import torch

from daemon.config import CanarySettings
from daemon.engine import Matting
from daemon.refusal import ShortOfMemoryError
from daemon.section import GIB
from dim_model import canary, weights
from dim_model.runtimes import DeviceError, pick_device
from dim_model.weights import WeightsError

_TRIES = 3
"""The quickest counts: the weights in use go on beside it, and a frame of theirs may come between."""

_CGROUP = Path("/sys/fs/cgroup")


class Canary:
    """A ``Trial`` of the engine. settings: may be exchanged while it runs. say: is told what could not be
    compared. free: bytes that the device of these settings has free.
    """

    def __init__(
        self,
        settings: CanarySettings,
        say: Callable[[str], object],
        free: Callable[[], int],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.settings, self._say, self._free, self._clock = settings, say, free, clock

    def __call__(self, folder: Path, opened: Callable[[], Matting]) -> Matting:
        """Open weights and try them. Raises ``WeightsError``, ``DeviceError``; nothing stays open then."""
        self._check_room(folder, weights.size(folder))
        matter = opened()
        try:
            self._try(folder, matter)
        except BaseException:
            matter.close()
            raise
        return matter

    def _check_room(self, folder: Path, more: int) -> None:
        if self._free() - more < self.settings.free_gib * GIB:
            # Without the figure, which is another at each try: it would be said each time.
            raise ShortOfMemoryError(
                f"{folder}: would leave less memory free than canary: free_gib "
                f"({self.settings.free_gib:g} GiB); free some, or lower it."
            )

    def _try(self, folder: Path, matter: Matting) -> None:
        rgb, trimap = canary.picture()
        kept = weights.load_card(folder).canary
        seconds = []
        for _ in range(_TRIES):
            begun = self._clock()
            alpha = matter.matte([rgb], [trimap], [None])[0]
            seconds.append(self._clock() - begun)
            if fault := canary.fault(alpha, kept):
                raise WeightsError(
                    f"{folder}: {fault}; publish a sound checkpoint, or copy the version again."
                )
            limit = self.settings.seconds
            if limit is None or seconds[-1] <= limit:
                break
        else:
            raise WeightsError(
                f"{folder}: take {min(seconds):.2f} s for the canary picture, above canary: seconds "
                f"({limit:g}); publish a smaller network, or raise it."
            )
        self._check_room(folder, 0)
        if not canary.is_known(kept):
            self._say(
                f"{folder}: have no answer to the canary picture in their card that this version of dimd "
                "knows; that theirs is sane is all that was seen. Publish them anew for more."
            )


def free_memory(device: str) -> int:
    """Bytes that are free on the device of a config: of the GPU, or of the machine or the service's share of
    it, whichever is less.
    """
    with suppress(DeviceError):
        chosen = pick_device(device)
        if chosen.type == "cuda":
            return int(torch.cuda.mem_get_info(chosen)[0])
    return _free_of_machine()


def _free_of_machine(
    meminfo: Path = Path("/proc/meminfo"), cgroup: Path = Path("/proc/self/cgroup"), mount: Path = _CGROUP
) -> int:
    fields = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
    free = int(fields["MemAvailable"].split()[0]) * 1024
    # systemd's MemoryMax. Its file of what is in use counts files in memory, which give way.
    with suppress(OSError, ValueError, KeyError):
        (own,) = (line[3:] for line in cgroup.read_text().splitlines() if line.startswith("0::"))
        here = mount / own.lstrip("/")
        used = int((here / "memory.current").read_text())
        stat = dict(line.split() for line in (here / "memory.stat").read_text().splitlines())
        free = min(free, int((here / "memory.max").read_text()) - used + int(stat["inactive_file"]))
    return free
