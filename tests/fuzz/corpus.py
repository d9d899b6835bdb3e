"""Sound clips, settings, configs and weights, small and of every kind: what is then damaged."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import OpenImageIO as oiio

from dim_model import nets, weights
from dim_model.weights import Card

HEIGHT, WIDTH, FRAMES = 36, 64, 5

_SETTINGS = """\
handles: 0
trimap: {source: auto, erode: 10, dilate: 14, confidence: 0.3}
outputs:
  alpha: {format: png, bits: 16}
  foreground: {format: exr, compression: zip}
background: '#336699'
"""


@dataclass(frozen=True)
class Seed:
    """A folder with something sound in it, and the files of it that may be damaged."""

    kind: str
    folder: Path
    files: tuple[str, ...]


def _pixels(channels: int, n: int = 0) -> np.ndarray:
    rng = np.random.default_rng(n)
    small = rng.random((5, 8, channels), np.float32)
    return cv2.resize(small, (WIDTH, HEIGHT)).reshape(HEIGHT, WIDTH, channels)


def _still(path: Path, channels: int, kind: oiio.TypeDesc, **attributes: str | int) -> None:
    spec = oiio.ImageSpec(WIDTH, HEIGHT, channels, kind)
    for name, value in attributes.items():
        spec.attribute(name.replace("__", ":"), value)
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec), out.geterror()
    assert out.write_image(_pixels(channels)), out.geterror()
    assert out.close()


def _video(path: Path, codec: str, form: str) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=24, options=_QUIET.get(codec, {}))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, form
        for n in range(FRAMES):
            picture = (_pixels(3, n) * 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=form)
            frame.pts = n
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _trimap(path: Path) -> None:
    made = np.zeros((HEIGHT, WIDTH), np.uint8)
    made[:, 24:40], made[:, 40:] = 128, 255
    assert cv2.imwrite(str(path), made)


_QUIET = {"libx265": {"x265-params": "log-level=none"}}

_STILLS: dict[str, Callable[[Path], None]] = {
    "png": lambda p: _still(p, 3, oiio.UINT8),
    "rgba.png": lambda p: _still(p, 4, oiio.UINT16),
    "jpg": lambda p: _still(p, 3, oiio.UINT8),
    "tif": lambda p: _still(p, 3, oiio.UINT16, compression="zip"),
    "tiled.tif": lambda p: _still(p, 4, oiio.FLOAT, compression="lzw"),
    "exr": lambda p: _still(p, 4, oiio.HALF, compression="zip"),
    "piz.exr": lambda p: _still(p, 3, oiio.FLOAT, compression="piz"),
    "dwaa.exr": lambda p: _still(p, 3, oiio.HALF, compression="dwaa"),
    "dpx": lambda p: _still(p, 3, oiio.UINT16, oiio__BitsPerSample=10),
}

_VIDEOS: dict[str, tuple[str, str]] = {
    "prores.mov": ("prores_ks", "yuv422p10le"),
    "h264.mp4": ("libx264", "yuv420p"),
    "hevc.mp4": ("libx265", "yuv420p"),
    "ffv1.mkv": ("ffv1", "yuv444p10le"),
    "vp9.webm": ("libvpx-vp9", "yuv420p"),
    "mpeg2.mxf": ("mpeg2video", "yuv422p"),
    "png.mov": ("png", "rgb24"),
}


def build(folder: Path, config: Path) -> list[Seed]:
    """Everything, below ``folder``. config: the shipped config.yaml."""
    made: list[Seed] = []

    def clip(kind: str, label: str, name: str, make: Callable[[Path], object]) -> None:
        place = folder / kind / label
        place.mkdir(parents=True)
        make(place / name)
        _trimap(place / "shot_trimap.png")
        (place / "shot.yaml").write_text("outputs: {alpha: {format: png}}\n")
        made.append(Seed(kind, place, (name,)))

    for label, make in _STILLS.items():
        clip("still", label, f"shot.{label.rpartition('.')[2]}", make)
    for label, (codec, form) in _VIDEOS.items():
        clip(
            "video",
            label,
            f"shot.{label.rpartition('.')[2]}",
            lambda path, codec=codec, form=form: _video(path, codec, form),  # type: ignore[misc]
        )
    for role in ("trimap", "mask", "clean", "bg"):
        clip("sidecar", role, "shot.png", _STILLS["png"])
        place = folder / "sidecar" / role
        if role != "trimap":
            shutil.copy(
                place / ("shot.png" if role != "mask" else "shot_trimap.png"), place / f"shot_{role}.png"
            )
        made[-1] = Seed("sidecar", place, (f"shot_{role}.png",))
    clip("settings", "yaml", "shot.png", _STILLS["png"])
    (folder / "settings/yaml/shot.yaml").write_text(_SETTINGS)
    made[-1] = Seed("settings", folder / "settings/yaml", ("shot.yaml",))
    (folder / "config").mkdir()
    shutil.copy(config, folder / "config/config.yaml")
    made.append(Seed("config", folder / "config", ("config.yaml",)))
    card = Card("one", "swift", "sampled", "x", [{"name": "drawn", "licence": "x"}], {"steps": 1})
    state = nets.build("swift").state_dict()
    weights.publish(folder / "weights", card, state)
    made.append(Seed("weights", folder / "weights", ("one/card.json", "one/weights.safetensors")))
    return made
