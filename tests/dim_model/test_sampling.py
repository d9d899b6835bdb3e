"""Sampling: the pair of known colours that explains an unknown pixel."""

from __future__ import annotations

import numpy as np

from dim_model import sampling
from dim_model.numbered import read
from dim_model.sampling import QUICK, THOROUGH, Effort, Samples
from dim_model.unknown import Unknown

RED, BLUE = np.array([0.9, 0.1, 0.1], np.float32), np.array([0.1, 0.2, 0.8], np.float32)


def sample(
    rgb: np.ndarray, trimap: np.ndarray, clean: np.ndarray | None = None, effort: Effort = QUICK
) -> Samples:
    unknown = Unknown.of(rgb, trimap == 0.5)
    behind = None if clean is None else read(clean, unknown.pixels, trimap.shape[1])
    return sampling.sample(sampling.by_cells(rgb), trimap, unknown, behind, effort)


def ramp(width: int = 48, height: int = 24) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Red turning into blue from left to right, known at both ends."""
    alpha = np.clip(np.linspace(1.5, -0.5, width, dtype=np.float32), 0, 1)[None].repeat(height, 0)
    rgb = alpha[..., None] * RED + (1 - alpha[..., None]) * BLUE
    trimap = np.full(alpha.shape, 0.5, np.float32)
    trimap[alpha == 1], trimap[alpha == 0] = 1, 0
    return rgb.astype(np.float32), trimap, alpha


def test_alpha_between_two_flat_colours_is_found() -> None:
    rgb, trimap, alpha = ramp()
    found = sample(rgb, trimap)
    assert np.abs(found.alpha - alpha[trimap == 0.5]).max() < 0.02
    assert np.abs(found.foreground - RED).max() < 0.05
    assert np.abs(found.background - BLUE).max() < 0.05
    assert found.confidence.min() > 0.6


def test_a_colour_that_no_pair_explains_has_little_confidence() -> None:
    rgb, trimap, _ = ramp()
    odd = rgb.copy()
    odd[10:14, 20:28] = (0.1, 0.95, 0.1)
    found = sample(odd, trimap)
    strange = (odd == np.float32([0.1, 0.95, 0.1])).all(-1)[trimap == 0.5]
    assert found.confidence[strange].max() < 0.5 * found.confidence[~strange].mean()


def test_before_a_background_that_is_known_alpha_is_found_where_no_sample_tells() -> None:
    """Behind the unknown region alone is a door, in a colour between the two sides."""
    rgb, trimap, alpha = ramp()
    clean = np.broadcast_to(BLUE, rgb.shape).copy()
    clean[6:18, 12:36] = (0.5, 0.15, 0.45)
    rgb = (alpha[..., None] * RED + (1 - alpha[..., None]) * clean).astype(np.float32)
    clean[:, :14] = np.nan  # not seen there

    def error(found: Samples) -> float:
        return float(np.abs(found.alpha - alpha[trimap == 0.5]).mean())

    assert error(sample(rgb, trimap)) > 0.05
    known = sample(rgb, trimap, clean)
    assert error(known) < 0.02
    assert np.isfinite(known.background).all()


def test_thoroughly_sought_pairs_explain_more() -> None:
    """Patches of two pixels in many colours, so that a neighbour's pair is of another thing."""
    rng = np.random.default_rng(5)
    rgb = np.kron(rng.random((24, 36, 3), np.float32), np.ones((2, 2, 1), np.float32))
    trimap = np.full((48, 72), 0.5, np.float32)
    trimap[:, :18], trimap[:, 54:] = 0, 1
    quick, thorough = (sample(rgb, trimap, effort=effort).confidence for effort in (QUICK, THOROUGH))
    assert thorough.mean() > quick.mean() + 0.01


def test_the_same_frame_gives_the_same_bytes() -> None:
    rng = np.random.default_rng(4)
    rgb = rng.random((40, 60, 3), np.float32)
    trimap = np.full((40, 60), 0.5, np.float32)
    trimap[:, :15], trimap[:, 45:] = 0, 1
    first, second = sample(rgb, trimap), sample(rgb, trimap)
    assert first.alpha.tobytes() == second.alpha.tobytes()
    assert first.foreground.tobytes() == second.foreground.tobytes()


def test_a_find_goes_from_block_to_block() -> None:
    """A stripe whose colour one known cell far along it has alone: the search there finds it, and tells."""
    rng = np.random.default_rng(6)
    rgb = np.full((64, 256, 3), 0.5, np.float32) + rng.normal(0, 0.01, (64, 256, 3)).astype(np.float32)
    trimap = np.full((64, 256), 0.5, np.float32)
    trimap[:16], trimap[48:] = 1, 0
    rgb[:16], rgb[48:] = RED, BLUE
    green = np.array([0.1, 0.9, 0.2], np.float32)
    rgb[16:48] = 0.5 * green + 0.5 * BLUE
    rgb[:16, :8] = green
    alone = sample(rgb, trimap, effort=Effort(4, 8, ()))
    told = sample(rgb, trimap, effort=Effort(4, 8, (((-1, 0), (1, 0), (0, -1), (0, 1)),) * 24))

    def is_found(found: Samples) -> float:
        return float((np.abs(found.alpha.reshape(32, 256) - 0.5) < 0.05).mean())

    assert is_found(told) > is_found(alone) + 0.2


def test_a_cell_takes_the_pair_that_suits_its_own_colour() -> None:
    """Two things side by side, the border between them in the midst of a block: each cell is of its own."""
    rgb, trimap, alpha = ramp(width=48, height=24)
    green = np.array([0.1, 0.9, 0.2], np.float32)
    rgb[10:] = (alpha[10:, :, None] * green + (1 - alpha[10:, :, None]) * BLUE).astype(np.float32)
    found = sample(rgb, trimap)
    assert np.abs(found.alpha - alpha[trimap == 0.5]).mean() < 0.005


def test_a_colour_that_is_no_number_takes_down_nothing() -> None:
    rgb, trimap, _ = ramp()
    rgb[8:12, 20:28] = np.nan
    for effort in (QUICK, THOROUGH):
        found = sample(rgb, trimap, effort=effort)
        assert len(found.alpha) == (trimap == 0.5).sum()
