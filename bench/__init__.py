"""How fast dimd is on this machine: ``make bench``."""
