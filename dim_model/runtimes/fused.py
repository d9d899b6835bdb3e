"""A network for inference: each normalisation is part of the convolution before it."""

from __future__ import annotations

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from dim_model.nets.swift import Joined


def fuse(module: nn.Module) -> None:
    """Make each convolution in ``module``, which is for inference, one with the normalisation after it."""
    for name, child in module.named_children():
        match list(child.children()) if isinstance(child, nn.Sequential) else []:
            case [*before, nn.Conv2d() as layer, nn.BatchNorm2d() as norm, nn.ReLU() as after]:
                setattr(module, name, nn.Sequential(*before, fuse_conv_bn_eval(layer, norm), after))
            case _:
                if isinstance(child, Joined):
                    child.fold()
                fuse(child)
