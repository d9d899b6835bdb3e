"""What cameras and codecs do to a picture: sharpening, noise, thinned colour, JPEG, H.264."""

from __future__ import annotations

from fractions import Fraction

import av
import cv2
import numpy as np

from dim_model.arrays import Bytes, Floats
from trainer.synth.foreground import Rng


def _sharpened(rng: Rng, image: Floats) -> Floats:
    """With the halos of a camera's own sharpening."""
    soft = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.7, 2.0)))
    return np.asarray(image + np.float32(rng.uniform(0.2, 1.0)) * (image - soft), np.float32)


def _noisy(rng: Rng, image: Floats, chance: Rng) -> Floats:
    """Of a sensor: more in the dark than its share; grainy where the camera has smoothed it."""
    grain = chance.standard_normal(image.shape, np.float32)
    if rng.random() < 0.3:
        grain = np.asarray(2.2 * cv2.GaussianBlur(grain, (0, 0), 0.8), np.float32)
    level = np.float32(rng.uniform(0.002, 0.03)) * (1.2 - np.float32(rng.uniform(0, 0.8)) * image)
    return np.asarray(image + grain * level, np.float32)


def _thinned(image: Bytes) -> Bytes:
    """With one colour to four brightnesses, as 4:2:0 keeps."""
    luma, *chroma = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb))
    half = (image.shape[1] // 2, image.shape[0] // 2)
    kept = [cv2.resize(cv2.resize(c, half, interpolation=cv2.INTER_AREA), luma.shape[::-1]) for c in chroma]
    return np.asarray(cv2.cvtColor(cv2.merge([luma, *kept]), cv2.COLOR_YCrCb2RGB), np.uint8)


def _jpeg(rng: Rng, image: Bytes) -> Bytes:
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(55, 98))]
    _, packed = cv2.imencode(".jpg", image[..., ::-1], quality)
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)[..., ::-1]


def h264(image: Bytes, crf: int) -> Bytes:
    """A key frame of H.264 and back: uint8 [H, W, 3], RGB, H and W even."""
    height, width = image.shape[:2]
    coder = av.CodecContext.create("libx264", "w")
    assert isinstance(coder, av.VideoCodecContext)
    coder.width, coder.height, coder.pix_fmt, coder.time_base = width, height, "yuv420p", Fraction(1, 25)
    coder.options = {"preset": "ultrafast", "tune": "zerolatency", "crf": str(crf)}
    coder.thread_count = 1  # what several threads cut a frame into would depend on the machine
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24").reformat(format="yuv420p")
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.thread_count = 1
    packets = [*coder.encode(frame), *coder.encode(None)]
    frames = [shown for packet in packets for shown in decoder.decode(packet)] + decoder.decode(None)
    return np.asarray(frames[0].to_ndarray(format="rgb24"), np.uint8)


def damaged(rng: Rng, image: Floats, chance: Rng | None = None) -> Floats:
    """``image`` (float32 [N, N, 3], display-referred) as a file of it looks, 0..1. ``chance`` draws the grain
    where it is not ``rng``: frames of one clip are damaged alike, but each has grain of its own.
    """
    if rng.random() < 0.15:
        image = _sharpened(rng, image)
    if rng.random() < 0.5:
        image = _noisy(rng, image, chance or rng)
    image = np.clip(image, 0, 1)
    choice = rng.random()
    if choice < 0.55:
        return np.ascontiguousarray(image, np.float32)
    packed = np.round(image * 255).astype(np.uint8)
    if choice < 0.75:
        packed = _jpeg(rng, packed)
    elif choice < 0.88 and not packed.shape[0] % 2:
        packed = h264(packed, int(rng.integers(14, 33)))
    elif choice < 0.95:
        packed = _thinned(packed)
    return packed.astype(np.float32) / np.float32(255)
