"""What the tests of judging and publishing share: small pictures with known alpha, and checkpoints."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from click.testing import CliRunner, Result

from dim_model import nets
from trainer.cli import main

KINDS = {"images": "image", "trimaps": "trimap", "alphas": "alpha"}
"""Options of evaluate, and the folders that synth writes."""


def dim_train(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def evaluate(data: Path, *words: object) -> Result:
    folders = [word for option, kind in KINDS.items() for word in (f"--{option}", data / kind)]
    return dim_train("evaluate", *folders, *words)


def draw(data: Path, name: str, centre: float = 40, size: tuple[int, int] = (64, 80)) -> None:
    """A soft red disc before a blue ramp, as ``name``.png of image/, trimap/ and alpha/ of ``data``."""
    height, width = size
    y, x = np.mgrid[:height, :width].astype(np.float32)
    away = np.hypot(y - height / 2, x - centre)
    alpha = np.clip((24 - away) / 8, 0, 1)
    ground = np.stack([0.4 + 0.5 * x / width, 0.2 + 0 * x, 0.1 + 0.3 * y / height], -1)
    image = alpha[..., None] * np.array([0.1, 0.15, 0.8]) + (1 - alpha[..., None]) * ground
    trimap = np.where(away < 12, 1.0, np.where(away > 28, 0.0, 0.5))
    for kind, picture in (("image", image), ("trimap", trimap), ("alpha", alpha)):
        path = data / kind / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.round(picture * 255).astype(np.uint8))


def read(path: Path) -> np.ndarray:
    """0..1, as the file holds it."""
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert picture is not None, path
    return picture / np.iinfo(picture.dtype).max


def swift(path: Path, *, muddled: bool = False, step: int = 7) -> Path:
    """A checkpoint of ``swift`` as it begins, at its guided input; muddled, at the mean of all it is told and
    a flat 0.5.
    """
    torch.manual_seed(1)
    network = nets.build("swift")
    state = network.state_dict()
    if muddled:
        state["gate.bias"].zero_()
    return checkpoint(path, "swift", state, step)


def checkpoint(path: Path, network: str, state: dict[str, torch.Tensor], step: int = 7) -> Path:
    """As ``fit`` leaves it, without what only fit reads."""
    tensors = {f"network.{name}": tensor for name, tensor in state.items()}
    data = {"state_dict": tensors, "hyper_parameters": {"network": network}, "global_step": step}
    torch.save(data, path)
    return path
