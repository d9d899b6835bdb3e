"""Which files of a folder are stills, which one sequence, which video."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.media import MediaError, find_media, locate


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes(b"x")


def found(folder: Path, **options: int) -> list[tuple[str, str, int]]:
    return [(ref.kind, ref.path.name, len(ref.files)) for ref in find_media(folder, **options)]


def test_stills_sequences_and_videos_are_told_apart(tmp_path: Path) -> None:
    touch(tmp_path, "a.1001.exr", "a.1002.exr", "a.1004.exr", "photo.JPG", "clip.mov", "notes.txt", "b.yaml")
    assert found(tmp_path) == [
        ("sequence", "a.####.exr", 3),
        ("video", "clip.mov", 1),
        ("still", "photo.JPG", 1),
    ]


def test_frame_numbers_are_the_names_own(tmp_path: Path) -> None:
    touch(tmp_path, "a.0999.png", "a.1000.png", "a.10000.png")
    (ref,) = find_media(tmp_path)
    assert ref.numbers == (999, 1000, 10000)
    assert [file.name for file in ref.files] == ["a.0999.png", "a.1000.png", "a.10000.png"]


def test_unpadded_frames_are_put_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    touch(tmp_path, *(f"render{number}.png" for number in range(1, 12)))
    (ref,) = find_media(tmp_path)
    assert ref.numbers == tuple(range(1, 12))


def test_negative_frames_go_first_and_a_dash_is_no_minus(tmp_path: Path) -> None:
    touch(tmp_path, "pre.-002.exr", "pre.-001.exr", "pre.0000.exr", "shot-001.exr", "shot-002.exr")
    pre, shot = find_media(tmp_path)
    assert pre.numbers == (-2, -1, 0)
    assert shot.numbers == (1, 2)
    assert shot.path.name == "shot-###.exr"


def test_hidden_and_unfinished_files_are_passed_over(tmp_path: Path) -> None:
    touch(
        tmp_path,
        ".shot.mov",
        "shot.mov.part",
        "shot.tmp.mov",
        "shot.part.png",
        "a.png~",
        "b~.png",
        "c.mov.tmp",
    )
    assert found(tmp_path) == []


@pytest.mark.parametrize(
    "names",
    [
        ("logo_v1.png", "logo_v2.png"),
        ("V1.png", "V2.png"),
        ("GT01.png", "GT04.png"),
        ("scan_19990101.png", "scan_20240101.png"),
        ("logo_v1.png", "logo_v01.png"),
        ("only.1001.png",),
    ],
)
def test_numbered_pictures_that_are_no_frames_stay_stills(tmp_path: Path, names: tuple[str, ...]) -> None:
    touch(tmp_path, *names)
    assert {kind for kind, _, _ in found(tmp_path)} == {"still"}


def test_suffixes_in_small_and_capital_letters_are_one_sequence(tmp_path: Path) -> None:
    touch(tmp_path, "a.1.PNG", "a.2.png", "a.3.PNG")
    assert found(tmp_path) == [("sequence", "a.#.PNG", 3)]
    assert locate(tmp_path / "a.#.png") == locate(tmp_path)


def test_numbers_that_two_files_have_are_told_with_the_files(tmp_path: Path) -> None:
    touch(tmp_path, "a.1.png", "a.2.png", "a.3.png", "a.0001.png", "a.0003.png")
    ref = locate(tmp_path)
    assert ref.kind == "sequence"
    assert ref.fault == (
        "4 of its files share a frame number (a.0001.png, a.1.png, a.0003.png, a.3.png); "
        "keep one file of each number."
    )


def test_sequence_with_one_file_to_a_number_has_no_fault(tmp_path: Path) -> None:
    touch(tmp_path, "a.-1.png", "a.1.png", "a.0002.png")
    assert locate(tmp_path).fault is None


def test_one_frame_is_a_sequence_where_one_is_expected(tmp_path: Path) -> None:
    touch(tmp_path, "plate.1001.exr")
    assert found(tmp_path, min_frames=1) == [("sequence", "plate.####.exr", 1)]


def test_numbered_movies_are_no_sequence(tmp_path: Path) -> None:
    touch(tmp_path, "clip001.mov", "clip002.mov")
    assert [kind for kind, _, _ in found(tmp_path)] == ["video", "video"]


def test_sequences_of_two_formats_are_two(tmp_path: Path) -> None:
    touch(tmp_path, "a.1.exr", "a.2.exr", "a.1.jpg", "a.2.jpg")
    assert [name for _, name, _ in found(tmp_path)] == ["a.#.exr", "a.#.jpg"]


@pytest.mark.parametrize("pattern", ["shot.%04d.exr", "shot.####.exr", "shot.1001-1002#.exr", "shot.$F4.exr"])
def test_a_pattern_names_a_sequence(tmp_path: Path, pattern: str) -> None:
    touch(tmp_path, "shot.1001.exr", "shot.1002.exr", "other.1001.exr", "shot.1001.png")
    ref = locate(tmp_path / pattern)
    assert (ref.kind, ref.numbers) == ("sequence", (1001, 1002))


def test_a_range_in_a_pattern_limits_the_frames(tmp_path: Path) -> None:
    touch(tmp_path, "shot.1001.exr", "shot.1002.exr", "shot.1003.exr")
    assert locate(tmp_path / "shot.1002-1003#.exr").numbers == (1002, 1003)


def test_a_file_and_a_folder_of_one_clip_are_located(tmp_path: Path) -> None:
    touch(tmp_path, "clip.mov")
    (tmp_path / "plate").mkdir()
    touch(tmp_path / "plate", "x.0001.png", "x.0002.png")
    assert locate(tmp_path / "clip.mov").kind == "video"
    assert locate(tmp_path / "plate").kind == "sequence"


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("gone.mov", "is not there"),
        ("gone.####.exr", "matches no file"),
        ("notes.txt", "not an image or a video by its name"),
        ("", "name the one that is meant"),
    ],
)
def test_what_cannot_be_located_is_said_in_a_sentence(tmp_path: Path, where: str, says: str) -> None:
    touch(tmp_path, "a.mov", "b.mov", "notes.txt")
    with pytest.raises(MediaError, match=says):
        locate(tmp_path / where)


def test_a_missing_folder_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="cannot be listed"):
        find_media(tmp_path / "gone")
