"""Crops of the scenes that were drawn last, each read several times."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from trainer.synth.foreground import Rng

_CROPS = 4
"""Crops of a scene."""
_PER_SCENE = 12
"""Crops read for every scene drawn, unless told: each is used three times, on average."""


class Pool:
    """What is read n-th depends on ``key`` and n alone.

    draw: a packed scene. cut: a crop of it. vary: the crop as it is read this time. scenes: how many have
    their crops held. key: what all random numbers begin from; its last number and the next are this pool's.
    per_scene: crops read for every scene drawn.
    """

    def __init__(
        self,
        draw: Callable[[Rng], Tensor],
        cut: Callable[[Rng, Tensor], Tensor],
        vary: Callable[[Rng, Tensor], Tensor],
        scenes: int,
        key: Sequence[int],
        per_scene: int = _PER_SCENE,
    ) -> None:
        self._draw, self._cut, self._vary, self._scenes = draw, cut, vary, scenes
        self._per_scene = per_scene
        *above, own = key
        self._scene_key, self._read_key = [*above, own], [*above, own + 1]
        self._crops: deque[Tensor] = deque(maxlen=scenes * _CROPS)
        self._drawn = 0

    def read(self, n: int) -> Tensor:
        """Crop n, which is not before the last that was read. Draws the scenes that n may be of."""
        last = n // self._per_scene
        self._drawn = max(self._drawn, last - self._scenes + 1)
        while self._drawn <= last:
            rng = np.random.default_rng([*self._scene_key, self._drawn])
            scene = self._draw(rng)
            self._crops.extend(self._cut(rng, scene) for _ in range(_CROPS))
            self._drawn += 1
        rng = np.random.default_rng([*self._read_key, n])
        return self._vary(rng, self._crops[rng.integers(len(self._crops))])
