"""The subject as a network that the user brings sees it: any ONNX or TFLite model that gives a mask."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from torch import Tensor

from daemon.config import SegmenterSettings, TrimapSettings
from daemon.media.base import Frame
from daemon.trimaps.base import Trimap, TrimapError, TrimapSource
from daemon.trimaps.fitting import Fitting
from daemon.trimaps.shot import Look, Shot
from dim_model.runtimes.mask_models import open_model
from dim_model.segmenters import (
    PRESETS,
    Recipe,
    Segmenter,
    SegmenterError,
    Size,
    confidence,
    share,
    soft_trimap,
)

_OPENED = 2
"""Models held open at once: the one that running clips began with, and the one after a reload."""


class Shared:
    """A model that every clip's trimaps come from, one frame at a time. sha256: of the file."""

    def __init__(self, segmenter: Segmenter, sha256: str) -> None:
        self._segmenter, self.sha256 = segmenter, sha256
        self._one_at_a_time = threading.Lock()
        self.description = segmenter.model.description

    def mask(self, view: Tensor) -> Tensor:
        """See ``Segmenter.mask``."""
        with self._one_at_a_time:
            return self._segmenter.mask(view)


@dataclasses.dataclass(frozen=True)
class _Wanted:
    """What a model is opened by. stamp: mtime and size of the file, so that another one is opened anew."""

    path: Path
    stamp: tuple[int, int]
    device: str
    asked: Size | None
    output: int | str | None
    recipe: Recipe


_opening = threading.Lock()
"""Held while a model loads: two clips that want it at once are to share it."""


@functools.lru_cache(_OPENED)
def _open(wanted: _Wanted) -> Shared:
    model = open_model(wanted.path, wanted.device, wanted.asked, wanted.recipe.size, wanted.output)
    with wanted.path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Shared(Segmenter(model, wanted.recipe), sha256)


def opened(path: Path, settings: SegmenterSettings) -> Shared:
    """The model in ``path``, opened once for the whole process. Raises SegmenterError."""
    try:
        stat = path.stat()
        stamp = (stat.st_mtime_ns, stat.st_size)
    except OSError:
        stamp = (0, 0)  # opening it says what is wrong
    size = (settings.size[0], settings.size[1]) if settings.size else None
    wanted = _Wanted(path, stamp, settings.device, size, settings.output, recipe(settings))
    with _opening:
        try:
            return _open(wanted)
        except OSError as error:
            raise SegmenterError(
                f"{path}: cannot be read ({error.strerror}); give this user leave to read it."
            ) from error


def recipe(settings: SegmenterSettings) -> Recipe:
    """The preset, with what the settings say otherwise."""
    given: dict[str, Any] = {
        "mean": tuple(settings.mean) if settings.mean else None,
        "std": tuple(settings.std) if settings.std else None,
        "top": settings.range,
        "activation": settings.activation,
    }
    found = {key: value for key, value in given.items() if value is not None}
    if settings.range is not None:
        found["peak"] = False
    return dataclasses.replace(PRESETS[settings.preset], **found)


def faults(settings: TrimapSettings) -> Iterator[str]:
    """What would keep the segmenter from working, one sentence each: for ``dimd check``."""
    if settings.segmenter.model is not None:
        try:
            opened(settings.segmenter.model, settings.segmenter)
        except SegmenterError as error:
            yield str(error)
    elif settings.source == "segmenter":
        yield (
            "clip: trimap: source: is segmenter, but no model is named; name one as clip: trimap: segmenter: "
            "model:, or set another source."
        )


class SegmenterTrimap(TrimapSource):
    """Unknown where the model's mask is soft, and ``erode`` and ``dilate`` pixels around."""

    name = "segmenter"

    def __init__(self, name: str, model: Shared, erode: int, dilate: int, fitting: Fitting) -> None:
        self._model, self._erode, self._dilate, self._fitting = model, erode, dilate, fitting
        self._kept: dict[int, Tensor] = {}
        self.why = f"a mask by {name}, {model.description}"

    @classmethod
    def of(cls, shot: Shot, settings: TrimapSettings) -> Self | None:
        path = settings.segmenter.model
        if path is None:
            return None
        try:
            model = opened(path, settings.segmenter)
            widths = settings.widths(shot.info.width, shot.info.height)
            source = cls(path.name, model, *widths, Fitting.of(settings, shot.info, exact=False))
            source._look(shot.samples())
        except SegmenterError as error:
            raise TrimapError(str(error)) from error
        return source

    def resumed(self, state: Mapping[str, Any]) -> None:
        super().resumed(state)
        if state.get("model_sha256", self._model.sha256) != self._model.sha256:
            self.why += "; its first frames may be by the file that was there before"

    def _look(self, samples: Sequence[Look]) -> None:
        """Keep the masks of the samples, which are asked for again, and say what they show."""
        self._kept = {look.index: self._model.mask(look.view) for look in samples}
        shares = [share(mask) for mask in self._kept.values()]
        low, high = (f"{each:.1%}" for each in (min(shares), max(shares)))
        self.why += f"; the subject covers {low if low == high else f'{low} to {high}'} of the frame"

    def trimap(self, frame: Frame, index: int, view: Tensor) -> Trimap:
        try:
            mask = self._kept[index] if index in self._kept else self._model.mask(view)
        except SegmenterError as error:
            raise TrimapError(str(error)) from error
        height, width = view.shape[-2:]
        values = soft_trimap(mask, (height, width), self._erode, self._dilate)[0]
        return Trimap(self._fitting(view, values), confidence(mask))

    def state(self) -> dict[str, Any]:
        """For the manifest: which file it was."""
        return {"model_sha256": self._model.sha256}
