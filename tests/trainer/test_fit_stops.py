"""A run that ends before its last step: what it says, and how it goes on."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from torch import Tensor

from trainer.cli import main
from trainer.fit import Run
from trainer.module import Matting

pytestmark = [
    # Lightning's advice on settings that are meant as they are; each is about speed, none about results.
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

SMALL: dict[str, Any] = {"scene": 96, "validation": 2, "pool": 2}


@pytest.fixture(autouse=True)
def small_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.fit.Run", partial(Run, **SMALL))


def fitted(photos: Path, folder: Path, *more: object) -> Result:
    asked = ("--epoch", 2, "--batch-size-per-gpu", 2, "--crop", 64, "--workers", 0, *more)
    return CliRunner().invoke(main, [str(c) for c in ("fit", "--photos", photos, "--run", folder, *asked)])


def signalled_at(monkeypatch: pytest.MonkeyPatch, step: int, number: signal.Signals) -> None:
    whole = Matting.training_step

    def training_step(self: Matting, batch: Tensor, index: int) -> Tensor:
        if self.global_step == step:
            os.kill(os.getpid(), number)
        return whole(self, batch, index)

    monkeypatch.setattr(Matting, "training_step", training_step)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_run_that_a_signal_ends_fails_and_says_how_to_go_on(
    number: signal.Signals, status: int, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(signal.SIGINT)  # Lightning leaves it ignored
    with monkeypatch.context() as patch:
        signalled_at(patch, 3, number)
        done = fitted(photos, tmp_path, "--steps", 6)
    signal.signal(signal.SIGINT, before)
    assert done.exit_code == status
    assert f"was stopped by {number.name}; the same command goes on from {tmp_path}/last.ckpt." in done.output
    assert "Trained to step" not in done.output


def test_a_run_that_goes_on_takes_the_rate_and_optimizer_it_is_given(photos: Path, tmp_path: Path) -> None:
    rates = []
    for more in (("--steps", 2), ("--steps", 8, "--rate", 1e-5, "--optimizer", "adam")):
        assert fitted(photos, tmp_path, "--schedule", "staircase", *more).exit_code == 0
        state = torch.load(tmp_path / "last.ckpt")["optimizer_states"][0]["param_groups"]
        rates.append([group["lr"] for group in state])
    assert rates == [[2e-3, 2e-3], [1e-5, 1e-5]]
    assert not any(group["weight_decay"] or group["decoupled_weight_decay"] for group in state)


def test_a_file_that_vanishes_while_a_worker_draws_is_one_sentence(photos: Path, tmp_path: Path) -> None:
    cutouts = tmp_path / "set"
    cutouts.mkdir()
    y, x = np.mgrid[:120, :120]
    disc = (np.clip(40 - np.hypot(y - 60, x - 60), 0, 1) * 255).astype(np.uint8)
    cv2.imwrite(str(cutouts / "disc.png"), np.dstack([disc] * 4))
    done = CliRunner().invoke(main, ["prepare", str(cutouts), "--valid", "0", "--test", "0"])
    assert done.exit_code == 0, done.output
    (cutouts / "disc.png").unlink()
    given = ("--index", cutouts / "index.jsonl", "--index-share", 0.99, "--workers", 1, "--steps", 2)
    done = fitted(photos, tmp_path / "run", *given)
    assert done.exit_code == 1
    told = f"Error: {cutouts}/disc.png: is in the index and not on disk; bring it back, or run "
    assert told + "`dim-train prepare` again.\n" in done.output
    assert "Traceback" not in done.output


def test_a_worker_that_is_killed_is_one_sentence(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Matting.training_step

    def training_step(self: Matting, batch: Tensor, index: int) -> Tensor:
        if self.global_step == 2:
            for worker in multiprocessing.active_children():
                worker.kill()
        return whole(self, batch, index)

    monkeypatch.setattr(Matting, "training_step", training_step)
    done = fitted(photos, tmp_path, "--steps", 60, "--workers", 1)
    assert isinstance(done.exception, SystemExit), done.exception
    told = (
        f"Error: {tmp_path}: a process that draws scenes was killed, for want of memory as a rule; with fewer"
    )
    assert told in done.output
    assert f"the same command goes on from {tmp_path}/last.ckpt." in done.output


def test_a_run_that_is_further_than_is_asked_for_says_how_far(photos: Path, tmp_path: Path) -> None:
    assert fitted(photos, tmp_path, "--steps", 4).exit_code == 0
    before = torch.load(tmp_path / "last.ckpt")["state_dict"]
    done = fitted(photos, tmp_path, "--steps", 2)
    assert done.exit_code == 0
    assert "Trained to step 4; the last checkpoint is" in done.output
    after = torch.load(tmp_path / "last.ckpt")["state_dict"]
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


def test_a_disk_that_fills_up_under_tensorboard_is_one_sentence(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tensorboard.summary.writer.record_writer.RecordWriter.write", full)
    done = fitted(photos, tmp_path, "--steps", 2)
    assert isinstance(done.exception, SystemExit), done.exception
    told = (
        f"Error: {tmp_path}: cannot be written to (No space left on device); the checkpoints there are whole"
    )
    assert told in done.output
    assert "Traceback" not in done.output + "".join(capfd.readouterr())
