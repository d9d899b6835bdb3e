"""Frames a second at 1080p, a tenth of each unknown: the daemon's own job from file to published result.

    python -m bench [--frames 24]

One run measures the same job with a stub in the network's place, which is what reading, composing and writing
cost alone, with the shipped weights, and with dim-vgg16, untrained, for its speed does not depend on weights.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from bench.clip import UNKNOWN, make_clip
from daemon.clip import Clip, job_key
from daemon.config import ClipSettings
from daemon.engine import Engine, Matting
from daemon.plan import Plan
from daemon.publish import Workplace
from daemon.run import Settings, run
from dim_model import nets, weights
from dim_model.matter import Matter

_VGG_FRAMES = 4
"""It takes seconds a frame on a CPU."""

STAGES = ("read", "network", "finish", "write")


class Stub:
    """In the network's place: one half wherever the trimap is unknown."""

    version, sha256, description = "stub", "0" * 64, "no network: alpha is 0.5 where unknown"

    def matte(self, rgb: Sequence[Tensor], trimap: Sequence[Tensor]) -> list[Tensor]:
        return list(trimap)

    def warm_up(self) -> None:
        """Nothing to warm."""

    def close(self) -> None:
        """Nothing is held."""


class Timed:
    """A network that adds up the seconds it is busy."""

    def __init__(self, matter: Matting, seconds: dict[str, float]) -> None:
        self._matter, self._seconds = matter, seconds
        self.version, self.sha256, self.description = matter.version, matter.sha256, matter.description

    def matte(self, rgb: Sequence[Tensor], trimap: Sequence[Tensor]) -> list[Tensor]:
        begun = time.perf_counter()
        out = self._matter.matte(rgb, trimap)
        self._seconds["network"] += time.perf_counter() - begun
        return out

    def warm_up(self) -> None:
        self._matter.warm_up()

    def close(self) -> None:
        self._matter.close()


class Unkept:
    """Progress that nobody resumes."""

    def __init__(self) -> None:
        self._figures: list[dict[str, Any]] = []

    def planned(self, state: dict[str, Any], total: int) -> None:
        """Nothing is kept."""

    def committed(self, stop: int, figures: Sequence[dict[str, Any]], fps: float) -> None:
        self._figures += figures

    def figures(self) -> list[dict[str, Any]]:
        return self._figures


@dataclass(frozen=True)
class Result:
    """seconds: by stage, of one frame. The stages overlap, so they add up to more than the frame takes."""

    name: str
    description: str
    rate: float
    seconds: dict[str, float]


def measure(
    name: str, clip: Clip, open_matter: Callable[[Path], Matting], root: Path = weights.SHIPPED
) -> Result:
    """Do the clip once, with the default outputs; loading and warming up the network are not counted."""
    seconds: dict[str, float] = defaultdict(float)

    def observe(stage: str, took: float) -> None:
        seconds[stage] += took

    settings = ClipSettings()
    key = job_key(clip, settings)
    out = clip.folder.parent / "out"
    with (
        Engine(lambda folder: Timed(open_matter(folder), seconds), root) as engine,
        engine.lease() as lease,
        Plan(clip, settings, max_pixels=2**24, state={}) as plan,
    ):
        seconds.clear()
        frames = len(plan.info.numbers)
        begun = time.perf_counter()
        run(plan, lease, Workplace(out, clip.name, key), key, 0, Unkept(), Settings(observe=observe))
        rate = frames / (time.perf_counter() - begun)
        shutil.rmtree(out)
        return Result(
            name, lease.description, rate, {stage: spent / frames for stage, spent in seconds.items()}
        )


def _vgg16(clip: Clip, scratch: Path) -> Result:
    card = weights.Card(
        "dim-vgg16-untrained", "dim-vgg16", nets.inputs_of("dim-vgg16"), "none", [], {"steps": 0}
    )
    weights.publish(scratch, card, nets.build("dim-vgg16").state_dict())
    weights.point(scratch, card.version)
    return measure("dim-vgg16", clip, Matter.open, scratch)


def _table(results: Sequence[Result]) -> Table:
    stub = results[0].rate
    stages = [stage for stage in STAGES if any(stage in result.seconds for result in results)]
    table = Table(box=None, pad_edge=False)
    for heading in ("", "frames a second", "of the stub's", *(f"{stage} s" for stage in stages)):
        table.add_column(heading, justify="right" if heading else "left")
    for result in results:
        spent = (f"{result.seconds[stage]:.3f}" if stage in result.seconds else "" for stage in stages)
        table.add_row(result.name, f"{result.rate:.2f}", f"{result.rate / stub:.2f}", *spent)
    return table


@click.command(help=__doc__.split("\n\n")[0] if __doc__ else None)
@click.option("--frames", default=24, show_default=True, help="Length of the clip.")
def main(frames: int) -> None:
    console = Console()
    with tempfile.TemporaryDirectory(prefix="dimd-bench-") as scratch:
        root = Path(scratch)
        with console.status("drawing the clips"):
            clips = []
            for name, count in (("long", frames), ("short", min(_VGG_FRAMES, frames))):
                (root / name / "in").mkdir(parents=True)
                clips.append(make_clip(root / name / "in", count))
        with console.status("measuring"):
            results = [
                measure("stub", clips[0], lambda folder: Stub()),
                measure("swift", clips[0], Matter.open),
                _vgg16(clips[1], root / "weights"),
            ]
    console.print(
        f"{frames} frames of 1920x1080, {UNKNOWN:.0%} unknown, to alpha, foreground and composite in ProRes "
        f"4444; {torch.get_num_threads()} threads",
        soft_wrap=True,
    )
    console.print(_table(results))
    for result in results[1:]:
        console.print(f"{result.name}: {result.description}", style="dim", highlight=False)


if __name__ == "__main__":
    main()
