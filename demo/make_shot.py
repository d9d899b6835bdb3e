"""Render the demo shot and drop it into demo/in, as a user would drop a clip of his own.

python -m demo.make_shot

demo/in/creature.mp4        the plate: 48 frames, 960x540, H.264
demo/in/creature_mask.mkv   a rough mask, as a quick roto or a segmentation network gives
demo/in/creature_bg.png     the new background
demo/in/creature.yaml       how wide the unknown band around the mask is
demo/truth/creature.####.png  the exact alpha, 16-bit, for the error in the contact sheet
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np
from av import VideoStream
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from rich.progress import track

from demo.creature import Creature
from demo.plates import Plate, coffee, deep_field, to_display
from dim_model.arrays import Bytes, Floats

HERE = Path(__file__).parent
NAME = "creature"
SIZE = (960, 540)
RATE = 24
FRAMES = 48
SEED = 7

_SUPERSAMPLING = 2
_RADIUS = 160
"""Of the creature's body, pixels of a frame."""

_LENS = 0.45
"""Sigma in pixels of the softness that every lens and sensor has."""

_GRAIN = 0.006
"""Sigma of the sensor's noise, display-referred."""

_SETTINGS = """\
# A rough mask cuts the finest hair off: the band of unknown pixels reaches far out and a little way in.
trimap:
  source: mask
  erode: 56
  dilate: 72
"""


@dataclass(frozen=True)
class Shot:
    """One frame. plate: uint8 [H, W, 3], sRGB. alpha: float32 [H, W], exact. mask: uint8 [H, W], 0 or 255."""

    plate: Bytes
    alpha: Floats
    mask: Bytes


def rough_mask(alpha: Floats) -> Bytes:
    """The outline that remains when the alpha is looked at in blocks of 12 pixels."""
    height, width = alpha.shape
    small = cv2.resize(alpha, (width // 12, height // 12), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur((small > 0.5).astype(np.float32), (0, 0), 1.0)
    large = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.where(large > 0.5, np.uint8(255), np.uint8(0))


def render(creature: Creature, background: Plate, index: int) -> Shot:
    """Frame `index` of the shot; the same bytes every time."""
    canvas = (SIZE[0] * _SUPERSAMPLING, SIZE[1] * _SUPERSAMPLING)
    # The shutter is open for half of the frame's time.
    large = creature.picture(index / RATE, 0.5 / RATE, 2, canvas, _RADIUS * _SUPERSAMPLING)
    drawn = cv2.GaussianBlur(cv2.resize(large, SIZE, interpolation=cv2.INTER_AREA), (0, 0), _LENS)
    alpha = np.clip(drawn[..., 3], 0, 1).astype(np.float32)
    light = drawn[..., :3] + (1 - alpha[..., None]) * background.frame(index / (FRAMES - 1))
    grain = np.random.default_rng([SEED, index]).standard_normal(light.shape, np.float32)
    display = np.clip(to_display(light) + _GRAIN * grain, 0, 1)
    return Shot((display * 255).round().astype(np.uint8), alpha, rough_mask(alpha))


def _planes_420(rgb: Bytes) -> list[Bytes]:
    """BT.709, limited range, 4:2:0; by hand, because swscale would take BT.601."""
    r, g, b = np.moveaxis(rgb.astype(np.float32) / 255, -1, 0)
    luma = 0.2126 * r + 0.7152 * g + 0.0722 * b
    half = (rgb.shape[1] // 2, rgb.shape[0] // 2)
    planes = [16 + 219 * luma]
    planes += [
        128 + 224 * cv2.resize((c - luma) / k, half, interpolation=cv2.INTER_AREA)
        for c, k in ((b, 1.8556), (r, 1.5748))
    ]
    return [p.round().astype(np.uint8) for p in planes]


def _video_frame(planes: list[Bytes], layout: str) -> av.VideoFrame:
    frame = av.VideoFrame(planes[0].shape[1], planes[0].shape[0], layout)
    for plane, values in zip(frame.planes, planes, strict=True):
        padded = np.zeros((values.shape[0], plane.line_size), np.uint8)
        padded[:, : values.shape[1]] = values
        plane.update(padded.tobytes())
    frame.colorspace, frame.color_range = Colorspace.ITU709, ColorRange.MPEG
    frame.color_primaries, frame.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
    return frame


class Writer:
    """A video file of frames of one size, closed by `with`."""

    def __init__(self, path: Path, codec: str, layout: str, options: dict[str, str]) -> None:
        self._container = av.open(str(path), "w")
        stream = self._container.add_stream(codec, rate=Fraction(RATE), options=options)
        self._stream = cast(VideoStream, stream)
        self._stream.width, self._stream.height = SIZE
        self._stream.pix_fmt = self._layout = layout
        context = self._stream.codec_context
        context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709

    def write(self, planes: list[Bytes]) -> None:
        self._container.mux(self._stream.encode(_video_frame(planes, self._layout)))

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *error: object) -> None:
        self._container.mux(self._stream.encode(None))
        self._container.close()


def shots() -> Iterator[Shot]:
    """All frames in order, rendered side by side."""
    creature = Creature(SEED)
    background = Plate(coffee(), SIZE, defocus=4.0)
    with ThreadPoolExecutor(2) as pool:
        yield from pool.map(lambda index: render(creature, background, index), range(FRAMES))


def main() -> None:
    inbox, truth, making = HERE / "in", HERE / "truth", HERE / "in" / ".making"
    shutil.rmtree(truth, ignore_errors=True)
    for folder in (inbox, truth, making):
        folder.mkdir(exist_ok=True)
    plate, mask = making / f"{NAME}.mp4", making / f"{NAME}_mask.mkv"
    with (
        Writer(plate, "libx264", "yuv420p", {"crf": "12", "preset": "medium"}) as video,
        Writer(mask, "ffv1", "gray", {"level": "3"}) as rough,
    ):
        for index, shot in enumerate(track(shots(), "rendering the demo shot", FRAMES)):
            video.write(_planes_420(shot.plate))
            rough.write([shot.mask])
            cv2.imwrite(
                str(truth / f"{NAME}.{index:04d}.png"), (shot.alpha * 65535).round().astype(np.uint16)
            )
    background = to_display(Plate(deep_field(), SIZE, defocus=0.6).frame(0.5))
    cv2.imwrite(str(making / f"{NAME}_bg.png"), (background[..., ::-1] * 255).round().astype(np.uint8))
    (making / f"{NAME}.yaml").write_text(_SETTINGS)
    # The plate goes in last: when it is there, all that belongs to it is.
    for made in sorted(making.iterdir(), key=lambda path: path == plate):
        made.replace(inbox / made.name)
    making.rmdir()
    print(f"demo shot: {inbox / plate.name}, {FRAMES} frames of {SIZE[0]}x{SIZE[1]}")


if __name__ == "__main__":
    main()
