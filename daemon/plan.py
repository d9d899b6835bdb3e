"""What will be made of a clip, decided before its first frame: opened media, trimap source, outputs,
background.

Whatever is wrong with a clip that can be seen beforehand is said here, in one sentence, by ``MediaError``,
``TrimapError`` or ``ConfigError``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from daemon.clip import Clip, Role
from daemon.colour import ColourSpace
from daemon.colours import Colours, tagged
from daemon.compose import CHANNELS, Background, Flat, Picture
from daemon.config import ClipSettings, ColourSettings, Format, OutputName
from daemon.media import (
    CODECS,
    ClipInfo,
    Frame,
    FrameSink,
    FrameSource,
    MediaError,
    MediaRef,
    open_sink,
    open_source,
)
from daemon.media.video_formats import instead, silence, unfit
from daemon.treatment import Treatment
from daemon.trimaps import Look, Shot, Sidecar, choose


@dataclass(frozen=True)
class Output:
    """One thing to write. folder: below the result's. stem: of its file or files. space: of its colours;
    None: the plate's.
    """

    name: OutputName
    format: Format
    folder: str
    stem: str
    space: ColourSpace | None = None

    def open(self, work: Path, info: ClipInfo, start: int) -> FrameSink:
        folder = work / self.folder
        folder.mkdir(exist_ok=True)
        like = tagged(info, self.space) if self.space else info
        return open_sink(self.format, folder, self.stem, like, channels=CHANNELS[self.name], start=start)


class Plan:
    """Everything about a clip that does not change from frame to frame; a context manager that closes its
    media.

    state: of an earlier run of the same job. Attributes: info, colours, shot, trimap, treatment, outputs,
    background, warnings.
    """

    def __init__(
        self,
        clip: Clip,
        settings: ClipSettings,
        *,
        max_pixels: int,
        state: Mapping[str, Any],
        colour: ColourSettings | None = None,
    ) -> None:
        self.clip, self.settings = clip, settings
        self.warnings: list[str] = []
        self._media = ExitStack()
        self._max_pixels = max_pixels
        try:
            self._source = self._open(clip.plate)
            self.info = self._source.info
            self._note_gaps()
            self.colours = Colours(
                clip, self.info, settings, colour or ColourSettings(), self.warnings.append
            )
            self.shot = self._shot(state.get("trimap", {}))
            self.trimap = choose(self.shot, settings.trimap)
            self.treatment = Treatment.of(
                settings.foreground, self.trimap.state(), self.info.width, self.info.height
            )
            self.outputs = tuple(_outputs(clip.name, settings, self.info, self.colours))
            self._note_silence()
            self.background = self._open_background()
        except BaseException:
            self._media.close()
            raise

    def _open(self, ref: MediaRef) -> FrameSource:
        source = self._media.enter_context(open_source(ref, max_pixels=self._max_pixels))
        self.warnings += source.info.remarks
        return source

    def _note_gaps(self) -> None:
        missing = self.info.missing
        if missing:
            shown = ", ".join(map(str, missing[:8])) + (" …" if len(missing) > 8 else "")
            which = f"frames {shown} are" if len(missing) > 1 else f"frame {shown} is"
            self.warnings.append(
                f"{self.clip.plate.path.name}: {which} missing, and will be so in the result."
            )

    def _note_silence(self) -> None:
        for output in self.outputs:
            reason = silence(output.format, self.info)
            if reason:
                self.warnings.append(f"{self.clip.name}: {output.name} as {output.format} {reason}.")

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
        return Shot(clip.plate.path.name, clip.name, info, sidecars, self._looks, state)

    def _sidecar(self, role: Role, ref: MediaRef) -> Sidecar:
        source = self._open(ref)
        space = self.colours.beside(role, ref, source.info)
        return Sidecar(ref.path.name, source, self.info, self.warnings.append, space)

    def _looks(self, start: int, stop: int | None) -> Iterator[Look]:
        for index, frame in enumerate(self._source.frames(start, stop), start):
            yield Look(index, frame, self.view(frame))

    def _open_background(self) -> Background:
        if self.clip.bg is None or "composite" not in self.settings.outputs:
            size = (self.info.height, self.info.width)
            return Flat.named(self.settings.background, size, self.colours.plate.space)
        return Picture(self._sidecar("bg", self.clip.bg), self.info, self.colours.plate.space)

    def frames(self, start: int) -> Any:
        """The plate's frames from position ``start`` on."""
        return self._source.frames(start)

    def plate(self, frame: Frame) -> Tensor:
        """A frame's colours, float32 [3, H, W], in the file's own numbers; a copy: the frame may go."""
        pixels = (
            frame.pixels[..., :3] if frame.pixels.shape[2] >= 3 else np.repeat(frame.pixels[..., :1], 3, -1)
        )
        return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))

    def view(self, frame: Frame) -> Tensor:
        """What a network sees of a frame, float32 [3, H, W], 0..1."""
        return self.colours.plate.space.view(self.plate(frame))

    def state(self) -> dict[str, Any]:
        """What a resumed run needs to go on alike, as JSON."""
        return {"trimap": self.trimap.told()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._media.close()


def _outputs(name: str, settings: ClipSettings, info: ClipInfo, colours: Colours) -> list[Output]:
    """The files to write. Raises MediaError for a format that does not suit the clip."""
    found = []
    for output, how in settings.outputs.items():
        kind, space = how.format, colours.outputs.get(output)
        if kind == "auto":
            is_linear = space.is_linear if space else info.encoding == "linear"
            picture: Format = "exr" if is_linear else "png"
            # No codec holds light above 1, so what is asked for as light is an EXR, whatever the plate is.
            kind = "prores4444" if info.kind == "video" and not (space and is_linear) else picture
        if kind in CODECS and info.kind != "video":
            raise MediaError(
                f"{name}: is no video, so {output} cannot be {kind}; "
                f"set outputs: {output}: format: to png or exr."
            )
        reason = unfit(kind, CHANNELS[output], info)
        if reason:
            raise MediaError(
                f"{name}: {output} cannot be {kind}, which {reason}; "
                f"set outputs: {output}: format: to {instead(CHANNELS[output])}."
            )
        # Files of a sequence get a folder for each output: a thousand of each do not belong together.
        many = kind not in CODECS and info.kind != "still"
        found.append(Output(output, kind, output if many else ".", f"{name}_{output}", space))
    return found
