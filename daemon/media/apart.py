"""Clips that another process opens and decodes: what a codec does there costs the clip, and not the daemon.

Codecs are large, old and written in C; the inbox holds what anybody sends. Each file gets a process of its
own, and its frames come over in shared memory, bit for bit as they would be decoded here. What crashes a
decoder, keeps it busy for ever or has it take all memory ends that process, and is one sentence.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from daemon.closing import Closing
from daemon.media import open_source
from daemon.media.base import ClipInfo, Frame, FrameSource, MediaError, PassingError, PictureTags
from daemon.media.decoders import Decoders, computes
from daemon.media.decoding_faults import DecodingFaults, Limits
from daemon.media.deinterlace import Deinterlace
from daemon.media.find import MediaRef
from daemon.media.guards import check_raster
from daemon.media.slots import COUNT, Slots
from daemon.media.video_decoders import missing
from daemon.media.video_source import Reading, left_to_cpu
from daemon.media.wire import Message, WireError, receive, send
from daemon.section import GIB

_AHEAD = 1 << 27
"""Bytes of a frame up to which the next one is decoded while this one is worked on: 4K and a little more."""

_LARGEST_PIXEL = 16
"""Bytes: red, green, blue and alpha in float."""

_GRACE = 1.0
"""Seconds that a process whose socket is shut has to be gone by itself, so that its end can be told."""


def open_apart(
    decoders: Decoders,
    ref: MediaRef,
    *,
    max_pixels: int,
    seconds: float,
    gib: float,
    video: Reading | None = None,
) -> FrameSource:
    """As `daemon.media.open_source`, by another process. What NVDEC decodes is opened here, after it was
    opened there: CUDA needs far more address space than a decoder may have.

    seconds, gib: see `Limits`. Raises MediaError, and of it DecodingError.
    """
    video = video or Reading()
    source = ApartSource(decoders, ref, Limits(max_pixels, seconds, gib), video.deinterlace)
    if ref.kind != "video" or video.decoder == "software":
        return source
    reason = source.unsuited or missing()
    if reason is None:
        source.close()
        return open_source(ref, max_pixels=max_pixels, video=video)
    if video.decoder == "nvdec":
        source.remark(left_to_cpu(ref.path, reason))
    return source


@dataclass
class _Run:
    """One call of `frames`. asked: how many answers are due; answers: those that came while another run was
    waited for, each with its slot.
    """

    number: int
    start: int
    stop: int | None
    asked: int = 0
    answers: deque[tuple[Message, int]] = field(default_factory=deque)
    is_over: bool = False


class ApartSource(Closing):
    """A FrameSource whose file lies open in another process. Several calls of `frames` may take turns.

    unsuited: why NVDEC would not be asked for it, see `video_decoders.unsuited`.
    """

    def __init__(self, decoders: Decoders, ref: MediaRef, limits: Limits, deinterlace: Deinterlace) -> None:
        self._decoders, self._ref, self._limits = decoders, ref, limits
        self._faults = DecodingFaults(ref, limits)
        self._lock = threading.Lock()
        self._fault: MediaError | None = None
        self._slots: Slots | None = None
        self._numbers = count()
        self._due: deque[tuple[_Run, int]] = deque()
        self._given_up: deque[int] = deque()
        self._child: int | None
        self._child, self._socket = decoders.begin()
        try:
            more = int(limits.gib * GIB)
            most = more + COUNT * _LARGEST_PIXEL * limits.max_pixels + GIB
            asked = {"ref": ref, "max_pixels": limits.max_pixels, "deinterlace": deinterlace}
            self._send(asked | {"bytes": more, "most": most}, None, None)
            answer = self._receive(None)
            if "error" in answer:
                raise self._error(answer, None)
            self._info = self._checked(answer.get("info"))
            self.unsuited = None if (reason := answer.get("unsuited")) is None else str(reason)
        except BaseException:
            self.close()
            raise

    def _checked(self, info: Any) -> ClipInfo:
        """Raise MediaError for what no sound decoder says."""
        if not (
            isinstance(info, ClipInfo)
            and type(info.width) is int
            and type(info.height) is int
            and info.channels in (1, 3, 4)
            and info.sound in (None, self._ref.path)  # whose sound goes into the result
        ):
            raise self._ended(self._faults.senseless())
        check_raster(self._ref.path, info.width, info.height, self._limits.max_pixels)
        return info

    @property
    def child(self) -> int | None:
        """The number of the process; None once it has ended."""
        return self._child

    @property
    def info(self) -> ClipInfo:
        return self._info

    def remark(self, sentence: str) -> None:
        """Add to what a person should know of the clip."""
        self._info = replace(self._info, remarks=(*self._info.remarks, sentence))

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        positions = range(len(self._info.numbers))[start:stop]
        run = _Run(next(self._numbers), start, stop)
        try:
            for position in positions:
                with self._lock:
                    if not run.asked:
                        self._ask(run, position)
                    frame = self._frame(*self._answer(run, position), position)
                    if position < positions[-1] and self._may_go_ahead():
                        self._ask(run, position + 1)
                yield frame
                del frame  # nothing here holds it while it is worked on
        finally:
            # Told with the next question: a run that was given up is thrown away at any time, in any thread.
            run.is_over = True
            self._drop(run)
            self._given_up.append(run.number)

    def _may_go_ahead(self) -> bool:
        return self._slots is not None and self._slots.size <= _AHEAD and self._slots.spare > 0

    def _ask(self, run: _Run, position: int) -> None:
        """Ask for a run's next frame, which is the one at `position`."""
        if self._fault is not None:
            raise self._fault
        handle = None
        if self._slots is None:
            self._slots = Slots(self._info.height, self._info.width, self._info.channels)
            handle = self._slots.handle
        try:
            slot = self._slots.take()
            asked = {"run": run.number, "start": run.start, "stop": run.stop, "slot": slot}
            ended = [self._given_up.popleft() for _ in range(len(self._given_up))]
            self._send(asked | {"ended": ended}, handle, position)
        finally:
            if handle is not None:
                self._slots.close()
        run.asked += 1
        self._due.append((run, slot))

    def _answer(self, run: _Run, position: int) -> tuple[Message, int]:
        """To what the run asked first of all that is still due to it, and the slot that it is about."""
        while not run.answers:
            message = self._receive(position)
            asker, slot = self._due.popleft()
            asker.answers.append((message, slot))
            if asker.is_over:
                self._drop(asker)
        run.asked -= 1
        return run.answers.popleft()

    def _drop(self, run: _Run) -> None:
        while run.answers and self._slots is not None:
            self._slots.put_back(run.answers.popleft()[1])

    def _frame(self, answer: Message, slot: int, position: int) -> Frame:
        assert self._slots is not None
        match answer:
            case {
                "frame": {
                    "number": int(number),
                    "pts": int() | None as pts,
                    "mended": int(mended),
                    "tags": tags,
                },
                "shape": (int(height), int(width), int(channels)),
            } if min(height, width, channels) > 0:
                shape = height, width, channels
                if 4 * math.prod(shape) <= self._slots.size and isinstance(tags, PictureTags | None):
                    return Frame(number, self._slots.frame(slot, shape), pts, tags, mended)
        self._slots.put_back(slot)
        raise self._error(answer, position)

    def _send(self, message: Message, handle: int | None, position: int | None) -> None:
        if self._fault is not None:
            raise self._fault
        try:
            self._socket.settimeout(self._limits.seconds)
            send(self._socket, message, handle)
        except TimeoutError:
            raise self._late(position) from None
        except OSError:
            raise self._died(position) from None

    def _receive(self, position: int | None) -> Message:
        if self._fault is not None:
            raise self._fault
        try:
            return receive(self._socket, time.monotonic() + self._limits.seconds)
        except TimeoutError:
            raise self._late(position) from None
        except (EOFError, OSError):
            raise self._died(position) from None
        except WireError:
            raise self._ended(self._faults.senseless()) from None

    def _error(self, answer: Message, position: int | None) -> Exception:
        """What a decoder raised, raised again."""
        match answer.get("error"), answer.get("of"):
            case "memory", _:
                return self._faults.hungry(position)
            case "passing", str(sentence):
                return PassingError(sentence)
            case "media", str(sentence):
                return MediaError(sentence)
            case "os", (number, words, name):
                return OSError(number, words, name)
            case "other", str(words):
                return RuntimeError(words)
        return self._ended(self._faults.senseless())

    def _ended(self, fault: MediaError) -> MediaError:
        """For a fault after which nothing more can be asked."""
        self._finish(0)
        self._fault = fault
        return fault

    def _died(self, position: int | None) -> MediaError:
        return self._ended(self._faults.died(position, self._finish(_GRACE)))

    def _late(self, position: int | None) -> MediaError:
        is_busy = self._child is not None and computes(self._child)
        return self._ended(self._faults.late(position, is_busy=is_busy))

    def _finish(self, seconds: float) -> int | None:
        child, self._child = self._child, None
        self._socket.close()
        return None if child is None else self._decoders.finish(child, seconds)

    def close(self) -> None:
        """End the process. Frames that are still held stay as they are."""
        with self._lock:
            self._finish(0)
            self._fault = self._fault or MediaError(f"{self._ref.path.name}: is closed.")
            self._slots = None
