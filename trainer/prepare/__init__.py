"""Sets of footage on disk, as one index: what belongs together, what it is, which split it is in."""

from __future__ import annotations

from trainer.prepare.entry import Entry, File, Kind, Role, Skipped, Split
from trainer.prepare.errors import (
    BrokenIndexError,
    LayoutError,
    NothingToTrainOnError,
    PrepareError,
    StaleIndexError,
)
from trainer.prepare.index import NAME, Index
from trainer.prepare.layouts import LAYOUTS
from trainer.prepare.run import Report, prepare
from trainer.prepare.split import Shares

__all__ = [
    "LAYOUTS",
    "NAME",
    "BrokenIndexError",
    "Entry",
    "File",
    "Index",
    "Kind",
    "LayoutError",
    "NothingToTrainOnError",
    "PrepareError",
    "Report",
    "Role",
    "Shares",
    "Skipped",
    "Split",
    "StaleIndexError",
    "prepare",
]
