"""Plates of another exposure: light is multiplied, highlights are full, and neither is a subject."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from dim_model import srgb
from dim_model.backdrop import Backdrop, find
from dim_model.cleanplate import difference
from dim_model.register import matched

HEIGHT, WIDTH, FRAMES = 240, 320, 16


def place() -> np.ndarray:
    """Light of a dark ground below a bright sky, both with marks, float32 [H, W, 3]."""
    rng = np.random.default_rng(3)
    marks = cv2.resize(rng.uniform(0.5, 1, (30, 40, 3)), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    ground = np.linspace(0.95, 0.01, HEIGHT)[:, None, None] ** 1.5
    return (ground * marks.clip(0.3, 1.1)).astype(np.float32)


def subject(index: float = 0) -> np.ndarray:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.hypot((y - 130) / 70, (x - 160 - 25 * np.sin(index)) / 30) < 1


def shown(light: np.ndarray) -> np.ndarray:
    return srgb.from_light(torch.from_numpy(np.ascontiguousarray(light, np.float32))).numpy()


def taken(light: np.ndarray, exposure: float, seed: int) -> Tensor:
    """A camera's picture of it, float32 [3, H, W]."""
    picture = shown(light * np.float32(exposure))
    picture += np.random.default_rng(seed).normal(0, 0.004, picture.shape).astype(np.float32)
    return torch.from_numpy(np.clip(picture, 0, 1).transpose(2, 0, 1).copy())


def rolled(light: np.ndarray) -> np.ndarray:
    """As scene-linear pictures are shown: highlights roll off."""
    return np.where(light > 0.8, 1 - 0.2 * np.exp(-(light - 0.8) / 0.2), light).astype(np.float32)


def put(index: float = 0) -> np.ndarray:
    return np.where(subject(index)[..., None], np.float32([0.02, 0.05, 0.2]), place())


def wrong(trimap: Tensor, index: float = 0) -> float:
    """Share of the frame that is known and not what it is said to be."""
    values, inside = trimap[0].numpy(), subject(index)
    return float((((values == 1) & ~inside) | ((values == 0) & inside)).mean())


@pytest.mark.parametrize(("frame", "plate"), [(1, 0.4), (1, 2.5), (0.4, 1), (2.5, 1)])
def test_a_clean_plate_serves_though_it_is_a_stop_brighter_or_darker(frame: float, plate: float) -> None:
    found = difference(taken(put(), frame, 1), taken(place(), plate, 2), 3, 4)
    assert wrong(found.trimap) < 2e-3
    assert (found.trimap == 0.5).float().mean() < 0.12


def test_what_rolled_off_may_have_been_as_bright_as_the_frame_and_no_brighter() -> None:
    light = np.repeat(np.linspace(0.2, 0.52, 33, dtype=np.float32)[None, :, None], 3, 2)
    half = np.full(3, 0.5, np.float32)
    plate = shown(rolled(2 * light))
    assert np.abs(matched(plate, shown(light), half) - shown(light)).max() < 0.005
    brighter = matched(plate, shown(1.4 * light), half)
    assert np.abs(brighter - shown(light)).max() < 0.005


def test_what_was_full_in_the_plate_is_not_said_to_be_behind_the_subject() -> None:
    clean = difference(taken(put(), 1, 1), taken(place(), 2.5, 2), 3, 4).clean()
    known = torch.isfinite(clean).all(0)
    assert known.float().mean() > 0.5
    truth = taken(place(), 1, 3)
    assert float((clean - truth).abs()[:, known].max()) < 0.1


def test_a_shot_whose_exposure_goes_up_and_down_shows_its_background() -> None:
    exposures = [1 + 0.6 * np.sin(n / 2) for n in range(FRAMES)]
    first = [taken(put(n / 3), by, n).permute(1, 2, 0).numpy() for n, by in enumerate(exposures)]
    second = [taken(put(n / 3 + 0.1), by, n + 99).permute(1, 2, 0).numpy() for n, by in enumerate(exposures)]
    made: list[Backdrop] = []

    def whole() -> Iterator[None]:
        made.append((yield from find(first, second)))

    deque(whole(), maxlen=0)
    for n in (3, 9):  # the brightest and the darkest
        found = made[0].difference(taken(put(n / 3), exposures[n], n), 3, 4)
        assert wrong(found.trimap, n / 3) < 5e-3, n
