"""How fast dimd is on this machine: ``make bench``."""

from daemon import heap

heap.keep()  # as ``dimd`` does before all else
