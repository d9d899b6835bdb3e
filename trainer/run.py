"""What fixes a training run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

VALIDATION_SEED = 999_983
"""Never a training seed: validation crops are drawn by the same generator, from scenes that no run has
trained on.
"""


@dataclass(frozen=True)
class Run:
    """What fixes a run. folder: checkpoints and TensorBoard's events. photos: folder of photographs. epoch:
    steps from one checkpoint and validation to the next; a run is a whole number of them, so ``steps`` is
    rounded up. batch: crops a step and a process. indexes: of ``dim-train prepare``, whose foregrounds are in
    a ``share`` of the scenes. clips: share of the steps that see moving crops, two frames of each. plates:
    share of the still scenes whose background is known, as from a clean plate. encoder:
    what the encoder of ``trimap`` begins with, ``imagenet`` or ``none``; the other networks begin with
    nothing. begin: a published version's folder, or a checkpoint, whose weights the first step begins with.
    """

    network: str
    photos: Path
    folder: Path
    steps: int
    batch: int = 16
    crop: int = 336
    scene: int = 512
    validation: int = 64
    rate: float = 2e-3
    schedule: str = "plateau"
    decay: float = 0.3
    optimizer: str = "adamw"
    seed: int = 1
    workers: int = 1
    epoch: int = 250
    precision: str = "bf16-mixed"
    gpus: Sequence[int] = ()
    indexes: Sequence[Path] = ()
    share: float = 0.25
    clips: float = 0.0
    plates: float = 0.0
    pool: int = 192
    encoder: str = "none"
    begin: Path | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "epoch", min(self.epoch, self.steps))
        object.__setattr__(self, "steps", -(-self.steps // self.epoch) * self.epoch)
