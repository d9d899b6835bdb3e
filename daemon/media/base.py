"""What a clip is to the rest of the daemon: frames in, frames out, whatever file holds them.

Every kind of file stands behind the two protocols here, so that the pipeline never asks whether a plate is
a photograph, an EXR sequence or a ProRes file. Time is rational and frame numbers are the file's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, Self

import numpy as np
import numpy.typing as npt

Kind = Literal["still", "sequence", "video"]
Encoding = Literal["display", "linear"]
Pixels = npt.NDArray[np.float32]


class MediaError(Exception):
    """One sentence for the user: the file at fault and the mend. A damaged file may call its parts anything:
    what no terminal or log should be handed is shown as a replacement character.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in sentence))


class PassingError(MediaError):
    """It is through no fault of the clip, and may have passed at the next try."""


class WorkGoneError(MediaError):
    """What was made of a clip before is gone or damaged, so it has to begin anew. lost: what, and that it is
    so, as the beginning of a sentence.
    """

    def __init__(self, lost: str) -> None:
        super().__init__(f"{lost}, so the clip begins anew; leave hidden folders beside the results alone.")


@dataclass(frozen=True)
class PictureTags:
    """What a picture file says beside its pixels, and what is made of it says again.

    `attributes` are (name, type, value) in OpenImageIO's terms: time code, frame rate, camera,
    chromaticities, a studio's own. `origin` is the left upper corner of the display window, which is the
    frame's raster.
    """

    attributes: tuple[tuple[str, Any, Any], ...] = ()
    origin: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Frame:
    """One picture of a clip.

    `pixels` is float32 [H, W, C] in the file's own encoding: C = 1 is grey (or a matte), 3 RGB, 4 RGBA with
    straight (unassociated) alpha. Integer files span 0..1; video may pass it by a little (super-whites,
    colours outside the RGB cube), for clipping would change the plate; float files keep whatever they hold,
    but for NaN and infinity: `mended` pixels held such and were filled from those around. `tags` are an EXR's
    or a DPX's own. An output of several layers has more channels, in the order of its names.
    """

    number: int
    pixels: Pixels
    pts: int | None = None
    tags: PictureTags | None = None
    mended: int = 0


@dataclass(frozen=True)
class VideoTags:
    """What a video says of its own pixels, in the code points of ITU-T H.273 (2 is "unspecified").

    `full_range` is None where the file does not say. `sample_aspect` is 1 for square pixels. `rotation` is
    the display rotation in degrees that a player would apply; the pixels themselves are never rotated. `reel`
    is the name of the tape or card that an editor conforms by.
    """

    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    full_range: bool | None = None
    sample_aspect: Fraction = Fraction(1)
    timecode: str | None = None
    rotation: int = 0
    reel: str | None = None


@dataclass(frozen=True)
class ColourTags:
    """What a picture's header says of its colours.

    space: a name, such as `lin_ap1_scene`. chromaticities: CIE x and y of red, green, blue and white. aces:
    it is an ACES container (SMPTE ST 2065-4). icc: an ICC profile, as it lies in the file; b"": one that
    could not be taken out of it. grey: the picture has no colours. codes: of primaries and transfer in ITU-T
    H.273, as a PNG's cICP has them.
    """

    space: str | None = None
    chromaticities: tuple[float, ...] | None = None
    aces: bool = False
    icc: bytes | None = field(default=None, repr=False)
    grey: bool = False
    codes: tuple[int, int] | None = None


@dataclass(frozen=True)
class ClipInfo:
    """What is known of a clip before its first frame is decoded.

    `numbers` are the frames present, in order; `missing` the gaps between them, which are reported and never
    hidden; where a sequence was rendered so, every `step`th frame is there. `digits` are those of a frame
    number in a file's name, at least, and `digits_below` those of a negative one, its minus sign among them.
    `rate`, `time_base`, `pts` and `tags` are set for video alone; `pts[i]` belongs to `numbers[i]`, and `end`
    is when the last frame is shown no longer (None: it is shown for as long as the rate says). `sound` is the
    file whose audio belongs to the pictures, where it has any. `remarks` are sentences that a person should
    read: what of the file was passed over. `heard` is, of a part of a video, between which seconds its sound
    is; None: from or to the sound's own ends. `colour` is what a picture says of its colours; a video says it
    in its `tags`. `premultiplied`: the files hold colours times alpha, which frames have straight.
    `pixel_aspect`: how wide a pixel is shown, of its height, as an EXR, a DPX or a video says.
    """

    kind: Kind
    width: int
    height: int
    channels: int
    numbers: tuple[int, ...]
    missing: tuple[int, ...]
    encoding: Encoding
    bits: int
    is_float: bool
    rate: Fraction | None = None
    time_base: Fraction | None = None
    pts: tuple[int, ...] = ()
    tags: VideoTags | None = None
    sound: Path | None = None
    heard: tuple[Fraction | None, Fraction | None] = (None, None)
    remarks: tuple[str, ...] = ()
    colour: ColourTags = ColourTags()
    step: int = 1
    digits: int = 4
    digits_below: int = 4
    premultiplied: bool = False
    pixel_aspect: Fraction = Fraction(1)
    end: int | None = None


class FrameSource(Protocol):
    """A clip opened for reading. One reader at a time; `frames` may be called any number of times.

    `start` and `stop` are positions (indices into `info.numbers`). Raises MediaError for a frame that cannot
    be read.
    """

    @property
    def info(self) -> ClipInfo: ...

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]: ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class FrameSink(Protocol):
    """One output of a clip, written into a folder that nobody reads yet.

    `write` takes frames in order. After `commit` every frame written so far is whole and fsynced. `finish`
    follows the last commit and leaves the final file or files alone in the folder; as it may take long, it
    calls `moved` whenever it came forward, and breaks off with what that raises. Leaving the context
    without `finish` keeps what was committed, so that a later sink can go on from there.
    """

    def write(self, frame: Frame) -> None: ...

    def commit(self) -> None: ...

    def finish(self, moved: Callable[[], None] = ...) -> None: ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
