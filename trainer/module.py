"""A network in training: one step, one schedule, for every network of ``dim_model.nets`` that mattes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import lightning
import torch
from torch import Tensor, nn

from dim_model import metrics
from dim_model.losses import losses
from dim_model.nets import build
from trainer.refinement import delivered
from trainer.schedules import schedule
from trainer.stream import in_tiles, unpack


class DivergedError(ArithmeticError):
    """A loss or gradient that is no number any more; one sentence that names the batch."""


class Learner(lightning.LightningModule):
    """What every network's training shares. Its hyper-parameters name ``network``, ``rate``, ``steps``,
    ``epoch``, ``schedule``, ``decay``, ``optimizer`` and ``seed``.
    """

    network: nn.Module
    sources: Sequence[Mapping[str, str]] = ()
    """What the weights that it began with had been trained on: part of what comes of them."""

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["sources"] = [dict(source) for source in self.sources]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Rate, schedule and optimiser are those that were asked for now, not those of the checkpoint."""
        self.sources = checkpoint.get("sources", [])
        made = self.configure_optimizers()
        scheduler = made["lr_scheduler"]["scheduler"]
        kept = zip(checkpoint.get("optimizer_states", ()), checkpoint.get("lr_schedulers", ()), strict=True)
        for optimizer, schedules in kept:
            groups = made["optimizer"].state_dict()["param_groups"]
            for group, base, share in zip(groups, scheduler.base_lrs, scheduler.lr_lambdas, strict=True):
                group["lr"] = base * share(schedules["last_epoch"])
            optimizer["param_groups"] = groups
            schedules["base_lrs"] = scheduler.base_lrs

    def sound(self, terms: Mapping[str, Tensor]) -> Tensor:
        """Log the terms of a step; returns ``total``. Raises ``DivergedError``."""
        if not torch.isfinite(terms["total"]):
            bad = ", ".join(name for name, term in terms.items() if not torch.isfinite(term))
            raise self._diverged(f"The loss is no number any more ({bad})")
        self.log_dict({f"train/{name}": term for name, term in terms.items()})
        return terms["total"]

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """By norm, as Lightning does. Raises ``DivergedError``: a step along what is no number may be in the
        checkpoint before a loss shows it.
        """
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        norm = nn.utils.clip_grad_norm_(parameters, gradient_clip_val or torch.inf)
        # With 16-mixed a scaler finds such steps, leaves them out, and scales less.
        if getattr(self.trainer.precision_plugin, "scaler", None) is None and not torch.isfinite(norm):
            raise self._diverged("The gradient is no number any more")

    def _diverged(self, what: str) -> DivergedError:
        batch = f"batch {self.global_step} of seed {self.hparams['seed']}"
        last = Path(self.trainer.default_root_dir) / "last.ckpt"
        kept = "the last checkpoint is good: go on from it" if last.exists() else "begin again"
        return DivergedError(f"{what} in {batch}; {kept} with a lower --rate.")

    def parts(self) -> list[tuple[float, list[nn.Parameter]]]:
        """Parameters that learn at a share of the rate of their own."""
        return [(1.0, list(self.network.parameters()))]

    def configure_optimizers(self) -> Any:
        """No weight decay on biases and normalisation, where it only pulls towards dead units."""
        own = self.hparams
        weight_decay = 1e-3 if own["optimizer"] == "adamw" else 0.0
        groups: list[dict[str, Any]] = []
        for part, parameters in self.parts():
            matrices = [p for p in parameters if p.ndim > 1]
            vectors = [p for p in parameters if p.ndim <= 1]
            rate = part * own["rate"]
            groups.append({"params": matrices, "weight_decay": weight_decay, "lr": rate})
            groups.append({"params": vectors, "weight_decay": 0.0, "lr": rate})
        optimizer = (torch.optim.AdamW if own["optimizer"] == "adamw" else torch.optim.Adam)(
            groups, lr=own["rate"]
        )
        share = schedule(
            own["schedule"], steps=own["steps"], decay=own["decay"], rate=own["rate"], epoch=own["epoch"]
        )
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


class Matting(Learner):
    """network: a name of ``dim_model.nets``. rate: the full learning rate. steps: length of the run. epoch:
    steps from one validation to the next. ``schedule`` and ``decay``: see ``trainer.schedules``. optimizer:
    ``adamw`` or ``adam``.
    """

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
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.network = build(network)

    def _outputs(self, crops: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        x, truth = unpack(crops, cast(Any, self.network).inputs)
        outputs = self.network(x.contiguous(memory_format=torch.channels_last))
        outputs = {name: value.float() for name, value in outputs.items()}
        outputs["alpha"] = delivered(outputs["alpha"], truth["image"], truth["trimap"] == 0.5)
        return outputs, truth

    def training_step(self, batch: Tensor, index: int) -> Tensor:
        """``batch``: packed crops [B, C, S, S], or the frames of clips [B, T, C, S, S]; they are seen in
        tiles, as those of a frame.
        """
        frames = batch.shape[1] if batch.ndim == 5 else 1
        terms = losses(*self._outputs(in_tiles(batch, cast(Any, self.network).tiling.height)), frames)
        return self.sound(terms)

    def validation_step(self, batch: Tensor, index: int) -> Tensor:
        """Loss terms and the field's measures, per crop; returns the alpha, [B, 1, S, S], 0..1."""
        outputs, truth = self._outputs(batch)
        alpha = torch.where(truth["trimap"] == 0.5, outputs["alpha"].clamp(0, 1), truth["trimap"])
        figures = {name: term.mean() for name, term in losses(outputs, truth).items()}
        for measure in (metrics.sad, metrics.mse, metrics.grad):
            figures[measure.__name__] = measure(alpha, truth["alpha"], truth["trimap"]).mean()
        named = {f"valid/{name}": figure for name, figure in figures.items()}
        self.log_dict(named, batch_size=len(batch), sync_dist=True)
        return alpha
