"""Training data without photographs of anybody: foregrounds that are drawn, so their alpha is exact."""

from __future__ import annotations

from trainer.synth.clip import make_clip
from trainer.synth.foreground import Foreground, Maker
from trainer.synth.mixture import Mixture
from trainer.synth.photos import NoPhotosError, Photos
from trainer.synth.procedural import Procedural
from trainer.synth.scene import Scene, make_scene

__all__ = [
    "Foreground",
    "Maker",
    "Mixture",
    "NoPhotosError",
    "Photos",
    "Procedural",
    "Scene",
    "make_clip",
    "make_scene",
]
