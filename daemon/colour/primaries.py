"""What red, green, blue and white are: chromaticities, and the matrix from light of theirs to Rec.709."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Chromaticities = tuple[float, float, float, float, float, float, float, float]
"""CIE 1931 x and y of red, green, blue and white, as an EXR's header has them."""

White = tuple[float, float]
"""CIE 1931 x and y."""

D50: White = (0.34570, 0.35854)
"""What the colours of an ICC profile are under: X 0.9642, Y 1, Z 0.8249."""

_D65 = (0.3127, 0.3290)

REC709: Chromaticities = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, *_D65)
REC2020: Chromaticities = (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *_D65)
P3_D65: Chromaticities = (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *_D65)
P3_DCI: Chromaticities = (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.314, 0.351)
AP0: Chromaticities = (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.0770, 0.32168, 0.33767)
AP1: Chromaticities = (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767)
ADOBE: Chromaticities = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, *_D65)
ROMM: Chromaticities = (0.734699, 0.265301, 0.159597, 0.840403, 0.036598, 0.000105, *D50)

NAMES: dict[Chromaticities, str] = {
    REC709: "Rec.709",
    REC2020: "Rec.2020",
    P3_D65: "P3-D65",
    P3_DCI: "P3-DCI",
    AP0: "ACES2065-1 (AP0)",
    AP1: "ACEScg (AP1)",
    ADOBE: "Adobe RGB (1998)",
    ROMM: "ProPhoto RGB",
}

LINEAR_NAMES: dict[str, Chromaticities] = {
    "lin_rec709_scene": REC709,
    "lin_rec709": REC709,
    "lin_srgb": REC709,
    "linear rec.709 (srgb)": REC709,
    "lin_rec2020_scene": REC2020,
    "lin_p3d65_scene": P3_D65,
    "lin_ap1_scene": AP1,
    "acescg": AP1,
    "lin_ap0_scene": AP0,
    "aces2065-1": AP0,
}
"""Names that headers carry (OpenImageIO's, OpenEXR's colorInteropID), in lower case, which need no config."""

_NEAR = 1e-3
"""Chromaticities that differ by less are the same: headers are written with three digits or four."""

_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def known(chromaticities: Chromaticities) -> Chromaticities:
    """The standard's own numbers where these are near them, else these."""
    for standard in NAMES:
        if max(abs(a - b) for a, b in zip(standard, chromaticities, strict=True)) < _NEAR:
            return standard
    return chromaticities


def sound(chromaticities: tuple[float, ...]) -> bool:
    """Whether they are eight finite numbers that span a triangle with its white in it."""
    if len(chromaticities) != 8 or not np.isfinite(chromaticities).all() or chromaticities[7] <= 0:
        return False
    columns = np.array(chromaticities).reshape(4, 2)
    corners = np.hstack([columns[:3], np.ones((3, 1))]).T
    if abs(np.linalg.det(corners)) < 1e-6:
        return False
    return bool((np.linalg.solve(corners, [*columns[3], 1.0]) > 0).all())


def to_rec709(chromaticities: Chromaticities) -> Tensor | None:
    """float32 [3, 3] from light of these primaries to that of Rec.709; None where they are the same.

    White becomes white, by Bradford's transform (as ACES has it between D60 and D65).
    """
    if chromaticities == REC709:
        return None
    source, target = _under(chromaticities, REC709[6:]), _to_xyz(REC709)
    return torch.tensor(np.linalg.inv(target) @ source, dtype=torch.float32)


def adapted(chromaticities: Chromaticities, white: White) -> Chromaticities:
    """The same colours as they look under another white, by Bradford's transform."""
    columns = _under(chromaticities, white)
    red, green, blue = (columns[:2] / columns.sum(0)).T.tolist()
    return (red[0], red[1], green[0], green[1], blue[0], blue[1], *white)


def _under(chromaticities: Chromaticities, white: White) -> npt.NDArray[np.float64]:
    """To CIE XYZ under another white."""
    cones = _BRADFORD @ _white(white) / (_BRADFORD @ _white(chromaticities[6:]))
    return np.asarray(np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD @ _to_xyz(chromaticities))


def multiplied(matrix: Tensor, rgb: Tensor) -> Tensor:
    """``matrix`` [3, 3] times each colour of ``rgb`` [3, ...].

    Written out: a library's product may round otherwise for another number of threads.
    """
    made = torch.empty_like(rgb)
    for channel, (red, green, blue) in enumerate(matrix.tolist()):
        torch.mul(rgb[0], red, out=made[channel])
        made[channel].add_(rgb[1], alpha=green).add_(rgb[2], alpha=blue)
    return made


def _white(white: White) -> npt.NDArray[np.float64]:
    x, y = white
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _to_xyz(chromaticities: Chromaticities) -> npt.NDArray[np.float64]:
    corners = np.array(chromaticities[:6]).reshape(3, 2)
    columns = np.hstack([corners, 1 - corners.sum(1, keepdims=True)]).T
    return np.asarray(columns * np.linalg.solve(columns, _white(chromaticities[6:])))
