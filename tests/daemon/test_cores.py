"""The cores: shared out by the daemon, not by the libraries it calls."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_ASKED = (
    "import sys; from daemon.cli import main; main(['matte', '--help'], standalone_mode=False); "
    "import cv2; print(cv2.getNumThreads())"
)


@pytest.mark.parametrize(("told", "threads"), [(None, 1), ("2", 2)])
def test_opencv_has_one_thread_a_call_unless_the_environment_says_otherwise(
    told: str | None, threads: int
) -> None:
    if (os.cpu_count() or 1) < threads:
        pytest.skip("OpenCV begins no more threads than there are cores")
    environment = {name: value for name, value in os.environ.items() if name != "OPENCV_FOR_THREADS_NUM"}
    if told:
        environment["OPENCV_FOR_THREADS_NUM"] = told
    done = subprocess.run(
        [sys.executable, "-c", _ASKED], capture_output=True, text=True, timeout=50, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == str(threads)
