"""``manifest.json``: what a result was made of, by what, and what a person should look at.

It holds no date and no duration: a run that was killed and resumed writes the same bytes as one that was not.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from daemon.plan import Plan
from daemon.publish import MANIFEST

_JUMP = 0.25
"""Change of the mean alpha, relative, from one frame to the next that a person should look at."""

_MOSTLY_UNKNOWN = 0.5

_FLICKERS = (0.1, 2.5)
"""Flicker of a frame, and as many times the clip's median, above which a person should look at it."""


def hashed(files: Iterable[Path], folder: Path) -> list[dict[str, Any]]:
    """Name below ``folder``, size and sha256 of each file."""
    found = []
    for path in sorted(files):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        found.append({"file": str(path.relative_to(folder)), "bytes": path.stat().st_size, "sha256": digest})
    return found


def review(figures: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The frames that a person should look at, each with the reason."""
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
        elif previous is not None and abs(mean - previous) > _JUMP * max(mean, previous):
            found.append({"frame": figure["frame"], "why": "the matte's area jumps"})
        elif figure["flicker"] > jumps:
            found.append({"frame": figure["frame"], "why": "the matte flickers"})
        previous = mean
    return found


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
    info = plan.info
    content = {
        "dimd": version("dimd"),
        "key": key,
        "name": plan.clip.name,
        "kind": info.kind,
        "size": [info.width, info.height],
        "rate": str(info.rate) if info.rate else None,
        "frames": {"count": len(info.numbers), "first": info.numbers[0], "last": info.numbers[-1]},
        "missing": list(info.missing),
        "source": list(source),
        "colour": plan.colours.told(),
        "settings": plan.settings.model_dump(mode="json"),
        "weights": dict(weights),
        "trimap": plan.trimap.told(),
        "despill": plan.treatment.channel,
        "outputs": {output.name: output.format for output in plan.outputs},
        "warnings": plan.warnings,
        "review": review(figures),
        "figures": list(figures),
    }
    with (work / MANIFEST).open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=1, ensure_ascii=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
