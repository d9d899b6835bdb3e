"""``auto`` takes the surest trimap, says why, and sets aside what none of them can be relied on for."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from daemon.clip import Clip
from daemon.config import ClipSettings, TrimapSettings
from daemon.inbox import scan
from daemon.plan import Plan
from daemon.trimaps import TrimapError
from tests.daemon.cases import write

SIZE = (96, 64)


def before_green(folder: Path, *, with_clean: bool = True) -> Clip:
    cloth = np.random.default_rng(2).integers(90, 220, (8, 12, 3), np.uint8)
    cloth = cv2.resize(cloth, SIZE, interpolation=cv2.INTER_CUBIC)
    cloth[..., 1] //= 3
    ball = cv2.circle(np.zeros(SIZE[::-1], np.uint8), (48, 34), 15, 255, -1)
    write(folder / "shot.png", np.where(ball[..., None] > 0, cloth, np.uint8([40, 170, 30])))
    if with_clean:
        write(folder / "shot_clean.png", np.broadcast_to(np.uint8([40, 170, 30]), cloth.shape).copy())
    (clip,) = scan(folder)
    return clip


def plan(clip: Clip, **trimap: object) -> Plan:
    settings = ClipSettings(trimap=TrimapSettings.model_validate(trimap))
    return Plan(clip, settings, max_pixels=10**8, state={})


def test_the_surest_is_taken_and_what_it_was_weighed_against_is_said(tmp_path: Path) -> None:
    with plan(before_green(tmp_path)) as made:
        assert made.trimap.name == "clean"
        assert re.search(r"; confidence [01]\.\d\d, against chroma 0\.\d\d$", made.trimap.why)
        assert made.trimap.told()["why"] == made.trimap.why


def test_a_clip_that_no_trimap_can_be_relied_on_for_is_set_aside(tmp_path: Path) -> None:
    clip = before_green(tmp_path, with_clean=False)
    with pytest.raises(
        TrimapError,
        match=r"^shot\.png: no trimap of it can be relied on \(confidence: chroma 0\.\d\d; 0\.99 is "
        r"wanted\); "
        r"put shot_trimap or shot_mask beside it, or name a trimap source\.$",
    ):
        plan(clip, confidence=0.99)


def test_a_source_that_was_named_is_taken_however_unsure(tmp_path: Path) -> None:
    with plan(before_green(tmp_path), source="chroma", confidence=0.99) as made:
        assert made.trimap.name == "chroma"


def test_a_run_that_goes_on_keeps_its_source_and_its_reason(tmp_path: Path) -> None:
    clip = before_green(tmp_path)
    with plan(clip) as first:
        state = first.state()
        why = first.trimap.why
    with Plan(clip, ClipSettings(), max_pixels=10**8, state=state) as again:
        assert (again.trimap.name, again.trimap.why) == (state["trimap"]["source"], why)
