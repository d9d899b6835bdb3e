"""Pictures out: one file for each frame, numbered as the plate is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from daemon.closing import Closing
from daemon.media.base import ClipInfo, Frame, MediaError, PictureTags, WorkGoneError
from daemon.media.durable import sync_file, sync_folder
from daemon.media.image_formats import ImageFormat
from daemon.media.picture_tags import video_tags


class ImageSink(Closing):
    """A FrameSink that writes `folder/stem.png` for a still, `folder/stem.1001.png` for anything else."""

    def __init__(
        self, format: ImageFormat, folder: Path, stem: str, like: ClipInfo, channels: int, start: int
    ) -> None:
        self._format = format
        self._folder = folder
        self._stem = stem
        self._like = like
        self._channels = channels
        self._position = start
        self._video_tags = video_tags(like)
        self._unsynced: list[Path] = []
        self._drop_from(start)

    def write(self, frame: Frame) -> None:
        """Write the next frame. MediaError: the disk refuses it. ValueError: it is not the next."""
        expected = self._like.numbers[self._position] if self._position < len(self._like.numbers) else None
        if frame.number != expected:
            raise ValueError(f"{self._stem}: frame {frame.number} came where frame {expected} was due")
        shape = (self._like.height, self._like.width, self._channels)
        if frame.pixels.shape != shape:
            raise ValueError(f"{self._stem}: frame {frame.number} is {frame.pixels.shape}, not {shape}")
        path = self._path(frame.number)
        self._unsynced.append(path)  # before it is there: a write that fails may leave a part of it
        self._format.write(path, frame.pixels, self._tags(frame.tags))
        self._position += 1

    def commit(self) -> None:
        try:
            for path in self._unsynced:
                sync_file(path)
            sync_folder(self._folder)
        except OSError as error:
            raise MediaError(
                f"{self._stem}: could not be written ({error.strerror}); check free space and rights."
            ) from None
        self._unsynced.clear()

    def finish(self, moved: Callable[[], None] = lambda: None) -> None:
        if self._position != len(self._like.numbers):
            due = len(self._like.numbers)
            raise ValueError(f"{self._stem}: finished after {self._position} of {due} frames")
        self.commit()

    def close(self) -> None:
        """Remove what was written since the last commit: it may not be whole."""
        for path in self._unsynced:
            path.unlink(missing_ok=True)
        self._unsynced.clear()

    def _tags(self, own: PictureTags | None) -> PictureTags | None:
        """A video's frame has no header, but what is made of it may have colours of its own to tell."""
        videos = self._video_tags(self._position)
        if videos is None or own is None:
            return own or videos
        return PictureTags((*videos.attributes, *own.attributes), own.origin)

    def _path(self, number: int) -> Path:
        if self._like.kind == "still":
            return self._folder / f"{self._stem}{self._format.suffix}"
        digits = self._like.digits if number >= 0 else self._like.digits_below
        return self._folder / f"{self._stem}.{number:0{digits}d}{self._format.suffix}"

    def _drop_from(self, start: int) -> None:
        kept = {self._path(number) for number in self._like.numbers[:start]}
        gone = next((path for path in sorted(kept) if not path.is_file()), None)
        if gone is not None:
            raise WorkGoneError(f"{gone.name}: was written before and is gone")
        for number in self._like.numbers[start:]:
            self._path(number).unlink(missing_ok=True)
