"""How good the trimap sources and the temporal smoothing are, end to end, beside the bars they are held to.

    python -m bench.quality [--data DIR] [--renders DIR] [--only SOURCE]... [--frames N] [--json FILE]
                            [--sheets DIR]

Clips with exact alpha go through ``dimd matte`` as a user would drop them. MAD is the mean of |a - a*| over
the whole frame, times 1000, and dtSSD its drift, as in Robust Video Matting (Lin et al. 2022). A ratio is the
figure with the smoothing by that without. Coverage is the share of pixels with 0.02 < a* < 0.98 that ``dimd
trimap`` leaves unknown. A clip that fails is a row with dimd's sentence, and the exit status is then 1.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.quality_clips import FIRST, Clip, recipes
from bench.quality_product import SOURCES, RunError, Shot
from bench.quality_sheet import write_sheet
from bench.quality_subjects import renders
from dim_model import metrics
from dim_model.arrays import Floats
from trainer.prepare.errors import UnfitError

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

_SOFT = (0.02, 0.98)
_WITH_AND_WITHOUT = ("keyframe", "chroma", "smoothing")
"""Sources that are run without the smoothing, too."""

_NO_TRIMAP = ("smoothing",)
"""Sources whose trimap is nothing to be judged: each frame's mask says it."""


@dataclass
class Row:
    """One clip under one source; what could not be measured is None, and ``faults`` says why.

    mad: mean over the clip, x 1000. worst: of its frames' MAD; worst_frame: its number. mse: x 1000.
    """

    source: str
    clip: str
    frames: int = 0
    mad: float | None = None
    worst: float | None = None
    worst_frame: int | None = None
    mse: float | None = None
    dtssd: float | None = None
    dtssd_ratio: float | None = None
    mse_ratio: float | None = None
    coverage: float | None = None
    unknown: float | None = None
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Bar:
    """What a source is held to: ``of`` takes its rows' figures ``name`` together."""

    what: str
    name: str
    of: Callable[[Sequence[float]], float]
    limit: float
    at_least: bool = False

    def verdict(self, source: str, rows: Sequence[Row]) -> dict[str, Any]:
        """The figure beside the bar; it holds only where every clip has that figure."""
        given = [value for row in rows if (value := attrgetter(self.name)(row)) is not None]
        value = self.of(given) if given else None
        good = value is not None and (value >= self.limit if self.at_least else value <= self.limit)
        holds = good and len(given) == len(rows)
        return {
            "source": source, "what": self.what, "value": value, "bar": self.limit,
            "at_least": self.at_least, "clips": len(given), "of_clips": len(rows), "holds": holds,
        }  # fmt: skip


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


_RATIOS = (Bar("worst dtSSD ratio", "dtssd_ratio", max, 0.75), Bar("worst MSE ratio", "mse_ratio", max, 1.0))

BARS = {
    "keyframe": (
        Bar("mean MAD", "mad", _mean, 12.0),
        Bar("worst frame's MAD", "worst", max, 40.0),
        Bar("mean coverage", "coverage", _mean, 0.98, at_least=True),
        *_RATIOS,
    ),
    "clean": (Bar("mean MAD", "mad", _mean, 8.0),),
    "locked": (Bar("mean MAD", "mad", _mean, 8.0),),
    "chroma": (Bar("mean MAD", "mad", _mean, 6.0), *_RATIOS),
    "smoothing": _RATIOS,
}


def mad(alpha: Floats, truth: Floats) -> Floats:
    """float32 [T], times 1000, of float32 [T, H, W]."""
    return np.asarray(1000 * np.abs(alpha - truth).mean((1, 2)), np.float32)


def mse(alpha: Floats, truth: Floats) -> float:
    """Mean over the clip, times 1000."""
    squared = ((a - t) ** 2 for a, t in zip(alpha, truth, strict=True))
    return 1000 * _mean([float(frame.mean()) for frame in squared])


def dtssd(alpha: Floats, truth: Floats) -> float | None:
    """Mean over the clip, every pixel counting; None for a single frame."""
    everywhere = torch.full((2, 1, *alpha.shape[1:]), 0.5)
    a, t = (torch.from_numpy(matte)[:, None] for matte in (alpha, truth))
    pairs = (slice(at, at + 2) for at in range(len(alpha) - 1))
    drifts = [float(metrics.dtssd(a[pair], t[pair], everywhere)) for pair in pairs]
    return _mean(drifts) if drifts else None


def ratio(smoothed: float | None, plain: float | None) -> float | None:
    """None where there is no drift or error to be smoothed away."""
    return smoothed / plain if smoothed is not None and plain else None


def coverage(trimap: Floats, truth: Floats) -> float | None:
    """Share of the partly transparent pixels that is unknown; None where there are none."""
    soft = (truth > _SOFT[0]) & (truth < _SOFT[1])
    return float((trimap[soft] == 0.5).mean()) if soft.any() else None


def measure(source: str, clip: Clip, sheets: Path | None = None) -> Row:
    """One clip under one source."""
    row = Row(source, clip.name, len(clip.plate))
    begun = time.perf_counter()
    trimap = None
    with Shot(clip, SOURCES[source]) as shot:
        try:
            if source not in _NO_TRIMAP:
                trimap = shot.trimap()
                row.coverage = coverage(trimap, clip.truth)
                row.unknown = float((trimap == 0.5).mean())
        except RunError as error:
            row.faults.append(str(error))
        try:
            alpha = shot.alpha()
            frames = mad(alpha, clip.truth).tolist()
            row.mad, row.worst, row.worst_frame = _mean(frames), max(frames), FIRST + int(np.argmax(frames))
            row.mse, row.dtssd = mse(alpha, clip.truth), dtssd(alpha, clip.truth)
            if sheets:
                write_sheet(sheets, source, clip, _figures(row), alpha, trimap)
            if source in _WITH_AND_WITHOUT:
                plain = shot.alpha(smoothed=False)
                row.dtssd_ratio = ratio(row.dtssd, dtssd(plain, clip.truth))
                row.mse_ratio = ratio(row.mse, mse(plain, clip.truth))
        except RunError as error:
            row.faults.append(str(error))
    row.seconds = round(time.perf_counter() - begun, 1)
    return row


def bench(
    data: Path | None,
    renders: Path | None = None,
    only: Iterable[str] = (),
    frames: int | None = None,
    sheets: Path | None = None,
    told: Callable[[Row], object] = lambda row: None,
) -> dict[str, Any]:
    """Every clip under every source that suits it, or under those of ``only``; told: takes each row."""
    wanted = [source for source in SOURCES if not only or source in set(only)]
    rows: list[Row] = []
    for recipe in recipes(data, renders, frames):
        sources = [source for source in recipe.sources if source in wanted]
        if not sources:
            continue
        try:
            clip = recipe.make()
        except (UnfitError, OSError, ValueError) as error:
            made = [Row(source, recipe.name, faults=[str(error)]) for source in sources]
        else:
            made = [measure(source, clip, sheets) for source in sources]
        for row in made:
            told(row)
        rows += made
    return {"rows": [asdict(row) for row in rows], "verdicts": verdicts(rows)}


def verdicts(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Every bar of the sources that were run."""
    ran = {source: [row for row in rows if row.source == source] for source in SOURCES}
    return [bar.verdict(source, of) for source, of in ran.items() if of for bar in BARS[source]]


def _figures(row: Row) -> str:
    worst = f"{_shown(row.worst)} (frame {_shown(row.worst_frame, 'd')})"
    return f"MAD {_shown(row.mad)}, worst {worst}, dtSSD {_shown(row.dtssd)}"


def _shown(value: float | None, form: str = ".2f") -> str:
    return "-" if value is None else format(value, form)


_COLUMNS = ("frames", "MAD", "worst", "at", "dtSSD", "ratio", "MSE ratio", "coverage", "unknown")


def table(figures: dict[str, Any]) -> str:
    """The figures as a person reads them: a line to a clip, then a line to a bar."""
    lines = [f"{'source':10s}{'clip':26s}" + "".join(f"{name:>10s}" for name in _COLUMNS)]
    for row in (
        Row(**each) for each in sorted(figures["rows"], key=lambda r: list(SOURCES).index(r["source"]))
    ):
        cells = (
            str(row.frames), _shown(row.mad), _shown(row.worst), _shown(row.worst_frame, "d"),
            _shown(row.dtssd), _shown(row.dtssd_ratio, ".3f"), _shown(row.mse_ratio, ".3f"),
            _shown(row.coverage, ".2%"), _shown(row.unknown, ".1%"),
        )  # fmt: skip
        lines.append(f"{row.source:10s}{row.clip:26s}" + "".join(f"{cell:>10s}" for cell in cells))
        lines += [f"{'':10s}{fault}" for fault in row.faults]
    lines += ["", f"{'source':10s}{'':26s}{'figure':>10s}{'bar':>14s}"]
    for verdict in figures["verdicts"]:
        bar = f"{'at least' if verdict['at_least'] else 'at most'} {verdict['bar']:g}"
        left_out = verdict["of_clips"] - verdict["clips"]
        lines.append(
            f"{verdict['source']:10s}{verdict['what']:26s}{_shown(verdict['value'], '.3f'):>10s}{bar:>14s}  "
            + ("holds" if verdict["holds"] else "misses")
            + (f" ({left_out} of {verdict['of_clips']} clips without this figure)" if left_out else "")
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="How good trimap sources and smoothing are, end to end.")
    parser.add_argument("--data", type=Path, default=DATA, help="footage and photographs (../shared/data)")
    parser.add_argument("--renders", type=Path, help="clips of dim-train render --clips: folders of EXR")
    parser.add_argument("--only", action="append", default=[], choices=list(SOURCES), help="repeatable")
    parser.add_argument("--frames", type=int, help="at most so many of each clip")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--sheets", type=Path, help="write contact sheets into this folder")
    options = parser.parse_args()
    if options.renders and not (options.renders.is_dir() and renders(options.renders)):
        parser.error(f"{options.renders} holds no folders of EXR; give the one that holds the clips' folders")
    data = options.data if options.data.is_dir() else None
    if data is None:
        print(f"{options.data} is not there, so only drawn clips are measured; name the footage by --data.")

    def told(row: Row) -> None:
        print(f"{row.seconds:6.0f} s  {row.source}: {row.clip}: {_figures(row)}", file=sys.stderr)

    figures = bench(data, options.renders, options.only, options.frames, options.sheets, told)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    print(table(figures))
    sys.exit(1 if any(row["faults"] for row in figures["rows"]) else 0)


if __name__ == "__main__":
    main()
