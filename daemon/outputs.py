"""What a clip's outputs will be: format, folder, colours, storage; and whether they can be so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter

from daemon.colour import DISPLAY, LINEAR, ColourSpace
from daemon.colour.tags import UNSPECIFIED
from daemon.colours import Colours, said_of, tagged
from daemon.config import ClipSettings, Format, OutputName, OutputSettings
from daemon.layers import CHANNELS, NAMES, PARTS
from daemon.media import (
    IMAGE_FORMATS,
    VIDEO_FORMATS,
    ClipInfo,
    FrameSink,
    MediaError,
    PictureTags,
    Storage,
    open_sink,
)
from daemon.media.durable import sync_folder
from daemon.media.picture_tags import recoloured
from daemon.media.video_formats import instead, silence, substitute, unfit
from daemon.storage import NO_ALPHA, bits_fault, compression_fault

_FORMAT: TypeAdapter[Format] = TypeAdapter(Format)


class FormatError(MediaError):
    """An output cannot be of the format that was asked for. fault: the sentence without its mend. instead:
    formats that it can be of.
    """

    def __init__(self, fault: str, output: OutputName, instead: str) -> None:
        super().__init__(f"{fault}; set outputs: {output}: format: to {instead}.")
        self.fault, self.instead = fault, instead


@dataclass(frozen=True)
class Output:
    """One thing to write. folder: below the result's. stem: of its file or files. bits, compression: None is
    the format's default. space: of its colours; None: the plate's. profile: the ICC profile of its colours.
    codes: primaries and transfer of its colours as ITU-T H.273 numbers them; None: sRGB, or there are none.
    parts: each layer is a part of the EXR. numbers: the name of the plate's space, where its numbers would be
    taken for other light in an EXR.
    """

    name: OutputName
    format: Format
    folder: str
    stem: str
    bits: int | None = None
    compression: str | None = None
    space: ColourSpace | None = None
    profile: bytes | None = None
    parts: bool = False
    numbers: str | None = None
    codes: tuple[int, int] | None = None

    def open(self, work: Path, info: ClipInfo, start: int, stamp: Mapping[str, str]) -> FrameSink:
        """stamp: what an EXR's header says of how it was made. Raises OSError where `work` is not there: who
        lost the job must not make it again.
        """
        folder = work / self.folder
        if folder != work:
            folder.mkdir(exist_ok=True)
        sync_folder(work)  # the sink syncs what is in its folder, not the folder's own name
        storage = Storage(
            bits=self.bits,
            compression=self.compression,
            names=NAMES if self.name == "layers" else None,
            parts=PARTS if self.parts else None,
            straight=self.name == "foreground",
            stamp={**stamp, "dimd:output": self.name, **self._of_numbers()},
            profile=self.profile,
            codes=self.codes,
        )
        like = tagged(info, self.space) if self.space else info
        channels = CHANNELS[self.name]
        return open_sink(
            self.format, folder, self.stem, like, channels=channels, start=start, storage=storage
        )

    def _of_numbers(self) -> dict[str, str]:
        is_plates = self.space is None and self.name != "alpha"
        return {"dimd:colorspace": self.numbers} if self.numbers and is_plates else {}

    def tags(self, plate: PictureTags | None) -> PictureTags | None:
        """What its header says, where the plate's says ``plate``: its own colours, where it has others."""
        return recoloured(plate, said_of(self.space)) if self.space else plate


def planned(
    name: str,
    settings: ClipSettings,
    info: ClipInfo,
    colours: Colours,
    begun: Mapping[str, str],
    say: Callable[[str], None],
) -> Iterator[Output]:
    """The outputs of the clip ``name``. begun: the formats that an earlier run of it began to make. say: is
    told where another format stands in. Raises MediaError for a format that does not suit one.
    """
    for output, how in settings.outputs.items():
        kind, space = how.format, colours.outputs.get(output)
        if kind == "auto":
            is_linear = space.is_linear if space else info.encoding == "linear"
            picture: Format = "exr" if is_linear or output == "layers" else "png"
            # No codec holds light above 1, so what is asked for as light is an EXR, whatever the plate is.
            is_video = info.kind == "video" and output != "layers" and not (space and is_linear)
            kind = "prores4444" if is_video else picture
        _check(name, output, kind, how, info)
        kind = _encodable(name, output, kind, info, begun.get(output), say)
        # Files of a sequence get a folder for each output: a thousand of each do not belong together.
        many = kind in IMAGE_FORMATS and info.kind != "still"
        folder = output if many else "."
        profile = None if space else colours.plate.profile
        own = colours.plate.space
        yield Output(
            output,
            kind,
            folder,
            f"{name}_{output}",
            how.bits,
            how.compression,
            space,
            profile,
            how.parts,
            None if own == LINEAR else own.name,
            _codes(space or own),
        )


def _codes(space: ColourSpace) -> tuple[int, int] | None:
    """Of what a viewer would not take for sRGB anyway."""
    return None if space.tags == DISPLAY.tags or set(space.tags) & UNSPECIFIED else space.tags


def _encodable(
    name: str,
    output: OutputName,
    kind: Format,
    info: ClipInfo,
    begun: str | None,
    say: Callable[[str], None],
) -> Format:
    """The format itself, or what stands in for one whose encoder is not here, or was not at the start."""
    codec = VIDEO_FORMATS.get(kind)
    if codec is None or codec.stand_in is None:
        return kind
    found = substitute(kind, info)
    if found is None and begun == codec.stand_in:
        found = codec.stand_in, "had no encoder at its beginning"
    if found is None:
        return kind
    other, reason = found
    say(f"{name}: {output} as {kind} {reason}; {other} by the CPU is made instead.")
    return _FORMAT.validate_python(other)


def silences(name: str, outputs: Sequence[Output], info: ClipInfo) -> Iterator[str]:
    """What of the plate's sound the outputs of the clip ``name`` leave out, a sentence for each."""
    for output in outputs:
        reason = silence(output.format, info)
        if reason:
            yield f"{name}: {output.name} as {output.format} {reason}."


def sideways(name: str, outputs: Sequence[Output], info: ClipInfo) -> Iterator[str]:
    """One sentence where players turn the clip ``name``, and pictures are made of it, which do not say so."""
    angle = abs(info.tags.rotation) if info.tags else 0
    lying = [output.name for output in outputs if output.format in IMAGE_FORMATS]
    if angle and lying:
        yield (
            f"{name}: players turn the plate by {angle} degrees, which the pictures of {', '.join(lying)} do "
            "not say; they lie as its pixels do."
        )


def _check(name: str, output: OutputName, kind: Format, how: OutputSettings, info: ClipInfo) -> None:
    """Raises MediaError for an output that its format cannot hold, or not with such bits or compression."""
    if kind in VIDEO_FORMATS and info.kind != "video" and output != "layers":
        raise FormatError(f"{name}: is no video, so {output} cannot be {kind}", output, "png or exr")
    if found := misfit(output, kind, how, info):
        raise found.error(name, output)


class Misfit(NamedTuple):
    """fault: the end of a sentence, with its mend unless ``instead`` has formats that would do."""

    fault: str
    instead: str | None = None

    def error(self, name: str, output: OutputName) -> MediaError:
        if self.instead:
            return FormatError(f"{name}: {self.fault}", output, self.instead)
        return MediaError(f"{name}: {self.fault}.")


def misfit(
    output: OutputName, kind: Format, how: OutputSettings, like: ClipInfo | None = None
) -> Misfit | None:
    """Why the format cannot hold the output, or not with such bits or compression, of the clip `like` where
    it is known. None: it can. Of auto only what any clip has.
    """
    if output == "layers" and kind not in ("auto", "exr"):
        return Misfit("layers need an EXR; set outputs: layers: format: to exr or auto")
    if output == "layers":
        kind = "exr"
    if reason := unfit(kind, CHANNELS[output], like):
        return Misfit(f"{output} cannot be {kind}, which {reason}", instead(CHANNELS[output], like))
    if kind in NO_ALPHA and CHANNELS[output] > 3:
        return Misfit(f"{NO_ALPHA[kind]} holds no alpha, so {output} cannot be one", "png, tiff or exr")
    if how.bits is not None and (reason := bits_fault(kind, how.bits)):
        return Misfit(f"{output} has no {how.bits} bits as {kind}; {reason}")
    if how.compression is not None and (reason := compression_fault(kind, how.compression)):
        return Misfit(f"{output} cannot be compressed by {how.compression}; {reason}")
    return None
