"""Encoding: what a network is told of a frame."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from torch.nn.functional import pixel_shuffle

from dim_model import encode, guided, windows


def frame(seed: int = 0, height: int = 40, width: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    rgb = torch.rand(1, 3, height, width, generator=generator)
    trimap = torch.full((1, 1, height, width), 0.5)
    trimap[..., :20], trimap[..., 44:] = 0.0, 1.0
    return rgb, trimap


def test_channels_stand_where_their_names_say() -> None:
    rgb, trimap = frame()
    x = encode.encode(rgb, trimap)
    assert x.shape == (1, encode.CHANNELS["sampled"], 40, 64)
    assert torch.equal(x[:, encode.RGB], rgb)
    assert torch.equal(x[:, 3:4], (trimap == 1).float())
    assert torch.equal(x[:, 4:5], (trimap == 0).float())
    assert x[:, encode.ESTIMATES].min() >= 0
    assert x[:, encode.ESTIMATES].max() <= 1


def test_known_pixels_keep_their_alpha_and_their_colour() -> None:
    rgb, trimap = frame()
    x = encode.encode(rgb, trimap)
    known = trimap != 0.5
    for channel in (encode.GUIDED, encode.GUIDED_WIDE, encode.SAMPLED, encode.PROPAGATED):
        assert torch.equal(x[:, channel][known], trimap[known])
    inside = (trimap == 1).expand(-1, 3, -1, -1)
    assert torch.equal(x[:, encode.FOREGROUND][inside], rgb[inside])


def test_a_frame_with_one_side_unknown_everywhere_is_encoded_without_confidence() -> None:
    rgb, trimap = frame()
    trimap[trimap == 1] = 0.5
    x = encode.encode(rgb, trimap)
    assert torch.isfinite(x).all()
    assert x[:, encode.CONFIDENCE][trimap == 0.5].max() == 0


def test_turning_a_frame_turns_its_encoding() -> None:
    """Training relies on it: an encoded crop is mirrored rather than encoded again."""
    rgb, trimap = frame()
    smooth = torch.nn.functional.avg_pool2d(rgb, 9, 1, 4)
    exchanged = encode.encode(smooth[:, [2, 0, 1]], trimap)
    assert torch.allclose(
        exchanged[:, encode.GUIDED], encode.encode(smooth, trimap)[:, encode.GUIDED], atol=2e-3
    )


def test_plain_inputs_are_the_picture_and_the_trimap() -> None:
    rgb, trimap = frame()
    assert torch.equal(encode.encode(rgb, trimap, "plain"), torch.cat([rgb, trimap], 1))


def test_a_tile_is_that_part_of_the_encoded_frame() -> None:
    rgb, trimap = frame()
    for inputs in ("plain", "sampled"):
        whole = encode.encode(rgb, trimap, inputs)[0]
        room = encode.empty_tiles(3, (16, 24), inputs)
        encode.encode_tiles(rgb[0], trimap[0], [(0, 0), (8, 30), (30, 50)], inputs, room)
        tiles = pixel_shuffle(room, encode.PACK)
        assert torch.equal(tiles[1], whole[:, 8:24, 30:54])
        # Beyond the frame its edge is repeated.
        assert torch.equal(tiles[2][:, :10, :14], whole[:, 30:, 50:])
        assert torch.equal(tiles[2][:3, 10:, 0], whole[:3, -1:, 50].expand(-1, 6))


def everywhere(height: int = 32, width: int = 48) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A noisy guide, a constant weight, and a wish for every pixel."""
    rgb = np.random.default_rng(0).random((height, width, 3), np.float32)
    return rgb, np.ones((height, width), np.float32), np.ones((height, width), bool)


def test_guided_filter_returns_an_alpha_that_is_linear_in_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guided, "RIDGE", 1e-8)
    rgb, weight, wanted = everywhere()
    alpha = (rgb @ np.array([0.3, 0.2, 0.4], np.float32) + 0.05).astype(np.float32)
    assert np.abs(guided.smooth(rgb, alpha, weight, wanted, 5) - alpha.ravel()).max() < 1e-3


def test_guided_filter_ignores_what_has_no_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guided, "RIDGE", 1e-8)
    rgb, weight, wanted = everywhere()
    alpha = rgb.mean(-1)
    wrong = alpha.copy()
    wrong[10:14, 10:14], weight[10:14, 10:14] = 1.0 - alpha[10:14, 10:14], 1e-6
    assert np.abs(guided.smooth(rgb, wrong, weight, wanted, 6) - alpha.ravel()).max() < 5e-3


def test_guided_filter_agrees_with_pymatting_style_boxes() -> None:
    """Against the textbook: box means over whole frames, away from the edge."""
    rgb, weight, wanted = everywhere(40, 40)
    alpha = np.random.default_rng(1).random((40, 40), np.float32)

    def box(x: np.ndarray) -> np.ndarray:
        return cv2.blur(x.astype(np.float64), (11, 11), borderType=cv2.BORDER_REFLECT)

    mean, mean_alpha = box(rgb), box(alpha)
    square = np.stack([box(rgb[..., i : i + 1] * rgb).reshape(40, 40, 3) for i in range(3)], -2)
    covariance = square - mean[..., None] * mean[..., None, :] + guided.RIDGE * np.eye(3)
    cross = box(rgb * alpha[..., None]) - mean * mean_alpha[..., None]
    slope = np.linalg.solve(covariance, cross[..., None])[..., 0]
    offset = mean_alpha - (slope * mean).sum(-1)
    expected = np.clip((box(slope) * rgb).sum(-1) + box(offset), 0, 1)
    made = guided.smooth(rgb, alpha, weight, wanted, 5).reshape(40, 40)
    inside = (slice(11, -11), slice(11, -11))
    assert np.abs(made[inside] - expected[inside]).max() < 1e-4


def test_colours_are_told_of_cells_whose_first_pixel_is_known() -> None:
    """A column of unknown pixels, each beside a known one in its cell: red on the left of it, blue right."""
    rgb = np.zeros((32, 64, 3), np.float32)
    rgb[:, :33], rgb[:, 33:] = (0.9, 0.1, 0.1), (0.1, 0.2, 0.8)
    trimap = np.where(np.arange(64) < 33, np.float32(1), np.float32(0))[None].repeat(32, 0)
    trimap[:, 33] = 0.5
    picture, known = torch.from_numpy(rgb).permute(2, 0, 1)[None], torch.from_numpy(trimap)[None, None]
    made = encode.encode(picture, known)[0]
    for channels, colour in ((encode.FOREGROUND, rgb[0, 0]), (encode.BACKGROUND, rgb[0, -1])):
        told = made[channels, :, 33].T.numpy()
        # The cell itself is the mean of both colours, and has its part in what is told.
        assert np.abs(told - colour).max() < 0.3 * np.abs(rgb[0, 0] - rgb[0, -1]).max()


def test_window_means_read_only_what_has_weight() -> None:
    rng = np.random.default_rng(3)
    values, weight = rng.random((30, 250, 2), np.float32), (rng.random((30, 250)) < 0.4).astype(np.float32)
    values[weight == 0] = np.nan
    wanted = (weight > 0) & (rng.random((30, 250)) < 0.3)
    made = np.empty((30, 250, 6), np.float32)
    windows.means(values, weight, wanted, 4, made, 2)
    for y, x in np.argwhere(wanted)[::7]:
        window = (slice(max(0, y - 4), y + 5), slice(max(0, x - 4), x + 5))
        expected = values[window][weight[window] > 0].mean(0)
        np.testing.assert_allclose(made[y, x, 2:4], expected, atol=1e-5)
