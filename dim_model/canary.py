"""The canary: a picture that never changes, on which weights are tried before clips are given to them.

Whoever publishes weights keeps their answer to it in the card; whoever takes them up compares. An answer that
differs means that tensors, network, runtime or device are not what they were: mattes would differ alike, on
every frame from then on. What a network is told of the picture is kept beside its answer, and what would be
made of a given one: where either is otherwise by now, because sampling, filters or the last step of a matte
were changed, another answer is no fault.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from dim_model.by_pixel import by_pixel
from dim_model.encode import CHANNELS, Inputs, encode
from dim_model.finish import finished

PICTURE = "disc-160"
"""Name of the picture below; another picture is another name, so that an answer is held to its own."""

TOLERANCE = 0.005
"""Most that a cell's mean may be from the answer, which is float32's: bfloat16 stays within a fifth of it."""

_TOLD = 0.002
"""Most that the mean of an input may be from what it was: the last digits of other processors stay below."""

_SIDE, _CELL = 160, 16
_RADIUS, _SOFT, _BAND = 52.0, 9.0, 22.0


def picture() -> tuple[Tensor, Tensor]:
    """``(rgb, trimap)``: a striped disc with a soft edge before a chequered ground. float32 [3, H, W],
    display-referred, 0..1; float32 [1, H, W] of 0, 0.5 and 1.
    """
    y, x = torch.meshgrid(torch.arange(_SIDE) + 0.5, torch.arange(_SIDE) + 0.5, indexing="ij")
    # Hair: the edge wanders with the angle.
    angle = torch.atan2(y - _SIDE / 2, x - _SIDE / 2)
    edge = _RADIUS + 6 * torch.sin(17 * angle) - torch.hypot(y - _SIDE / 2, x - _SIDE / 2)
    alpha = (edge / _SOFT + 0.5).clamp(0, 1)
    front = torch.stack([0.75 + 0.15 * torch.sin(x / 5), 0.45 + 0.1 * torch.sin(y / 7), 0.3 + 0 * x])
    back = torch.stack([0.2 + 0 * x, 0.35 + 0.1 * torch.sin((x + y) / 9), 0.6 + 0.15 * torch.sin(x / 11)])
    trimap = torch.full((1, _SIDE, _SIDE), 0.5)
    trimap[0][edge > _BAND] = 1.0
    trimap[0][edge < -_BAND] = 0.0
    return alpha * front + (1 - alpha) * back, trimap


def answer(alpha: Tensor, inputs: Inputs) -> dict[str, Any]:
    """What a card keeps of a network's alpha of the picture, float32 [1, H, W]: the means of its cells.
    inputs: what the network is fed.
    """
    means = [round(value, 4) for value in _cells(alpha)]
    told, made = list(_told(inputs)), list(_made())
    return {"picture": PICTURE, "inputs": inputs, "told": told, "made": made, "alpha": means}


def fault(alpha: Tensor, kept: Mapping[str, Any]) -> str | None:
    """What is wrong with a network's alpha of the picture, as the end of a sentence that begins with the
    weights; None where nothing is. kept: the card's answer; where it has none to this picture, the alpha has
    to be sane and no more: see ``is_known``.
    """
    if not bool(torch.isfinite(alpha).all()):
        return "give numbers that are not finite on the canary picture"
    if float(alpha.min()) < 0 or float(alpha.max()) > 1:
        return f"give alpha from {float(alpha.min()):.3f} to {float(alpha.max()):.3f} on the canary picture"
    if not is_known(kept):
        return None
    found, known = _cells(alpha), kept["alpha"]
    off = max(abs(one - other) for one, other in zip(found, known, strict=True))
    if off > TOLERANCE:
        return f"answer the canary picture otherwise than their card says (by {off:.3f})"
    return None


def is_known(kept: Mapping[str, Any]) -> bool:
    """Whether a card has an answer to this picture, as networks are told of it and mattes are made of what
    they say today. A card's words are not trusted to be of any shape.
    """
    inputs = kept.get("inputs")
    return (
        kept.get("picture") == PICTURE
        and isinstance(inputs, str)
        and inputs in CHANNELS
        and _are_numbers(kept.get("alpha"), (_SIDE // _CELL) ** 2)
        and _are_numbers(kept.get("told"), CHANNELS[inputs])
        and all(abs(a - b) <= _TOLD for a, b in zip(kept["told"], _told(inputs), strict=True))
        and _are_numbers(kept.get("made"), (_SIDE // _CELL) ** 2)
        and all(abs(a - b) <= _TOLD for a, b in zip(kept["made"], _made(), strict=True))
    )


def _are_numbers(values: Any, count: int) -> bool:
    return (
        isinstance(values, list)
        and len(values) == count
        and all(isinstance(value, float | int) and math.isfinite(value) for value in values)
    )


@cache
def _told(inputs: Inputs) -> tuple[float, ...]:
    """The mean of each channel of a network's input over what is unknown of the picture."""
    rgb, trimap = picture()
    channels = encode(rgb[None], trimap[None], inputs)[0]
    return tuple(round(value, 4) for value in channels[:, trimap[0] == 0.5].double().mean(1).tolist())


@cache
def _made() -> tuple[float, ...]:
    """What is made of an alpha that runs from 0 to 1 across the picture: the means of its cells."""
    rgb, trimap = picture()
    known, unknown = trimap[0].numpy(), trimap[0].numpy() == 0.5
    ramp = np.tile(np.linspace(-0.1, 1.1, _SIDE, dtype=np.float32), (_SIDE, 1))
    frame = by_pixel(rgb)
    matte = finished(frame, known, np.flatnonzero(unknown), ramp[unknown])
    return tuple(round(value, 4) for value in _cells(torch.from_numpy(matte)[None]))


def _cells(alpha: Tensor) -> list[float]:
    means: list[float] = avg_pool2d(alpha.double()[None], _CELL).flatten().tolist()
    return means
