"""Several makers of foregrounds as one: drawn, rendered and filmed ones, each with its share."""

from __future__ import annotations

from collections.abc import Mapping

from trainer.synth.foreground import Foreground, Maker, Rng


class Mixture:
    """``Maker`` that asks one of ``makers`` at random. shares: how often each is asked, to any scale."""

    def __init__(self, shares: Mapping[Maker, float]) -> None:
        total = sum(shares.values())
        self._makers = list(shares)
        self._shares = [share / total for share in shares.values()]

    def make(self, rng: Rng, size: int) -> Foreground:
        return self._makers[rng.choice(len(self._makers), p=self._shares)].make(rng, size)
