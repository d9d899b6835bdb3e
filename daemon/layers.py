"""The output `layers`: everything that a comp needs of a frame in one EXR, as a compositor names channels;
side by side, or each layer in a part of the file.

`R G B A` is the premultiplied foreground, ready to be laid over; `alpha.A` the matte again, under a name of
its own; `fg.R fg.G fg.B` the straight foreground, for grading and edge extension; `trimap.Y` what the matte
was made from. DWA keeps channels whose name ends in A exact, which is why the matte is not `alpha.Y`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from daemon import compose
from daemon.media.base import Pixels

PARTS: Mapping[str, tuple[str, ...]] = {
    "rgba": ("R", "G", "B", "A"),
    "alpha": ("alpha.A",),
    "fg": ("fg.R", "fg.G", "fg.B"),
    "trimap": ("trimap.Y",),
}
"""Parts by their names, and their channels, which are called the same in a file of one part."""

NAMES = tuple(name for names in PARTS.values() for name in names)
"""Channels of a frame's file, in the order of `stacked`."""

NEEDS = ("foreground", "premult")
"""Outputs that it is put together from."""

CHANNELS: Mapping[str, int] = {**compose.CHANNELS, "layers": len(NAMES)}
"""Channels of each output."""


def stacked(made: Mapping[str, Pixels], trimap: Tensor) -> Pixels:
    """float32 [H, W, 9] from the outputs in `NEEDS` and the trimap, [1, H, W] of 0, 0.5 and 1."""
    straight, premult = made["foreground"], made["premult"]
    return np.dstack([premult, straight[..., 3:], straight[..., :3], trimap[0].numpy()])
