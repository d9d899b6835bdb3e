"""Checkpoints are read as data: a pickle is refused and not run."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from trainer.checkpoint import CheckpointError, read


def test_a_pickle_offered_as_a_checkpoint_is_refused_and_not_run(tmp_path: Path) -> None:
    trap = tmp_path / "ran"

    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (trap,))

    (tmp_path / "last.ckpt").write_bytes(pickle.dumps(Trap(), protocol=2))
    with pytest.raises(CheckpointError, match="is no checkpoint of dim-train fit") as refused:
        read(tmp_path / "last.ckpt")
    assert "weights_only" not in str(refused.value)  # PyTorch advises to run it
    torch.save({"state_dict": {}}, tmp_path / "other.ckpt")
    torch.save([1, 2], tmp_path / "list.ckpt")
    for other in ("other", "list"):
        with pytest.raises(CheckpointError, match=rf"{other}\.ckpt: is no checkpoint"):
            read(tmp_path / f"{other}.ckpt")
    assert not trap.exists()
