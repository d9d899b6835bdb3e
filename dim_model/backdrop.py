"""The background of a shot whose camera stands still, found in the shot itself.

A subject that never leaves its place covers some pixels throughout, so a median over time shows him there.
Two witnesses tell the background from him. It does not move: dense inverse search (Kroeger et al., 2016)
between two frames that follow each other shows where nothing does, as Gutchess et al., "A Background Model
Initialization Algorithm for Video Surveillance" (2001) have it. And it returns: the same small patch, to
within the noise, at times far apart (the stable modes of Stauffer & Grimson, 1999). A background that was
never at rest beside the subject is told by its colour, learnt from what surely moved and what surely stood
(Jones & Rehg, 2002). What none of them shows was *never seen*.

Pictures are float32 [H, W, 3], display-referred, 0..1, reduced as ``cleanplate`` does.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dim_model.arrays import Bytes, Floats, Mask
from dim_model.cleanplate import (
    Difference,
    ashore,
    banded,
    clear,
    compared,
    laid,
    noise_of,
    reduced,
    tidied,
)
from dim_model.colours import ColourModel, log_odds
from dim_model.flow import THOROUGH, grey, one_way
from dim_model.pieces import touching
from dim_model.register import burnt, gain, matched

Counts = Bytes

_PATCH = (5, 5)
_ALIKE = 2.0
"""Mean difference over a patch, in standard deviations of the noise, up to which two are the same: 1.13 is
to be expected.
"""
_NOISE = (0.004, 0.02)
"""Standard deviation, display-referred, that is believed: codecs add to the least."""

_REST = 0.25
"""Pixels of flow below which something stands still."""

_RETURNS = 2
"""Samples at rest that show the background."""
_AT_REST = 0.2
"""Share of those that look alike which must be at rest: some of a subject that pauses is."""
_OFTEN = 3
"""Samples that must look alike where colour alone tells them from the subject."""
_SETTLED = 0.6
"""Share of the samples from which what looks alike is there to be cleared of noise before flow is sought."""

_LEANS = 0.5
"""Log odds from which a colour speaks for a side."""
_SURE = 1.5
"""Log odds from which it does so against another witness."""
_AROUND = 41
"""Pixels around what moves whose background lends its colours."""

_LEAST_MOVING = 2e-3
"""Share of the frame that must move for a subject to be told at all."""
_FOUND = 0.65
"""Share of what moves in a sample that must come out as its subject: of one that hardly sways its rim moves,
and the rest is taken for the background.
"""
_BUSIEST = 3
"""Samples that are looked at for it, those in which the most moves."""
_MOST = 0.8
"""Confidence at best: a clean plate and a screen know more."""


class StillError(ValueError):
    """Too little moves in the shot."""


@dataclass(frozen=True)
class Backdrop:
    """plate: the background. seen: bool [H, W], where it was seen. foreground, background: the colours of
    either side. moving: share of the frame that moved at some time.
    """

    plate: Floats
    seen: Mask
    foreground: ColourModel
    background: ColourModel
    moving: float

    def difference(self, view: Tensor, erode: int, dilate: int) -> Difference:
        """A frame's trimap, and how surely it is known.

        view: float32 [3, H, W], display-referred, 0..1. erode, dilate: pixels of the band of unknown inside
        and outside the edge.
        """
        frame = reduced(view)
        gains = gain(frame, self.plate, self.seen)
        plate = matched(self.plate, frame, gains)
        noise = noise_of(frame, plate, self.seen)
        differs, unsure = compared(frame, plate, noise)
        odds = self._odds(frame)
        hidden = ~self.seen
        moves = differs & self.seen
        subject = touching(tidied(moves | (hidden & (odds > -_LEANS))), moves)
        near = cv2.dilate(subject.astype(np.uint8), np.ones((15, 15), np.uint8)) > 0
        enclosed = _filled(subject)
        doubt = hidden & (np.abs(odds) <= _LEANS)  # by neither witness
        doubt |= hidden & ~subject & enclosed
        doubt |= self.seen & ~differs & enclosed & (odds > _SURE)  # his colour, and the plate's
        doubt |= unsure & (odds < _SURE)  # a shadow, or dark
        doubt = ashore(subject, doubt) & (near | enclosed)
        share = float(subject.mean())
        height, width = view.shape[-2:]
        bare = clear(frame, plate, self.seen, subject & ~doubt, noise)
        values = banded(subject, doubt, bare, (height, width), erode, dilate)

        def full() -> Tensor:
            size = (view.shape[-1], view.shape[-2])
            larger = cv2.resize(plate, size, interpolation=cv2.INTER_CUBIC)
            sure = self.seen & ~burnt(self.plate, gains).any(-1)
            known = cv2.resize(sure.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
            return laid(np.asarray(larger, np.float32), known)

        return Difference(values, share, self._confidence(share, float(doubt.mean())), full)

    def _odds(self, frame: Floats) -> Floats:
        return np.asarray(cv2.blur(log_odds(frame, self.foreground, self.background), _PATCH), np.float32)

    def _confidence(self, share: float, doubt: float) -> float:
        """The lower, the more of the subject is in doubt, and the more of the frame is the subject."""
        decided = 1 - min(1.0, doubt / max(share + doubt, 1e-6))
        crowded = np.clip(2 - 2.5 * max(share, self.moving), 0, 1)
        return float(_MOST * decided * crowded)


def find(first: Sequence[Floats], second: Sequence[Floats]) -> Generator[None, None, Backdrop]:
    """The backdrop of a shot; yields now and then, so that whoever iterates can break off.

    first: samples from all over the shot. second: for each the frame soon after, as large. Raises StillError
    where too little moves for its subject to be told.
    """
    middle = np.asarray(np.median(np.stack(first), 0), np.float32)
    everywhere = np.ones(middle.shape[:2], bool)
    gains = [gain(picture, middle, everywhere) for picture in first]
    frames = [matched(a, middle, np.float32(1) / g) for a, g in zip(first, gains, strict=True)]
    after = [matched(b, middle, np.float32(1) / g) for b, g in zip(second, gains, strict=True)]
    limit = _ALIKE * _noise(frames, after)
    yield
    share = np.mean([_alike(picture, middle, limit) for picture in frames], 0)
    settled, constant = share >= _SETTLED, share == 1
    if (~constant).mean() < _LEAST_MOVING:
        raise StillError
    still = []
    for a, b in zip(frames, after, strict=True):
        still.append(_at_rest(*(_calmed(x, middle, settled, limit) for x in (a, b))))
        yield
    box = _box(~constant)
    part = [picture[box] for picture in frames]
    rest = [mask[box].astype(np.uint8) for mask in still]
    counts = yield from _likenesses(part, [np.ones_like(mask) for mask in rest], limit)
    calm = yield from _likenesses(part, rest, limit)
    best = (calm.astype(np.int32) * 256 + counts).argmax(0)
    held, of = _taken(calm, best), _taken(counts, best)
    plate, seen = middle.copy(), np.ones(middle.shape[:2], bool)
    seen[box] = (held >= _RETURNS) & (held >= _AT_REST * of)
    plate[box] = _mean_of_alike(part, best, limit)
    yield
    return (yield from _completed(frames, part, box, plate, seen, constant, limit))


def _completed(
    frames: list[Floats],
    part: list[Floats],
    box: tuple[slice, slice],
    plate: Floats,
    seen: Mask,
    constant: Mask,
    limit: float,
) -> Generator[None, None, Backdrop]:
    """With what only its colour shows to be background."""
    square = np.ones((3, 3), np.uint8)
    moving = [
        cv2.erode((seen & ~_alike(picture, plate, 3 * limit)).astype(np.uint8), square) > 0
        for picture in frames
    ]
    if max(float(mask.mean()) for mask in moving) < _LEAST_MOVING:
        raise StillError
    reach = cv2.dilate((~(seen & constant)).astype(np.uint8), np.ones((_AROUND, _AROUND), np.uint8)) > 0
    rows = np.concatenate(frames), np.concatenate(moving)
    made = Backdrop(plate, seen, ColourModel(*rows), ColourModel(plate, seen & reach), 0.0)
    alike = [(made._odds(picture) < -_LEANS).astype(np.uint8) for picture in part]
    counts = yield from _likenesses(part, alike, limit, both=True)
    best = counts.argmax(0)
    added = ~seen[box] & (_taken(counts, best) >= _OFTEN)
    plate[box] = np.where(added[..., None], _mean_of_alike(part, best, limit), plate[box])
    seen[box] |= added
    swept = np.any(moving, 0) | ~seen
    made = Backdrop(plate, seen, made.foreground, made.background, float(swept.mean()))
    if not _tells(made, frames, [float(mask.mean()) for mask in moving]):
        raise StillError
    return made


def _tells(made: Backdrop, frames: list[Floats], moving: list[float]) -> bool:
    """Whether what moves in the busiest samples comes out as a subject. moving: share of each frame."""
    busiest = sorted(range(len(frames)), key=lambda n: moving[n])[-_BUSIEST:]
    views = (torch.from_numpy(frames[n].transpose(2, 0, 1)) for n in busiest)
    found = sum(made.difference(view, 0, 0).share for view in views)
    return found >= _FOUND * sum(moving[n] for n in busiest)


def _noise(first: Sequence[Floats], second: Sequence[Floats]) -> float:
    """Of what does not move, which is most of a frame: its standard deviation."""
    found = [np.median(np.abs(a - b)[::3, ::3]) for a, b in zip(first, second, strict=True)]
    return float(np.clip(1.4826 / 2**0.5 * np.median(found), *_NOISE))


def _alike(one: Floats, other: Floats, limit: float) -> Mask:
    return np.asarray(cv2.blur(np.abs(one - other), _PATCH).max(-1) < limit)


def _calmed(picture: Floats, middle: Floats, settled: Mask, limit: float) -> Floats:
    """Without noise where the background is plain to see: flow takes noise on a bare wall for motion."""
    return np.where((_alike(picture, middle, limit) & settled)[..., None], middle, picture)


def _at_rest(one: Floats, other: Floats) -> Mask:
    return np.asarray(np.linalg.norm(one_way(grey(one), grey(other), THOROUGH), axis=-1) < _REST)


def _box(mask: Mask) -> tuple[slice, slice]:
    """Around all of it, with a patch's width to spare."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return (
        slice(max(0, int(rows[0]) - _PATCH[1]), int(rows[-1]) + 1 + _PATCH[1]),
        slice(max(0, int(columns[0]) - _PATCH[0]), int(columns[-1]) + 1 + _PATCH[0]),
    )


def _likenesses(
    part: list[Floats], votes: list[Counts], limit: float, *, both: bool = False
) -> Generator[None, None, Counts]:
    """For each pixel of each sample, how many votes there are among the samples that look like it there,
    itself included, uint8 [N, h, w]. both: only where it has a vote itself.
    """
    counts = np.stack(votes)
    for i, one in enumerate(part):
        for j in range(i):
            same = _alike(one, part[j], limit).astype(np.uint8)
            if both:
                same &= votes[i] & votes[j]
            counts[i] += same * votes[j]
            counts[j] += same * votes[i]
        yield
    return counts


def _taken(counts: Counts, best: NDArray[np.intp]) -> Counts:
    return np.asarray(np.take_along_axis(counts, best[None], 0)[0], np.uint8)


def _mean_of_alike(part: list[Floats], best: NDArray[np.intp], limit: float) -> Floats:
    """The mean of the samples that look like the best one, pixel by pixel."""
    chosen = np.take_along_axis(np.stack(part), best[None, ..., None], 0)[0]
    total, weight = chosen.copy(), np.ones(best.shape, np.float32)
    for picture in part:
        same = _alike(picture, chosen, limit)
        total += same[..., None] * picture
        weight += same
    return np.asarray(total / weight[..., None], np.float32)


def _filled(subject: Mask) -> Mask:
    """With its holes."""
    outlines, _ = cv2.findContours(subject.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.drawContours(np.zeros(subject.shape, np.uint8), outlines, -1, 1, cv2.FILLED) > 0)
