"""The last step of a matte as a layer: the daemon's own numbers, and the gradient of them."""

from __future__ import annotations

import torch

from dim_model.finish import settled
from dim_model.refine import refined
from trainer.refinement import delivered


def _scene() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(1)
    image = 0.4 + 0.1 * torch.rand(2, 3, 20, 24, generator=random)
    alpha = 1.4 * torch.rand(2, 1, 20, 24, generator=random) - 0.2
    return image, alpha, torch.rand(2, 1, 20, 24, generator=random) < 0.6


def test_training_sees_what_the_daemon_delivers() -> None:
    image, alpha, unknown = _scene()
    made = delivered(alpha, image, unknown)
    for picture, raw, where, found in zip(image, alpha, unknown, made, strict=True):
        ends = settled(raw[0]).clamp(0, 1).numpy()
        mixed = where[0].numpy() & (ends > 0) & (ends < 1)
        expected = refined(picture.permute(1, 2, 0).contiguous().numpy(), ends, mixed)
        assert torch.equal(found[0], torch.from_numpy(expected))


def test_a_mixed_pixels_gradient_is_what_the_loss_changes_by() -> None:
    image, alpha, unknown = _scene()
    weight = torch.rand(alpha.shape, generator=torch.Generator().manual_seed(2))
    asked = alpha.clone().requires_grad_()
    (delivered(asked, image, unknown) * weight).sum().backward()
    assert asked.grad is not None
    inside = unknown & (alpha > 0.1) & (alpha < 0.9)
    step = 0.05 * inside * torch.rand(alpha.shape, generator=torch.Generator().manual_seed(3))
    change = delivered(alpha + step, image, unknown) - delivered(alpha - step, image, unknown)
    torch.testing.assert_close((asked.grad * step).sum(), 0.5 * (change * weight).sum(), rtol=2e-3, atol=1e-4)


def test_a_wrong_end_is_told_so() -> None:
    """Beyond 0 and 1 nothing changes with alpha, and yet it may be the wrong end."""
    image, _, unknown = _scene()
    asked = torch.full((2, 1, 20, 24), 1.5, requires_grad=True)
    delivered(asked, image, unknown).sum().backward()
    assert asked.grad is not None
    assert bool((asked.grad > 0).all())
