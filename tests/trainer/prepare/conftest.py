"""Media of these tests: soft discs, as pictures and as videos, written by libraries other than those that
read them where there is a choice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

HEIGHT, WIDTH = 48, 64
ORANGE = (230, 120, 20)


@pytest.fixture
def disc() -> Callable[..., np.ndarray]:
    """disc(centre=0.5, height=48, width=64): uint8 [H, W], 255 inside, 0 outside, soft between."""

    def make(centre: float = 0.5, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
        y, x = np.mgrid[:height, :width]
        far = np.hypot(y - height / 2, x - centre * width)
        return (np.clip(0.3 * height - far, 0, 4) / 4 * 255).round().astype(np.uint8)

    return make


@pytest.fixture
def png(disc: Any) -> Callable[..., Path]:
    """png(path, pixels=None): uint8 [H, W] or [H, W, 3 or 4] in RGB order as a file; an orange cut-out if
    none are given. The suffix chooses the format.
    """

    def make(path: Path, pixels: np.ndarray | None = None) -> Path:
        if pixels is None:
            pixels = np.dstack([np.full((HEIGHT, WIDTH, 3), ORANGE, np.uint8), disc()])
        path.parent.mkdir(parents=True, exist_ok=True)
        order = {2: ..., 3: (..., [2, 1, 0, 3][: pixels.shape[-1]])}[pixels.ndim]
        assert cv2.imwrite(str(path), pixels[order])
        return path

    return make


@pytest.fixture
def photo(png: Any) -> Callable[..., Path]:
    """photo(path): a plain orange picture without alpha."""

    def make(path: Path, height: int = HEIGHT, width: int = WIDTH) -> Path:
        return png(path, np.full((height, width, 3), ORANGE, np.uint8))

    return make


@pytest.fixture
def video(disc: Any) -> Callable[..., Path]:
    """video(path, codec, pixel_format, alphas=None, ...): a disc that wanders, one frame for each of
    ``alphas``. Formats without alpha show it as their luma.
    """

    def make(
        path: Path,
        codec: str,
        pixel_format: str,
        alphas: Sequence[np.ndarray] | None = None,
        options: dict[str, str] | None = None,
    ) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        alphas = alphas if alphas is not None else [disc(0.3 + 0.05 * n) for n in range(8)]
        is_webm = path.suffix == ".webm"
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = alphas[0].shape[1], alphas[0].shape[0], pixel_format
            tick = Fraction(1, 1000) if is_webm else Fraction(1, 25)
            stream.time_base = stream.codec_context.time_base = tick
            if is_webm:
                stream.metadata["alpha_mode"] = "1"
            stream.options = options or ({"auto-alt-ref": "0"} if is_webm else {})
            for number, alpha in enumerate(alphas):
                frame = _frame(alpha, pixel_format)
                frame.pts = number * (40 if is_webm else 1)
                frame.time_base = tick
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return make


def _frame(alpha: np.ndarray, pixel_format: str) -> av.VideoFrame:
    """Luma shows the disc in limited range, chroma is grey, alpha is the disc at the depth of the format."""
    frame = av.VideoFrame(alpha.shape[1], alpha.shape[0], pixel_format)
    for component in frame.format.components:
        plane, bits = frame.planes[component.plane], component.bits
        peak = 2**bits - 1
        luma = (16 + alpha / 255 * 219) * 2 ** (bits - 8)
        grey = np.full((plane.height, plane.width), 2 ** (bits - 1))
        full = alpha / 255 * peak
        values = full if component.is_alpha else luma if component.is_luma else grey
        dtype = np.dtype("u1" if bits == 8 else "<u2")
        padded = np.zeros((plane.height, plane.line_size // dtype.itemsize), dtype)
        padded[:, : plane.width] = np.round(values)
        plane.update(padded.tobytes())
    return frame
