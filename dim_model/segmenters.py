"""Other people's networks that tell a subject from its ground: what each family wants its picture like, what
its output means, and how far that is to be relied on. ``dim_model.runtimes.mask_models`` runs them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from dim_model import trimap

Array = NDArray[Any]
Activation = Literal["auto", "none", "sigmoid", "softmax"]
Size = tuple[int, int]
"""(width, height) in pixels."""

_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet's colours, red first, as torchvision's models have them."""

_SURE = 0.9
"""Probability from which a pixel is called foreground, and below one minus which it is background."""

_PROBABLE = -0.01, 1.01
"""What is outside is no probability but a logit; a hundredth is left for half precision."""

_FAINT = 0.5
"""A mask that nowhere reaches this has found nothing: stretched, its noise would pass for a subject."""

_SUBJECT = 0.005, 0.95
"""Share of the frame that a subject can cover: with less there is none, with more there is no ground."""

_CLASSES = 256
"""More channels than this are features, not classes."""

_AROUND = 0.05
"""Of the mask's longer side: how far around the subject its mask has to be decided."""

_MOST = 0.7
"""Confidence of a mask that is nowhere in doubt. A screen or a clean plate is surer: a network can be sure
and wrong.
"""


class SegmenterError(RuntimeError):
    """One sentence: which model file, what is wrong with it or its settings, and the mend."""


@dataclass(frozen=True)
class Recipe:
    """How a family of models wants its picture, and what its output is.

    size: for models that take any; None: it must be said. The picture, display-referred RGB, is scaled to
    0..``top``, or by its own brightest value to 0..1 where ``peak``, and is then (x - mean) / std.
    activation: what makes probabilities of the output; ``auto`` goes by its values. stretch: the mask's
    least and greatest value become 0 and 1.
    """

    size: Size | None = None
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    top: float = 1.0
    activation: Activation = "auto"
    peak: bool = False
    stretch: bool = False


_U2NET = Recipe((320, 320), *_IMAGENET, activation="none", peak=True, stretch=True)

PRESETS: Mapping[str, Recipe] = {
    # As in each family's own inference: github.com/xuebinqin/U-2-Net (data_loader.py, u2net_test.py),
    # xuebinqin/DIS (IS-Net/Inference.py), ZhengPeng7/BiRefNet, ZHKKKe/MODNet (onnx/inference_onnx.py),
    # google-ai-edge/mediapipe (modules/selfie_segmentation/selfie_segmentation_cpu.pbtxt).
    "isnet": Recipe((1024, 1024), (0.5,) * 3, (1.0,) * 3, activation="none", stretch=True),
    "birefnet": Recipe((1024, 1024), *_IMAGENET, activation="sigmoid"),
    "u2net": _U2NET,
    "u2netp": _U2NET,
    "selfie": Recipe((256, 256)),
    "modnet": Recipe((512, 512), (0.5,) * 3, (0.5,) * 3, activation="none"),
    "custom": Recipe(),
}


@dataclass(frozen=True)
class Entry:
    """A model's input: one RGB picture of ``size``, its channels last ([1, H, W, 3]) or first."""

    size: Size
    channels_last: bool

    @property
    def shape(self) -> tuple[int, int, int, int]:
        width, height = self.size
        return (1, height, width, 3) if self.channels_last else (1, 3, height, width)

    @classmethod
    def of(cls, label: str, shape: Sequence[int | None], asked: Size | None, usual: Size | None) -> Entry:
        """The input of a model whose own shape is ``shape`` (None: any length). asked: by the settings;
        usual: of the preset, for a model that takes any size. Raises SegmenterError.
        """
        shown = "x".join("?" if length is None else str(length) for length in shape)
        if len(shape) != 4 or shape[0] not in (1, None) or not {3, None} & {shape[1], shape[3]}:
            raise SegmenterError(
                f"{label}: takes an input of shape {shown}; segmenter: model: must take one RGB picture, "
                "1x3xHxW or 1xHxWx3."
            )
        channels_last = shape[3] == 3 and shape[1] != 3
        height, width = (shape[1], shape[2]) if channels_last else (shape[2], shape[3])
        if asked and (width not in (asked[0], None) or height not in (asked[1], None)):
            raise SegmenterError(
                f"{label}: takes pictures of {width or 'any'}x{height or 'any'} (width x height), but "
                f"segmenter: size: is [{asked[0]}, {asked[1]}]; take that key out."
            )
        wanted = asked or usual
        if wanted is None and (width is None or height is None):
            raise SegmenterError(
                f"{label}: takes any size; give one as segmenter: size: [width, height], or a preset, which "
                "has one (dimd matte and dimd trimap: --preset)."
            )
        usual_width, usual_height = wanted or (0, 0)
        return cls((width or usual_width, height or usual_height), channels_last)


class MaskModel(Protocol):
    """A model that is open on a device: one picture in, one output out. For one thread at a time."""

    label: str
    """The file, for messages."""
    description: str
    """What runs it, and on what."""
    entry: Entry

    def __call__(self, picture: Array) -> Array:
        """float32 of ``entry.shape`` to the output, any shape. Raises SegmenterError."""
        ...


class Segmenter:
    """A model with its recipe: a view of a frame to a mask. For one thread at a time."""

    def __init__(self, model: MaskModel, recipe: Recipe) -> None:
        self.model, self.recipe = model, recipe

    def mask(self, view: Tensor) -> Tensor:
        """float32 [3, H, W], display-referred, 0..1, to how probable the subject is: float32 [1, 1, h, w],
        0..1, at the model's own size. Raises SegmenterError.
        """
        output = self.model(prepare(view, self.recipe, self.model.entry))
        return mask_of(output, self.recipe, self.model.label)


def prepare(view: Tensor, recipe: Recipe, entry: Entry) -> Array:
    """float32 [3, H, W], 0..1, as the model wants it: float32 of ``entry.shape``, contiguous. The picture is
    squeezed to the model's size, its edges kept, as all of these families do.
    """
    size = entry.size[::-1]
    x = F.interpolate(view[None], size, mode="bilinear", align_corners=False, antialias=True).clamp(0, 1)
    x = x / x.max().clamp_min(1e-6) if recipe.peak else x * recipe.top
    mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in (recipe.mean, recipe.std))
    x = (x - mean) / std
    made: Array = (x.permute(0, 2, 3, 1) if entry.channels_last else x).contiguous().numpy()
    return made


def mask_of(output: Array, recipe: Recipe, label: str) -> Tensor:
    """What a model gave, [1, 1, h, w], [1, h, w], [1, h, w, 1], or with C classes [1, C, h, w] or
    [1, h, w, C], the first of which is the ground: how probable the subject is, float32 [1, 1, h, w], 0..1.

    More than two classes are taken for such only where the activation is ``softmax``: a picture has three
    channels, too. Raises SegmenterError.
    """
    classes = _classes(output, recipe.activation, label)
    if not bool(torch.isfinite(classes).all()):
        raise SegmenterError(
            f"{label}: gives values that are not finite; check mean, std and range under segmenter:."
        )
    low, high = (float(each) for each in torch.aminmax(classes))
    count, activation = classes.shape[1], recipe.activation
    if activation == "auto":
        logits = low < _PROBABLE[0] or high > _PROBABLE[1]
        activation = "none" if not logits else "softmax" if count > 1 else "sigmoid"
    if activation == "softmax":
        mask = 1 - torch.softmax(classes, 1)[:, :1]
    else:
        mask = torch.sigmoid(classes[:, -1:]) if activation == "sigmoid" else classes[:, -1:]
    low, high = (float(each) for each in torch.aminmax(mask))
    if recipe.stretch and high >= _FAINT and high > low:
        mask = (mask - low) / (high - low)
    return mask.clamp(0, 1)


def _classes(output: Array, activation: Activation, label: str) -> Tensor:
    """An output as float32 [1, C, h, w]."""
    values = np.asarray(output, np.float32)
    if output.dtype == np.uint8 and values.max(initial=0) > 1:
        values /= 255  # a picture of the mask
    if values.ndim == 3:
        values = values[:, None]
    if values.ndim == 4 and values.shape[3] < values.shape[1]:
        values = np.moveaxis(values, 3, 1)
    most = _CLASSES if activation == "softmax" else 2
    if values.ndim != 4 or len(values) != 1 or not 1 <= values.shape[1] <= most or min(values.shape[2:]) < 2:
        shown = "x".join(map(str, np.shape(output)))
        raise SegmenterError(
            f"{label}: its output has the shape {shown}, which is no mask of one subject; name another "
            "output as segmenter: output:, or set segmenter: activation: softmax if these are classes."
        )
    if activation == "softmax" and values.shape[1] == 1:
        raise SegmenterError(
            f"{label}: gives a single channel, of which there is no softmax; set segmenter: activation: to "
            "auto, none or sigmoid."
        )
    return torch.from_numpy(np.ascontiguousarray(values))


def confidence(mask: Tensor) -> float:
    """How far a mask, float32 [1, 1, h, w], 0..1, is to be relied on: 0 to ``_MOST``.

    How decided it is, the mean of |2p - 1|, in the subject or close around it, whichever is less; the rest of
    the frame, where any network is sure, would hide the doubt. Squared: half in doubt is worth a quarter. 0
    where no subject can be told from a ground, see ``_SUBJECT``.
    """
    least, most = _SUBJECT
    if not least <= share(mask) <= most:
        return 0.0
    near = trimap.grow(mask > 1 - _SURE, max(1, round(_AROUND * max(mask.shape[-2:]))))
    inside = mask > 0.5
    decided = min(float((2 * mask[part] - 1).abs().mean()) for part in (inside, near & ~inside))
    return _MOST * decided**2


def share(mask: Tensor) -> float:
    """Share of the frame that a mask, float32 [1, 1, h, w], 0..1, calls the subject."""
    return float((mask > 0.5).float().mean())


def soft_trimap(mask: Tensor, size: tuple[int, int], erode: int, dilate: int) -> Tensor:
    """A mask, float32 [1, 1, h, w], 0..1, as the trimap of a plate of ``size`` (height, width): float32
    [1, 1, H, W]. Unknown where the mask is soft, ``erode`` pixels further in and ``dilate`` further out.
    """
    plate = F.interpolate(mask, size, mode="bilinear", align_corners=False)
    inside, outside = plate > _SURE, plate < 1 - _SURE
    return trimap.compose(trimap.shrink(inside, erode), trimap.shrink(outside, dilate))
