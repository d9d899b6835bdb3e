"""What the network makes of the validation crops, as pictures in TensorBoard: figures do not show why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor
from torchvision.utils import make_grid  # type: ignore[import-untyped]

from trainer.classes import classes
from trainer.pictures import unpack as unpack_picture
from trainer.stream import unpack

_ROWS = 6


def gallery(crops: Tensor, alpha: Tensor, rows: int = _ROWS) -> Tensor:
    """A row a crop: image, trimap, true alpha, prediction, error. float32 [3, H, W], 0..1.

    crops: packed, [B, 24, S, S]. alpha: the prediction, float32 [B, 1, S, S], 0..1.
    """
    _, truth = unpack(crops[:rows], "sampled")
    alpha = alpha[:rows].float()
    grey = (truth["trimap"], truth["alpha"], alpha, (alpha - truth["alpha"]).abs())
    columns = torch.stack([truth["image"], *(g.expand(-1, 3, -1, -1) for g in grey)], 1)
    return cast(Tensor, make_grid(columns.flatten(0, 1).cpu(), nrow=5, padding=4, pad_value=0.5))


def trimap_gallery(pictures: Tensor, found: Tensor, rows: int = _ROWS) -> Tensor:
    """The same of whole pictures: picture, alpha, the trimap that alpha asks for, the one that was found.

    pictures: packed, [B, 4, S, S]. found: float32 [B, 1, S, S] of 0, 0.5, 1.
    """
    rgb, alpha = unpack_picture(pictures[:rows])
    grey = (alpha, classes(alpha)[:, None] / 2, found[:rows])
    columns = torch.stack([rgb, *(g.expand(-1, 3, -1, -1) for g in grey)], 1)
    return cast(Tensor, make_grid(columns.flatten(0, 1).cpu(), nrow=4, padding=4, pad_value=0.5))


class Gallery(Callback):
    """Logs the first validation batch at every validation, as ``draw`` shows it."""

    def __init__(self, draw: Callable[[Tensor, Tensor], Tensor] = gallery) -> None:
        self._draw = draw

    def on_validation_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Tensor,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        if batch_idx or trainer.sanity_checking or not trainer.is_global_zero:
            return
        board = cast(Any, trainer.logger).experiment
        board.add_image("gallery", self._draw(batch, cast(Tensor, outputs)), trainer.global_step)
