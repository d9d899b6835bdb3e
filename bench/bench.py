"""How fast dimd is, against the same job with a stub for its network, and against the network of the
original.

    python -m bench.bench [--frames N] [--unknown SHARE] [--json FILE]

All in one run, because the speed of a machine drifts: read the ratios. The job is a 1080p video in, and
alpha, foreground and composite out as ProRes 4444, as a user would drop it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from skimage import data as photographs
from torch import Tensor

from daemon.clip import job_key
from daemon.colour import DISPLAY
from daemon.compose import compose
from daemon.config import ClipSettings
from daemon.engine import Engine, Matting
from daemon.inbox import scan
from daemon.media import ClipInfo, Frame, VideoTags, open_sink
from daemon.plan import Plan
from daemon.publish import Workplace
from daemon.run import Settings, run
from dim_model import nets, weights
from dim_model.encode import encode_tiles
from dim_model.matter import TILING, Matter

HEIGHT, WIDTH = 1080, 1920


class Stub:
    """In the network's place: what is unknown stays half."""

    version, sha256, description = "stub", "", "stub"

    def matte(
        self, rgb: Sequence[Tensor], trimap: Sequence[Tensor], clean: Sequence[Tensor | None]
    ) -> list[Tensor]:
        return list(trimap)

    halved = 0

    def warm_up(self) -> None: ...

    def close(self) -> None: ...


class NoProgress:
    """A run that nobody will resume."""

    def __init__(self) -> None:
        self._figures: list[dict[str, Any]] = []

    def planned(self, state: dict[str, Any], total: int) -> None: ...

    def committed(self, stop: int, figures: Sequence[dict[str, Any]], fps: float) -> None:
        self._figures += figures

    def figures(self) -> list[dict[str, Any]]:
        return self._figures


def trimap_of(share: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A wobbly ring of unknown that covers ``share`` of the frame, float32 [H, W]."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    angle = np.arctan2(y - 560, x - 960)
    distance = np.hypot(y - 560, x - 960) - 330 - 40 * np.sin(9 * angle)
    half = float(np.quantile(np.abs(distance), share))
    return np.where(distance < -half, 1.0, np.where(distance > half, 0.0, 0.5)).astype(np.float32)


def make_clip(folder: Path, frames: int, share: float) -> None:
    """shot.mov, a photograph that pans, and shot_trimap.png."""
    photograph = cv2.resize(photographs.coffee(), (WIDTH + 8 * frames, HEIGHT), interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(folder / "shot_trimap.png"), np.round(trimap_of(share) * 255).astype(np.uint8))
    info = ClipInfo(
        "video", WIDTH, HEIGHT, 3, tuple(range(frames)), (), "display", 8, False,
        Fraction(24), Fraction(1, 24), tuple(range(frames)), VideoTags(),
    )  # fmt: skip
    with open_sink("prores4444", folder, "shot", info, channels=3) as sink:
        for n in range(frames):
            sink.write(Frame(n, photograph[:, 8 * n : 8 * n + WIDTH].astype(np.float32) / 255, n))
        sink.commit()
        sink.finish()


def end_to_end(clips: Path, out: Path, matter: Callable[[Path], Matting], root: Path) -> dict[str, Any]:
    """Frames a second of the whole job, and the seconds a frame spends in the stages that the run itself
    times.
    """
    (clip,) = scan(clips)
    settings = ClipSettings()
    stages: dict[str, float] = defaultdict(float)
    lock = threading.Lock()

    def observe(stage: str, seconds: float) -> None:
        with lock:
            stages[stage] += seconds

    with Engine(matter, root) as engine, engine.lease() as lease:
        with Plan(clip, settings, max_pixels=2**27, state={}) as plan:
            key = job_key(clip, settings)
            begun = time.perf_counter()
            run(plan, lease, Workplace(out, clip.name, key), key, 0, NoProgress(), Settings(observe=observe))
            seconds = time.perf_counter() - begun
            frames = len(plan.info.numbers)
    per_frame = {stage: round(total / frames, 4) for stage, total in stages.items()}
    return {"fps": round(frames / seconds, 3), "seconds_a_frame": per_frame}


def timed(work: Callable[[], object], times: int = 3) -> float:
    """The median of a few runs after one that does not count."""
    work()
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return round(float(np.median(taken)), 4)


def parts(matter: Matter, share: float) -> dict[str, float]:
    """Seconds of what happens to one 1080p frame between reading and writing, each alone on the machine."""
    picture = cv2.resize(photographs.coffee(), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    rgb = torch.from_numpy(picture.astype(np.float32) / 255).permute(2, 0, 1).contiguous()
    trimap = torch.from_numpy(trimap_of(share))[None]
    corners = TILING.cover(trimap[0] == 0.5)
    side = (TILING.size, TILING.size)
    alpha = matter.matte([rgb], [trimap])[0]
    return {
        "trimap inputs": timed(lambda: encode_tiles(rgb, trimap, corners, side, "sampled")),
        "trimap inputs + network": timed(lambda: matter.matte([rgb], [trimap])),
        "foreground + composite": timed(
            lambda: compose(rgb, alpha, rgb.flip(-1), DISPLAY, ["alpha", "foreground", "composite"])
        ),
    }


def original() -> float:
    """Seconds of ``dim-vgg16`` on one full 1080p frame, torch float32, as the original ran its predict.py."""
    network = nets.build("dim-vgg16").eval()
    x = torch.rand(1, 4, HEIGHT, WIDTH)
    with torch.inference_mode():
        begun = time.perf_counter()
        network(x)
        return round(time.perf_counter() - begun, 3)


def bench(frames: int, share: float) -> dict[str, Any]:
    """Everything, in one run."""
    root = weights.SHIPPED
    matter = Matter.open(weights.resolve(root))
    figures: dict[str, Any] = {"device": matter.description, "frames": frames, "unknown": share}
    with tempfile.TemporaryDirectory(prefix="dimd-bench-") as scratch:
        folder = Path(scratch)
        (folder / "in").mkdir()
        make_clip(folder / "in", frames, share)
        figures["stub"] = end_to_end(folder / "in", folder / "stub", lambda _: Stub(), root)
        figures["dimd"] = end_to_end(folder / "in", folder / "dimd", Matter.open, root)
    figures["parts"] = parts(matter, share)
    figures["dim-vgg16, full frame, network alone"] = original()
    figures["ratios"] = {
        "end to end, dimd / stub": round(figures["dimd"]["fps"] / figures["stub"]["fps"], 3),
        "dim-vgg16 / (trimap inputs + network)": round(
            figures["dim-vgg16, full frame, network alone"] / figures["parts"]["trimap inputs + network"], 1
        ),
    }
    matter.close()
    return figures


def table(figures: dict[str, Any]) -> str:
    """The figures as a person reads them, ratios first."""
    lines = [f"1080p, {figures['unknown']:.0%} unknown, {figures['device']}", ""]
    lines += [f"{name:44s}{value:10.3f} x" for name, value in figures["ratios"].items()]
    lines.append("")
    for name in ("dimd", "stub"):
        lines.append(f"{'end to end, ' + name:44s}{figures[name]['fps']:10.3f} frames a second")
        lines += [
            f"    {stage:40s}{s:10.4f} s a frame" for stage, s in figures[name]["seconds_a_frame"].items()
        ]
    lines += [f"{name:44s}{value:10.4f} s a frame" for name, value in figures["parts"].items()]
    vgg = "dim-vgg16, full frame, network alone"
    lines.append(f"{vgg:44s}{figures[vgg]:10.3f} s a frame")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Frames a second of dimd, against a stub and the original network."
    )
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--unknown", type=float, default=0.1, help="share of the frame, 0..1")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    figures = bench(options.frames, options.unknown)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    print(table(figures))


if __name__ == "__main__":
    main()
