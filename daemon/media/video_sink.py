"""A video out, in chunks: each commit closes one, and only `finish` makes the file that was asked for.

An encoder cannot be resumed, but a chunk can be begun. So a killed job loses the frames since its last commit
and no more, and the final bytes are those of a run that nobody disturbed: intra-frame codecs do not tell
where the chunks met, and for the others a run begins where a chunk does.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from daemon.closing import Closing
from daemon.media.base import ClipInfo, Frame, MediaError
from daemon.media.durable import sync_file, sync_folder
from daemon.media.video_chunks import (
    check_chunks,
    chunk_path,
    chunks,
    join,
    joined_path,
    open_bitexact,
    write_error,
)
from daemon.media.video_codecs import MovieCodec


class VideoSink(Closing):
    """A FrameSink that writes `folder/stem.mov`, `.mkv` or `.webm` for a clip that was itself a video."""

    def __init__(
        self, codec: MovieCodec, folder: Path, stem: str, like: ClipInfo, channels: int, start: int
    ) -> None:
        if like.kind != "video" or like.time_base is None or like.rate is None:
            raise MediaError(f"{stem}: is no video, so it cannot become {codec.suffix}; choose png or exr.")
        reason = codec.refusal(like.width, like.height, channels)
        if reason:
            raise MediaError(f"{stem}: cannot become {codec.suffix} by {codec.encoder}, which {reason}.")
        self._codec = codec
        self._like = like
        self._shape = (like.height, like.width, channels)
        self._tags = codec.tags(like, channels)
        self._final = folder / f"{stem}{codec.suffix}"
        self._position = start
        self._open: tuple[Path, OutputContainer, VideoStream] | None = None
        self._drop_from(start)

    def write(self, frame: Frame) -> None:
        """Encode the next frame. MediaError: the disk refuses it. ValueError: it is not the next."""
        if self._position >= len(self._like.numbers) or frame.number != self._like.numbers[self._position]:
            raise ValueError(f"{self._final.name}: frame {frame.number} came at position {self._position}")
        if frame.pixels.shape != self._shape:
            raise ValueError(f"{self._final.name}: frame is {frame.pixels.shape}, not {self._shape}")
        picture = self._codec.frame(frame.pixels, self._tags)
        try:
            _, container, stream = self._open = self._open or self._begin()
            picture.pts, picture.time_base = self._like.pts[self._position], stream.codec_context.time_base
            container.mux(stream.encode(picture))
        except av.error.FFmpegError as error:
            raise write_error(self._final, error) from None
        self._position += 1

    def commit(self) -> None:
        """Close the present chunk; it is whole and fsynced on return."""
        if self._open is None:
            return
        path, container, stream = self._open
        try:
            container.mux(stream.encode(None))
            container.close()
            sync_file(path)
            sync_folder(path.parent)
        except (av.error.FFmpegError, OSError) as error:
            raise write_error(self._final, error) from None
        self._open = None

    def finish(self, moved: Callable[[], None] = lambda: None) -> None:
        self.commit()
        if self._position != len(self._like.numbers):
            due = len(self._like.numbers)
            raise ValueError(f"{self._final.name}: finished after {self._position} of {due} frames")
        if not self._final.exists():
            check_chunks(self._final, self._position, moved)
            join(self._final, self._codec, self._like, self._shape[2], moved)

    def close(self) -> None:
        """Remove the chunk that was not committed."""
        if self._open is None:
            return
        path, container, _ = self._open
        self._open = None
        with suppress(av.error.FFmpegError):  # a disk that is full cannot take the trailer either
            container.close()
        path.unlink(missing_ok=True)

    def _begin(self) -> tuple[Path, OutputContainer, VideoStream]:
        path = chunk_path(self._final, self._position)
        container = open_bitexact(path, self._codec.chunks or self._codec.container, self._like)
        stream = self._codec.add_stream(container, self._like, self._shape[2])
        container.start_encoding()  # opens the file now, not when the encoder's threads give the first packet
        return path, container, stream

    def _drop_from(self, start: int) -> None:
        joined_path(self._final).unlink(missing_ok=True)
        whole = start == len(self._like.numbers) and self._final.exists()
        if whole:
            # Whoever joined it may have been killed before its name was synced, and the chunks go now.
            sync_folder(self._final.parent)
        for position, path in chunks(self._final).items():
            if whole or position >= start:
                path.unlink()
        if not whole:
            self._final.unlink(missing_ok=True)
            check_chunks(self._final, start)
