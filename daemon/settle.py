"""When a clip is ready: once nothing of it has changed for the settle time.

No event says that a copy has finished (a slow append closes the file after every write, `mv` and network
mounts close nothing), so stillness is watched over several scans. It is measured by this machine's own clock
from when it saw the change: an mtime may come from another machine, or from before the copy.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from daemon.clip import Clip


@dataclass
class _Seen:
    clip: Clip
    since: float
    told: bool = False


class Settle:
    """Watches clips become still. One thread at a time. clock: monotonic seconds."""

    def __init__(self, settle_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._settle_seconds = settle_seconds
        self._clock = clock
        self._seen: dict[str, _Seen] = {}

    def update(self, clips: Iterable[Clip]) -> list[Clip]:
        """`clips` is everything that the scan found; returned are those that have become ready.

        A clip is returned once, and again after each change. All of its files count, so a sidecar or a frame
        that arrives late makes the whole group wait anew. A clip that is gone is forgotten.
        """
        now = self._clock()
        before, self._seen = self._seen, {}
        ready = []
        for clip in clips:
            seen = before.get(clip.source)
            if seen is None or seen.clip.stamp != clip.stamp:
                seen = _Seen(clip, now)
            seen.clip = clip
            self._seen[clip.source] = seen
            if not seen.told and now - seen.since >= self._settle_seconds:
                seen.told = True
                ready.append(clip)
        return ready

    @property
    def settled(self) -> list[Clip]:
        """Every clip that is ready and has not changed since, as of the last update."""
        return [seen.clip for seen in self._seen.values() if seen.told]

    @property
    def next_due(self) -> float | None:
        """Seconds until the next clip can become ready; None: none is on its way."""
        due = [seen.since + self._settle_seconds for seen in self._seen.values() if not seen.told]
        return max(0.0, min(due) - self._clock()) if due else None
