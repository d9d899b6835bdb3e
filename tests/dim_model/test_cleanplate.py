"""Clean plates: shifted, brighter, noisy; shadows are no subject; another shot is no clean plate."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from dim_model.cleanplate import difference

HEIGHT, WIDTH = 300, 400


def wall(seed: int = 0) -> np.ndarray:
    """Plaster with patches and marks, float32 [H + 20, W + 20, 3], large enough to shift a window over it."""
    rng = np.random.default_rng(seed)
    rough = rng.uniform(0.35, 0.75, ((HEIGHT + 20) // 8, (WIDTH + 20) // 8, 3)).astype(np.float32)
    return np.clip(cv2.resize(rough, (WIDTH + 20, HEIGHT + 20), interpolation=cv2.INTER_CUBIC), 0, 1)


def plain() -> np.ndarray:
    x = np.linspace(0.4, 0.7, WIDTH + 20, dtype=np.float32)
    return np.repeat(np.repeat(x[None, :, None], HEIGHT + 20, 0), 3, 2)


def faint(seed: int) -> np.ndarray:
    """Clouds, float32 [H + 20, W + 20, 3]: those of another seed are nowhere far from them."""
    rng = np.random.default_rng(seed)
    rough = rng.uniform(0.5, 0.59, ((HEIGHT + 20) // 10, (WIDTH + 20) // 10, 1)).astype(np.float32)
    large = cv2.resize(rough, (WIDTH + 20, HEIGHT + 20), interpolation=cv2.INTER_CUBIC)
    return np.repeat(large[..., None], 3, 2)


def subject() -> np.ndarray:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return (np.hypot((y - 170) / 90, (x - 190) / 50) < 1).astype(np.float32)


def tensor(picture: np.ndarray, noise: float = 0.01, seed: int = 1) -> Tensor:
    noisy = picture + np.random.default_rng(seed).normal(0, noise, picture.shape)
    return torch.from_numpy(np.clip(noisy, 0, 1).astype(np.float32).transpose(2, 0, 1).copy())


def put(ground: np.ndarray, colour: tuple[float, float, float] = (0.2, 0.25, 0.6)) -> np.ndarray:
    alpha = subject()[..., None]
    return alpha * np.float32(colour) + (1 - alpha) * ground


def wrong(trimap: Tensor) -> float:
    """Share of the frame that is known and not what it is said to be."""
    alpha = torch.from_numpy(subject())
    return float((((trimap[0] == 1) & (alpha == 0)) | ((trimap[0] == 0) & (alpha == 1))).float().mean())


@pytest.mark.parametrize(("shift", "gain"), [((0, 0), 1.0), ((7, 4), 1.0), ((3, 9), 0.8), ((5, 5), 1.2)])
@pytest.mark.parametrize("ground", [wall, plain])
def test_a_plate_that_is_shifted_and_of_another_exposure_serves(
    ground: type, shift: tuple[int, int], gain: float
) -> None:
    whole = ground()
    y, x = shift if ground is wall else (0, 0)  # nothing tells how far a plain wall was shifted
    found = difference(
        tensor(put(whole[y : y + HEIGHT, x : x + WIDTH] * np.float32(gain))),
        tensor(whole[:HEIGHT, :WIDTH], seed=2),
        4,
        5,
    )
    assert set(found.trimap.unique().tolist()) == {0, 0.5, 1}
    assert wrong(found.trimap) < 2e-3
    assert (found.trimap == 0.5).float().mean() < 0.12
    assert found.confidence > 0.9


@pytest.mark.parametrize("larger", [1, 3])
def test_the_plate_is_laid_over_the_frame_at_its_size_and_exposure(larger: int) -> None:
    """Three times as large is more than plates are compared at."""
    whole = cv2.resize(wall(), None, fx=larger, fy=larger, interpolation=cv2.INTER_CUBIC)
    height, width = HEIGHT * larger, WIDTH * larger
    y, x = 4 * larger, 7 * larger
    alpha = cv2.resize(subject(), (width, height))[..., None]
    ground = whole[y : y + height, x : x + width] * np.float32(0.8)
    frame = alpha * np.float32([0.2, 0.25, 0.6]) + (1 - alpha) * ground
    found = difference(tensor(frame), tensor(whole[:height, :width], 0, seed=2), 4, 5)
    laid = found.clean().permute(1, 2, 0).numpy()
    seen = np.isfinite(laid).all(-1)
    assert seen.mean() > 0.9
    assert np.abs(laid - ground)[seen].mean() < 0.01


def test_a_shadow_on_the_wall_is_no_subject() -> None:
    whole = wall()[:HEIGHT, :WIDTH]
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    soft = np.clip((60 - np.hypot(y - 180, x - 320)) / 10, 0, 1)[..., None].astype(np.float32)
    found = difference(tensor(put(whole) * (1 - 0.4 * soft)), tensor(whole, seed=2), 4, 5)
    shadow = torch.from_numpy(soft[..., 0] > 0.9)
    assert (found.trimap[0][shadow] == 1).float().mean() < 0.02
    assert (found.trimap[0][shadow] == 0).float().mean() > 0.4  # the rest is left to the network
    assert wrong(found.trimap) < 3e-3


def test_hair_that_lets_the_plate_through_is_unknown_though_all_of_it_differs() -> None:
    whole = wall()[:HEIGHT, :WIDTH]
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    alpha = np.clip((90 - np.hypot(y - 150, x - 200)) / 24, 0, 1).astype(np.float32)[..., None]
    shot = alpha * np.float32((0.05, 0.1, 0.6)) + (1 - alpha) * whole
    found = difference(tensor(shot), tensor(whole, seed=2), 2, 3)
    made = found.trimap[0].numpy()
    soft = (alpha[..., 0] > 0.25) & (alpha[..., 0] < 0.75)
    assert (made[soft] == 0.5).mean() > 0.85
    assert (made[alpha[..., 0] == 1] == 1).mean() > 0.9


def test_a_neck_is_no_mixture_of_a_dark_coat_and_a_bright_wall() -> None:
    ground = np.full((HEIGHT, WIDTH, 3), 0.9, np.float32)
    seen = ground.copy()
    cv2.circle(seen, (200, 230), 100, (0.1, 0.1, 0.1), -1)
    cv2.rectangle(seen, (180, 70), (220, 150), (0.45, 0.45, 0.45), -1)  # halfway between the two
    trimap = difference(tensor(seen), tensor(ground, seed=2), 2, 3).trimap
    assert (trimap[0, 90:140, 197:204] == 1).all()


def test_a_dark_subject_before_a_plain_wall_is_not_taken_for_a_shadow() -> None:
    whole = plain()[:HEIGHT, :WIDTH]
    found = difference(tensor(put(whole, (0.1, 0.1, 0.1))), tensor(whole, seed=2), 4, 5)
    assert wrong(found.trimap) < 2e-3


def test_a_frame_without_its_subject_is_all_background() -> None:
    whole = wall()
    found = difference(
        tensor(whole[4 : 4 + HEIGHT, 2 : 2 + WIDTH]), tensor(whole[:HEIGHT, :WIDTH], seed=2), 4, 5
    )
    assert (found.trimap == 0).float().mean() > 0.99
    assert found.share < 0.01


def test_another_shot_has_no_confidence() -> None:
    found = difference(tensor(put(wall()[:HEIGHT, :WIDTH])), tensor(wall(7)[:HEIGHT, :WIDTH] ** 2), 4, 5)
    assert found.confidence < 0.25


@pytest.mark.parametrize("seed", range(3))
def test_another_place_under_a_like_sky_has_no_confidence(seed: int) -> None:
    one, other = (faint(seed)[:HEIGHT, :WIDTH], faint(seed + 7)[:HEIGHT, :WIDTH])
    found = difference(tensor(put(one), 0.003), tensor(other, 0.003, seed=2), 4, 5)
    assert found.share < 0.6  # most of it is no more apart than noise may be
    assert found.confidence < 0.25
    assert difference(tensor(put(one), 0.003), tensor(one, 0.003, seed=2), 4, 5).same == 1


@pytest.mark.parametrize("noise", [0.002, 0.01, 0.02])
def test_a_soft_shadow_on_a_bare_wall_makes_no_other_view_of_it(noise: float) -> None:
    ground = plain()[:HEIGHT, :WIDTH]
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    shadow = 1 - 0.08 * np.exp(-(((x - 300) / 25) ** 2) - ((y - 170) / 100) ** 2)[..., None]
    found = difference(
        tensor(put((ground * shadow).astype(np.float32)), noise), tensor(ground, noise, seed=2), 4, 5
    )
    assert found.same == 1


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (40, 30)])
def test_any_size_is_compared(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    frame, plate = (tensor(rng.random((*size, 3), np.float32)) for _ in range(2))
    assert difference(frame, plate, 4, 5).trimap.shape == (1, *size)


def test_the_plate_that_is_seen_between_leaves_is_not_taken_for_them() -> None:
    """Blades of 3 pixels, 3 apart: closed to a solid thing, the picture behind them would be part of it."""
    ground = wall()[10:-10, 10:-10]
    blades = subject() * (np.mgrid[:HEIGHT, :WIDTH][1] % 6 < 3)
    plate = tensor(blades[..., None] * np.float32((0.1, 0.6, 0.1)) + (1 - blades[..., None]) * ground)
    made = difference(plate, tensor(ground, seed=2), 6, 6).trimap[0].numpy()
    between = (subject() > 0) & (blades == 0)
    assert (made[between] == 1).mean() < 0.05
    assert (made[blades > 0] == 0).mean() < 0.05
