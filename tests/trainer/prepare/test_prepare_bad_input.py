"""What cannot be trained on is skipped aloud: named, with its reason, and counted."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from trainer.cli import main
from trainer.prepare import NAME, NothingToTrainOnError, prepare

H264 = ("libx264", "yuv420p")
VP8 = ("libvpx", "yuva420p")


def skipped(root: Path) -> tuple[str, str, str]:
    """The one file that is skipped beside a good one: its name, fault and reason."""
    (line,) = prepare(root, root / NAME).index.skipped
    return line.skipped, line.fault, line.reason


def cut(path: Path, share: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])


@pytest.fixture
def cutouts(tmp_path: Path, png: Any) -> Path:
    png(tmp_path / "good.png")
    return tmp_path


def test_text_under_a_pictures_name(cutouts: Path, png: Any) -> None:
    (cutouts / "bad.png").write_text("no picture")
    name, fault, reason = skipped(cutouts)
    assert (name, fault) == ("bad.png", "unreadable")
    assert reason.startswith("is no picture (")


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_picture_cut_short(cutouts: Path, png: Any, suffix: str) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (48, 64, 4), np.uint8)
    cut(png(cutouts / f"bad{suffix}", noise), 0.5)
    name, fault, _ = skipped(cutouts)
    assert (name, fault) == (f"bad{suffix}", "unreadable")


def test_a_photograph_cut_short_is_not_taken_for_grey(tmp_path: Path, png: Any, disc: Any) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (48, 64, 3), np.uint8)
    for name in ("a", "b"):
        png(tmp_path / f"image/{name}.jpg", noise)
        png(tmp_path / f"alpha/{name}.png", disc())
    cut(tmp_path / "image/b.jpg", 0.6)
    name, fault, reason = skipped(tmp_path)
    assert (name, fault) == ("image/b.jpg", "unreadable")
    assert reason.startswith("is cut short or damaged (")


def test_a_link_to_nothing(cutouts: Path, png: Any) -> None:
    (cutouts / "bad.png").symlink_to(cutouts / "gone.png")
    assert skipped(cutouts) == ("bad.png", "unreadable", "cannot be opened (No such file or directory)")


def test_a_file_that_could_not_be_opened_is_tried_again(
    cutouts: Path, png: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    png(cutouts / "late.png")
    real = Path.open

    def refuse(path: Path, *args: Any, **kwargs: Any) -> Any:
        if path.name == "late.png":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", refuse)
        assert skipped(cutouts) == ("late.png", "unreadable", "cannot be opened (Permission denied)")
    assert prepare(cutouts, cutouts / NAME).index.skipped == ()


def test_a_name_that_is_not_utf_8(cutouts: Path, png: Any) -> None:
    (cutouts / "good.png").rename(os.fsdecode(os.fsencode(cutouts) + b"/bad\xff.png"))
    png(cutouts / "good.png")
    assert skipped(cutouts) == ("bad\\xff.png", "unreadable", "has a name that is not UTF-8")


def test_an_opaque_alpha(cutouts: Path, png: Any) -> None:
    png(cutouts / "bad.png", np.full((8, 8, 4), 255, np.uint8))
    assert skipped(cutouts) == ("bad.png", "opaque alpha", "has an alpha that is opaque everywhere")


def test_an_empty_alpha(cutouts: Path, png: Any) -> None:
    png(cutouts / "bad.png", np.zeros((8, 8, 4), np.uint8))
    assert skipped(cutouts) == ("bad.png", "empty alpha", "has an alpha that is empty everywhere")


def test_a_picture_without_alpha(cutouts: Path, png: Any, photo: Any) -> None:
    photo(cutouts / "bad.jpg")
    assert skipped(cutouts) == ("bad.jpg", "no alpha", "has no fourth channel to take alpha from")


def test_an_alpha_of_another_size(tmp_path: Path, png: Any, photo: Any, disc: Any) -> None:
    for name, height in (("a", 48), ("b", 40)):
        photo(tmp_path / f"fg/{name}.jpg")
        png(tmp_path / f"alpha/{name}.png", disc(height=height))
    assert skipped(tmp_path) == ("alpha/b.png", "other size", "is 64x40 pixels, its picture 64x48")


def test_a_trimap_of_another_size(tmp_path: Path, png: Any, photo: Any, disc: Any) -> None:
    for name, height in (("a", 48), ("b", 40)):
        photo(tmp_path / f"image/{name}.jpg")
        png(tmp_path / f"alpha/{name}.png", disc())
        png(tmp_path / f"trimap/{name}.png", disc(height=height))
    assert skipped(tmp_path)[:2] == ("trimap/b.png", "other size")


def test_a_video_without_alpha(cutouts: Path, png: Any, video: Any) -> None:
    video(cutouts / "bad.mp4", *H264)
    assert skipped(cutouts) == ("bad.mp4", "no alpha", "is a video without alpha")


def test_a_file_that_is_no_video(cutouts: Path, png: Any) -> None:
    (cutouts / "bad.webm").write_bytes(b"no video" * 100)
    name, fault, reason = skipped(cutouts)
    assert (name, fault) == ("bad.webm", "unreadable")
    assert reason.startswith("is no video, or damaged (")


def test_a_webm_cut_short_does_not_pass_for_a_short_one(
    cutouts: Path, png: Any, video: Any, disc: Any
) -> None:
    cut(video(cutouts / "bad.webm", *VP8, [disc(0.2 + 0.01 * n) for n in range(50)]), 0.5)
    name, fault, reason = skipped(cutouts)
    assert (name, fault) == ("bad.webm", "unreadable")
    assert reason.startswith("is cut short: it ends at ")


@pytest.mark.parametrize(("value", "fault"), [(0, "empty alpha"), (255, "opaque alpha")])
def test_a_video_whose_alpha_says_nothing(
    cutouts: Path, png: Any, video: Any, value: int, fault: str
) -> None:
    video(cutouts / "bad.webm", *VP8, [np.full((48, 64), value, np.uint8)] * 4)
    assert skipped(cutouts)[:2] == ("bad.webm", fault)


def test_a_video_that_begins_empty_is_taken(cutouts: Path, video: Any, disc: Any) -> None:
    video(cutouts / "late.webm", *VP8, [np.zeros((48, 64), np.uint8)] * 6 + [disc()] * 2)
    assert prepare(cutouts, cutouts / NAME).index.skipped == ()


def test_a_matte_of_another_length(tmp_path: Path, png: Any, video: Any, disc: Any) -> None:
    for name in "ab":
        video(tmp_path / f"fgr/{name}.mp4", *H264)
        video(tmp_path / f"pha/{name}.mp4", *H264, [disc()] * (8 if name == "a" else 5))
    assert skipped(tmp_path) == ("pha/b.mp4", "other length", "has 5 frames, b.mp4 8")


def test_every_skipped_file_is_printed_and_counted(cutouts: Path, png: Any, photo: Any) -> None:
    for name in ("x", "y"):
        photo(cutouts / f"{name}.jpg")
    png(cutouts / "z.png", np.zeros((8, 8, 4), np.uint8))
    for examined in (4, 0):
        done = CliRunner().invoke(main, ["prepare", str(cutouts), "--valid", "0", "--test", "0"])
        assert done.exit_code == 0, done.output
        lines = done.stdout.splitlines()
        assert lines[:3] == [
            "skipped  x.jpg: has no fourth channel to take alpha from",
            "skipped  y.jpg: has no fourth channel to take alpha from",
            "skipped  z.png: has an alpha that is empty everywhere",
        ]
        assert "      2  skipped: no alpha" in lines
        assert "      1  cutout, train" in lines
        assert f"{examined} examined, {4 - examined} known, 3 skipped, 0 files gone." in lines[-1]


def test_the_command_ends_with_one_sentence(tmp_path: Path, photo: Any) -> None:
    photo(tmp_path / "a.jpg")
    done = CliRunner().invoke(main, ["prepare", str(tmp_path)])
    assert done.exit_code == 1
    assert "skipped  a.jpg: has no fourth channel to take alpha from" in done.stdout
    sentence = f"Error: {tmp_path}: holds nothing to train on; mend what was skipped, 1 in all (a.jpg has no"
    assert sentence in done.output
    assert not (tmp_path / NAME).exists()
    done = CliRunner().invoke(main, ["prepare", str(tmp_path), "--valid", "0.7", "--test", "0.7"])
    assert "--valid and --test take more than all of it" in done.output


def test_footage_of_a_kind_that_is_not_read_is_told(cutouts: Path) -> None:
    (cutouts / "scan.TGA").write_bytes(b"tga")
    reason = "is of a kind that is not read (.tga); save it as PNG, EXR or ProRes 4444"
    assert skipped(cutouts) == ("scan.TGA", "other kind", reason)


def test_pictures_that_the_layout_has_no_use_for_are_told_by_their_folder(
    tmp_path: Path, png: Any, photo: Any, disc: Any
) -> None:
    for name in ("a", "b"):
        photo(tmp_path / f"image/{name}.jpg")
        png(tmp_path / f"alpha/{name}.png", disc())
        png(tmp_path / f"masks/{name}.png", disc())
    assert skipped(tmp_path) == (
        "masks",
        "not of the layout",
        "holds 2 files that triples has no use for there",
    )


def test_backgrounds_alone_are_nothing_to_train_on(tmp_path: Path, png: Any, photo: Any, disc: Any) -> None:
    photo(tmp_path / "fg/a.jpg")
    png(tmp_path / "alpha/a.png", 0 * disc())
    photo(tmp_path / "bg/street.jpg")
    with pytest.raises(NothingToTrainOnError, match=r"alpha/a\.png has an alpha that is empty everywhere"):
        prepare(tmp_path, tmp_path / NAME)


@pytest.mark.parametrize("where", ["closed", "deep/in/it/closed"])
def test_a_folder_that_may_not_be_looked_into(
    where: str, cutouts: Path, png: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    png(cutouts / where / "a.png")
    closed = str((cutouts / where).resolve())
    for name in ("scandir", "listdir"):
        monkeypatch.setattr(os, name, shut(getattr(os, name), closed))
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != closed and access(path, mode))
    assert skipped(cutouts) == (where, "unreadable", "cannot be looked into (Permission denied)")


def shut(look: Callable[[Any], Any], closed: str) -> Callable[[Any], Any]:
    def looked(path: Any) -> Any:
        if str(path) == closed:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), closed)
        return look(path)

    return looked
