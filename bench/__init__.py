"""How fast dimd is on this machine: ``make bench``."""

from daemon import cores, heap

# As ``dimd`` does before all else.
heap.keep()
cores.share()
