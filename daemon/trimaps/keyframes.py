"""Masks of a few frames, carried to all the others: ``NAME_mask.1001.png``, ``NAME_mask.1060.png``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from daemon.media.base import Frame, MediaError, WorkGoneError
from daemon.media.durable import sync_file, sync_folder
from daemon.media.matte import grey
from daemon.trimaps.base import Trimap, TrimapError, TrimapSource
from daemon.trimaps.fitting import Fitting
from daemon.trimaps.shot import Shot
from daemon.trimaps.sidecar import Sidecar, fitted
from dim_model import carry
from dim_model.arrays import Floats
from dim_model.carry import Carried, Carrier, Nobody
from dim_model.flow import enlarged, reduced

_CHUNK = 24
"""Frames read together where a shot is followed backwards: files are read forwards."""

_DONE = "whole"
"""File that says that the folder beside holds every frame."""

_APART = 0.5
"""Difference of what two keys say of a pixel, from which it is in doubt."""

_BLACK = 0.1
"""No pixel of an empty key is as bright; one that is all grey is rather a mistake."""


class KeyframeTrimap(TrimapSource):
    """The masks of ``keys`` (positions in the clip), carried forwards and backwards from the nearest ones and
    blended between them; ``erode`` and ``dilate`` pixels around the carried edge are unknown, and what is in
    doubt. A key that is black says that nobody is there; the frames between it and one with a subject go by
    that one alone.
    """

    name = "mask"

    def __init__(
        self, sidecar: Sidecar, keys: Sequence[int], shot: Shot, erode: int, dilate: int, fitting: Fitting
    ) -> None:
        self._sidecar, self._keys = sidecar, tuple(keys)
        self._erode, self._dilate, self._fitting = erode, dilate, fitting
        self._keep, self._numbers = Path(), shot.info.numbers
        self._empty: set[int] = set()
        numbers = [shot.info.numbers[key] for key in keys]
        shown = ", ".join(map(str, numbers[:6])) + (" …" if len(numbers) > 6 else "")
        which = f"masks of frames {shown} are" if len(numbers) > 1 else f"mask of frame {shown} is"
        self.why = f"the {which} carried from {sidecar.label} to the others"

    def prepare(self, shot: Shot, keep: Path) -> Iterator[None]:
        self._keep = keep
        if (keep / _DONE).exists():
            return
        keep.mkdir(exist_ok=True)
        last = len(shot.info.numbers) - 1
        reached = set[int]()
        for before, key, after in _triples(self._keys, last):
            ahead, back = _ends(before, key, after, shot.heard)
            if ahead is None and back is None and key not in shot.heard:
                continue
            carrier = self._begun(shot, key)
            self._store(key, carrier.first)
            reached.add(key)
            ways = ((after, ahead, _forwards(shot, key)), (before, back, _backwards(shot, key)))
            for other, end, frames in ways:
                if end is None:
                    continue
                for index, carried in _followed(carrier, frames, end):
                    self._blend(index, carried, key, other if other in self._keys else None, index in reached)
                    reached.add(index)
                    yield
                carrier = self._begun(shot, key, carrier)
        if len(self._empty) == len(self._keys):
            raise self._unfit(self._keys[0], "shows no subject")
        self._check(shot, reached)
        # In the end, for while a disk syncs one picture the next could be carried.
        for index in sorted(reached):
            sync_file(self._file(index))
            yield
        sync_folder(keep)
        (keep / _DONE).touch()
        sync_file(keep / _DONE)
        sync_folder(keep)

    def reach(self, shot: Shot) -> range:
        return shot.reach(lambda index: self._file(index).exists())

    def trimap(self, frame: Frame, index: int, view: Tensor) -> Trimap:
        height, width = view.shape[-2:]
        matte, doubt, confidence = self._stored(index)
        values = carry.trimap(
            enlarged(matte, height, width), enlarged(doubt, height, width), self._erode, self._dilate
        )
        return Trimap(self._fitting.into_fur(view, values), confidence)

    def _begun(self, shot: Shot, key: int, earlier: Carrier | Nobody | None = None) -> Carrier | Nobody:
        look = next(shot.read(key, key + 1))
        height, width = look.view.shape[-2:]
        pixels = fitted(grey(self._sidecar.key(look.frame.number)), width, height)
        mask = reduced(torch.from_numpy(pixels.copy())[None], carry.LINES)[..., 0]
        rgb = reduced(look.view, carry.LINES)
        if len(self._keys) > 1 and mask.max() < _BLACK:
            self._empty.add(key)
            return Nobody(rgb)
        rough = max(1, round(max(self._erode, self._dilate) * mask.shape[0] / height))
        try:
            return Carrier(rgb, mask, rough, earlier.mosaic if earlier else None)
        except ValueError:
            what = "shows no subject" if not (mask > 0.5).any() else "is white all over"
            raise self._unfit(key, what) from None

    def _unfit(self, key: int, what: str) -> TrimapError:
        return TrimapError(
            f"{self._sidecar.label}: its frame {self._numbers[key]} {what}; paint the subject white on black."
        )

    def _file(self, index: int) -> Path:
        return self._keep / f"{index:06d}.png"

    def _store(self, index: int, carried: Carried) -> None:
        """Matte, doubt and confidence in one picture of three channels."""
        sure = np.full_like(carried.matte, carried.confidence)
        planes = np.stack([carried.matte, carried.doubt.astype(np.float32), sure], -1)
        encoded, data = cv2.imencode(".png", (planes * 255 + 0.5).astype(np.uint8))
        assert encoded
        try:
            self._file(index).write_bytes(data.tobytes())
        except OSError as error:
            raise MediaError(
                f"{self._sidecar.label}: the mask carried to frame {self._numbers[index]} could not be "
                f"written ({error.strerror}); check free space and rights."
            ) from None

    def _stored(self, index: int) -> tuple[Floats, Floats, float]:
        """What ``_store`` kept. Raises WorkGoneError where it is not whole any more, and OSError."""
        path = self._file(index)
        data = np.frombuffer(path.read_bytes() if path.exists() else b"", np.uint8)
        codes = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
        if codes is None:
            raise WorkGoneError(
                f"{self._sidecar.label}: the mask carried to frame {self._numbers[index]} is gone"
            )
        planes = codes.astype(np.float32) / np.float32(255)
        return planes[..., 0], planes[..., 1], float(planes[0, 0, 2])

    def _blend(self, index: int, carried: Carried, key: int, other: int | None, there: bool) -> None:
        """Keep what one key says of a frame, together with what the other one beside it said, unless one of
        them is empty: when the subject went, or came, only the other can tell.
        """
        if there and key in self._empty:
            return
        if there and other is not None and other not in self._empty:
            matte, doubt, confidence = self._stored(index)
            share = np.float32(abs(index - key) / abs(other - key))
            apart = np.abs(matte - carried.matte) > _APART
            carried = Carried(
                share * matte + (1 - share) * carried.matte,
                (doubt > 0.5) | carried.doubt | apart,
                float(share) * confidence + (1 - float(share)) * carried.confidence,
            )
        self._store(index, carried)

    def _check(self, shot: Shot, reached: set[int]) -> None:
        """Raise TrimapError where a cut kept the masks from a frame that is to be made."""
        lost = sorted(set(shot.part).difference(reached, shot.painted))
        if lost:
            first = lost[0]
            until = next((a for a, b in pairwise([*lost, len(shot.info.numbers) + 1]) if b > a + 1), first)
            numbers = shot.info.numbers
            which = (
                f"frame {numbers[first]}"
                if until == first
                else f"a frame from {numbers[first]} to {numbers[until]}"
            )
            raise TrimapError(
                f"{self._sidecar.label}: is not carried over the cut to frame {numbers[first]}; put a mask "
                f"of {which} beside it."
            )


def _triples(keys: Sequence[int], last: int) -> Iterator[tuple[int, int, int]]:
    """Each key with the position before and after it up to which its mask is carried."""
    return zip((-1, *keys[:-1]), keys, (*keys[1:], last + 1), strict=True)


def _ends(before: int, key: int, after: int, wanted: range) -> tuple[int | None, int | None]:
    """The positions up to which a key's mask is carried forwards and backwards for the frames ``wanted``;
    None: it is not.
    """
    back, ahead = max(before, wanted.start - 1), min(after, wanted.stop)
    if back + 1 < min(key, wanted.stop):
        return after, back  # the frames before a key are told by the background that all those after it show
    return (ahead if max(key + 1, wanted.start) < ahead else None), None


def _forwards(shot: Shot, key: int) -> Iterator[tuple[int, Floats]]:
    for look in shot.read(key + 1, None):
        yield look.index, reduced(look.view, carry.LINES)


def _backwards(shot: Shot, key: int) -> Iterator[tuple[int, Floats]]:
    for stop in range(key, 0, -_CHUNK):
        looks = shot.read(max(0, stop - _CHUNK), stop)
        yield from reversed([(look.index, reduced(look.view, carry.LINES)) for look in looks])


def _followed(
    carrier: Carrier | Nobody, frames: Iterator[tuple[int, Floats]], stop: int
) -> Iterator[tuple[int, Carried]]:
    """The carried mask of frame after frame, up to ``stop`` or to a cut."""
    for index, rgb in frames:
        carried = carrier.step(rgb) if index != stop else None
        if carried is None:
            return
        yield index, carried
