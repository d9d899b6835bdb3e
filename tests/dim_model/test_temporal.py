"""Smoothing calms what is noise, and nothing else."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from dim_model.flow import smaller
from dim_model.temporal import Steadier, Steady, handles

HEIGHT, WIDTH = 72, 96
RADIUS = 2
COLOUR = np.array([0.8, 0.25, 0.2], np.float32)

Clip = list[tuple[Tensor, Tensor]]


def wall(shift: float = 0.0, seed: int = 1) -> np.ndarray:
    small = np.random.default_rng(seed).uniform(0.2, 0.7, (10, 14, 3)).astype(np.float32)
    large = cv2.resize(small, (WIDTH + 32, HEIGHT), interpolation=cv2.INTER_CUBIC)
    move = np.array([[1, 0, -16 - shift], [0, 1, 0]], np.float32)
    return np.clip(cv2.warpAffine(large, move, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC), 0, 1)


def disc(x: float, soft: float = 2.5) -> np.ndarray:
    """float32 [H, W], exactly 0 and 1 away from its edge."""
    yy, xx = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    alpha = np.clip((16 - np.hypot(xx - x, yy - HEIGHT / 2)) / (2 * soft) + 0.5, 0, 1)
    return alpha.astype(np.float32)


def frame(alpha: np.ndarray, behind: np.ndarray) -> Tensor:
    a = alpha[..., None]
    return torch.from_numpy(np.ascontiguousarray((a * COLOUR + (1 - a) * behind).transpose(2, 0, 1)))


def noisy(alpha: np.ndarray, seed: int, sigma: float = 0.08) -> Tensor:
    """As a network that wavers gives it: wrong by noise, and only where it is unknown."""
    noise = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 1, alpha.shape), (0, 0), 1.0)
    wrong = alpha + sigma * noise / noise.std()
    unknown = (alpha > 0) & (alpha < 1)
    return torch.from_numpy(np.where(unknown, np.clip(wrong, 0.004, 0.996), alpha).astype(np.float32))[None]


def moving_disc(frames: int = 9) -> tuple[Clip, np.ndarray]:
    truth = np.stack([disc(36 + 1.5 * n) for n in range(frames)])
    return [(frame(a, wall()), noisy(a, n)) for n, a in enumerate(truth)], truth


def steady(clip: Clip, radius: int = RADIUS, clean: Tensor | None = None) -> list[Steady]:
    steadier = Steadier[int](radius)
    found = [made for n, (view, alpha) in enumerate(clip) for made in steadier.take(n, view, alpha, clean)]
    found += steadier.rest()
    assert [n for n, _ in found] == list(range(len(clip)))
    return [made for _, made in found]


def alphas(made: list[Steady]) -> np.ndarray:
    return np.stack([each.alpha[0].numpy() for each in made])


def drift(alpha: np.ndarray, truth: np.ndarray) -> float:
    return float(np.sqrt((np.diff(alpha - truth, axis=0) ** 2).mean()))


def test_what_wavers_is_calmed_and_comes_nearer_to_the_truth() -> None:
    clip, truth = moving_disc()
    plain, made = alphas(steady(clip, 0)), alphas(steady(clip))
    assert drift(made, truth) < 0.75 * drift(plain, truth)
    assert ((made - truth) ** 2).mean() < 0.7 * ((plain - truth) ** 2).mean()


def test_before_a_known_background_a_frame_is_believed_before_its_neighbours() -> None:
    """Where it is known, and only there: the left half, say, of what a camera ever saw bare."""
    clip, _ = moving_disc()
    clean = torch.from_numpy(wall().transpose(2, 0, 1).copy())
    clean[:, :, WIDTH // 2 :] = torch.nan
    plain, free, bound = alphas(steady(clip, 0)), alphas(steady(clip)), alphas(steady(clip, clean=clean))
    assert (bound[:, :, WIDTH // 2 :] == free[:, :, WIDTH // 2 :]).all()
    changed, less = (np.abs(made - plain)[:, :, : WIDTH // 2].mean() for made in (free, bound))
    assert 0.1 * changed < less < 0.6 * changed


def test_known_pixels_stay_as_they_are() -> None:
    clip, truth = moving_disc()
    known = (truth == 0) | (truth == 1)
    assert (alphas(steady(clip))[known] == truth[known]).all()


def test_without_a_radius_every_alpha_is_as_it_was() -> None:
    clip, _ = moving_disc(4)
    made = steady(clip, 0)
    assert all(each.alpha.equal(alpha) for each, (_, alpha) in zip(made, clip, strict=True))
    assert made[0].flicker == 0
    assert all(each.flicker > 0.02 for each in made[1:])


def test_flicker_falls_as_the_matte_is_calmed() -> None:
    clip, _ = moving_disc()
    plain, made = steady(clip, 0), steady(clip)
    assert np.mean([s.flicker for s in made]) < 0.85 * np.mean([s.flicker for s in plain])


def test_what_appears_is_not_smeared() -> None:
    """A half-clear veil drops over the wall in one frame, and stays."""
    behind = wall()
    bare, veiled = np.zeros((HEIGHT, WIDTH), np.float32), np.zeros((HEIGHT, WIDTH), np.float32)
    veiled[20:50, 30:60] = 0.5
    bare[20:50, 30:60] = 0.004  # unknown before, too: nothing but the picture tells when it comes
    truth = [bare] * 3 + [veiled] * 3
    clip = [(frame(a, behind), torch.from_numpy(a.copy())[None]) for a in truth]
    made = alphas(steady(clip))
    inner = np.s_[24:46, 34:56]
    for n in range(6):
        assert np.abs(made[n][inner] - truth[n][inner]).max() < 0.1, n


@pytest.mark.parametrize("at", [1, 4])
def test_a_cut_is_found_and_not_crossed(at: int) -> None:
    first, _ = moving_disc(at)
    others = [disc(70 - 2 * n) for n in range(4)]
    second = [(frame(a, wall(seed=9)[:, ::-1]), noisy(a, 50 + n)) for n, a in enumerate(others)]
    made = steady(first + second)
    assert [n for n, each in enumerate(made) if each.cut] == [at]
    apart = alphas(steady(first)), alphas(steady(second))
    assert (alphas(made) == np.concatenate(apart)).all()


def test_a_pan_and_a_flash_are_no_cuts() -> None:
    truth = [disc(36.0) for _ in range(5)]
    clip = [
        (frame(a, wall(4.0 * n)) * (1.25 if n == 3 else 1.0), torch.from_numpy(a)[None])
        for n, a in enumerate(truth)
    ]
    assert not any(each.cut for each in steady(clip))


def test_a_chunk_is_the_same_wherever_it_is_made() -> None:
    """Bit for bit, given its handles; so is its flicker, though the frame before was made elsewhere."""
    clip, _ = moving_disc()
    whole = steady(clip)
    for start in (1, 4, 7):
        first = max(0, start - handles(RADIUS))
        chunk = steady(clip[first:])[start - first :]
        for there, here in zip(whole[start:], chunk, strict=True):
            assert there.alpha.equal(here.alpha)
            assert (there.flicker, there.cut) == (here.flicker, here.cut)


def test_a_still_is_left_alone() -> None:
    clip, _ = moving_disc(1)
    (made,) = steady(clip)
    assert made.alpha.equal(clip[0][1])
    assert (made.flicker, made.cut) == (0.0, False)


@pytest.mark.parametrize("size", [(1080, 640), (360, 640), (200, 300)])
def test_a_large_frame_is_looked_at_roughly_and_seen_nearly_as_it_is(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(4)
    picture = cv2.GaussianBlur(rng.random((*size, 3), np.float32), (0, 0), 6)
    exact, rough = (smaller(picture, 100, roughly=roughly) for roughly in (False, True))
    assert rough.shape == exact.shape
    assert np.abs(rough - exact).mean() < 0.02 * np.ptp(exact)
