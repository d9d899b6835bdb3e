"""R'G'B' to Y'CbCr and back, in float, by the matrix and range that a video's tags name (ITU-T H.273).

FFmpeg's scaler assumes BT.601 unless told otherwise and is off by up to four codes of ten bits, so the
conversion is done here, exactly. No transfer function is touched: the numbers stay display-referred.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

RGB, BT709, UNSPECIFIED, BT470BG, SMPTE170M, SMPTE240M = 0, 1, 2, 5, 6, 7
FCC, BT2020_NCL, BT2020_CL = 4, 9, 10

LIMITED, FULL = 1, 2
"""Ranges, as FFmpeg numbers them (AVCOL_RANGE_MPEG, AVCOL_RANGE_JPEG)."""

_LUMA: dict[int, tuple[float, float]] = {
    BT709: (0.2126, 0.0722),
    FCC: (0.30, 0.11),
    BT470BG: (0.299, 0.114),
    SMPTE170M: (0.299, 0.114),
    SMPTE240M: (0.212, 0.087),
    BT2020_NCL: (0.2627, 0.0593),
    BT2020_CL: (0.2627, 0.0593),  # constant luminance read as the usual kind, as every player does
}
"""Kr and Kb of each matrix code."""


def resolve_matrix(matrix: int, width: int, height: int) -> int:
    """The matrix code to compute with: the tag's, else what the raster implies (SD: BT.601, HD: BT.709)."""
    if matrix in _LUMA:
        return matrix
    return BT709 if width >= 1280 or height > 576 else SMPTE170M


def is_foreign(matrix: int) -> bool:
    """Whether a tag names a matrix that is not computed with here, such as that of ICtCp."""
    return matrix > UNSPECIFIED + 1 and matrix not in _LUMA  # 3 is reserved


def to_rgb(matrix: int, full_range: bool, bits: int) -> npt.NDArray[np.float32]:
    """float32 [3, 4] matrix: (Y, Cb, Cr, 1) as integer codes of `bits` bits to R'G'B' in nominal 0..1."""
    scale, offset = _quantisation(full_range, bits)
    decode = np.linalg.inv(_encode(matrix)) / scale
    return np.hstack([decode, (-decode @ offset)[:, None]]).astype(np.float32)


def from_rgb(matrix: int, full_range: bool, bits: int) -> npt.NDArray[np.float32]:
    """float32 [3, 4] matrix: (R, G, B, 1) in nominal 0..1 to Y, Cb, Cr as codes of `bits` bits, unrounded."""
    scale, offset = _quantisation(full_range, bits)
    return np.hstack([_encode(matrix) * scale[:, None], offset[:, None]]).astype(np.float32)


def luma_scale(full_range: bool, bits: int) -> tuple[float, float]:
    """(gain, offset) that take a grey plane's integer codes to nominal 0..1."""
    scale, offset = _quantisation(full_range, bits)
    return float(1 / scale[0]), float(-offset[0] / scale[0])


def _encode(matrix: int) -> npt.NDArray[np.float64]:
    red, blue = _LUMA[matrix]
    luma = np.array([red, 1 - red - blue, blue])
    cb = (np.array([0.0, 0.0, 1.0]) - luma) / (2 * (1 - blue))
    cr = (np.array([1.0, 0.0, 0.0]) - luma) / (2 * (1 - red))
    return np.stack([luma, cb, cr])


def _quantisation(full_range: bool, bits: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Codes for one unit of Y, Cb, Cr, and the codes of zero (BT.709 section 4, BT.2100 table 9)."""
    step = 2.0 ** (bits - 8)
    if full_range:
        peak = 2.0**bits - 1
        return np.array([peak, peak, peak]), np.array([0.0, 128 * step, 128 * step])
    return np.array([219.0, 224.0, 224.0]) * step, np.array([16.0, 128.0, 128.0]) * step
