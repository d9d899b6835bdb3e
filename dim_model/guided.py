"""Guided filtering of a sampled alpha: alpha as a local linear function of colour, weighted by confidence.

He, Sun & Tang, "Guided Image Filtering" (2010), eq. 14 to 16 with a colour guide; He & Sun, "Fast Guided
Filter" (2015) for fitting at reduced size. The fit is weighted by the sampling's confidence, so that pixels
which no pair explains do not pull their neighbours.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))


def _box(image: Floats, radius: int) -> Floats:
    side = 2 * radius + 1
    if image.ndim == 3 and image.shape[2] > 4:  # OpenCV filters at most four channels at full speed
        return np.concatenate(
            [_box(image[..., :4].copy(), radius), _box(image[..., 4:].copy(), radius)], axis=-1
        )
    out = cv2.boxFilter(image, -1, (side, side), borderType=cv2.BORDER_REFLECT)
    return out.reshape(image.shape).astype(np.float32, copy=False)


def _resized(image: Floats, size: tuple[int, int], method: int) -> Floats:
    return np.asarray(cv2.resize(image, size, interpolation=method), np.float32)


def fit(rgb: Floats, alpha: Floats, weight: Floats, radius: int, ridge: float) -> tuple[Floats, Floats]:
    """Coefficients (a, b) with alpha ≈ a·rgb + b around each pixel, averaged over the windows that hold the
    pixel.

    rgb: float32 [H, W, 3]; alpha, weight: float32 [H, W]. Returns float32 [H, W, 3] and [H, W].
    """
    w = weight[..., None]
    moments = np.concatenate(
        [
            w,
            rgb * w,
            (alpha * weight)[..., None],
            rgb * (alpha * weight)[..., None],
            np.stack([rgb[..., i] * rgb[..., j] * weight for i, j in _PAIRS], axis=-1),
        ],
        axis=-1,
    )
    moments = _box(moments, radius)
    total = moments[..., :1]
    moments = moments[..., 1:] / total
    mean, mean_alpha, cross, square = moments[..., :3], moments[..., 3], moments[..., 4:7], moments[..., 7:13]
    v0, v1, v2 = (cross[..., i] - mean[..., i] * mean_alpha for i in range(3))
    s00, s01, s02, s11, s12, s22 = (
        square[..., k] - mean[..., i] * mean[..., j] + (ridge if i == j else 0.0)
        for k, (i, j) in enumerate(_PAIRS)
    )
    # The 3x3 covariance is inverted by its adjugate: closed form, no LAPACK call a pixel.
    c00, c01, c02 = s11 * s22 - s12 * s12, s02 * s12 - s01 * s22, s01 * s12 - s02 * s11
    c11, c12, c22 = s00 * s22 - s02 * s02, s01 * s02 - s00 * s12, s00 * s11 - s01 * s01
    determinant = s00 * c00 + s01 * c01 + s02 * c02 + 1e-12
    slope = np.stack(
        [c00 * v0 + c01 * v1 + c02 * v2, c01 * v0 + c11 * v1 + c12 * v2, c02 * v0 + c12 * v1 + c22 * v2],
        axis=-1,
    )
    slope /= determinant[..., None]
    offset = mean_alpha - (slope * mean).sum(-1)
    averaged = _box(np.concatenate([slope * w, (offset * weight)[..., None]], axis=-1), radius) / total
    return averaged[..., :3], averaged[..., 3]


def smooth(
    rgb: Floats, alpha: Floats, weight: Floats, radius: int, ridge: float = 1e-4, reduce: int = 1
) -> Floats:
    """The guided alpha, float32 [H, W], 0..1; ``reduce`` fits at 1/reduce of the size (radius is in full
    pixels).
    """
    if reduce > 1:
        height, width = alpha.shape
        size = (max(1, width // reduce), max(1, height // reduce))
        small = [_resized(x, size, cv2.INTER_AREA) for x in (rgb, alpha, weight)]
        slope, offset = (
            _resized(x, (width, height), cv2.INTER_LINEAR)
            for x in fit(small[0], small[1], small[2], max(1, radius // reduce), ridge)
        )
    else:
        slope, offset = fit(rgb, alpha, weight, radius, ridge)
    out: Floats = np.clip((slope * rgb).sum(-1) + offset, 0.0, 1.0)
    return out
