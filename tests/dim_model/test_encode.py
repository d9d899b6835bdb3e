"""Encoding: what a network is told of a frame."""

from __future__ import annotations

import numpy as np
import torch

from dim_model import encode, guided


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
    assert torch.equal(x[:, encode.UNKNOWN], (trimap == 0.5).float())
    assert x[:, 11:15].min() >= 0
    assert x[:, 11:15].max() <= 1


def test_known_pixels_keep_their_alpha_and_their_colour() -> None:
    rgb, trimap = frame()
    x = encode.encode(rgb, trimap)
    known = trimap != 0.5
    for channel in (encode.GUIDED, encode.GUIDED_WIDE, encode.SAMPLED):
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


def test_guided_filter_returns_an_alpha_that_is_linear_in_colour() -> None:
    rng = np.random.default_rng(0)
    rgb = rng.random((32, 48, 3), np.float32)
    alpha = (rgb @ np.array([0.3, 0.2, 0.4], np.float32) + 0.05).astype(np.float32)
    weight = np.ones_like(alpha)
    assert np.abs(guided.smooth(rgb, alpha, weight, 5, ridge=1e-8) - alpha).max() < 1e-3


def test_guided_filter_ignores_what_has_no_weight() -> None:
    rng = np.random.default_rng(0)
    rgb = rng.random((32, 48, 3), np.float32)
    alpha = rgb.mean(-1)
    weight = np.ones_like(alpha)
    wrong = alpha.copy()
    wrong[10:14, 10:14], weight[10:14, 10:14] = 1.0 - alpha[10:14, 10:14], 1e-6
    assert np.abs(guided.smooth(rgb, wrong, weight, 6, ridge=1e-8) - alpha).max() < 5e-3
