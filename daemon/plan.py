"""What will be made of a clip, decided before its first frame: opened media, trimap source, outputs,
background.

Whatever is wrong with a clip that can be seen beforehand is said here, in one sentence, by ``MediaError``,
``TrimapError`` or ``ConfigError``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Protocol, Self

import numpy as np
import torch
from torch import Tensor

from daemon.background import Background, Flat, Picture
from daemon.clip import Clip, Role
from daemon.colours import Colours
from daemon.config import ClipSettings, ColourSettings
from daemon.gaps import Gaps
from daemon.media import Frame, FrameSource, MediaRef, Reading, open_source
from daemon.media.video_decoders import Decoder
from daemon.outputs import planned, sideways, silences
from daemon.part import Part
from daemon.pictured import is_cut_out, pictured
from daemon.preview import Preview, reduced_size
from daemon.treatment import Treatment
from daemon.trimaps import Look, Shot, Sidecar, choose
from dim_model.temporal import handles


class Opener(Protocol):
    """Opens media for reading, as `daemon.media.open_source` does."""

    def __call__(self, ref: MediaRef, *, max_pixels: int, video: Reading | None = None) -> FrameSource: ...


class Plan:
    """Everything about a clip that does not change from frame to frame; a context manager that closes its
    media.

    state: of an earlier run of the same job. decoder: of H.264 and HEVC. opener: of all its media. moved: is
    called for each file that was opened and each frame that was looked at; what it raises breaks it off.
    Attributes: raster, the plate's own width and height; info, of the whole plate at the size that is worked
    at; part, of it, that is made; gaps, colours, shot, trimap, treatment, outputs, background, warnings.
    """

    def __init__(
        self,
        clip: Clip,
        settings: ClipSettings,
        *,
        max_pixels: int,
        state: Mapping[str, Any],
        colour: ColourSettings | None = None,
        decoder: Decoder = "software",
        opener: Opener = open_source,
        moved: Callable[[], None] = lambda: None,
    ) -> None:
        self.clip, self.settings, self._opener, self._moved = clip, settings, opener, moved
        self.warnings: list[str] = []
        self._media = ExitStack()
        self._max_pixels = max_pixels
        self._reading = Reading(settings.deinterlace, decoder, self.warnings.append)
        try:
            self._source = self._open(clip.plate)
            self._plate = self._source.info
            self.raster = self._plate.width, self._plate.height
            self._size = reduced_size(self._plate, settings.scale)
            if self._size != self.raster:
                self._source = Preview(self._source, self._size)
            self.info = self._source.info
            self._is_cut_out = is_cut_out(self._source)
            self._moved()
            label = clip.plate.path.name
            self.part = Part.of(label, self.info, settings.frames, settings.handles)
            self.gaps = Gaps(label, self.part.info, settings.missing)
            self.warnings += [*self.part.sentences, *self.gaps.sentences]
            self.colours = Colours(
                clip, self.info, settings, colour or ColourSettings(), self.warnings.append
            )
            self.shot = self._shot(state.get("trimap", {}))
            self.trimap = choose(self.shot, settings.trimap)
            self.treatment = Treatment.of(
                settings.foreground, self.trimap.state(), self.info.width, self.info.height
            )
            self.outputs = tuple(
                planned(
                    clip.name,
                    settings,
                    self.info,
                    self.colours,
                    state.get("formats", {}),
                    self.warnings.append,
                )
            )
            self.warnings += silences(clip.name, self.outputs, self.part.info)
            self.warnings += sideways(clip.name, self.outputs, self.info)
            self.background = self._open_background()
        except BaseException:
            self._media.close()
            raise

    def _open(self, ref: MediaRef) -> FrameSource:
        source = self._media.enter_context(
            self._opener(ref, max_pixels=self._max_pixels, video=self._reading)
        )
        self._moved()
        self.warnings += source.info.remarks
        return source

    def _shot(self, state: Mapping[str, Any]) -> Shot:
        clip, info = self.clip, self.info
        sidecars: dict[str, Sidecar] = {}
        beside: tuple[tuple[Role, MediaRef | None], ...] = (
            ("trimap", clip.trimap),
            ("mask", clip.mask),
            ("clean", clip.clean),
        )
        for role, ref in beside:
            if ref is not None and (role == "trimap" or self.settings.trimap.source in ("auto", role)):
                sidecar = self._sidecar(role, ref)
                sidecar.check()
                sidecars[role] = sidecar
        part, radius = self.part, self.settings.temporal.radius
        heard = range(max(0, part.start - handles(radius)), min(part.stop + radius, len(info.numbers)))
        made = range(part.start, part.stop)
        return Shot(clip.plate.path.name, clip.name, info, sidecars, self._looks, made, heard, state)

    def _sidecar(self, role: Role, ref: MediaRef) -> Sidecar:
        source = self._open(replace(ref, is_matte=role in ("trimap", "mask")))
        space = self.colours.beside(role, ref, source.info)
        # A background is scaled to fill the plate in any case.
        size = self._size if self._size != self.raster and role != "bg" else None
        path, name = ref.path, ref.path.name
        # In a folder of its own it may be called as the plate is, and as the others are.
        label = name if path.parent == self.clip.plate.path.parent else f"{path.parent.name}/{name}"
        return Sidecar(label, source, self._plate, self.warnings.append, space, size)

    def _looks(self, start: int, stop: int | None) -> Iterator[Look]:
        for index, frame in enumerate(self._source.frames(start, stop), start):
            self._moved()
            yield Look(index, frame, self.view(frame))

    def _open_background(self) -> Background:
        if self.clip.bg is None or "composite" not in self.settings.outputs:
            size = (self.info.height, self.info.width)
            return Flat.named(self.settings.background, size, self.colours.plate.space)
        return Picture(self._sidecar("bg", self.clip.bg), self.info, self.colours.plate.space, self.raster)

    def frames(self, start: int, stop: int | None = None) -> Iterator[Frame]:
        """The plate's frames at positions ``start`` to ``stop`` (None: the end)."""
        return self._source.frames(start, stop)

    def plate(self, frame: Frame) -> Tensor:
        """A frame's colours, float32 [3, H, W], in the file's own numbers. They lie in memory pixel by pixel,
        as they were read: where the frame has no other channels, they are the frame's own. Of RGBA see
        `pictured`.
        """
        pixels = frame.pixels
        if pixels.shape[2] < 3:
            pixels = np.repeat(pixels[..., :1], 3, -1)
        elif pixels.shape[2] == 4:
            pixels = pictured(pixels, self._plate, cut_out=self._is_cut_out)
        return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)

    def view(self, frame: Frame) -> Tensor:
        """What a network sees of a frame, float32 [3, H, W], 0..1."""
        return self.colours.plate.space.view(self.plate(frame))

    def state(self) -> dict[str, Any]:
        """What a resumed run needs to go on alike, as JSON."""
        return {"trimap": self.trimap.told(), "formats": self._formats()}

    def goes_on(self, state: Mapping[str, Any]) -> bool:
        """Whether what the run of `state` made can be gone on with: not where its encoder is gone."""
        return bool(state.get("formats", self._formats()) == self._formats())

    def _formats(self) -> dict[str, str]:
        return {output.name: output.format for output in self.outputs}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._media.close()
