"""A run whose numbers are none any more: it stops, names the batch, and its last checkpoint is good."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from dim_model.losses import losses
from trainer.checkpoint import read
from trainer.fit import Run, fit
from trainer.module import DivergedError, Matting

pytestmark = [
    # Lightning's advice on settings that are meant as they are; each is about speed, none about results.
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def small(photos: Path, folder: Path) -> Run:
    own: dict[str, Any] = {"batch": 2, "crop": 64, "scene": 96, "validation": 2, "workers": 0, "pool": 2}
    return Run("swift", photos, folder, 6, epoch=2, **own)


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_good(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = small(photos, tmp_path)
    nothing = {"total": torch.tensor(torch.nan), "alpha": torch.tensor(torch.nan)}
    monkeypatch.setattr(
        "trainer.module.losses",
        lambda *given: losses(*given) if next(calls) < 3 + 4 else nothing,
    )
    calls = itertools.count()
    with pytest.raises(DivergedError, match=r"no number any more \(total, alpha\) in batch \d of seed 1"):
        fit(run, progress=False)
    assert all(torch.isfinite(t).all() for t in read(run.folder / "last.ckpt").state.values())


def test_a_gradient_that_is_no_number_stops_the_run_before_a_checkpoint_has_it(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the last batch before a checkpoint, whose own loss is good."""
    run, step = small(photos, tmp_path), Matting.training_step

    def steep(self: Matting, batch: Tensor, index: int) -> Tensor:
        total = step(self, batch, index)
        if self.global_step == 2 * run.epoch - 1:
            total.register_hook(lambda gradient: gradient * torch.nan)
        return total

    monkeypatch.setattr(Matting, "training_step", steep)
    told = (
        rf"The gradient is no number any more in batch {2 * run.epoch - 1} of seed 1; the last checkpoint is"
    )
    with pytest.raises(DivergedError, match=told):
        fit(run, progress=False)
    kept = read(run.folder / "last.ckpt")
    assert kept.step == run.epoch
    assert all(torch.isfinite(t).all() for t in kept.state.values())


def test_a_loss_that_is_no_number_before_any_checkpoint_names_none(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = {"total": torch.tensor(torch.nan)}
    calls = itertools.count()
    monkeypatch.setattr("trainer.module.losses", lambda *given: nothing if next(calls) else losses(*given))
    with pytest.raises(DivergedError, match=r"batch 0 of seed 1; begin again with a lower --rate\.$"):
        fit(small(photos, tmp_path), progress=False)
