"""A carried mask holds its subject, tells where it may be wrong, and ends at a cut."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from dim_model import carry
from dim_model.carry import Carrier

WIDTH, HEIGHT = 192, 128
ROUGH = 3


def cloth(seed: int, low: float, high: float) -> np.ndarray:
    small = np.random.default_rng(seed).uniform(low, high, (16, 24, 3)).astype(np.float32)
    return np.clip(cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), 0, 1)


WALL = cloth(1, 0.3, 0.9) * np.float32([0.5, 0.8, 1.0])
COAT = cloth(2, 0.3, 1.0) * np.float32([1.0, 0.4, 0.2])


def disc(x: float, y: float = 64.0, radius: float = 24.0) -> np.ndarray:
    yy, xx = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    return np.clip(radius + 0.5 - np.hypot(xx - x, yy - y), 0, 1).astype(np.float32)


def frame(alpha: np.ndarray, moved: float, number: int, wall: np.ndarray = WALL) -> np.ndarray:
    """The coat, which moves with its wearer, over the wall; with grain."""
    coat = cv2.warpAffine(
        COAT, np.float32([[1, 0, moved], [0, 1, 0]]), (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT
    )
    seen = alpha[..., None] * coat + (1 - alpha[..., None]) * wall
    grain = np.random.default_rng(number).normal(0, 0.006, seen.shape)
    return np.clip(seen + grain, 0, 1).astype(np.float32)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union."""
    return float((one & other).sum() / (one | other).sum())


def test_a_rough_mask_is_held_for_forty_frames() -> None:
    def x(n: int) -> float:
        return 60 + 30 * np.sin(n / 7)

    rough = cv2.dilate(disc(x(0)), np.ones((5, 5), np.uint8))
    carrier = Carrier(frame(disc(x(0)), x(0), 0), rough, ROUGH)
    for n in range(1, 41):
        made = carrier.step(frame(disc(x(n)), x(n), n))
        assert made is not None
        assert overlap(made.matte > 0.5, disc(x(n)) > 0.5) > 0.93, n
        assert made.confidence > 0.7, n


def test_grey_fur_does_not_run_out_over_grey_stones() -> None:
    """Below a blue sky, which makes grey look like the subject's own, the wall is as grey as the subject."""
    stones = np.repeat(cloth(3, 0.1, 0.9).mean(-1, keepdims=True), 3, -1)
    wall = np.where(np.arange(HEIGHT)[:, None, None] < 80, np.float32([0.55, 0.75, 0.95]), stones)
    fur = np.repeat(cloth(4, 0.2, 0.8).mean(-1, keepdims=True), 3, -1)
    fur += np.random.default_rng(9).normal(0, 0.03, fur.shape).astype(np.float32)

    def seen(n: int) -> np.ndarray:
        alpha = disc(90 + 0.2 * n)[..., None]
        grain = np.random.default_rng(n).normal(0, 0.006, wall.shape)
        return np.clip(alpha * fur + (1 - alpha) * wall + grain, 0, 1).astype(np.float32)

    carrier = Carrier(seen(0), cv2.dilate(disc(90), np.ones((3, 3), np.uint8)), ROUGH)
    for n in range(1, 31):
        made = carrier.step(seen(n))
        assert made is not None
    assert overlap(made.matte > 0.5, disc(96) > 0.5) > 0.86


def test_two_subjects_are_both_carried() -> None:
    def both(n: int) -> np.ndarray:
        return np.maximum(disc(40 + n, 50, 18), disc(150 - n, 80, 16))

    carrier = Carrier(frame(both(0), 0, 0), both(0), ROUGH)
    for n in range(1, 13):
        made = carrier.step(frame(both(n), 0, n))
        assert made is not None
        found, _ = cv2.connectedComponents((made.matte > 0.5).astype(np.uint8))
        assert found == 3, n  # the background is one
        assert overlap(made.matte > 0.5, both(n) > 0.5) > 0.9, n


def test_a_cut_ends_it() -> None:
    carrier = Carrier(frame(disc(60), 0, 0), disc(60), ROUGH)
    assert carrier.step(frame(disc(61), 1, 1)) is not None
    assert carrier.step(cloth(7, 0.0, 1.0)) is None


def test_a_faster_subject_has_a_wider_band() -> None:
    def unknown(step: float) -> float:
        carrier = Carrier(frame(disc(60), 0, 0), disc(60), ROUGH)
        made = carrier.step(frame(disc(60 + step), step, 1))
        assert made is not None
        matte, doubt = (torch.from_numpy(np.asarray(x, np.float32))[None] for x in (made.matte, made.doubt))
        return float((carry.trimap(matte, doubt, 2, 2) == 0.5).float().mean())

    assert unknown(10.0) > 1.2 * unknown(0.0)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_mask_without_a_subject_or_a_background_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="subject and a background"):
        Carrier(WALL, np.full((HEIGHT, WIDTH), value, np.float32), ROUGH)


def veiled(n: int) -> tuple[np.ndarray, np.ndarray]:
    """The alpha of a disc with a veil beside it, and where that hangs free, bool [H, W]."""
    body, veil = disc(60 + n), np.zeros((HEIGHT, WIDTH), np.float32)
    cv2.rectangle(veil, (74 + n, 50), (104 + n, 78), 1.0, -1)
    free = cv2.erode(((veil > 0) & (body == 0)).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    return np.maximum(body, 0.5 * veil), free


@pytest.mark.parametrize("grey", [0.35, 0.65])
def test_a_veil_that_is_grey_in_the_mask_is_in_doubt_as_long_as_it_is_carried(grey: float) -> None:
    alpha, _ = veiled(0)
    mask = np.where((alpha > 0) & (alpha < 1), np.float32(grey), alpha)
    carrier = Carrier(frame(alpha, 0, 0), mask, ROUGH)
    for n in range(1, 16):
        alpha, free = veiled(n)
        made = carrier.step(frame(alpha, n, n))
        assert made is not None
        assert made.doubt[free].mean() > 0.8, n


def test_a_feathered_mask_is_in_doubt_no_further_than_its_edge() -> None:
    soft = cv2.GaussianBlur(disc(60), (0, 0), 2)
    doubts = []
    for mask in (disc(60), soft):
        made = Carrier(frame(disc(60), 0, 0), mask, ROUGH).step(frame(disc(61), 1, 1))
        assert made is not None
        doubts.append(float(made.doubt.mean()))
    assert doubts[1] < 1.1 * doubts[0]


def test_a_mask_that_is_nowhere_white_is_carried_as_one_that_is() -> None:
    carrier = Carrier(frame(disc(60), 0, 0), 0.75 * disc(60), ROUGH)
    made = carrier.step(frame(disc(61), 1, 1))
    assert made is not None
    assert made.doubt[disc(61, radius=10) > 0].mean() < 0.1
