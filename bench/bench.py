"""How fast dimd is, against the same job without matting and against what else a user could run.

    python -m bench.bench [--only PART]... [--frames N] [--rounds N] [--uhd] [--onnx FILE]... [--json FILE]

All in one run, its rivals by turns, because the speed of a machine drifts: read the ratios, and the load that
stands above them. Parts: ``jobs`` (1080p video, end to end, ProRes 4444 and EXR out, at several shares of
unknown; with a stub for the network; and the floor: decoding and encoding alone), ``stills``, ``network``
(its inputs and itself, beside other mattings), ``area`` (cost by unknown area), ``crowd`` (many files and
clips), ``process`` (start, pick-up, idle) and ``truth`` (the error of the mattes).
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench import area, bars, crowd, footage, peers, process, truth
from bench.job import Bench, Floor, Stub, Timed
from bench.quality import DATA
from daemon.config import ClipSettings
from daemon.engine import TOGETHER
from dim_model import weights
from dim_model.matter import Matter

SHARES = (0.0, 0.05, 0.1, 0.3)


@dataclass(frozen=True)
class Options:
    """frames, rounds: of each measurement; two seconds of frames, for the first and the last, beside which
    little else is done, are to count for no more than they do in a shot. limit: seconds for closed-form.
    idle: seconds of idleness. crowds: clips in a folder, ten files each.
    """

    frames: int = 48
    rounds: int = 3
    raster: footage.Raster = footage.HD
    onnx: Sequence[Path] = ()
    limit: float = 180.0
    idle: float = 30.0
    crowds: Sequence[int] = (1, 100, 10_000)
    data: Path = DATA
    device: str = "auto"

    def open(self, folder: Path) -> Matter:
        return Matter.open(folder, device=self.device)

    def matter(self) -> Matter:
        return self.open(weights.resolve(weights.SHIPPED))


def jobs(options: Options) -> dict[str, Any]:
    """Seconds to a frame, end to end and by stage; medians of rounds that take turns, after one that does not
    count: it meets a heap without the pages that a daemon has after its first clips.
    """
    with tempfile.TemporaryDirectory(prefix="dimd-bench-") as scratch:
        folder = Path(scratch)
        clips = {
            share: footage.clip(folder / f"in-{share}", options.frames, share, options.raster)
            for share in SHARES
        }
        with Bench(options.open, folder / "dimd") as dimd, Bench(lambda _: Stub(), folder / "stub") as stub:
            works: dict[str, Callable[[], Timed]] = {
                f"dimd {share}": lambda clip=clip: dimd.run(clip)  # type: ignore[misc]
                for share, clip in clips.items()
            }
            works["stub 0.1"] = lambda: stub.run(clips[0.1])
            made = dimd.run(clips[0.1]).folder
            assert made is not None
            works["floor"] = Floor(clips[0.1], made, folder).run
            found: dict[str, list[Timed]] = defaultdict(list)
            for work in works.values():
                work()
            for _ in range(options.rounds):
                for name, work in works.items():
                    found[name].append(work())
    seconds = {name: float(np.median([one.seconds for one in some])) for name, some in found.items()}
    stages = {
        name: {stage: float(np.median([one.stages[stage] for one in some])) for stage in some[0].stages}
        for name, some in found.items()
    }
    cpu = {name: float(np.median([one.cpu for one in some])) for name, some in found.items()}

    def beside(name: str, figure: Callable[[Timed, Timed], float]) -> float:
        return float(np.median([figure(*pair) for pair in zip(found[name], found["floor"], strict=True)]))

    ratios: dict[str, float] = {}
    for name in seconds:
        ratios[f"{name} / floor"] = beside(name, lambda ours, floor: floor.seconds / ours.seconds)
        ratios[f"{name} / floor, CPU"] = beside(name, lambda ours, floor: floor.cpu / ours.cpu)
    ratios["dimd 0.0 - floor"] = beside("dimd 0.0", lambda ours, floor: ours.seconds - floor.seconds)
    ratios["dimd 0.0 - floor, CPU"] = beside("dimd 0.0", lambda ours, floor: ours.cpu - floor.cpu)
    ratios["dimd 0.1 / stub 0.1"] = seconds["stub 0.1"] / seconds["dimd 0.1"]
    return {"ratios": ratios, "seconds a frame": seconds, "CPU seconds a frame": cpu, "stages": stages}


def stills(options: Options) -> dict[str, Any]:
    """Seconds to a still of a batch of PNGs, all outputs as by default, 10 % unknown."""
    with tempfile.TemporaryDirectory(prefix="dimd-bench-") as scratch:
        folder = Path(scratch)
        batch = footage.stills(folder / "in", min(options.frames, 4), 0.1, options.raster)
        with Bench(options.open, folder / "dimd") as dimd, Bench(lambda _: Stub(), folder / "stub") as stub:
            pairs = [
                (dimd.run(batch, ClipSettings()), stub.run(batch, ClipSettings()))
                for _ in range(options.rounds)
            ]
    ours, stubs = (float(np.median([pair[n].seconds for pair in pairs])) for n in (0, 1))
    return {"ratios": {"dimd / stub": stubs / ours}, "seconds a still": {"dimd": ours, "stub": stubs}}


def network(options: Options) -> dict[str, Any]:
    """Seconds to a frame of the inputs and the network, and of other mattings; ratios at 10 % unknown.

    As many frames together as the engine gathers: their inputs are made side by side.
    """
    raster = options.raster
    matter = options.matter()
    works: dict[str, Callable[[], object]] = {}
    for share in SHARES[1:]:
        rgb, trimap = footage.frame(share, raster)
        frames, trimaps = [rgb] * TOGETHER, [trimap] * TOGETHER
        works[f"inputs + network {share}"] = lambda f=frames, t=trimaps: matter.matte(f, t)  # type: ignore[misc]
    given = {path.name: peers.OnnxModel(path) for path in options.onnx}
    works |= given
    rivals = {"RVM" if model.is_video else "IS-Net": name for name, model in given.items()}
    notes = []
    for name, build in peers.ARCHITECTURES.items():
        if name not in rivals:
            works[name], rivals[name] = build(raster), name
            notes.append(f"{name} is its architecture, written from the paper, with random weights.")
    found: dict[str, list[float]] = defaultdict(list)
    for work in works.values():
        work()
    for _ in range(options.rounds):
        for name, work in works.items():
            found[name].append(peers.once(work) / (TOGETHER if name.startswith("inputs") else 1))
    seconds: dict[str, float | None] = {name: float(np.median(some)) for name, some in found.items()}
    ours = float(np.median(found["inputs + network 0.1"]))
    seconds["dim-vgg16"] = peers.original(raster)
    seconds["closed-form"] = peers.closed_form(0.1, options.limit, raster)
    matter.close()
    taken = {rival: seconds[name] for rival, name in rivals.items()}
    taken |= {"dim-vgg16": seconds["dim-vgg16"], "closed-form": seconds["closed-form"] or options.limit}
    ratios = {rival: took / ours for rival, took in taken.items() if took is not None}
    if seconds["closed-form"] is None:
        notes.append(f"closed-form took more than {options.limit:g} s, which is what its ratio is made of.")
    return {"ratios": ratios, "seconds a frame": seconds, "notes": notes}


def areas(options: Options) -> dict[str, Any]:
    matter = options.matter()
    try:
        return area.measure(matter, options.rounds, options.raster)
    finally:
        matter.close()


def crowds(options: Options) -> dict[str, Any]:
    found = {str(clips): crowd.measure(clips) for clips in options.crowds}
    return found | {"files of one clip": crowd.measure(1, max(options.crowds))}


def processes(options: Options) -> dict[str, Any]:
    return process.measure(max(options.crowds), options.idle)


def truths(options: Options) -> dict[str, Any]:
    matter = options.matter()
    try:
        return truth.measure(matter, options.data)
    finally:
        matter.close()


PARTS: Mapping[str, Callable[[Options], dict[str, Any]]] = {
    "network": network,
    "jobs": jobs,
    "stills": stills,
    "area": areas,
    "crowd": crowds,
    "process": processes,
    "truth": truths,
}


def bench(options: Options, only: Sequence[str] = ()) -> dict[str, Any]:
    """The parts named, or all, in one run."""
    matter = options.matter()
    figures: dict[str, Any] = {
        "device": matter.description,
        "cores": os.cpu_count(),
        "raster": list(options.raster),
        "load before": os.getloadavg()[0],
    }
    matter.close()
    for name, part in PARTS.items():
        if not only or name in only:
            figures[name] = part(options)
    figures["load after"] = os.getloadavg()[0]
    figures["bars"] = bars.verdicts(figures)
    return figures


def table(figures: Mapping[str, Any]) -> str:
    """The figures as a person reads them: bars, then ratios, then the rest."""
    height, width = figures["raster"]
    lines = [
        f"{width} x {height}, {figures['device']}, {figures['cores']} cores",
        f"load {figures['load before']:.1f} before and {figures['load after']:.1f} after",
        "",
        *map(bars.line, figures["bars"]),
    ]
    parts = {name: figures[name] for name in PARTS if name in figures}
    for name, part in parts.items():
        if "ratios" in part:
            lines += ["", f"{name}: ratios", *_rows(part["ratios"])]
    for name, part in parts.items():
        lines += ["", name, *_rows({key: value for key, value in part.items() if key != "ratios"})]
    return "\n".join(lines)


def _rows(figures: Mapping[str, Any], indent: int = 1) -> list[str]:
    rows = []
    for name, value in figures.items():
        lead = "    " * indent
        if isinstance(value, Mapping):
            rows += [f"{lead}{name}", *_rows(value, indent + 1)]
        elif isinstance(value, float):
            rows.append(f"{lead + name:48s}{value:14.5f}")
        elif isinstance(value, list):
            rows += [f"{lead}{each}" for each in value]
        else:
            rows.append(f"{lead + name:48s}{value!s:>14s}")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast dimd is, beside its bars.")
    default = Options()
    parser.add_argument(
        "--only", action="append", choices=list(PARTS), default=[], help="this part; again for more"
    )
    parser.add_argument("--frames", type=int, default=default.frames)
    parser.add_argument("--rounds", type=int, default=default.rounds)
    parser.add_argument("--uhd", action="store_true", help="3840 x 2160 for 1920 x 1080")
    parser.add_argument("--onnx", type=Path, action="append", default=[], help="a model to time beside dimd")
    parser.add_argument(
        "--limit", type=float, default=default.limit, help="seconds that closed-form may take"
    )
    parser.add_argument("--data", type=Path, default=DATA, help="photographs with mattes (../shared/data)")
    parser.add_argument("--device", default=default.device)
    parser.add_argument("--json", type=Path, help="write the figures here too")
    given = parser.parse_args()
    options = Options(
        given.frames, given.rounds, footage.UHD if given.uhd else footage.HD, given.onnx, given.limit,
        data=given.data, device=given.device,
    )  # fmt: skip
    figures = bench(options, given.only)
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n")
    print(table(figures))


if __name__ == "__main__":
    main()
