"""What the tests of colour share: a studio's config, clips that say what they are, and a run of one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import torch

from daemon.colour import ColourConfig, choose
from daemon.config import AssumeSettings, ColourSettings, clip_settings
from daemon.inbox import scan
from daemon.media import ClipInfo, Frame, VideoTags, open_sink
from daemon.plan import Plan
from daemon.publish import Workplace
from daemon.run import Settings, run
from dim_model import nets, weights
from tests.daemon.cases import SIZE, FakeMatter, config, trimap, write

STUDIO = """\
ocio_profile_version: 2
roles: {default: light, scene_linear: light, aces_interchange: light}
file_rules:
  - !<Rule> {name: logs, pattern: "*_log*", extension: "*", colorspace: studio log}
  - !<Rule> {name: Default, colorspace: default}
displays:
  monitor:
    - !<View> {name: plain, colorspace: light}
colorspaces:
  - !<ColorSpace> {name: light, encoding: scene-linear}
  - !<ColorSpace>
    name: studio log
    aliases: [slog]
    encoding: log
    from_scene_reference: !<LogCameraTransform>
      {base: 2, lin_side_break: 0.01, log_side_slope: 0.1, log_side_offset: 0.7}
"""

AP1 = (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767)


def info(encoding: str = "display", **changes: Any) -> ClipInfo:
    kind = "video" if "tags" in changes else "still"
    return ClipInfo(kind, 64, 36, 3, (0,), (), encoding, 8, encoding == "linear", **changes)  # type: ignore[arg-type]


def chosen(
    clip: ClipInfo, *, wanted: str = "auto", name: str = "shot.png", studio: Path | None = None, **assume: str
) -> Any:
    colours = ColourConfig(str(studio) if studio else None)
    return choose(clip, Path("/in") / name, wanted, "shot: colorspace", colours, AssumeSettings(**assume))


def exr(path: Path, rgb: np.ndarray, header: Mapping[str, object] | None = None) -> None:
    """A float EXR of [H, W, 3], with such attributes in its header."""
    depth = oiio.HALF if "acesImageContainerFlag" in (header or {}) else oiio.FLOAT  # as the container must
    spec = oiio.ImageSpec(rgb.shape[1], rgb.shape[0], rgb.shape[2], depth)
    for key, value in (header or {}).items():
        if isinstance(value, tuple):
            spec.attribute(key, oiio.TypeDesc(f"float[{len(value)}]"), value)
        else:
            spec.attribute(key, value)
    file = oiio.ImageOutput.create(str(path))
    assert file.open(str(path), spec)
    assert file.write_image(np.ascontiguousarray(rgb, np.float32))
    file.close()


def read(path: Path) -> np.ndarray:
    pixels = oiio.ImageInput.open(str(path)).read_image(oiio.FLOAT)
    assert pixels is not None
    return np.asarray(pixels)


def tagged(folder: Path, tags: VideoTags, pixels: Sequence[np.ndarray], name: str = "shot") -> ClipInfo:
    """NAME.mkv, lossless, with these tags and a trimap beside it."""
    write(folder / f"{name}_trimap.png", trimap())
    numbers = tuple(range(len(pixels)))
    height, width = SIZE
    like = ClipInfo("video", width, height, 3, numbers, (), "display", 16, False)
    like = replace(like, rate=Fraction(25), time_base=Fraction(1, 25), pts=numbers, tags=tags)
    work = folder.parent / "making"
    work.mkdir()
    with open_sink("ffv1", work, name, like, channels=3) as sink:
        for number, picture in enumerate(pixels):
            sink.write(Frame(number, picture, number))
        sink.commit()
        sink.finish()
    (made,) = work.iterdir()
    made.rename(folder / made.name)
    return like


def make(folder: Path, colour: ColourSettings | None = None, **settings: Any) -> Path:
    """Run the one clip in ``folder``; its result."""
    root = folder.parent / "weights"
    if not root.exists():
        weights.publish(
            root, weights.Card("v1", "swift", "sampled", "x", [], {}), nets.build("swift").state_dict()
        )
        weights.point(root, "v1")
    from daemon.engine import Engine

    class Kept:
        def __init__(self) -> None:
            self.all: list[dict[str, Any]] = []

        def planned(self, state: dict[str, Any], total: int) -> None: ...

        def committed(self, stop: int, figures: Sequence[dict[str, Any]], fps: float) -> None:
            self.all += figures

        def figures(self) -> list[dict[str, Any]]:
            return self.all

    (clip,) = scan(folder)
    given = clip_settings(config(folder.parent).clip.model_validate(settings), clip.settings)
    with Engine(lambda _: FakeMatter(), root) as engine, engine.lease() as lease:
        with Plan(clip, given, max_pixels=10**6, state={}, colour=colour) as plan:
            return run(
                plan, lease, Workplace(folder.parent / "out", clip.name, "k"), "k", 0, Kept(), Settings()
            )


def told(result: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((result / "manifest.json").read_text())
    return content


def soft_log(space: Any) -> tuple[np.ndarray, np.ndarray]:
    """A plate [H, W, 3] in ``space``: red light over green by an even ramp; and the red's own number."""
    height, width = SIZE
    red, green = torch.tensor([2.5, 0.2, 0.1]), torch.tensor([0.05, 0.6, 0.1])
    alpha = torch.linspace(-0.5, 1.5, width).clamp(0, 1).view(1, 1, width)
    light = alpha * red.view(3, 1, 1) + (1 - alpha) * green.view(3, 1, 1)
    rgb = space.from_rec709(light.expand(3, height, width).contiguous())
    return rgb.permute(1, 2, 0).numpy(), space.from_rec709(red.view(3, 1, 1)).flatten().numpy()
