"""The trimap network in training, and what it is validated by."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from dim_model import segment
from dim_model.nets import build
from dim_model.nets.trimap import Lite0
from trainer.classes import classes, counts, figures, losses
from trainer.module import Learner
from trainer.pictures import unpack

_PRETRAINED = 0.25
"""Of the full rate, for an encoder that comes from ImageNet: it has more to lose than to learn."""


class Segmenting(Learner):
    """As ``Matting``; ``encoder``: what the encoder began with, ``imagenet`` or ``none``."""

    def __init__(
        self,
        network: str,
        rate: float,
        steps: int,
        epoch: int = 250,
        schedule: str = "plateau",
        decay: float = 0.3,
        optimizer: str = "adamw",
        seed: int = 1,
        encoder: str = "none",
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.network = build(network)
        self._table = torch.zeros(4, 3, dtype=torch.int64)
        self.reached: dict[str, float] = {}

    @property
    def encoder(self) -> Lite0:
        return cast(Lite0, self.network.encoder)

    def parts(self) -> list[tuple[float, list[nn.Parameter]]]:
        """The encoder by itself, since it may come from elsewhere."""
        encoder = list(self.encoder.parameters())
        known = {id(p) for p in encoder}
        others = [p for p in self.network.parameters() if id(p) not in known]
        share = _PRETRAINED if self.hparams["encoder"] == "imagenet" else 1.0
        return [(share, encoder), (1.0, others)]

    def _outputs(self, packed: Tensor) -> tuple[Tensor, Tensor]:
        rgb, alpha = unpack(packed)
        logits: Tensor = self.network(rgb.contiguous(memory_format=torch.channels_last))["logits"]
        return logits.float(), alpha

    def training_step(self, batch: Tensor, index: int) -> Tensor:
        """``batch``: packed pictures [B, 4, S, S]."""
        logits, alpha = self._outputs(batch)
        return self.sound(losses(logits, classes(alpha)))

    def on_validation_epoch_start(self) -> None:
        self._table = torch.zeros(4, 3, dtype=torch.int64, device=self.device)

    def validation_step(self, batch: Tensor, index: int) -> Tensor:
        """Returns the trimaps as the daemon would make them, float32 [B, 1, S, S] of 0, 0.5, 1."""
        logits, alpha = self._outputs(batch)
        terms = {f"valid/{name}": term for name, term in losses(logits, classes(alpha)).items()}
        self.log_dict(terms, batch_size=len(batch), sync_dist=True)
        likely = torch.softmax(logits, 1)
        size = (int(alpha.shape[-2]), int(alpha.shape[-1]))
        found = torch.stack([segment.trimap_of(each, size) for each in likely])
        self._table += counts(found, alpha)
        return found

    def on_validation_epoch_end(self) -> None:
        """IoU of sums, not the mean of IoUs: a batch without a subject has no say of its own."""
        table = cast(Tensor, self.trainer.strategy.reduce(self._table.double(), reduce_op="sum"))
        reached = figures(table)
        self.log_dict({f"valid/{name}": value for name, value in reached.items()}, sync_dist=True)
        if not self.trainer.sanity_checking:
            self.reached = {name: round(value, 4) for name, value in reached.items()}
            self.reached |= {"step": self.global_step}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """The figures of the last validation, and its step, go with the weights, for the card that they are
        published with: ``best.ckpt`` is written after its own, ``last.ckpt`` before.
        """
        super().on_save_checkpoint(checkpoint)
        checkpoint["figures"] = dict(self.reached)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_load_checkpoint(checkpoint)
        self.reached = dict(checkpoint.get("figures", {}))
        # What it began with does not change by going on elsewhere: the card is to tell.
        self.hparams["encoder"] = checkpoint["hyper_parameters"]["encoder"]
