"""``manifest.json``: what a result was made of, by what, and what a person should look at.

It holds no date and no duration: a run that was killed and resumed writes the same bytes as one that was not.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from daemon.gaps import listed
from daemon.plan import Plan
from daemon.publish import MANIFEST

_JUMP = 0.25
"""Change of the mean alpha, relative, from one frame to the next that a person should look at."""

_MOSTLY_UNKNOWN = 0.5

_FLICKERS = (0.1, 2.5)
"""Flicker of a frame, and as many times the clip's median, above which a person should look at it."""


def review(figures: Sequence[Mapping[str, Any]], sure: float = 0.0) -> list[dict[str, Any]]:
    """The frames that a person should look at, each with the reason. sure: confidence that a trimap is to
    have.
    """
    found = []
    previous: float | None = None
    least, times = _FLICKERS
    jumps = max(least, times * median(figure["flicker"] for figure in figures)) if figures else least
    for figure in figures:
        if figure.get("cut"):
            previous = None  # another shot may show as much or as little as it likes
        mean = float(figure["alpha"])
        if figure["unknown"] > _MOSTLY_UNKNOWN:
            found.append({"frame": figure["frame"], "why": f"{figure['unknown']:.0%} of it is unknown"})
        elif mean == 0:
            found.append({"frame": figure["frame"], "why": "nothing is foreground"})
        elif mean == 1:
            found.append({"frame": figure["frame"], "why": "everything is foreground"})
        elif previous is not None and abs(mean - previous) > _JUMP * max(mean, previous):
            found.append({"frame": figure["frame"], "why": "the matte's area jumps"})
        elif figure["flicker"] > jumps:
            found.append({"frame": figure["frame"], "why": "the matte flickers"})
        elif figure["confidence"] < sure:
            why = f"its trimap is hardly to be relied on (confidence {figure['confidence']:.2f})"
            found.append({"frame": figure["frame"], "why": why})
        elif figure.get("mended"):
            many = "a pixel" if figure["mended"] == 1 else f"{figure['mended']} pixels"
            found.append({"frame": figure["frame"], "why": f"NaN or infinity in {many}"})
        previous = mean
    return found


def mended(plan: Plan, figures: Sequence[Mapping[str, Any]]) -> list[str]:
    """One sentence where frames of the plate held what is no number; else none."""
    found = tuple(int(figure["frame"]) for figure in figures if figure.get("mended"))
    if not found:
        return []
    pixels = sum(int(figure.get("mended", 0)) for figure in figures)
    holds = "hold" if len(found) > 1 else "holds"
    many = f"{pixels} pixels" if pixels > 1 else "a pixel"
    what = f"{plan.clip.plate.path.name}: {listed(found)} {holds} NaN or infinity in {many}"
    return [f"{what}, filled from those around; render it again."]


def stamp(plan: Plan, weights: str) -> dict[str, str]:
    """What an EXR's header says of how it was made; no date, so that a resumed run writes the same bytes."""
    # A model of the studio's own is known by a path, which is nobody's business where the EXR goes; and a
    # frame is the same whichever others are made with it.
    settings = plan.settings.model_dump(
        mode="json", exclude={"trimap": {"segmenter"}, "frames": True, "handles": True}
    )
    return {
        "dimd:version": version("dimd"),
        "dimd:weights": weights,
        "dimd:trimap": plan.trimap.told()["source"],
        "dimd:settings": json.dumps(settings, sort_keys=True),
    }


def write(
    work: Path,
    plan: Plan,
    *,
    key: str,
    weights: Mapping[str, str],
    source: Sequence[Mapping[str, Any]],
    figures: Sequence[Mapping[str, Any]],
) -> None:
    """Write the manifest of a finished clip into ``work``, synced."""
    info, whole = plan.part.info, plan.info.numbers
    content = {
        "dimd": version("dimd"),
        "key": key,
        "name": plan.clip.name,
        "kind": info.kind,
        "size": [info.width, info.height],
        "rate": str(info.rate) if info.rate else None,
        "frames": {"count": len(info.numbers), "first": info.numbers[0], "last": info.numbers[-1]},
        "of": {"count": len(whole), "first": whole[0], "last": whole[-1]},
        "scale": plan.settings.scale,
        "plate": list(plan.raster),
        "step": info.step,
        "missing": list(info.missing),
        "source": list(source),
        "colour": plan.colours.told(),
        "settings": plan.settings.model_dump(mode="json"),
        "weights": dict(weights),
        "trimap": plan.trimap.told(),
        "despill": plan.treatment.channel,
        "outputs": {output.name: output.format for output in plan.outputs},
        "warnings": [*plan.warnings, *mended(plan, figures)],
        "review": review(figures, plan.settings.trimap.confidence),
        "figures": list(figures),
    }
    with (work / MANIFEST).open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=1, ensure_ascii=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
