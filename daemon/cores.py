"""The cores, shared out by the daemon alone: its stages and frames are worked on side by side already."""

from __future__ import annotations

import os

_OPENCV = "OPENCV_FOR_THREADS_NUM"
"""Threads of a call of OpenCV's, which reads it as it is loaded. For what is called here, pictures of a few
hundred lines, two take twice the processor's time of one, and are hardly sooner done: the second waits for
work by spinning.
"""


def share() -> None:
    """Leave OpenCV one thread a call, where the environment says nothing else. To be called before it is
    loaded.
    """
    os.environ.setdefault(_OPENCV, "1")
