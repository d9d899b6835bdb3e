"""A decoded video frame as floats, plane by plane: FFmpeg's scaler would leave an opaque alpha at 0.9998."""

from __future__ import annotations

import av
import cv2
import numpy as np

from dim_model.arrays import Floats

_SPREAD = {
    "nv12": "yuv420p",
    "nv21": "yuv420p",
    "p010le": "yuv420p10le",
    "yuyv422": "yuv422p",
    "uyvy422": "yuv422p",
    "rgb24": "gbrp",
    "bgr24": "gbrp",
    "rgb0": "gbrp",
    "bgr0": "gbrp",
    "rgb48le": "gbrp16le",
    "rgb48be": "gbrp16le",
    "pal8": "gbrap",
    "rgba": "gbrap",
    "bgra": "gbrap",
    "argb": "gbrap",
    "abgr": "gbrap",
    "rgba64le": "gbrap16le",
    "rgba64be": "gbrap16le",
}
"""Packed formats, and the planar ones that hold the same numbers."""

_BT709, _BT601, _BT2020 = (0.2126, 0.0722), (0.299, 0.114), (0.2627, 0.0593)
_LUMA = {1: _BT709, 5: _BT601, 6: _BT601, 9: _BT2020, 10: _BT2020}
"""Kr and Kb of the matrix codes of ITU-T H.273; any other is told by the raster."""

_UNTAGGED, _FULL = 0, 2  # AVCOL_RANGE_UNSPECIFIED, AVCOL_RANGE_JPEG


def has_alpha(pixel_format: str) -> bool:
    """Whether frames of this pixel format carry alpha."""
    name = _SPREAD.get(pixel_format, pixel_format)
    return any(component.is_alpha for component in av.VideoFormat(name, 16, 16).components)


def supported(pixel_format: str) -> bool:
    """Whether frames of this pixel format can be read."""
    name = _SPREAD.get(pixel_format, pixel_format)
    components = av.VideoFormat(name, 16, 16).components
    planes = {component.plane for component in components}
    known = not name.startswith(("xyz", "bayer", "gbrpf", "gbrapf", "grayf", "yaf"))
    return known and len(planes) == len(components) and max(c.bits for c in components) <= 16


def to_matte(frame: av.VideoFrame) -> Floats:
    """A frame that is a matte, float32 [H, W], 0..1: its luma, or the first of its colours."""
    frame = _planar(frame)
    bits = int(frame.format.components[0].bits)
    samples = _plane(frame, frame.format.components[0].plane, bits)
    if frame.format.is_rgb:
        return samples / np.float32(2**bits - 1)
    scale, black = _scale(frame, bits)
    return np.asarray(((samples - black) / scale).clip(0, 1), np.float32)


def to_colour(frame: av.VideoFrame) -> tuple[Floats, Floats | None]:
    """Colour, float32 [H, W, 3], display-referred, 0..1, as stored; alpha, float32 [H, W], 0..1, if any.

    The pixel format must be one that is ``supported``.
    """
    frame = _planar(frame)
    components = frame.format.components
    bits = int(components[0].bits)
    planes = [_plane(frame, component.plane, bits) for component in components]
    peak = np.float32(2**bits - 1)
    alpha = planes.pop() / peak if components[-1].is_alpha else None
    if frame.format.is_rgb:
        return np.dstack(planes) / peak, alpha
    scale, black = _scale(frame, bits)
    luma = (planes[0] - black) / scale
    if len(planes) == 1:
        return np.dstack([luma] * 3).clip(0, 1), alpha
    size = (frame.width, frame.height)
    zero, span = np.float32(2 ** (bits - 1)), peak if _full(frame) else np.float32(224 * 2 ** (bits - 8))
    blue, red = ((cv2.resize(plane, size) - zero) / span for plane in planes[1:])
    colour = cv2.transform(cv2.merge([luma, blue, red]), _matrix(frame))
    return np.asarray(colour.clip(0, 1), np.float32), alpha


def _matrix(frame: av.VideoFrame) -> Floats:
    """float32 [3, 3]: (Y, Cb, Cr), nominal, to R'G'B'."""
    implied = _BT709 if frame.width >= 1280 or frame.height > 576 else _BT601
    red, blue = _LUMA.get(int(frame.colorspace), implied)
    luma = np.array([red, 1 - red - blue, blue])
    cb = (np.array([0, 0, 1]) - luma) / (2 * (1 - blue))
    cr = (np.array([1, 0, 0]) - luma) / (2 * (1 - red))
    return np.linalg.inv(np.stack([luma, cb, cr])).astype(np.float32)


def _full(frame: av.VideoFrame) -> bool:
    """Whether luma uses all codes. Grey has no range of its own and is full unless it says otherwise."""
    tagged = int(frame.color_range)
    if len(frame.format.components) == 1 and tagged == _UNTAGGED:
        return True
    return tagged == _FULL or frame.format.name.startswith("yuvj")


def _scale(frame: av.VideoFrame, bits: int) -> tuple[np.float32, np.float32]:
    """Codes from black to white, and the code of black."""
    if _full(frame):
        return np.float32(2**bits - 1), np.float32(0)
    step = 2 ** (bits - 8)
    return np.float32(219 * step), np.float32(16 * step)


def _planar(frame: av.VideoFrame) -> av.VideoFrame:
    name = frame.format.name
    return frame.reformat(format=_SPREAD[name]) if name in _SPREAD else frame


def _plane(frame: av.VideoFrame, index: int, bits: int) -> Floats:
    plane = frame.planes[index]
    dtype = np.dtype("u1" if bits <= 8 else ">u2" if frame.format.is_big_endian else "<u2")
    rows = np.frombuffer(memoryview(plane), dtype).reshape(-1, plane.line_size // dtype.itemsize)
    return rows[: plane.height, : plane.width].astype(np.float32)
