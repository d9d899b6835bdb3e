"""Losses: each term against its equation on numbers small enough to do by hand."""

from __future__ import annotations

import pytest
import torch

from dim_model import losses as terms


def test_a_perfect_matte_costs_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    alpha = torch.rand(2, 1, 32, 32, generator=generator)
    fg, bg = torch.rand(2, 3, 32, 32, generator=generator), torch.rand(2, 3, 32, 32, generator=generator)
    truth = {"alpha": alpha, "foreground": fg, "background": bg, "trimap": torch.full_like(alpha, 0.5)}
    truth["image"] = alpha * fg + (1 - alpha) * bg
    outputs = {"alpha": alpha, "coarse": alpha}
    found = terms.losses(outputs, truth, frames=2)
    assert set(found) == set(terms.WEIGHTS) | {"total"}
    assert all(float(cost) < 1e-4 for cost in found.values())


def test_known_pixels_teach_nothing() -> None:
    alpha, wrong = torch.zeros(1, 1, 16, 16), torch.ones(1, 1, 16, 16)
    unknown = torch.zeros(1, 1, 16, 16)
    unknown[..., :4, :4] = 1
    wrong[..., :4, :4] = 0
    for term in (terms.alpha_prediction, terms.square, terms.laplacian, terms.gradient):
        assert float(term(wrong, alpha, unknown)) < 1e-5


def test_alpha_prediction_and_square_are_means_over_the_unknown() -> None:
    alpha, truth = torch.full((1, 1, 8, 8), 0.75), torch.full((1, 1, 8, 8), 0.5)
    unknown = torch.zeros(1, 1, 8, 8)
    unknown[..., :2] = 1
    assert float(terms.alpha_prediction(alpha, truth, unknown)) == pytest.approx(0.25, abs=1e-5)
    assert float(terms.square(alpha, truth, unknown)) == pytest.approx(0.0625)


def test_composition_is_measured_in_the_picture() -> None:
    shape = (1, 3, 8, 8)
    fg, bg, image = torch.full(shape, 0.9), torch.full(shape, 0.1), torch.full(shape, 0.5)
    unknown = torch.ones(1, 1, 8, 8)
    assert float(terms.composition(torch.full((1, 1, 8, 8), 0.5), image, fg, bg, unknown)) < 1e-5
    assert float(terms.composition(torch.ones(1, 1, 8, 8), image, fg, bg, unknown)) == pytest.approx(
        0.4, abs=1e-5
    )


def test_gradient_sees_a_lost_edge_and_no_constant_offset() -> None:
    edge = torch.zeros(1, 1, 8, 8)
    edge[..., 4:] = 1
    unknown = torch.ones_like(edge)
    assert float(terms.gradient(edge + 0.1, edge, unknown)) < 1e-6
    assert float(terms.gradient(torch.full_like(edge, 0.5), edge, unknown)) == pytest.approx(1 / 7)


def test_temporal_sees_flicker_and_no_error_that_stays() -> None:
    """Two clips of two frames; in the second the truth moves and the matte with it."""
    truth = torch.zeros(4, 1, 8, 8)
    truth[2, ..., :4], truth[3, ..., 1:5] = 1, 1
    unknown = torch.ones_like(truth)
    steady = truth + 0.25
    assert float(terms.temporal(steady, truth, unknown, 2)) < 1e-6
    flicker = truth.clone()
    flicker[1] += 0.5
    assert float(terms.temporal(flicker, truth, unknown, 2)) == pytest.approx(0.25)
    jump = truth.clone()
    jump[2] += 0.5
    jump[3] += 0.5  # from clip to clip nothing is compared
    assert float(terms.temporal(jump, truth, unknown, 2)) < 1e-6


def test_temporal_counts_where_either_frame_is_unknown() -> None:
    truth, unknown = torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 4, 4)
    unknown[1, ..., :1] = 1
    alpha = truth.clone()
    alpha[1, ..., :1] = 1
    assert float(terms.temporal(alpha, truth, unknown, 2)) == pytest.approx(1)


def test_laplacian_weighs_broad_errors_more_than_fine_ones() -> None:
    truth, unknown = torch.zeros(1, 1, 64, 64), torch.ones(1, 1, 64, 64)
    checker = (torch.arange(64)[:, None] + torch.arange(64)) % 2 * 0.2 - 0.1
    broad = torch.zeros(64, 64)
    broad[:, :32], broad[:, 32:] = 0.1, -0.1
    fine_cost = float(terms.laplacian(checker[None, None], truth, unknown))
    assert fine_cost == pytest.approx(0.1 / 4, rel=0.05)
    assert float(terms.laplacian(broad[None, None], truth, unknown)) > 0


def test_beyond_the_right_end_nothing_is_wrong_and_beyond_the_wrong_one_still_teaches() -> None:
    true, other = torch.zeros(1, 1, 16, 16), torch.zeros(1, 3, 16, 16)
    truth = {"alpha": true, "image": other, "foreground": other, "background": other}
    truth["trimap"] = torch.full_like(true, 0.5)
    right = torch.full_like(true, -0.01).requires_grad_()
    assert float(terms.losses({"alpha": right}, truth)["total"].detach()) < 1e-4
    wrong = torch.full_like(true, 1.01).requires_grad_()
    found = terms.losses({"alpha": wrong}, truth)
    assert float(found["square"].detach()) == pytest.approx(1)
    found["total"].backward()
    assert wrong.grad is not None
    assert (wrong.grad > 0).all()


def test_an_easy_picture_that_gets_better_by_half_is_heard_beside_a_hard_one() -> None:
    """To the mean over all pixels alone it is 0.008 of what the hard one is."""
    true, other = torch.zeros(2, 1, 32, 32), torch.zeros(2, 3, 32, 32)
    truth = {"alpha": true, "image": other, "foreground": other, "background": other}
    truth["trimap"] = torch.full_like(true, 0.5)

    def cost(easy: float, hard: float) -> dict[str, float]:
        alpha = torch.tensor([easy, hard]).view(2, 1, 1, 1).expand_as(true)
        return {name: float(term) for name, term in terms.losses({"alpha": alpha}, truth).items()}

    before, easier, harder = cost(0.04, 0.8), cost(0.02, 0.8), cost(0.04, 0.4)
    gains = [before["total"] - after["total"] for after in (easier, harder)]
    assert gains[0] > 0.02 * gains[1]
    assert before["alpha"] - easier["alpha"] == pytest.approx(0.01, abs=1e-5)
    assert before["alpha"] - harder["alpha"] == pytest.approx(0.2, abs=1e-5)


def test_every_unknown_pixel_weighs_the_same_in_the_terms() -> None:
    true, other = torch.zeros(2, 1, 32, 32), torch.zeros(2, 3, 32, 32)
    truth = {"alpha": true, "image": other, "foreground": other, "background": other}
    truth["trimap"] = torch.zeros_like(true)
    truth["trimap"][0, ..., :24], truth["trimap"][1, ..., :8] = 0.5, 0.5
    alpha = torch.tensor([0.1, 0.5]).view(2, 1, 1, 1).expand_as(true)
    assert float(terms.losses({"alpha": alpha}, truth)["alpha"]) == pytest.approx(0.2, abs=1e-5)
