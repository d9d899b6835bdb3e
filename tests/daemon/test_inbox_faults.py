"""What a scan leaves out: one sentence each, and the other clips go on."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from daemon.clip import Stamp, stamp_of
from daemon.inbox import scan
from daemon.media import MediaError, MediaRef


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def looked(folder: Path) -> tuple[list[str], list[str]]:
    """The clips' names, and the remarks."""
    remarks: list[str] = []
    return [clip.name for clip in scan(folder, remarks.append)], remarks


def test_two_sidecars_for_one_purpose_keep_the_clip_waiting(tmp_path: Path) -> None:
    put(tmp_path, "shot.mov", "shot_mask.png", "shot_mask.mov", "other.png")

    clips, remarks = looked(tmp_path)

    assert clips == ["other"]
    assert remarks == ["shot: has 2 files for mask (shot_mask.mov, shot_mask.png); keep one."]


def test_two_settings_files_keep_the_clip_waiting(tmp_path: Path) -> None:
    put(tmp_path, "shot/plate/a.png", "shot/dimd.yaml", "shot.yaml")

    clips, remarks = looked(tmp_path)

    assert clips == []
    assert remarks == ["shot: has 2 settings files (dimd.yaml, shot.yaml); keep one."]


def test_folder_with_several_clips_is_left_with_a_sentence(tmp_path: Path) -> None:
    put(tmp_path, "day1/a.mov", "day1/b.mov", "day2/plate/a.mov", "day2/plate/b.mov")

    clips, remarks = looked(tmp_path)

    assert clips == []
    assert remarks == [
        "day1: holds 2 clips (a.mov, b.mov); sort them into plate/, trimap/, mask/, clean/ and bg/.",
        "day2/plate: holds 2 clips (a.mov, b.mov); leave one.",
    ]


FOLDERS = "a clip's folders are plate/, trimap/, mask/, clean/ and bg/ in it"


@pytest.mark.parametrize(
    ("inside", "called"),
    [
        (("show/a.heic", "show/b.cr2"), f"show: holds no images or video that dimd reads; {FOLDERS}."),
        (("show/shot010/plate/1.png",), f"show: holds no images or video that dimd reads; {FOLDERS}."),
        (
            ("show/plates/1.png", "show/show.yaml"),
            f"show: holds no images or video that dimd reads; {FOLDERS}.",
        ),
        (
            ("show/plate/a.heic",),
            "show/plate: holds no images or video that dimd reads; put one clip into it.",
        ),
    ],
)
def test_folder_of_which_nothing_is_used_is_named(
    tmp_path: Path, inside: tuple[str, ...], called: str
) -> None:
    put(tmp_path, *inside, "other.png")

    assert looked(tmp_path) == (["other"], [called])


def test_mask_folder_of_pictures_that_cannot_be_read_keeps_its_plate_waiting(tmp_path: Path) -> None:
    put(tmp_path, "shot.mov", "shot_mask/a.heic")

    clips, remarks = looked(tmp_path)

    assert clips == []
    assert remarks[0] == "shot_mask: holds no images or video that dimd reads; put one clip into it."


def test_folder_that_may_be_filling_is_passed_over_in_silence(tmp_path: Path) -> None:
    for empty in ("empty", "shot/plate", "shot_mask"):
        (tmp_path / empty).mkdir(parents=True)
    put(tmp_path, "a/.DS_Store", "b/a.mov.part", "c/mask/1.png", "c/dimd.yaml", "d/plate/a.mov.part")

    assert looked(tmp_path) == ([], [])


@pytest.mark.parametrize("frame", ["shot/1.png", "shot/plate/1.png"])
def test_settings_of_another_name_in_a_clips_folder_are_named(tmp_path: Path, frame: str) -> None:
    put(tmp_path, frame, "shot/shot.yaml")

    assert looked(tmp_path) == (
        ["shot"],
        ["shot/shot.yaml: is not read; settings inside a folder are called dimd.yaml."],
    )


def test_frames_rendered_again_with_another_padding_wait_for_a_person(tmp_path: Path) -> None:
    put(tmp_path, *(f"shot.{number}.png" for number in range(1, 101)), "other.png")
    put(tmp_path, *(f"shot.{number:04d}.png" for number in range(1, 51)))

    clips, remarks = looked(tmp_path)

    assert clips == ["other"]
    (remark,) = remarks
    assert remark == (
        "shot.#.png: 100 of its files share a frame number "
        "(shot.0001.png, shot.1.png, shot.0002.png, shot.2.png, ...); keep one file of each number."
    )


@pytest.mark.parametrize(
    ("mask", "called"),
    [
        ("shot_mask.{}.png", "shot_mask.#.png"),
        ("shot_mask/{}.png", "shot_mask/#.png"),
        ("shot/mask/{}.png", "shot/mask/#.png"),
    ],
)
def test_mask_with_two_files_for_a_frame_keeps_its_plate_waiting(
    tmp_path: Path, mask: str, called: str
) -> None:
    put(tmp_path, "shot/plate/shot.mov", mask.format("01"), mask.format("1"))

    clips, remarks = looked(tmp_path)

    assert clips == []
    (remark,) = remarks
    assert remark.startswith(f"{called}: 2 of its files share a frame number (")


@pytest.mark.parametrize(
    ("sidecar", "taken", "mend"),
    [
        (
            "IMG_0001_mask.jpg",
            "IMG_0001.png was taken as frame 1 of the sequence IMG_####.png",
            "IMG_0001a.png, or call the mask IMG_mask.0001.jpg",
        ),
        (
            "b2_bg.png",
            "b2.png was taken as frame 2 of the sequence b#.png",
            "b2a.png, or call the bg b_bg.2.png",
        ),
        ("b2.yaml", "b2.png was taken as frame 2 of the sequence b#.png", "b2a.png"),
    ],
)
def test_sidecar_of_a_picture_that_was_taken_as_a_frame_says_so(
    tmp_path: Path, sidecar: str, taken: str, mend: str
) -> None:
    put(tmp_path, "IMG_0001.png", "IMG_0002.png", "b1.png", "b2.png", sidecar)

    assert looked(tmp_path)[1] == [
        f"{sidecar}: its plate {taken}; rename the pictures if they are single, as {mend}."
    ]


def test_pictures_renamed_as_the_sentence_says_are_single_and_have_their_masks(tmp_path: Path) -> None:
    put(tmp_path, "b1a.png", "b2a.png", "b1a_mask.png", "b2a_mask.png")

    clips = scan(tmp_path, pytest.fail)

    assert [(clip.name, clip.plate.kind, clip.mask is not None) for clip in clips] == [
        ("b1a", "still", True),
        ("b2a", "still", True),
    ]


def test_file_of_another_kind_is_named(tmp_path: Path) -> None:
    put(tmp_path, "shot.gif")

    assert looked(tmp_path) == (
        [],
        ["shot.gif: is no still, sequence or video by its name; dimd passes over it."],
    )


@pytest.mark.parametrize("name", [b"sh\xf6t.png", b"sh\xf6t/0001.png", b"shot/sh\xf6t.png", b"sh\xf6t.yaml"])
def test_name_that_is_not_utf8_is_named_and_left(tmp_path: Path, name: bytes) -> None:
    put(tmp_path, os.fsdecode(name), "other.png")

    clips, (remark,) = looked(tmp_path)

    assert clips == ["other"]
    assert remark.startswith("sh\\xf6t")
    remark.encode()


def test_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"nowhere: cannot be listed .*; bring it back"):
        scan(tmp_path / "nowhere")


def test_unreadable_subfolder_leaves_the_other_clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "shot.png", "locked/0001.png")
    listing = os.scandir

    def refuse(folder: Path) -> Any:
        if folder.name == "locked":  # chmod would not stop root
            raise PermissionError(13, "Permission denied", str(folder))
        return listing(folder)

    monkeypatch.setattr("os.scandir", refuse)

    clips, remarks = looked(tmp_path)

    assert clips == ["shot"]
    (remark,) = remarks
    assert "locked: cannot be listed (Permission denied); give dimd access" in remark


def test_subfolder_that_may_not_be_entered_leaves_the_other_clips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "shot.png", "locked/0001.png")
    look = os.lstat

    def refuse(path: str | Path) -> os.stat_result:
        if Path(path).parent.name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return look(path)

    monkeypatch.setattr("daemon.clip.os.lstat", refuse)

    clips, remarks = looked(tmp_path)

    assert clips == ["shot"]
    where = tmp_path / "locked" / "0001.png"
    assert remarks == [
        f"locked: cannot be looked at (Permission denied); give dimd's user access to {where}."
    ]


def test_file_that_leaves_during_the_scan_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "going.png", "shot.png")

    def stamp(folder: Path, media: Iterable[MediaRef | None], own: Path | None, *, bound: bool) -> Stamp:
        media = list(media)
        for ref in filter(None, media):
            if ref.path.name == "going.png":
                ref.path.unlink()
        return stamp_of(folder, media, own, bound=bound)

    monkeypatch.setattr("daemon.inbox.stamp_of", stamp)

    assert looked(tmp_path) == (["shot"], [])


@pytest.mark.parametrize("name", ["shot.mov", "shot_mask.png", "shot.yaml", "shot_bg.1.png"])
def test_link_that_leads_nowhere_keeps_its_clip_waiting(tmp_path: Path, name: str) -> None:
    put(tmp_path, "shot.mov", "shot_bg.2.png")
    (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / name).symlink_to(tmp_path / "nowhere.png")

    clips, remarks = looked(tmp_path)

    assert clips == []
    assert remarks == [f"{name}: is a link that leads nowhere; bring what it leads to, or take it away."]


def test_link_to_what_is_no_file_is_no_clip(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "shot.png").symlink_to("pipe")

    assert looked(tmp_path)[0] == []


def test_mask_folder_that_cannot_be_told_keeps_its_plate_waiting(tmp_path: Path) -> None:
    put(tmp_path, "shot.mov", "shot_mask/a.mov", "shot_mask/b.mov", "other.mov")

    clips, remarks = looked(tmp_path)

    assert clips == ["other"]
    assert remarks == [
        "shot_mask: holds 2 clips (a.mov, b.mov); leave one.",
        "shot_mask: keeps its plate waiting; leave one clip in it that dimd may read.",
    ]
