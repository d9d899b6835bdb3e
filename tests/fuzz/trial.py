"""What dimd does with a damaged thing, as far as damage can matter: it is opened, planned and decoded."""

from __future__ import annotations

import shutil
import unicodedata
from pathlib import Path

from daemon.config import ClipSettings, ConfigError, clip_settings, load
from daemon.inbox import scan
from daemon.media import MediaError
from daemon.plan import Plan
from daemon.trimaps import TrimapError
from dim_model import weights
from dim_model.canary import is_known
from dim_model.weights import WeightsError

MAX_PIXELS = 4 << 20

REFUSALS = (ConfigError, MediaError, TrimapError, WeightsError)


def tried(kind: str, folder: Path) -> str | None:
    """The sentence with which it is refused; None where it is as good as sound. Raises what must not be."""
    try:
        if kind == "config":
            load(folder / "config.yaml")
            return None
        if kind == "weights":
            made = weights.load(folder / "one")
            made.network()
            is_known(made.card.canary)
            return None
        return _clip(folder)
    except REFUSALS as error:
        return str(error)


def _clip(folder: Path) -> str | None:
    remarks: list[str] = []
    clips = scan(folder, remarks.append)
    for clip in clips:
        settings = clip_settings(ClipSettings(), clip.settings)
        with Plan(clip, settings, max_pixels=MAX_PIXELS, state={}) as plan:
            keep = folder / ".keep"
            shutil.rmtree(keep, ignore_errors=True)
            keep.mkdir()
            for _ in plan.trimap.prepare(plan.shot, keep):
                pass
            for index, frame in enumerate(plan.frames(0)):
                plan.trimap.trimap(frame, index, plan.view(frame))
                plan.background.at(frame.number, index)
    return remarks[0] if remarks and not clips else None


def fault(sentence: str) -> str | None:
    """What is wrong with a sentence for a user."""
    if not sentence.endswith((".", "?")):
        return f"the sentence does not end: {sentence!r}"
    # A character that this Python's Unicode does not know yet is a file's right, and no harm to a line.
    if any(not c.isprintable() and unicodedata.category(c) != "Cn" for c in sentence):
        return f"the sentence is not one line of text: {sentence!r}"
    if len(sentence) > 700:
        return f"the sentence has {len(sentence)} characters: {sentence[:300]!r}"
    return None
