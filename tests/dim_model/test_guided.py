"""Lines of alpha, read where they are wanted and nowhere else."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dim_model import guided


@pytest.mark.parametrize("size", [(18, 28), (19, 22), (180, 320), (360, 640)])
def test_a_line_beside_the_wanted_ones_is_never_read(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    wanted = rng.random(size) < 0.3
    lines = np.full((*size, 1, 4), np.nan, np.float32)  # what memory that nobody wrote to may hold
    lines[wanted] = (0, 0, 0, 0.25)
    pixels = np.flatnonzero(wanted)
    made, colours = np.zeros((pixels.size, 2), np.float32), rng.random((pixels.size, 3)).astype(np.float32)
    guided.applied(colours, lines, pixels, *size, made, np.array([1]))
    assert (made[:, 1] == np.float32(0.25)).all()
    assert not made[:, 0].any()


@pytest.mark.parametrize("size", [(60, 80), (3, 50), (1, 1)])
def test_of_wide_windows_some_say_what_all_do(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(7)
    rgb = cv2.GaussianBlur(rng.random((*size, 3), np.float32), (0, 0), 3).reshape(*size, 3)
    alpha = rgb @ np.array([0.5, 0.3, 0.2], np.float32)
    made = []
    for apart in (1, 3):
        lines = np.full((*size, 1, 4), np.nan, np.float32)
        wanted = np.ones(size, np.bool_)
        guided.lines(rgb, alpha[..., None], np.ones_like(alpha), wanted, 5, 1e-6, lines, apart=apart)
        made.append((rgb * lines[..., 0, :3]).sum(-1) + lines[..., 0, 3])
    assert np.abs(made[1] - made[0]).max() < 0.01
    assert np.abs(made[1] - alpha).max() < 0.02


def test_alphas_that_are_fitted_together_have_the_lines_of_each() -> None:
    rng = np.random.default_rng(8)
    rgb, alphas = rng.random((40, 70, 3), np.float32), rng.random((40, 70, 2), np.float32)
    weight, wanted = rng.uniform(0.1, 1, (40, 70)).astype(np.float32), rng.random((40, 70)) < 0.2
    together, alone = (np.zeros((40, 70, 3, 4), np.float32) for _ in range(2))
    guided.lines(rgb, alphas, weight, wanted, 2, 1e-5, together, 1)
    for n in range(2):
        guided.lines(rgb, alphas[..., n : n + 1], weight, wanted, 2, 1e-5, alone, 1 + n)
    np.testing.assert_allclose(together[wanted], alone[wanted], atol=1e-5)
    assert not together[..., 0, :].any()
