"""Numbered pictures as one clip: frame 1001 stays 1001, and a gap is reported rather than closed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from daemon.closing import Closing
from daemon.media.base import ClipInfo, Frame, MediaError
from daemon.media.find import MediaRef
from daemon.media.matte import grey
from daemon.media.stills import Header, read_header, read_still, still_info

_FEWEST = 3
"""Frames that a step is told from; two frames are a step of anything."""


def step_of(numbers: tuple[int, ...]) -> int:
    """Every how many frames a sequence was rendered: 2 for 1, 3, 5, 9, which lacks 7; 1 for 1, 2, 4."""
    gaps = [after - before for before, after in itertools.pairwise(numbers)]
    return math.gcd(*gaps) if len(numbers) >= _FEWEST else 1


def _profile_of(header: Header) -> tuple[bytes, bytes, bytes] | None:
    """A frame's ICC profile, but for its date and its checksum, which writers renew (ICC.1:2022, 7.2)."""
    data = header.colour.icc
    return None if data is None else (data[:24], data[36:84], data[100:])


class SequenceSource(Closing):
    """A FrameSource of numbered pictures. The first frame sets raster and channels; a stranger is refused."""

    def __init__(self, ref: MediaRef, max_pixels: int) -> None:
        self._ref = ref
        self._max_pixels = max_pixels
        if ref.fault:
            raise MediaError(f"{ref.path.name}: {ref.fault}")
        self._header = read_header(ref.files[0], max_pixels)
        numbers = ref.numbers
        step = step_of(numbers)
        digits, below = ref.digits
        present = set(numbers)
        self._info = replace(
            still_info(self._header),
            kind="sequence",
            numbers=numbers,
            missing=tuple(n for n in range(numbers[0], numbers[-1], step) if n not in present),
            step=step,
            digits=digits,
            digits_below=below,
        )
        if ref.is_matte:
            self._info = replace(self._info, channels=1)

    @property
    def info(self) -> ClipInfo:
        return self._info

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        for number, file in list(zip(self._info.numbers, self._ref.files, strict=True))[start:stop]:
            yield self._read(file, number)

    def _read(self, file: Path, number: int) -> Frame:
        header, frame = read_still(file, self._max_pixels, number)
        self._check_same(file.name, header)
        return replace(frame, pixels=grey(frame.pixels)[..., None]) if self._ref.is_matte else frame

    def _check_same(self, name: str, header: Header) -> None:
        first = self._header
        if (header.width, header.height) != (first.width, first.height):
            raise MediaError(
                f"{name}: is {header.width} x {header.height} pixels where {self._ref.files[0].name} is "
                f"{first.width} x {first.height}; render it again at that size."
            )
        if self._ref.is_matte:
            return  # a painter's program saves as it likes what was a grey picture
        if (header.channels, header.is_float) != (first.channels, first.is_float):
            raise MediaError(
                f"{name}: has other channels or another depth than {self._ref.files[0].name}; "
                "render the whole sequence in one format."
            )
        if _profile_of(header) != _profile_of(first):
            raise MediaError(
                f"{name}: has another ICC profile than {self._ref.files[0].name}; "
                "convert the whole sequence to one."
            )

    def close(self) -> None:
        """Nothing stays open between frames."""
