"""A picture beside the plate, frame by frame: trimap, mask or background, a still, a sequence or a video."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from daemon.colour import ColourSpace, assumed
from daemon.media.base import ClipInfo, Frame, FrameSource, Pixels
from daemon.pictured import is_cut_out, pictured
from daemon.preview import Size, reduced
from daemon.trimaps.base import TrimapError

FITTED = 8
"""Pixels: a raster that differs by so little is the plate's, padded for a codec (1088 lines for 1080)."""

_NUMBER = re.compile(r"[._](-?\d+)\.\w+$")
"""Of the frame that a single picture is of: NAME_mask.1001.png."""


class Sidecar:
    """Frames matched to the plate's: a still serves all; a sequence goes by number where the plate is one
    too; anything else goes by position. plate: what it stands beside, as its file is. warn: takes a sentence.
    space: of its colours; None: what its encoding is taken for. size: width and height that its pictures are
    fitted to the plate and then reduced to, for a preview; None: they stay as they are.
    """

    def __init__(
        self,
        label: str,
        source: FrameSource,
        plate: ClipInfo,
        warn: Callable[[str], None],
        space: ColourSpace | None = None,
        size: Size | None = None,
    ) -> None:
        self.label, self._source, self._plate, self._warn, self._size = label, source, plate, warn, size
        self.info = source.info
        self.space = space or assumed(source.info.encoding)
        self._by_number = source.info.kind == plate.kind == "sequence"
        self._position = {number: n for n, number in enumerate(source.info.numbers)}
        self._shares_numbers = self._by_number and any(number in self._position for number in plate.numbers)
        numbered = _NUMBER.search(label) if source.info.kind == "still" else None
        self._number = int(numbered[1]) if numbered else None
        self._still: Pixels | None = None
        self._frames: Iterator[Frame] = iter(())
        self._next = -1
        self._is_cut_out: bool | None = None

    def check(self) -> None:
        """Raise TrimapError, before the first frame is made, if its raster does not fit the plate; say where
        it goes on for longer.
        """
        info, (width, height) = self._source.info, (self._plate.width, self._plate.height)
        if abs(info.width - width) > FITTED or abs(info.height - height) > FITTED:
            tags = self._plate.tags
            mend = "; supply it at the plate's size."
            if tags and tags.rotation % 180 and abs(info.width - height) <= FITTED:
                mend = " before players turn it; turn it to lie as the plate's pixels do."
            raise TrimapError(
                f"{self.label}: is {info.width}x{info.height}, its plate {width}x{height}{mend}"
            )
        if (info.width, info.height) != (width, height):
            self._warn(
                f"{self.label}: is {info.width}x{info.height}, fitted to the plate's {width}x{height}."
            )
        has, of = len(info.numbers), len(self._plate.numbers)
        if has > of and not self._shares_numbers:
            many = f"{of} frames, so its first {of} are" if of > 1 else "one frame, so its first is"
            self._warn(
                f"{self.label}: has {has} pictures, its plate {many} taken; let both begin with the same "
                "frame."
            )

    def lacking(self, part: range | None = None) -> TrimapError | None:
        """What to say where it has no picture for some frame of the plate at positions ``part`` (None: all);
        a still serves all, unless it is named after one of them.
        """
        info, numbers = self._source.info, self._plate.numbers
        named = info.kind == "still" and self._number in numbers
        if info.kind == "still" and not named:
            return None
        # Too few for all positions, they are of the frames that they are named after; see `keys`.
        few = info.kind == "sequence" and len(info.numbers) < len(numbers)
        by_number = named or self._by_number or few
        wanted = numbers if by_number else range(len(numbers))
        there = (self._number,) if named else self._position if by_number else range(len(info.numbers))
        asked = range(len(numbers)) if part is None else part
        lacking = [numbers[position] for position in asked if wanted[position] not in there]
        if not lacking:
            return None
        return TrimapError(
            f"{self.label}: has no frame {_first(lacking)}; supply one for each frame of the plate."
        )

    def serves(self, index: int) -> bool:
        """Whether ``at`` has a picture for the plate's frame at position ``index``. Unlike in ``lacking``, a
        still serves all whatever it is named after, and numbers of which none is the plate's do not count.
        """
        if self.info.kind == "still":
            return True
        if self._shares_numbers:
            return self._plate.numbers[index] in self._position
        return index < len(self.info.numbers)

    def ending(self, part: range) -> TrimapError | None:
        """What to say where it does not serve all frames of the plate at positions ``part``."""
        lacking = [self._plate.numbers[index] for index in part if not self.serves(index)]
        if not lacking:
            return None
        return TrimapError(
            f"{self.label}: has no picture for frame {_first(lacking)}; supply one for each frame of the "
            "plate, or a still for all of them."
        )

    @property
    def is_named(self) -> bool:
        """Whether its pictures can be of some of the plate's frames alone: those of a video have no numbers
        but their positions, by which the frames of no sequence are called.
        """
        return self.info.kind != "video" or self._plate.kind == "video"

    def only(self, keys: Sequence[int], stem: str) -> TrimapError:
        """What to say where the frames that it has no picture of have no trimap of another source either.
        keys: see ``keys``. stem: of the names of what stands beside the plate.
        """
        numbers = self._plate.numbers
        there = f"{_frames([numbers[key] for key in keys])} of {numbers[0]} to {numbers[-1]}"
        return TrimapError(
            f"{self.label}: has only {there}; put {stem}_mask or {stem}_clean beside it for the others, "
            "or supply one for each frame of the plate."
        )

    def keys(self) -> list[int]:
        """Positions of the plate's frames that it has a picture named after; a still without a number is of
        the first. Raises TrimapError where there is none.
        """
        numbers = self._plate.numbers
        if self.info.kind == "still" and self._number is None:
            return [0]
        own = self.info.numbers if self._number is None else (self._number,)
        position = {number: n for n, number in enumerate(numbers)}
        found = [position[number] for number in own if number in position]
        if not found:
            within = numbers[0] < own[0] <= own[-1] < numbers[-1]
            there = "lacks that" if within else f"has {numbers[0]} to {numbers[-1]}"
            raise TrimapError(
                f"{self.label}: is of {_frames(own)}, its plate {there}; name it after a frame of the plate."
            )
        if len(found) < len(own):
            self._warn(
                f"{self.label}: is also of {_frames([n for n in own if n not in position])}, which the plate "
                "has not; left out."
            )
        return found

    def key(self, number: int) -> Pixels:
        """The picture named after the plate's frame ``number``, float32 [H, W, C]; see ``keys``."""
        return self.at(number, self._position.get(number, 0))

    def at(self, number: int, index: int) -> Pixels:
        """The picture for the plate's frame ``number`` at position ``index``, float32 [H, W, C], at its own
        size, or at ``size``.
        """
        info = self._source.info
        if info.kind == "still":
            if self._still is None:
                self._still = self._reduced(next(iter(self._source.frames())).pixels)
            return self._still
        position = self._position.get(number, index) if self._by_number else index
        if position != self._next:
            self._frames = self._source.frames(position)
        self._next = position + 1
        return self._reduced(next(self._frames).pixels)

    def colours(self, number: int, index: int) -> Pixels:
        """The same as a picture without alpha, float32 [H, W, 3]: grey as RGB, RGBA as a plate's, see
        `pictured`.
        """
        pixels = self.at(number, index)
        if pixels.shape[2] < 3:
            return np.repeat(pixels[..., :1], 3, -1)
        if pixels.shape[2] == 3:
            return pixels
        if self._is_cut_out is None:
            self._is_cut_out = is_cut_out(self._source)
        return pictured(pixels, self._source.info, cut_out=self._is_cut_out)

    def _reduced(self, pixels: Pixels) -> Pixels:
        if self._size is None:
            return pixels
        return reduced(fitted(pixels, self._plate.width, self._plate.height), self._size)


def _frames(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"frame {numbers[0]}"
    if numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"frames {numbers[0]} to {numbers[-1]}"
    some = numbers[:4] if len(numbers) > 5 else numbers[:-1]
    last = f"{len(numbers) - 4} more" if len(numbers) > 5 else numbers[-1]
    return f"frames {', '.join(map(str, some))} and {last}"


def fitted(pixels: Pixels, width: int, height: int) -> Pixels:
    """Cut or continued at its right and lower edge, where codecs pad, to [height, width, ...]."""
    pixels = pixels[:height, :width]
    below, beside = height - pixels.shape[0], width - pixels.shape[1]
    if below or beside:
        pixels = np.pad(pixels, [(0, below), (0, beside)] + [(0, 0)] * (pixels.ndim - 2), mode="edge")
    return pixels


def _first(numbers: Sequence[int]) -> str:
    return f"{numbers[0]} and {len(numbers) - 1} more" if len(numbers) > 1 else str(numbers[0])
