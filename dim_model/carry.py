"""A mask carried from one frame to the next: flow moves it, and what the frame itself shows corrects it.

Three witnesses are heard for each pixel, in log odds: where the flow puts the mask (the less, the less the
flow can be trusted), which side the pixel's colour belongs to (``colours``), and whether it differs from the
background that was seen there (``mosaic``). Their sum is smoothed along the edges of the picture (Hosni et
al., "Fast Cost-Volume Filtering for Visual Correspondence and Beyond", 2013), cleared of parts that hang
nowhere, and made into a matte in a narrow band (``sampling``), which the next step begins with, so that a
mask that was rough at first finds the subject's edge. After Bai et al., "Video SnapCut" (2009), who weigh
colour against shape by how well colours tell.

Frames are float32 [H, W, 3], display-referred, 0..1, at a reduced size of some 360 lines, for which the
widths below are meant.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from torch import Tensor

from dim_model import guided, pieces
from dim_model import trimap as trimaps
from dim_model.arrays import Floats, Mask
from dim_model.colours import ColourModel, log_odds
from dim_model.flow import Flow, flows, is_cut, moved
from dim_model.morphology import disk, grown, shrunk
from dim_model.mosaic import Mosaic, Seen
from dim_model.quick import quick_matte

LINES = 360
"""The shorter side at which masks are carried."""

_NEAR = 40
"""Pixels around the mask in which the subject can be a frame later."""
_EDGE = 2.5
"""Pixels from the moved mask's edge at which it speaks with odds of e², were the flow sure."""
_LEAST_TRUST = 0.25
_PRIOR = 2.0
_MOST = 4.0
_COLOUR_WHERE_SEEN = 0.5
"""Weight of colour where the background was seen: that is the better witness."""
_SEEN = (1.5, -3.0, 6.0)
"""Slope of the mosaic's odds over a distance of 2, and their least and greatest."""
_SMOOTH = 4
_BAND = 3
"""Pixels around the edge that are matted anew."""
_CLEAR = 4
"""Pixels from the edge from which on a frame teaches colours and background."""
_RATE = 0.03
_AGAINST = -1.0
"""Log odds from which on the evidence contradicts a pixel of the subject; as many for it do one outside."""
_UNDECIDED = 0.25
"""Belief that differs by less from a half is none."""
_REACH = 12
"""Pixels from the subject within which a part of it can come out."""
_LOOSE = 4
"""Pixels by which a carried edge may lie beside the true one."""
_SHUTTER = 0.5
"""Of a frame's time that a shutter is open, so that an edge is as soft as half its way: 180 degrees."""
_AROUND = 30
"""Pixels around within which a witness is put to the test."""
_LOST = 6
"""Pixels by which an edge may lie beside the true one where the flow is not to be trusted at all."""
_STRAYS = 2
"""Pixels a frame by which flow strays from a veil to what is seen through it."""
_SOFT = 0.03
_GREY = 0.1
"""How far from black or white the key frame's mask is grey, and its maker was not sure."""
_PART, _HOLE = 4e-3, 12
"""Share of the subject, and pixels, below which a part or a hole is noise."""


class Carried(NamedTuple):
    """matte: float32 [H, W], 0..1, of the subject. doubt: bool [H, W], where it may be wrong beside its edge.
    confidence: 0..1, how far what the frame shows bears it out.
    """

    matte: Floats
    doubt: Mask
    confidence: float


class Carrier:
    """Carries the mask of one frame to those after it, or before it, one by one.

    rgb: of the key frame. mask: float32 [H, W], 0..1, above 0.5 the subject; ``rough``: pixels by which its
    edge may be wrong. mosaic: of the same key frame, to go on with; None: begun anew. Raises ValueError for a
    mask that is empty or full. Attributes: rgb, of the last frame; mosaic; first, of the key frame.
    """

    def __init__(self, rgb: Floats, mask: Floats, rough: int, mosaic: Mosaic | None = None) -> None:
        subject = mask > 0.5
        if not subject.any() or subject.all():
            raise ValueError("a mask must show a subject and a background")
        grey = np.abs(mask - 0.5) < 0.5 - _GREY
        self._grey = _broad(grey, subject, rough)
        self._broadest = self._grey.sum()
        background = ~grown(subject, rough + _CLEAR) & ~self._grey
        self._background = ColourModel(rgb, background)
        self._foreground = ColourModel(rgb, subject & ~self._grey)
        # A rough mask closes gaps: what shows in them is not to be learnt as the subject's.
        deep = shrunk(subject, 2 * rough)
        strange = subject & ~deep & (log_odds(rgb, self._foreground, self._background) < _AGAINST)
        self._foreground = ColourModel(rgb, shrunk(subject, 1) & ~strange & ~self._grey)
        if mosaic is None:
            mosaic = Mosaic(rgb, background)
        else:
            mosaic.begin_again()
        self.mosaic = mosaic
        odds = log_odds(rgb, self._foreground, self._background)
        self._vouched = _vouched(odds, deep)
        doubt = _doubted(_upheld(odds, self._vouched), subject)
        doubt |= grey
        self.rgb, self._matte = rgb, _matted(rgb, subject, rough, doubt)
        self.first = Carried(self._matte, doubt, 1.0)

    def step(self, rgb: Floats) -> Carried | None:
        """The mask in the frame next to the last one; None where there is a cut between them."""
        _, flow = flows(self.rgb, rgb)
        if is_cut(flow):
            return None
        before = moved(self._matte, flow.back)
        inside = _signed_distance(before > 0.5)
        seen = self.mosaic.follow(rgb, flow, inside < -2 * _CLEAR)
        near = inside > -_NEAR
        vouched = moved(self._vouched.astype(np.float32), flow.back) > 0.5
        evidence = _upheld(self._evidence(rgb, seen, inside), vouched)
        odds = _PRIOR * _shape(inside, flow.trust) + evidence
        decided = (1 / (1 + np.exp(-odds))).astype(np.float32)
        belief = np.zeros_like(decided)
        belief[near] = guided.smooth(rgb, decided, np.ones_like(decided), near, _SMOOTH)
        subject = _tidied(belief > 0.5, before > 0.5)
        self._vouched = vouched & subject
        self._grey = grey = moved(self._grey.astype(np.float32), flow.back) > 0.5
        doubt = _doubted(evidence, subject) | (near & (np.abs(belief - 0.5) < _UNDECIDED))
        doubt |= (np.abs(_signed_distance(subject)) < _softness(flow)) | grey
        self.rgb, self._matte = rgb, _matted(rgb, subject, _BAND, doubt)
        if grey.sum() < self._broadest:
            self._grey |= grown(grey, _STRAYS) & (np.abs(self._matte - 0.5) < 0.5 - _GREY)
        background = ~grown((self._matte > 0.02) | grey, _CLEAR)
        steady = (flow.trust > 0.5) & (evidence > 0) & ~grey
        self._foreground.learn(rgb, shrunk(subject, _CLEAR) & steady, _RATE)
        self._background.learn(rgb, background, _RATE)
        self.mosaic.add(rgb, background)
        return Carried(self._matte, doubt, _confidence(odds, self._matte > 0.5))

    def _evidence(self, rgb: Floats, seen: Seen, inside: Floats) -> Floats:
        """Log odds of the subject by what the frame itself shows, float32 [H, W].

        inside: float32 [H, W], pixels to the edge of the moved mask.
        """
        colour = log_odds(rgb, self._foreground, self._background)
        colour *= _reliability(colour, inside) * np.where(seen.known, _COLOUR_WHERE_SEEN, 1)
        slope, least, most = _SEEN
        differs = np.where(seen.known, np.clip(slope * (seen.distance - 2), least, most), 0) * seen.faith
        return np.asarray(colour + differs, np.float32)


class Nobody:
    """An empty mask in ``Carrier``'s stead: of frames that the subject has left, or has not come into yet.

    rgb: of the key frame, then of the last frame. Attributes: first, of the key frame.
    """

    mosaic: Mosaic | None = None

    def __init__(self, rgb: Floats) -> None:
        none = np.zeros(rgb.shape[:2], np.float32)
        self.rgb, self.first = rgb, Carried(none, none > 0, 1.0)

    def step(self, rgb: Floats) -> Carried | None:
        """As ``Carrier.step``; the confidence is less where something new is in the frame."""
        _, flow = flows(self.rgb, rgb)
        if is_cut(flow):
            return None
        self.rgb = rgb
        return self.first._replace(confidence=float(flow.trust.mean()))


def trimap(matte: Tensor, doubt: Tensor, erode: int, dilate: int) -> Tensor:
    """The trimap of a carried matte at the plate's size, float32 [1, H, W] of 0, 0.5, 1.

    matte, doubt: float32 [1, H, W], 0..1, as carried, enlarged. erode, dilate: pixels from the matte's edge
    that are unknown for its own sake; a carried edge is less exact than a drawn one, so the band is wider.
    """
    more = round(_LOOSE * min(matte.shape[-2:]) / LINES)
    subject = matte[None] > 0.5
    soft = trimaps.grow((matte[None] > _SOFT) & (matte[None] < 1 - _SOFT), (more + 1) // 2)
    unsure = soft | (doubt[None] > 0.5)
    inner, outer = trimaps.shrink(subject, erode + more), trimaps.grow(subject, dilate + more)
    return trimaps.compose(inner & ~unsure, ~outer & ~unsure)[0]


def _reliability(odds: Floats, inside: Floats) -> Floats:
    """How far the colours are to be believed here, float32 [H, W], 0..1: by how often they take for the
    subject what surely is background around (after Bai et al. 2009, eq. 3). Grey fur before grey stones has
    no colour of its own.

    odds: float32 [H, W], of the subject. inside: float32 [H, W], pixels to the moved mask's edge.
    """
    sure = (inside < -_CLEAR) & (inside > -_AROUND)
    said = np.where(sure, np.abs(odds), 0).astype(np.float32)
    heard = cv2.GaussianBlur(said, (0, 0), _AROUND / 2)
    failed = cv2.GaussianBlur(said * (odds > 0), (0, 0), _AROUND / 2)
    return np.asarray(np.clip(2 - 4 * failed / np.maximum(heard, 1e-6), 0, 1), np.float32)


def _softness(flow: Flow) -> Floats:
    """Pixels from the edge that motion alone makes unsure, float32 [H, W]: what the fastest thing within
    reach moved by while the shutter was open, and more where the flow cannot be trusted.
    """
    speed = cv2.dilate(np.linalg.norm(flow.back, axis=-1), disk(_CLEAR))
    trust = cv2.blur(flow.trust, (2 * _CLEAR + 1, 2 * _CLEAR + 1))
    return np.asarray(_SHUTTER * speed + _LOST * (1 - trust), np.float32)


def _shape(inside: Floats, trust: Floats) -> Floats:
    """Log odds of the subject by where the flow puts it, float32 [H, W]."""
    reach = np.clip(inside / _EDGE, -_MOST, _MOST)
    return np.asarray(reach * (_LEAST_TRUST + (1 - _LEAST_TRUST) * trust), np.float32)


def _broad(grey: Mask, subject: Mask, rough: int) -> Mask:
    """What of the key's mask is grey for what it shows, a veil or hair, and not for an edge that is soft:
    it goes along. bool [H, W]; of a mask that is white nowhere, none.
    """
    broad = grown(shrunk(grey, rough), rough)
    return broad if (shrunk(subject, 1) & ~broad).any() else np.zeros_like(broad)


def _vouched(odds: Floats, deep: Mask) -> Mask:
    """What of the key frame's subject has the background's colours, yet lies so deep in the mask that whoever
    painted it meant it: eyes before a white cup. bool [H, W].
    """
    return np.asarray(grown(deep & (cv2.blur(odds, (3, 3)) < 0), _CLEAR) & deep)


def _upheld(evidence: Floats, vouched: Mask) -> Floats:
    """The evidence, which does not speak against what is vouched for."""
    return np.where(vouched, np.maximum(evidence, 0), evidence)


def _doubted(evidence: Floats, subject: Mask) -> Mask:
    """Where the evidence is against the mask: a gap opens in the subject, a hand comes out of it."""
    calm = cv2.blur(evidence, (3, 3))
    against = (subject & (calm < _AGAINST)) | (grown(subject, _REACH) & ~subject & (calm > -_AGAINST))
    return grown(pieces.large(against, _HOLE), _CLEAR)


def _signed_distance(mask: Mask) -> Floats:
    """Pixels to the mask's edge, float32 [H, W]: positive inside, negative outside."""
    inner, outer = (cv2.distanceTransform(m.astype(np.uint8), cv2.DIST_L2, 3) for m in (mask, ~mask))
    return np.asarray(inner - outer, np.float32)


def _matted(rgb: Floats, subject: Mask, band: int, doubt: Mask) -> Floats:
    """A quick matte around the edge and where in doubt, float32 [H, W]."""
    inner, outer = shrunk(subject, band) & ~doubt, grown(subject, band) | doubt
    unknown = outer & ~inner
    if not (inner.any() and unknown.any() and not outer.all()):
        return subject.astype(np.float32)
    return quick_matte(rgb, inner, unknown, _SMOOTH)[0]


def _tidied(subject: Mask, before: Mask) -> Mask:
    """Without specks and pinholes, and without parts that the subject of the frame before does not touch."""
    return pieces.touching(pieces.tidied(subject, _PART * subject.sum(), _HOLE), before)


def _confidence(odds: Floats, subject: Mask) -> float:
    """The share of pixels within a few of the edge on which all witnesses together agree with the matte; 0
    where there is no subject.
    """
    if not subject.any() or subject.all():
        return 0.0
    around = grown(subject, 2 * _CLEAR) & ~shrunk(subject, 2 * _CLEAR)
    return float(((odds > 0) == subject)[around].mean())
