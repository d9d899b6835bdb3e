"""Profiles of every kind, and pictures that carry one."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from daemon.colour import ColourConfig
from daemon.colour.choose import Known, choose
from daemon.colour.primaries import ADOBE, P3_D65, REC709, ROMM
from daemon.config import AssumeSettings
from daemon.media import locate, open_source
from tests.daemon import profiles
from tests.daemon.profiles import SRGB_CURVE, curv, para, rgb, table
from tests.daemon.stills import HEIGHT, WIDTH, picture

P3 = rgb(P3_D65, para(3, *SRGB_CURVE))
ADOBE_RGB = rgb(ADOBE, curv(563))
PROPHOTO = rgb(ROMM, para(3, 1.8, 1, 0, 1 / 16, 1 / 32))
CODES = np.linspace(0, 1, 1024)
SRGB_TABLE = np.where(CODES <= 0.04045, CODES / 12.92, ((CODES + 0.055) / 1.055) ** 2.4)
MONITOR = rgb(REC709, table(CODES**2.1), table(CODES**2.25), table(0.02 + 0.98 * CODES**2.4))
LOOKS_UP = profiles.built({"A2B0": b"mft2" + bytes(60)}, connection=b"Lab ")


def colours(depth: str = "uint8", channels: int = 3) -> np.ndarray:
    peak = np.iinfo(depth).max
    made = np.random.default_rng(7).integers(0, peak + 1, (HEIGHT, WIDTH, channels))
    return made.astype(depth)


def with_profile(path: Path, pixels: np.ndarray, profile: bytes | None) -> Path:
    attribute = {}
    if profile is not None:
        attribute["ICCProfile"] = (f"uint8[{len(profile)}]", np.frombuffer(profile, np.uint8))
    return picture(path, pixels, pixels.dtype.name, **attribute)


def told(path: Path, **assume: str) -> Known:
    with open_source(locate(path), max_pixels=10**6) as source:
        info = source.info
    return choose(info, path, "auto", "colorspace", ColourConfig(), AssumeSettings(**assume))
