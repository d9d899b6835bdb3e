"""Everything that is drawn, one family to a file, with its share.

Shares follow what compositors cut out: hair and fur more than all else; then what is half clear, and leaves.
"""

from __future__ import annotations

from collections.abc import Callable

from trainer.synth.canvas import Canvas
from trainer.synth.foreground import Rng
from trainer.synth.kinds import clear, foliage, hair, mesh, solid, subject

KINDS: dict[str, tuple[float, Callable[[Rng, Canvas], None]]] = {
    "fur": (0.11, hair.fur),
    "mane": (0.12, hair.mane),
    "tail": (0.055, hair.tail),
    "curls": (0.05, hair.curls),
    "brush": (0.03, hair.brush),
    "feather": (0.02, hair.feather),
    "branch": (0.06, foliage.branch),
    "fern": (0.025, foliage.fern),
    "needles": (0.025, foliage.needles),
    "grass": (0.02, foliage.grass),
    "flower": (0.02, foliage.flower),
    "solid": (0.07, solid.solid),
    "sticks": (0.05, solid.bundle),
    "net": (0.06, mesh.net),
    "basket": (0.02, mesh.basket),
    "sieve": (0.02, mesh.sieve),
    "veil": (0.05, clear.veil),
    "bag": (0.05, clear.bag),
    "glass": (0.035, clear.glass),
    "smoke": (0.02, clear.smoke),
    "toy": (0.06, subject.toy),
    "company": (0.03, subject.company),
}
"""Share of each kind and what draws it."""
