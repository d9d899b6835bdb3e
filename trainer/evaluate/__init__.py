"""How good weights are, on pictures whose alpha is known: figures, a yardstick, a sheet to look at."""

from trainer.evaluate.judge import MEASURES, Figures, Judged, Watcher, judge, written_to
from trainer.evaluate.peers import PeersError, estimates
from trainer.evaluate.sheet import Worst
from trainer.evaluate.table import tables

__all__ = [
    "MEASURES",
    "Figures",
    "Judged",
    "PeersError",
    "Watcher",
    "Worst",
    "estimates",
    "judge",
    "tables",
    "written_to",
]
