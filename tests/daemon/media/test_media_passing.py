"""What a disk does not give at the moment is told from what is wrong with a file."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from daemon.media import MediaError, PassingError, locate, open_source
from daemon.media.video_index import index_video
from tests.daemon.cases import still, video

PASSING = [errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EMFILE, errno.ENOTCONN]


def film(folder: Path) -> Path:
    folder.mkdir()
    return video(folder)


@pytest.mark.parametrize("code", PASSING)
@pytest.mark.parametrize("make", [still, film])
def test_a_file_that_cannot_be_opened_at_the_moment_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], Path], code: int
) -> None:
    ref = locate(make(tmp_path / "in"))

    def refused(path: Path, *_: object) -> None:
        raise OSError(code, os.strerror(code), str(path))

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(
        PassingError, match=rf"^{ref.path.name}: is not given at the moment \(.*; see to the d"
    ):
        open_source(ref, max_pixels=10**6)


@pytest.mark.parametrize("code", [code for code in PASSING if code != errno.EIO])
def test_a_video_that_its_disk_gives_no_more_of_at_the_moment_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    path = film(tmp_path / "in")

    def refused(*_: object, **__: object) -> None:
        av.error.err_check(-code)

    monkeypatch.setattr(av, "open", refused)
    with pytest.raises(PassingError, match=r"^shot\.mov: is not given at the moment \("):
        index_video(path)


def test_a_file_that_is_no_video_is_not_worth_another_try(tmp_path: Path) -> None:
    path = tmp_path / "shot.mov"
    path.write_bytes(b"not a video" * 100)
    with pytest.raises(MediaError) as caught:
        open_source(locate(path), max_pixels=10**6)
    assert not isinstance(caught.value, PassingError)


@pytest.mark.parametrize("is_given", [True, False])
def test_an_input_error_that_ffmpeg_tells_is_the_disks_only_where_the_disk_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_given: bool
) -> None:
    path = film(tmp_path / "in")

    def refused(*_: object, **__: object) -> None:
        av.error.err_check(-errno.EIO)

    monkeypatch.setattr(av, "open", refused)
    if not is_given:

        def stumbles(path: Path, *_: object, **__: object) -> None:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

        monkeypatch.setattr(Path, "open", stumbles)
    with pytest.raises(MediaError) as caught:
        index_video(path)
    assert isinstance(caught.value, PassingError) is not is_given
