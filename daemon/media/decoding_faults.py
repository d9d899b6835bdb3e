"""What ends a process that decodes, in a sentence each: which file, what it did, and the mend."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from daemon.media.base import MediaError, PassingError
from daemon.media.find import MediaRef

_MEND = "export it again, or leave it out"

_KILLS = frozenset({-signal.SIGKILL, -signal.SIGTERM})
"""Ends that are no fault of the clip: want of memory of the whole machine, or a person."""


class DecodingError(MediaError):
    """A clip that is dangerous to decode: trying it again would be of no use."""


class DecoderLostError(PassingError):
    """A decoder that ended, or waits, through no fault of the clip: it is worth another try."""


@dataclass(frozen=True)
class Limits:
    """Of a process that decodes. seconds: for which a file may be opened, or a frame decoded. gib: of memory,
    beside the frames that are handed over.
    """

    max_pixels: int
    seconds: float
    gib: float


@dataclass(frozen=True)
class DecodingFaults:
    """Of one clip. position: of the frame that was wanted; None: the file was to be opened."""

    ref: MediaRef
    limits: Limits

    def late(self, position: int | None, *, is_busy: bool) -> MediaError:
        """is_busy: it computes; else it waits for its file, as on a mount that hangs."""
        limit = f"limits: decode_seconds ({self.limits.seconds:g})"
        if not is_busy:
            return DecoderLostError(
                f"{self._file(position)}: does not answer within {limit}; "
                "see to the disk or mount that it is on."
            )
        return DecodingError(
            f"{self._file(position)}: takes longer than {limit} {self._wanted(position)}; "
            f"{_MEND}, or raise that."
        )

    def hungry(self, position: int | None) -> DecodingError:
        limit = f"limits: decode_gib ({self.limits.gib:g})"
        return DecodingError(
            f"{self._file(position)}: takes more memory than {limit} {self._wanted(position)}; "
            f"{_MEND}, or raise that."
        )

    def died(self, position: int | None, code: int | None) -> MediaError:
        """code: as `subprocess` gives it; None: nobody knows."""
        where = f" at frame {position}" if position is not None and self.ref.kind == "video" else ""
        if code is None or code in _KILLS:
            return DecoderLostError(
                f"{self._file(position)}: the process that decodes it was killed{where}; "
                "see the system's log (out of memory?)."
            )
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return DecodingError(f"{self._file(position)}: crashes its decoder ({how}){where}; {_MEND}.")

    def senseless(self) -> DecodingError:
        return DecodingError(f"{self.ref.path.name}: makes its decoder say what has no sense; {_MEND}.")

    def _file(self, position: int | None) -> str:
        one = self.ref.kind == "video" or position is None
        return self.ref.files[0 if one else position or 0].name

    def _wanted(self, position: int | None) -> str:
        if position is None:
            return "for being opened"
        return f"for frame {position}" if self.ref.kind == "video" else "for its picture"
