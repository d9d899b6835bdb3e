"""A network in training: one step, one schedule, for every network of ``dim_model.nets``."""

from __future__ import annotations

from typing import Any, cast

import lightning
import torch
from torch import Tensor

from dim_model.losses import losses
from dim_model.nets import build
from trainer.stream import unpack


def schedule(step: int, steps: int, warmup: int = 200, decay: float = 0.3) -> float:
    """Share of the full learning rate at ``step``: a short rise, a plateau, a linear fall over the last
    ``decay``.

    The plateau does not depend on ``steps``, so a run that did well can be given more steps and go on from a
    checkpoint of its plateau (Hu et al., MiniCPM, 2024, "warmup-stable-decay").
    """
    fall = max(1, int(steps * decay))
    return max(0.0, min((step + 1) / warmup, 1.0, (steps - step) / fall))


class Matting(lightning.LightningModule):
    """network: a name of ``dim_model.nets``. rate: AdamW's learning rate on the plateau. steps: length of the
    run.
    """

    def __init__(self, network: str, rate: float, steps: int) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.network = build(network)
        self._rate, self._steps = rate, steps

    def _terms(self, crops: Tensor) -> dict[str, Tensor]:
        x, truth = unpack(crops, cast(Any, self.network).inputs)
        outputs = self.network(x.contiguous(memory_format=torch.channels_last))
        return losses({name: value.float() for name, value in outputs.items()}, truth)

    def training_step(self, batch: Tensor, index: int) -> Tensor:
        terms = self._terms(batch)
        self.log_dict({f"train/{name}": term for name, term in terms.items()})
        return terms["total"]

    def validation_step(self, batch: Tensor, index: int) -> None:
        terms = self._terms(batch)
        self.log_dict({f"valid/{name}": term for name, term in terms.items()}, batch_size=len(batch))

    def configure_optimizers(self) -> Any:
        """AdamW; no weight decay on biases and normalisation, where it only pulls towards dead units."""
        matrices = [p for p in self.network.parameters() if p.ndim > 1]
        vectors = [p for p in self.network.parameters() if p.ndim <= 1]
        groups = [{"params": matrices, "weight_decay": 1e-3}, {"params": vectors, "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, lr=self._rate)
        steps = self._steps
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: schedule(step, steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}
