"""Trimap sources, and the choice among them."""

from daemon.trimaps.base import Trimap, TrimapError, TrimapSource
from daemon.trimaps.choice import choose
from daemon.trimaps.shot import Look, Shot
from daemon.trimaps.sidecar import Sidecar

__all__ = [
    "Look",
    "Shot",
    "Sidecar",
    "Trimap",
    "TrimapError",
    "TrimapSource",
    "choose",
]
