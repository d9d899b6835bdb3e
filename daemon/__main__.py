"""``python -m daemon`` is ``dimd``."""

from daemon.cli import main

main(prog_name="dimd")
