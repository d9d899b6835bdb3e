"""Media of the tests' own making: small pictures and videos, written by the libraries, not by our sinks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import OpenImageIO as oiio
import pytest

from daemon.media import MediaRef
from daemon.media.decoders import Decoders
from tests.daemon.media.apart_cases import POISON

HEIGHT, WIDTH = 48, 64


@pytest.fixture
def ramp() -> Callable[..., np.ndarray]:
    """ramp(channels, seed=0): float32 [48, 64, C] in 0..1, smooth, different for every seed."""

    def make(channels: int, seed: int = 0) -> np.ndarray:
        rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
        planes = [
            (columns / (WIDTH - 1) * (0.3 + 0.2 * channel) + rows / (HEIGHT - 1) * 0.3 + 0.02 * seed) % 1.0
            for channel in range(channels)
        ]
        return np.dstack(planes).astype(np.float32)

    return make


@pytest.fixture
def make_image() -> Callable[..., Path]:
    """make_image(path, pixels, depth="uint16", names=None, **attributes): one picture, by OpenImageIO."""

    def make(
        path: Path,
        pixels: np.ndarray,
        depth: str = "uint16",
        names: Sequence[str] | None = None,
        windows: Mapping[str, int] | None = None,
        **attributes: Any,
    ) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        height, width, channels = pixels.shape
        spec = oiio.ImageSpec(width, height, channels, depth)
        spec.attribute("oiio:UnassociatedAlpha", 1)
        if names is not None:
            spec.channelnames = tuple(names)
            spec.alpha_channel = names.index("A") if "A" in names else -1
        for name, value in (windows or {}).items():
            setattr(spec, name, value)
        for name, value in attributes.items():
            spec.attribute(name, value)
        file = oiio.ImageOutput.create(str(path))
        assert file.open(str(path), spec), file.geterror()
        assert file.write_image(np.ascontiguousarray(pixels, np.float32)), file.geterror()
        assert file.close()
        return path

    return make


@pytest.fixture
def make_video() -> Callable[..., MediaRef]:
    """make_video(path, codec, pixel_format, ...): encode `count` frames plane by plane with PyAV.

    `fill(index, plane, shape)` gives each plane's codes; by default plane 0 is a ramp that moves with the
    index and the others are at half of their range. `packed`: samples in a pixel of a packed format.
    """

    def make(
        path: Path,
        codec: str,
        pixel_format: str,
        *,
        count: int = 6,
        size: tuple[int, int] = (WIDTH, HEIGHT),
        rate: Fraction = Fraction(24000, 1001),
        pts: Sequence[int] | None = None,
        time_base: Fraction = Fraction(1, 24000),
        fill: Callable[[int, int, tuple[int, int]], np.ndarray] | None = None,
        options: Mapping[str, str] | None = None,
        container_options: Mapping[str, str] | None = None,
        stream_metadata: Mapping[str, str] | None = None,
        packed: int = 1,
        **context: Any,
    ) -> MediaRef:
        stamps = pts if pts is not None else [round(i / rate / time_base) for i in range(count)]
        width, height = size
        with av.open(str(path), "w", container_options=dict(container_options or {})) as out:
            stream = out.add_stream(codec, rate=rate, options=dict(options or {}))
            stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
            stream.time_base = stream.codec_context.time_base = time_base
            stream.metadata.update(stream_metadata or {})
            for name, value in context.items():
                setattr(stream.codec_context, name, value)
            for index, stamp in enumerate(stamps):
                frame = _filled(index, width, height, pixel_format, fill, packed)
                frame.pts, frame.time_base = stamp, time_base
                for name in ("color_range", "colorspace", "color_primaries", "color_trc"):
                    if name in context:
                        setattr(frame, name, context[name])
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
        return MediaRef("video", path)

    return make


def _filled(index: int, width: int, height: int, pixel_format: str, fill: Any, packed: int) -> av.VideoFrame:
    frame = av.VideoFrame(width, height, pixel_format)
    bits = int(frame.format.components[0].bits)
    kind = "u1" if bits <= 8 else "<u2"
    for number, plane in enumerate(frame.planes):
        samples = np.frombuffer(memoryview(plane), kind).reshape(plane.height, -1)
        shape = (plane.height, plane.width * packed)
        if fill is not None:
            samples[:, : shape[1]] = fill(index, number, shape)
        elif number == 0:
            ramp = np.linspace(0.1, 0.7, shape[1]) + 0.03 * index
            samples[:, : shape[1]] = (ramp * (2**bits - 1)).astype(kind)
        else:
            samples[:] = 2 ** (bits - 1)
    return frame


@pytest.fixture
def decoders() -> Iterator[Decoders]:
    with Decoders() as made:
        yield made


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> Iterator[Decoders]:
    """Codecs with faults: a file `harm` beside a clip says which, at which frame."""
    monkeypatch.setattr("daemon.media.decoders._START", POISON)
    with Decoders() as made:
        yield made
