"""The unknown band follows the picture: it reaches what is soft, leaves what is hard, and stays right."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from dim_model.band import adapted, into_fur
from dim_model.trimap import compose

SIZE = 160
EDGE = SIZE // 2
SOFT = 16
"""Half of the width of the edge in the lower half of the picture."""


def patches(seed: int, colour: tuple[float, float, float]) -> np.ndarray:
    small = np.random.default_rng(seed).uniform(-0.02, 0.02, (16, 16, 3)).astype(np.float32)
    return cv2.resize(small, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC) + np.float32(colour)


def scene() -> tuple[Tensor, np.ndarray]:
    """View and alpha: red on the left of blue, the border hard above and soft below."""
    x = np.arange(SIZE, dtype=np.float32) + 0.5 - EDGE
    alpha = np.where(np.arange(SIZE)[:, None] < SIZE // 2, x < 0, np.clip(0.5 - x / (2 * SOFT), 0, 1))
    alpha = alpha.astype(np.float32)
    a = alpha[..., None]
    rgb = a * patches(1, (0.7, 0.3, 0.2)) + (1 - a) * patches(2, (0.2, 0.3, 0.6))
    rgb += np.random.default_rng(3).normal(0, 0.004, rgb.shape)
    return torch.from_numpy(rgb.transpose(2, 0, 1).astype(np.float32)), alpha


def banded(width: int) -> Tensor:
    """float32 [1, H, W]: unknown so many pixels either side of the border."""
    x = torch.arange(SIZE).expand(1, 1, SIZE, SIZE) + 0.5 - EDGE
    return compose(x < -width, x > width)[0]


HARD_ROWS, SOFT_ROWS = slice(10, SIZE // 2 - 24), slice(SIZE // 2 + 24, SIZE - 10)


def test_the_band_grows_to_what_is_mixed_and_not_where_the_edge_is_hard() -> None:
    view, alpha = scene()
    made = adapted(view, banded(4), soft=20, hard=None)[0].numpy()
    mixed = (alpha > 0.12) & (alpha < 0.88)
    assert (made[SOFT_ROWS] == 0.5)[mixed[SOFT_ROWS]].mean() > 0.75
    assert (made[HARD_ROWS] == banded(4)[0].numpy()[HARD_ROWS]).mean() > 0.97


def fur() -> Tensor:
    """Strands stand out below; above the border is hard. Inside all has the subject's colour."""
    x, y = np.arange(SIZE) + 0.5 - EDGE, np.arange(SIZE)[:, None]
    strands = 0.7 * np.clip(1 - x / SOFT, 0, 1) * (0.5 + 0.5 * np.sin(y * 1.3))
    alpha = np.where(x < 0, 1.0, np.where(y < SIZE // 2, 0.0, strands)).astype(np.float32)[..., None]
    rgb = alpha * patches(1, (0.7, 0.3, 0.2)) + (1 - alpha) * patches(2, (0.2, 0.3, 0.6))
    return torch.from_numpy(rgb.transpose(2, 0, 1).astype(np.float32))


def test_the_band_reaches_into_a_body_with_fur_and_not_behind_a_hard_edge() -> None:
    inside = adapted(fur(), banded(12), soft=8, hard=3)[0, :, :EDGE].numpy() == 0.5
    assert inside[HARD_ROWS].sum(1).mean() < 6
    assert inside[SOFT_ROWS].sum(1).mean() > 9


def test_into_fur_alone_the_band_grows_nowhere_else() -> None:
    made = into_fur(fur(), banded(6), soft=8)[0].numpy()
    assert (made[SOFT_ROWS, :EDGE] == 0.5).sum(1).mean() > 8.5
    np.testing.assert_array_equal(made[HARD_ROWS], banded(6)[0, HARD_ROWS].numpy())
    for soft, trimap in ((0, banded(6)), (8, torch.ones(1, SIZE, SIZE))):
        assert torch.equal(into_fur(fur(), trimap, soft), trimap)


BALL, RADIUS, HAIR = 320, 90, 40
"""Side of a picture, radius of a ball in its middle, and how far what stands out of it reaches; pixels."""


def ball(*, hairs: int = 0, spikes: int = 0, alike: bool = False) -> tuple[Tensor, np.ndarray]:
    """View and alpha of a ball with hairs that thin out, or solid spikes; alike: before its own colours."""
    rng, large, scale = np.random.default_rng(7), np.zeros((4 * BALL, 4 * BALL), np.float32), 4
    middle = np.array([BALL / 2, BALL / 2])
    for n in range(hairs + spikes):
        turn = 2 * np.pi * n / (hairs + spikes) + rng.uniform(-0.05, 0.05)
        way = np.array([np.cos(turn), np.sin(turn)])
        tip = RADIUS + HAIR * (rng.uniform(0.3, 1) ** 2 if hairs else 1)
        line = [tuple(np.round(scale * (middle + way * at)).astype(int).tolist()) for at in (RADIUS - 4, tip)]
        cv2.line(large, *line, 1.0, 1 if hairs else 24, cv2.LINE_AA)
    alpha = cv2.resize(large, (BALL, BALL), interpolation=cv2.INTER_AREA)
    y, x = np.mgrid[:BALL, :BALL] + 0.5
    alpha = np.maximum(alpha, np.clip(RADIUS - np.hypot(y - middle[0], x - middle[1]) + 0.5, 0, 1))
    noise = rng.uniform(-0.08, 0.08, (2, BALL // 4, BALL // 4, 3)).astype(np.float32)
    front, back = (cv2.resize(some, (BALL, BALL), interpolation=cv2.INTER_CUBIC) for some in noise)
    front += np.float32(0.5)
    back += np.float32(0.5) if alike else np.float32((0.1, 0.3, 0.7))
    a = alpha[..., None]
    rgb = np.clip(a * front + (1 - a) * back, 0, 1).astype(np.float32)
    return torch.from_numpy(rgb.transpose(2, 0, 1).copy()), alpha


def around_the_ball(inner: float = 84, outer: float = 108) -> Tensor:
    y, x = np.mgrid[:BALL, :BALL] + 0.5 - BALL / 2
    far = torch.from_numpy(np.hypot(y, x))[None, None]
    return compose(far < inner, far > outer)[0]


def reached(view: Tensor) -> np.ndarray:
    """How far from the middle a carried mask's band reaches, in each direction of the compass, pixels."""
    made = into_fur(view, around_the_ball(), soft=8)[0].numpy() == 0.5
    y, x = np.mgrid[:BALL, :BALL] + 0.5 - BALL / 2
    turns = ((np.arctan2(y, x) + np.pi) / (2 * np.pi) * 16).astype(int) % 16
    return np.array([np.hypot(y, x)[made & (turns == turn)].max() for turn in range(16)])


def test_the_band_reaches_to_the_tips_of_fur_that_nobody_sees() -> None:
    view, alpha = ball(hairs=800)
    soft = (alpha > 0.02) & (alpha < 0.98)
    made = into_fur(view, around_the_ball(), soft=8)[0].numpy() == 0.5
    assert (around_the_ball()[0].numpy() == 0.5)[soft].mean() < 0.75
    assert made[soft].mean() > 0.98


@pytest.mark.parametrize("scene", [ball(), ball(spikes=24), ball(alike=True)], ids=["hard", "spiky", "alike"])
def test_a_hard_edge_and_solid_parts_and_colours_that_tell_nothing_are_no_fur(
    scene: tuple[Tensor, np.ndarray],
) -> None:
    assert reached(scene[0]).max() < 110


def test_of_a_small_subject_that_is_all_fur_something_stays_known() -> None:
    view, _ = ball(hairs=1400)
    trimap = around_the_ball(80, 130)[0].numpy()
    small = torch.from_numpy(cv2.resize(trimap, (160, 160), interpolation=cv2.INTER_NEAREST))[None]
    seen = cv2.resize(view.permute(1, 2, 0).numpy(), (160, 160), interpolation=cv2.INTER_AREA)
    made = into_fur(torch.from_numpy(seen.transpose(2, 0, 1).copy()), small, soft=4)
    for value in (0.0, 1.0):
        assert (made == value).sum() > 0.1 * (small == value).sum()


def test_the_band_shrinks_at_a_hard_edge_and_stays_right() -> None:
    view, alpha = scene()
    made = adapted(view, banded(18), soft=12, hard=3)[0].numpy()
    assert (made[HARD_ROWS] == 0.5).mean() < 0.7 * (banded(18) == 0.5).float().mean()
    known = made != 0.5
    assert np.abs(made - alpha)[known].max() < 0.1


def test_without_leave_to_shrink_what_is_unknown_stays_so() -> None:
    view, _ = scene()
    made = adapted(view, banded(18), soft=12, hard=None)
    assert (made[banded(18) == 0.5] == 0.5).all()


def test_it_may_be_turned_off() -> None:
    view, _ = scene()
    assert adapted(view, banded(4), soft=0, hard=None).equal(banded(4))


def test_a_trimap_without_one_side_is_left_alone() -> None:
    view, _ = scene()
    for trimap in (torch.full((1, SIZE, SIZE), 0.5), torch.zeros(1, SIZE, SIZE)):
        assert adapted(view, trimap, soft=12, hard=3).equal(trimap)


def test_a_large_frame_is_fitted_at_a_reduced_size() -> None:
    view, alpha = scene()
    large = torch.nn.functional.interpolate(view[None], scale_factor=4, mode="bilinear")[0]
    trimap = banded(4).repeat_interleave(4, -1).repeat_interleave(4, -2)
    made = adapted(large, trimap, soft=40, hard=None)
    assert made.shape == trimap.shape
    assert set(made.unique().tolist()) == {0.0, 0.5, 1.0}
    mixed = np.kron((alpha > 0.15) & (alpha < 0.85), np.ones((4, 4), bool))
    rows = slice(4 * SOFT_ROWS.start, 4 * SOFT_ROWS.stop)
    assert (made[0].numpy()[rows] == 0.5)[mixed[rows]].mean() > 0.75
