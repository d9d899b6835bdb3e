"""What holds for every test."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest
import structlog


def _is_open(handler: logging.Handler) -> bool:
    return not getattr(getattr(handler, "stream", None), "closed", False)


@pytest.fixture(autouse=True)
def log_taken_back() -> Iterator[None]:
    """What a daemon sets up for the whole of its process is not left to the next test: the stream that it
    writes to is closed by then.
    """
    root, hook = logging.getLogger(), threading.excepthook
    root.handlers[:] = filter(_is_open, root.handlers)
    handlers, level = root.handlers[:], root.level
    yield
    if root.handlers != handlers:
        root.handlers[:] = handlers
        root.setLevel(level)
        threading.excepthook = hook
        logging.captureWarnings(False)
        structlog.reset_defaults()
