"""The background of a locked-off shot: found though its subject never leaves, and nowhere invented."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from dim_model.backdrop import Backdrop, StillError, find

HEIGHT, WIDTH, FRAMES = 120, 160, 24


def patterned(seed: int, rough: tuple[int, int], low: float, high: float) -> np.ndarray:
    small = np.random.default_rng(seed).uniform(low, high, (*rough, 3)).astype(np.float32)
    return np.clip(cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), 0, 1)


def scene(index: float, *, bare: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """A swaying figure in a patterned shirt, and its alpha, float32 [H, W]: its middle never moves away."""
    wall = np.full((HEIGHT, WIDTH, 3), (0.72, 0.7, 0.66), np.float32)
    if not bare:
        wall = patterned(0, (15, 20), 0.35, 0.85)
    sway, bend = 9 * np.sin(index * 0.7), 5 * np.cos(index * 0.45)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    off = np.hypot((x - 80 - sway) / 22, (y - 75 - bend) / 40)
    alpha = np.clip((1 - off) * 20 + 0.5, 0, 1).astype(np.float32)
    cloth = patterned(1, (24, 32), 0.05, 0.4) * np.float32([1.2, 0.5, 0.5])
    there = np.float32([[1, 0, sway], [0, 1, bend]])
    cloth = cv2.warpAffine(cloth, there, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)
    return alpha[..., None] * cloth + (1 - alpha[..., None]) * wall, alpha


def frame(index: float, *, bare: bool = False) -> np.ndarray:
    noise = np.random.default_rng(int(100 * index)).normal(0, 0.006, (HEIGHT, WIDTH, 3))
    return np.clip(scene(index, bare=bare)[0] + noise, 0, 1).astype(np.float32)


def tensor(picture: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))


def found(first: list[np.ndarray], second: list[np.ndarray]) -> Backdrop:
    def whole() -> Iterator[None]:
        made.append((yield from find(first, second)))

    made: list[Backdrop] = []
    deque(whole(), maxlen=0)
    return made[0]


def of_scene(*, bare: bool = False) -> Backdrop:
    return found(*([frame(n + ahead, bare=bare) for n in range(FRAMES)] for ahead in (0, 0.3)))


@pytest.mark.parametrize("bare", [False, True])
def test_a_subject_that_never_leaves_is_told_from_the_wall(bare: bool) -> None:
    backdrop = of_scene(bare=bare)
    for n in (3, 10.5, 17):
        alpha = torch.from_numpy(scene(n, bare=bare)[1])
        made = backdrop.difference(tensor(frame(n, bare=bare)), 2, 3)
        assert set(made.trimap.unique().tolist()) <= {0, 0.5, 1}
        assert (alpha[made.trimap[0] == 1] > 0.5).float().mean() > 0.99
        assert (alpha[made.trimap[0] == 0] < 0.5).float().mean() > 0.995
        assert (made.trimap == 0.5).float().mean() < 0.2
        assert 0.4 < made.confidence <= 0.8


def test_what_was_never_seen_is_known_as_that() -> None:
    backdrop = of_scene()
    always = np.min([scene(n)[1] for n in range(FRAMES)], 0) > 0.5
    assert backdrop.seen[always].mean() < 0.05
    swept = np.max([scene(n)[1] for n in range(FRAMES)], 0) > 0
    assert backdrop.seen[~swept].mean() > 0.99


def test_the_backdrop_shows_no_subject_where_it_was_seen() -> None:
    backdrop = of_scene()
    wall = patterned(0, (15, 20), 0.35, 0.85)
    off = cv2.blur(np.abs(backdrop.plate - wall), (3, 3)).max(-1)
    assert (off[backdrop.seen] < 0.03).mean() > 0.97


def test_it_is_found_the_same_again() -> None:
    one, other = of_scene(), of_scene()
    np.testing.assert_array_equal(one.plate, other.plate)
    np.testing.assert_array_equal(one.seen, other.seen)


def test_a_shot_in_which_nothing_moves_has_none() -> None:
    still = scene(0)[0]
    rng = np.random.default_rng(0)
    first, second = (
        [(still + rng.normal(0, 0.006, still.shape)).clip(0, 1).astype(np.float32) for _ in range(10)]
        for _ in range(2)
    )
    with pytest.raises(StillError):
        found(first, second)


def test_a_subject_of_which_only_the_rim_moves_is_not_taken_for_the_background() -> None:
    first, second = ([frame(1 + 0.1 * np.sin(n + ahead)) for n in range(FRAMES)] for ahead in (0, 0.3))
    with pytest.raises(StillError):
        found(first, second)
