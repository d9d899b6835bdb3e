"""Memory of frames is used again, and goes back to the system once a clip is done."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from daemon import heap

pytestmark = pytest.mark.skipif(heap._library is None, reason="another C library than glibc")

# In a process of its own: the heap's settings are a process's, and so are its counts.
RUN = """
import json, resource, sys, threading
from pathlib import Path
from daemon import heap
if sys.argv[1] == "kept":
    heap.keep()
import torch

MIB = 1 << 20

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / MIB

def frame(mib=32):
    return torch.zeros(mib * MIB // 4)

def elsewhere(work):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

elsewhere(frame)
before = faults()
for _ in range(16):
    elsewhere(frame)  # what one thread has freed serves the next
taken = faults() - before
frames = [frame() for _ in range(36)]
full = resident()
frames.clear()
between = full - resident()
heap.give_back()
print(json.dumps({"faults": taken, "between": between, "given_back": full - resident()}))
"""


def figures(how: str) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-c", RUN, how], capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_what_a_frame_leaves_serves_the_next_without_new_pages() -> None:
    frame = 32 * 1024 / 4  # pages
    # Sixteen frames: the heap may split what is free once or twice before it is used as it lies.
    assert figures("kept")["faults"] < 7 * frame
    assert figures("as it is")["faults"] > 15 * frame


def test_what_is_free_after_a_clip_goes_back_to_the_system() -> None:
    assert figures("kept")["given_back"] > 0.9 * 36 * 32


def test_what_is_free_between_two_clips_is_kept_for_the_next() -> None:
    """It is more than a gigabyte, the most that a heap is often told to keep."""
    assert figures("kept")["between"] < 32


def test_a_command_sees_to_the_heap_before_torch_is_there() -> None:
    """Threads that began before would have heaps of their own."""
    asked = (
        "import sys; from daemon import heap; told = []; "
        "heap.keep = lambda: told.append('torch' in sys.modules); "
        "from daemon.cli import main; main(['matte', '--help'], standalone_mode=False); "
        "assert told == [False], told"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stderr
