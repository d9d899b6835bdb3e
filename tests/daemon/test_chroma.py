"""A chroma screen in a shot: what stands beside it, and how sure a frame is."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from daemon.config import TrimapSettings
from daemon.inbox import scan
from daemon.plan import Plan
from daemon.trimaps import TrimapError
from tests.daemon.cases import config, write


def picture(*, worn: bool = False, left: int = 0) -> np.ndarray:
    """A figure before a green screen, a stand to the left of it: uint8 [H, W, 3], BGR."""
    made = np.full((120, 160, 3), (40, 170, 30), np.uint8)
    made[:, :16] = (70, 70, 70)
    cv2.circle(made, (90 + left, 70), 30, (120, 140, 200), -1)
    if worn:
        made[60:82, 78 + left : 100 + left] = (18, 80, 14)
    return made


def planned(folder: Path, state: dict[str, object] | None = None, **trimap_settings: object) -> Plan:
    settings = config(folder.parent).clip
    settings = settings.model_copy(update={"trimap": TrimapSettings.model_validate(trimap_settings)})
    (clip,) = scan(folder)
    return Plan(clip, settings, max_pixels=10**6, state=state or {})


def trimaps(plan: Plan) -> list[tuple[torch.Tensor, float]]:
    found = []
    for n, frame in enumerate(plan.frames(0)):
        made = plan.trimap.trimap(frame, n, plan.view(frame))
        found.append((made.values[0], made.confidence))
    return found


@pytest.mark.parametrize(("outside", "value"), [("drop", 0), ("keep", 1)])
def test_what_stands_beside_the_screen_is_dropped_or_kept(tmp_path: Path, outside: str, value: int) -> None:
    write(tmp_path / "in/shot.png", picture())
    with planned(tmp_path / "in", outside=outside) as plan:
        ((made, _),) = trimaps(plan)
    assert (made[:, :10] == value).all()
    assert made[70, 90] == 1
    assert made[5, 60] == 0


def test_of_a_screen_that_is_named_it_is_said_how_much_there_is(tmp_path: Path) -> None:
    write(tmp_path / "in/shot.png", picture())
    with planned(tmp_path / "in", source="chroma", screen="#1eaa28") as plan:
        assert plan.trimap.why == "a green screen of #1eaa28 covers 75% of the shot"


def test_the_network_is_told_the_screen_behind_what_is_unknown(tmp_path: Path) -> None:
    """The screen's own colour, and not that of the stand beside it, though that is background too."""
    write(tmp_path / "in/shot.png", picture())
    with planned(tmp_path / "in") as plan:
        (frame,) = plan.frames(0)
        made = plan.trimap.trimap(frame, 0, plan.view(frame))
    assert made.clean is not None
    unknown = made.values[0] == 0.5
    assert made.clean[:, ~unknown].isnan().all()
    green = torch.tensor([30, 170, 40])[:, None] / 255
    torch.testing.assert_close(made.clean[:, unknown], green.expand(3, int(unknown.sum())), rtol=0, atol=0.02)


def test_a_resumed_run_keeps_the_screen_and_its_outline(tmp_path: Path) -> None:
    for n in range(3):
        write(tmp_path / f"in/shot.{n}.png", picture(left=5 * n))
    with planned(tmp_path / "in") as plan:
        first, state = trimaps(plan), plan.state()
    assert state["trimap"]["screen"]["hull"]
    with planned(tmp_path / "in", state) as plan:
        for (one, _), (other, _) in zip(first, trimaps(plan), strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_a_frame_in_which_the_screens_colour_is_worn_is_less_sure(tmp_path: Path) -> None:
    for n in range(3):
        write(tmp_path / f"in/shot.{n}.png", picture(worn=n == 1))
    with planned(tmp_path / "in") as plan:
        (_, plain), (made, worn), _ = trimaps(plan)
    assert (made[63:79, 81:97] == 0.5).all()
    assert worn < plain - 0.2


@pytest.mark.parametrize(("beside", "taken"), [(90, False), (30, True)])
def test_a_shot_whose_subject_may_stand_beside_the_screen_is_not_delivered_empty(
    tmp_path: Path, beside: int, taken: bool
) -> None:
    made = np.full((120, 160, 3), (40, 170, 30), np.uint8)
    made[:, :beside] = (90, 60, 120)
    write(tmp_path / "in/shot.png", made)
    if taken:  # a wall beside it, and nobody there
        with planned(tmp_path / "in") as plan:
            ((values, _),) = trimaps(plan)
        assert not values.any()
    else:
        with pytest.raises(TrimapError, match=r"can be relied on \(confidence: chroma 0\.00;"):
            planned(tmp_path / "in")
