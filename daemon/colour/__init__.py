"""Between a file's own numbers, light, and what a network sees.

A plate's space is chosen once (``choose``) and applied through the protocol ``ColourSpace``: light is mixed
as light, and outputs are made from the plate's own numbers.
"""

from __future__ import annotations

from daemon.colour.choose import Known, choose
from daemon.colour.ocio import ColourConfig
from daemon.colour.space import DISPLAY, LINEAR, ColourSpace, Own, assumed, convert

__all__ = [
    "DISPLAY",
    "LINEAR",
    "ColourConfig",
    "ColourSpace",
    "Known",
    "Own",
    "assumed",
    "choose",
    "convert",
]
