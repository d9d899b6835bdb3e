"""A decoded video frame as float pixels, read plane by plane.

`to_ndarray` and the scaler lose precision or refuse the deep formats with alpha, so the planes are taken as
they lie in memory. Packed formats that differ in layout alone are first spread into planes, which is exact.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.video.plane import VideoPlane

from daemon.media import ycbcr
from daemon.media.base import Pixels, VideoTags

_SPREAD = {
    "nv12": "yuv420p",
    "nv21": "yuv420p",
    "p010le": "yuv420p10le",
    "yuyv422": "yuv422p",
    "uyvy422": "yuv422p",
    "pal8": "rgba",
}
_PAIRED = {"nv12": ((0, 1), 0), "nv21": ((1, 0), 0), "p010le": ((0, 1), 6)}
"""Formats with Cb and Cr by turns in one plane: where in a pair either is, and how far up codes lie."""

_FOREIGN = ("xyz", "bayer", "gbrpf", "gbrapf", "grayf")
"""Planar or grey, but not integers in RGB, Y'CbCr or grey."""

_PACKED: dict[str, tuple[str, int, tuple[int, ...]]] = {
    "rgb24": ("u1", 3, (0, 1, 2)),
    "bgr24": ("u1", 3, (2, 1, 0)),
    "rgba": ("u1", 4, (0, 1, 2, 3)),
    "bgra": ("u1", 4, (2, 1, 0, 3)),
    "argb": ("u1", 4, (1, 2, 3, 0)),
    "abgr": ("u1", 4, (3, 2, 1, 0)),
    "rgb0": ("u1", 4, (0, 1, 2)),
    "bgr0": ("u1", 4, (2, 1, 0)),
    "0rgb": ("u1", 4, (1, 2, 3)),
    "rgb48le": ("<u2", 3, (0, 1, 2)),
    "rgb48be": (">u2", 3, (0, 1, 2)),
    "rgba64le": ("<u2", 4, (0, 1, 2, 3)),
    "rgba64be": (">u2", 4, (0, 1, 2, 3)),
    "ya8": ("u1", 2, (0, 0, 0, 1)),
    "ya16le": ("<u2", 2, (0, 0, 0, 1)),
    "ya16be": (">u2", 2, (0, 0, 0, 1)),
}
"""Packed pixel formats: the type of a sample, samples in a pixel, and where R, G, B [, A] lie among them."""


class Layout(NamedTuple):
    """What a pixel format decodes to: 1, 3 or 4 channels, of so many bits."""

    channels: int
    bits: int


def layout_of(pixel_format: str) -> Layout | None:
    """What `to_pixels` makes of a pixel format; None if it is not supported."""
    name = _SPREAD.get(pixel_format, pixel_format)
    components = av.VideoFormat(name, 16, 16).components
    bits = max(int(component.bits) for component in components)
    if name in _PACKED:
        return Layout(len(_PACKED[name][2]), bits)
    planar = len({component.plane for component in components}) == len(components)
    if not planar or bits > 16 or name.startswith(_FOREIGN) or len(components) == 2:
        return None
    return Layout(len(components), bits)


def to_pixels(frame: av.VideoFrame, tags: VideoTags) -> Pixels:
    """Decode to float32 [H, W, C], C = 1, 3 or 4 (straight alpha), display-referred, nominal 0..1.

    Y'CbCr beyond the nominal range (super-whites, colours outside the RGB cube) is kept, not clipped. Chroma
    is upsampled bilinearly from its MPEG-2 site (left column, between rows), in `yuvj` formats from JPEG's
    (centre). The pixel format must be one that `layout_of` knows.
    """
    name = frame.format.name
    if name in _SPREAD:
        frame = spread(frame)
        name = frame.format.name
    if name in _PACKED:
        return _packed(frame, *_PACKED[name])
    components = frame.format.components
    bits = int(components[0].bits)
    planes = [_plane(frame, component.plane, bits) for component in components]
    if frame.format.is_rgb:
        return np.dstack(planes).astype(np.float32) / np.float32(2**bits - 1)
    if len(planes) == 1:
        gain, offset = ycbcr.luma_scale(tags.full_range is not False, bits)
        return planes[0][..., None].astype(np.float32) * np.float32(gain) + np.float32(offset)
    jpeg = name.startswith("yuvj")
    return _from_ycbcr(planes, tags.matrix, jpeg or tags.full_range is True, jpeg, bits)


def spread(frame: av.VideoFrame) -> av.VideoFrame:
    """The same codes in planes, with all that the frame says of itself; a frame that is planar as it is.

    nv12 and p010le are what a GPU gives: their codes are moved here, for the scaler is not asked to be exact.
    """
    wanted = _SPREAD.get(frame.format.name)
    if wanted is None:
        return frame
    made = frame.reformat(format=wanted)
    if frame.format.name in _PAIRED:
        order, shift = _PAIRED[frame.format.name]
        bits = int(made.format.components[0].bits)
        luma, chroma = (_rows(frame.planes[n], bits) >> shift for n in (0, 1))
        pairs = [chroma[:, side::2] for side in order]
        for plane, samples in zip(made.planes, (luma, *pairs), strict=True):
            rows = _rows(plane, bits)
            rows[: plane.height, : plane.width] = samples[: plane.height, : plane.width]
    return made


def _from_ycbcr(
    planes: list[npt.NDArray[Any]], matrix: int, full_range: bool, centred: bool, bits: int
) -> Pixels:
    luma = planes[0].astype(np.float32)
    height, width = luma.shape
    chroma = [_upsample(plane.astype(np.float32), width, height, centred) for plane in planes[1:3]]
    to_rgb = ycbcr.to_rgb(ycbcr.resolve_matrix(matrix, width, height), full_range, bits)
    rgb: Pixels = cv2.transform(cv2.merge([luma, *chroma]), to_rgb).astype(np.float32, copy=False)
    if len(planes) == 3:
        return rgb
    alpha = planes[3].astype(np.float32) / np.float32(2**bits - 1)  # alpha is always full range
    return np.dstack([rgb, alpha])


def _upsample(plane: Pixels, width: int, height: int, centred: bool) -> Pixels:
    rows, columns = plane.shape
    if (rows, columns) == (height, width):
        return plane
    # Subsampling ratios are powers of two; the plane is rounded up where the raster is odd.
    across, down = -(-width // columns), -(-height // rows)
    left = (1 / across - 1) / 2 if centred else 0.0
    top = (1 / down - 1) / 2
    site = np.array([[1 / across, 0, left], [0, 1 / down, top]], np.float32)
    return cv2.warpAffine(
        plane,
        site,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    ).astype(np.float32, copy=False)


def _rows(plane: VideoPlane, bits: int) -> npt.NDArray[Any]:
    """A plane's memory, padding and all: little-endian [rows, codes in a row], not a copy."""
    samples = np.frombuffer(memoryview(plane), "u1" if bits <= 8 else "<u2")
    return samples.reshape(-1, plane.line_size // samples.itemsize)


def _plane(frame: av.VideoFrame, index: int, bits: int) -> npt.NDArray[Any]:
    plane = frame.planes[index]
    size = 1 if bits <= 8 else 2
    order = ">" if frame.format.is_big_endian else "<"
    samples = np.frombuffer(memoryview(plane), f"{order}u{size}")
    rows = samples.reshape(-1, plane.line_size // size)
    return rows[: plane.height, : plane.width]


def _packed(frame: av.VideoFrame, sample: str, stride: int, order: tuple[int, ...]) -> Pixels:
    plane = frame.planes[0]
    dtype = np.dtype(sample)
    rows = np.frombuffer(memoryview(plane), dtype).reshape(-1, plane.line_size // dtype.itemsize)
    pixels = rows[: frame.height, : frame.width * stride].reshape(frame.height, frame.width, stride)
    return np.ascontiguousarray(pixels[..., list(order)], np.float32) / np.float32(np.iinfo(dtype).max)
