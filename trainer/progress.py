"""How far a run is, on the terminal."""

from __future__ import annotations

from lightning.pytorch.callbacks import RichProgressBar


class StepsBar(RichProgressBar):
    """Of all steps of a run. Lightning's own counts those that were left when it went on, and numbers epochs,
    of which an endless stream has none.
    """

    @property
    def total_train_batches(self) -> int:
        return int(self.trainer.max_steps)

    def _get_train_description(self, current_epoch: int) -> str:
        return "Training"
