"""The largest batch that fits, found by trying rather than guessed from errors."""

from __future__ import annotations

from collections.abc import Callable

import torch

from dim_model.losses import losses
from dim_model.nets import build, channels_of, inputs_of, is_matting
from trainer import classes

ON_CPU = 16
"""A processor has no memory of its own to fill, and gains nothing from more."""


def largest(fits: Callable[[int], bool], limit: int = 1024) -> int:
    """The largest of 1, 2, 4 … or one and a half times such a number that ``fits``; 0 when not even 1."""
    size = 0
    while size < limit and fits(max(1, 2 * size)):
        size = max(1, 2 * size)
    between = size + size // 2
    return between if size > 1 and between <= limit and fits(between) else size


def largest_batch(network: str, crop: int, device: torch.device, frames: int = 1) -> int:
    """How many crops of ``crop`` pixels ``network`` trains on at once on ``device``, a tenth left free.

    frames: of a crop; more than one where some of them move.
    """
    if device.type == "cpu":
        return ON_CPU
    module = build(network).to(device).to(memory_format=torch.channels_last)
    channels, mattes = channels_of(inputs_of(network)), is_matting(network)

    def fits(size: int) -> bool:
        try:
            x = torch.rand(frames * (size + -(-size // 10)), channels, crop, crop, device=device)
            colour, grey = torch.rand_like(x[:, :3]), torch.full_like(x[:, :1], 0.5)
            truth = {"image": colour, "foreground": colour, "background": colour}
            with torch.autocast(device.type, torch.bfloat16):
                outputs = module(x.contiguous(memory_format=torch.channels_last))
            floats = {name: value.float() for name, value in outputs.items()}
            terms = (
                losses(floats, truth | {"alpha": grey, "trimap": grey})
                if mattes
                else classes.losses(floats["logits"], classes.classes(grey))
            )
            total = terms["total"]
            torch.autograd.backward(total)
        except torch.OutOfMemoryError:
            return False
        finally:
            module.zero_grad(set_to_none=True)
            torch.cuda.empty_cache()
        return True

    return largest(fits)
