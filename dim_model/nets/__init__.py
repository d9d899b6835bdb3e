"""The networks by name, with every size. A third is one file and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Protocol, cast

from torch import Tensor, nn

from dim_model import encode
from dim_model.nets.swift import Swift
from dim_model.nets.trimap import TrimapNet
from dim_model.nets.vgg16 import DimVgg16
from dim_model.tiles import Tiling

Inputs = encode.Inputs | Literal["picture"]
"""What a network is fed: an encoding of frame and trimap, which makes it one that mattes, or the frame alone.
"""


class Network(Protocol):
    """What every network offers: named outputs for a batch of what it is fed. Of one that mattes "alpha" is
    among them, of one that makes trimaps "logits".
    """

    inputs: Inputs
    stride: int

    def __call__(self, x: Tensor) -> dict[str, Tensor]: ...


class MattingNetwork(Network, Protocol):
    """A network that mattes. tiling: what tiles it is run on, and trained on: large ones compute more that is
    known, and leave the caches; small ones see less around a pixel.
    """

    tiling: Tiling

    def tiles(self, x: Tensor) -> Tensor:
        """Packed tiles of ``encode.empty_tiles``, float32 [N, 4C, S/2, S/2], to their alpha, packed, float32
        [N, 4, S/2, S/2], not clamped. Layers compute in the type of their weights.
        """
        ...


class Sized(NamedTuple):
    """A kind of network, and the sizes that it is built with."""

    kind: type[nn.Module]
    sizes: Mapping[str, Any] = MappingProxyType({})


NETWORKS: dict[str, Sized] = {
    "swift": Sized(Swift, {"width": (64, 96, 128), "head": 32, "rank": (16, 24, 32, 16)}),
    "dim-vgg16": Sized(DimVgg16),
    "trimap": Sized(TrimapNet, {"widths": (32, 48, 80, 128)}),
}


class UnknownNetworkError(ValueError):
    """A name that is not in ``NETWORKS``."""


def _sized(name: str) -> Sized:
    if name not in NETWORKS:
        there = ", ".join(sorted(NETWORKS))
        raise UnknownNetworkError(f"there is no network {name!r}; choose one of {there}.")
    return NETWORKS[name]


def build(name: str) -> nn.Module:
    """An untrained network, float32 on the CPU. Raises ``UnknownNetworkError`` with the names there are."""
    kind, sizes = _sized(name)
    return kind(**sizes)


def inputs_of(name: str) -> Inputs:
    """What the network is fed. Raises ``UnknownNetworkError``."""
    return cast(type[Network], _sized(name).kind).inputs


def tiling_of(name: str) -> Tiling:
    """What tiles a network that mattes is run on. Raises ``UnknownNetworkError``."""
    return cast(type[MattingNetwork], _sized(name).kind).tiling


def is_matting(name: str) -> bool:
    """Whether the network makes mattes; else it makes trimaps. Raises ``UnknownNetworkError``."""
    return inputs_of(name) != "picture"


def channels_of(inputs: Inputs) -> int:
    """Of a network's input."""
    return 3 if inputs == "picture" else encode.CHANNELS[inputs]
