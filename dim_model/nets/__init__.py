"""The networks by name, with every size. A third is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, cast

from torch import Tensor, nn

from dim_model.encode import Inputs
from dim_model.nets.swift import Swift
from dim_model.nets.vgg16 import DimVgg16


class Network(Protocol):
    """What every network offers: named outputs ("alpha" among them) for a batch of encoded frames."""

    inputs: Inputs
    stride: int

    def __call__(self, x: Tensor) -> dict[str, Tensor]: ...


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "swift": lambda: Swift(width=(64, 96, 128), head=32),
    "dim-vgg16": DimVgg16,
}


class UnknownNetworkError(ValueError):
    """A name that is not in ``NETWORKS``."""


def build(name: str) -> nn.Module:
    """An untrained network, float32 on the CPU. Raises ``UnknownNetworkError`` with the names there are."""
    if name not in NETWORKS:
        there = ", ".join(sorted(NETWORKS))
        raise UnknownNetworkError(f"there is no network {name!r}; choose one of {there}.")
    return NETWORKS[name]()


def inputs_of(name: str) -> Inputs:
    """What the network is fed, a name of ``dim_model.encode``. Raises ``UnknownNetworkError``."""
    return cast(Network, build(name)).inputs
