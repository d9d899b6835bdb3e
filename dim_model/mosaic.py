"""The background of a shot as far as it was seen, put together in the coordinates of one frame.

A camera that stands, turns or zooms sees one picture through a homography (Szeliski, "Image Alignment and
Stitching", 2006). The homography of each frame is found from the background's flow (RANSAC) and refined
against the mosaic itself (Evangelidis & Psarakis, "Parametric Image Alignment Using Enhanced Correlation
Coefficient Maximization", 2008), so that it does not drift. Where the background does not follow one, behind
a camera that travels, the mosaic says so by ``faith``.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dim_model.arrays import Floats, Mask
from dim_model.flow import Flow, grey

Matrix = NDArray[np.float64]

_MARGIN = 0.6
"""Share of the frame that the mosaic reaches beyond it on each side."""
_STEP = 8
"""Pixels between the points whose flow is looked at."""
_ENOUGH = 30
_TRUSTED = 0.5
_TOLERANCE = 0.7
"""Pixels by which flow may differ from a homography."""
_GAIN = 0.97
"""A camera is taken to stand still unless its motion leaves less than this share of the difference."""
_MOST = 0.1
"""Difference of colour beyond which it does not matter how large it is."""
_OVERLAP = 500
"""Pixels of background seen before that a comparison needs."""
_MEMORY = 12
"""Frames that a pixel of the mosaic is the mean of, about."""
_BROKEN = 0.15
"""Share of the background that differs from the mosaic from which on it is not believed at all."""


class Seen:
    """What the mosaic shows at a frame. known: bool [H, W]. distance: float32 [H, W], the difference of
    colour in units of what noise and misalignment explain. faith: 0..1, how far the mosaic agrees with the
    frame's background.
    """

    def __init__(self, rgb: Floats, picture: Floats, known: Mask, background: Mask) -> None:
        self.known = known
        edges = cv2.morphologyEx(picture, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)).max(-1)
        difference = np.linalg.norm(cv2.blur(rgb, (3, 3)) - cv2.blur(picture, (3, 3)), axis=-1)
        sure = background & known
        if not sure.any():
            self.faith, self.distance = 0.0, np.zeros(known.shape, np.float32)
            return
        noise = max(float(np.median(difference[sure])), 0.004)
        self.distance = np.asarray(difference / (2 * noise + 0.15 * cv2.blur(edges, (3, 3))), np.float32)
        self.faith = float(np.clip(1 - (self.distance[sure] > 4).mean() / _BROKEN, 0, 1))


class Mosaic:
    """Begins with the background of one frame, whose coordinates it keeps.

    rgb: float32 [H, W, 3], 0..1. background: bool [H, W], what surely is.
    """

    def __init__(self, rgb: Floats, background: Mask) -> None:
        height, width = background.shape
        self._frame = (width, height)
        right, down = int(width * _MARGIN), int(height * _MARGIN)
        self._offset = np.array([[1, 0, right], [0, 1, down], [0, 0, 1]], np.float64)
        self._size = (width + 2 * right, height + 2 * down)
        self._picture = np.zeros((self._size[1], self._size[0], 3), np.float32)
        self._count = np.zeros(self._picture.shape[:2], np.float32)
        self._camera: Matrix = np.eye(3)
        self.add(rgb, background)

    def begin_again(self) -> None:
        """The next frame follows the first one, not the last."""
        self._camera = np.eye(3)

    def add(self, rgb: Floats, background: Mask) -> None:
        """Learn the background of the frame that was followed last."""
        to = self._offset @ self._camera
        picture = cv2.warpPerspective(rgb, to, self._size)
        covered = cv2.warpPerspective(background.astype(np.float32), to, self._size) > 0.99
        self._count[covered] = np.minimum(self._count[covered] + 1, _MEMORY)
        self._picture[covered] += (picture[covered] - self._picture[covered]) / self._count[covered][:, None]

    def follow(self, rgb: Floats, flow: Flow, background: Mask) -> Seen:
        """Find the camera of the frame after the last one, and what the mosaic shows there.

        flow: from ``rgb`` back to the last frame. background: bool [H, W], what may be relied on to be it.
        """
        best, camera = self._difference(rgb, background, self._camera), self._camera
        step = self._homography(flow, background)
        if step is not None:
            found = self._camera @ step
            difference = self._difference(rgb, background, found)
            if difference < _GAIN * best:
                found = self._refined(rgb, background, found, difference)
                best, camera = difference, found
        self._camera = camera
        picture, known = self._view(camera)
        return Seen(rgb, picture, known, background)

    def _view(self, camera: Matrix) -> tuple[Floats, Mask]:
        to, flags = self._offset @ camera, cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
        picture = cv2.warpPerspective(self._picture, to, self._frame, flags=flags)
        there = cv2.warpPerspective((self._count > 0).astype(np.float32), to, self._frame, flags=flags)
        return np.asarray(picture, np.float32), there > 0.99

    def _difference(self, rgb: Floats, background: Mask, camera: Matrix) -> float:
        picture, known = self._view(camera)
        both = background & known
        if both.sum() < _OVERLAP:
            return np.inf
        return float(np.minimum(np.abs(picture - rgb).mean(-1)[both], _MOST).mean())

    def _homography(self, flow: Flow, background: Mask) -> Matrix | None:
        """From a frame to the one before, by the flow of its background."""
        height, width = background.shape
        y, x = np.mgrid[_STEP // 2 : height : _STEP, _STEP // 2 : width : _STEP]
        usable = background[y, x] & (flow.trust[y, x] > _TRUSTED)
        here = np.stack([x[usable], y[usable]], -1).astype(np.float32)
        if len(here) < _ENOUGH:
            return None
        found: Any = cv2.findHomography(here, here + flow.back[y, x][usable], cv2.RANSAC, _TOLERANCE)[0]
        return found  # type: ignore[no-any-return]  # None where there is none

    def _refined(self, rgb: Floats, background: Mask, camera: Matrix, difference: float) -> Matrix:
        picture, known = self._view(camera)
        try:
            _, more = cv2.findTransformECC(
                grey(rgb),
                grey(picture),
                np.eye(3, dtype=np.float32),
                cv2.MOTION_HOMOGRAPHY,
                (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 15, 1e-4),
                known.astype(np.uint8),
                3,
            )
        except cv2.error:  # it did not converge
            return camera
        better = camera @ more
        return better if self._difference(rgb, background, better) < difference else camera
