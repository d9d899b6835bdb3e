"""What a scan makes of the files in a folder."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from daemon.clip import Clip
from daemon.inbox import scan

ROLES = ("trimap", "mask", "clean", "bg")


def put(folder: Path, *names: str) -> None:
    """Files of a few bytes: a scan goes by names and stats and opens nothing."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def looked(folder: Path) -> tuple[dict[str, Clip], list[str]]:
    """The clips by name, and the remarks."""
    remarks: list[str] = []
    clips = scan(folder, remarks.append)
    assert len({clip.name for clip in clips}) == len(clips)
    return {clip.name: clip for clip in clips}, remarks


def only(folder: Path) -> Clip:
    clips, remarks = looked(folder)
    assert remarks == []
    (clip,) = clips.values()
    return clip


def beside(clip: Clip) -> dict[str, str]:
    found = {role: getattr(clip, role) for role in ROLES}
    return {role: str(ref.path.relative_to(clip.folder)) for role, ref in found.items() if ref is not None}


def test_one_frames_picture_is_its_plates_however_the_number_stands(tmp_path: Path) -> None:
    put(tmp_path, "shot_1001.png", "shot_1002.png", "shot_mask_1002.png", "shot_trimap.1001.png")
    assert beside(only(tmp_path)) == {"mask": "shot_mask_1002.png", "trimap": "shot_trimap.1001.png"}


def test_a_numbered_name_that_stands_beside_no_plate_of_its_own_is_a_plate(tmp_path: Path) -> None:
    put(tmp_path, "tribal_mask_1.png", "shot.mov", "shot_clean_2.mov")
    assert looked(tmp_path)[0].keys() == {"tribal_mask_1", "shot", "shot_clean_2"}


def test_still_sequence_and_video_are_clips(tmp_path: Path) -> None:
    put(tmp_path, "photo.png", "film.mov", "shot.1001.exr", "shot.1002.exr", "shot.1004.exr")

    clips, remarks = looked(tmp_path)

    assert {name: clip.plate.kind for name, clip in clips.items()} == {
        "photo": "still",
        "film": "video",
        "shot": "sequence",
    }
    assert len(clips["shot"].plate.files) == 3
    assert remarks == []


def test_sidecars_go_with_their_plate_and_are_no_clips(tmp_path: Path) -> None:
    put(
        tmp_path, "shot.mov", "shot_trimap.mov", "shot_mask.png", "shot_clean.tif", "shot_bg.jpg", "shot.yaml"
    )

    clip = only(tmp_path)

    assert clip.name == "shot"
    assert beside(clip) == {
        "trimap": "shot_trimap.mov",
        "mask": "shot_mask.png",
        "clean": "shot_clean.tif",
        "bg": "shot_bg.jpg",
    }
    assert clip.settings == tmp_path / "shot.yaml"
    assert [name for name, _, _ in clip.stamp] == sorted(file.name for file in tmp_path.iterdir())


def test_sidecar_may_be_a_sequence_beside_a_sequence(tmp_path: Path) -> None:
    put(tmp_path, "shot.1.png", "shot.2.png", "shot_mask.1.png", "shot_mask.2.png")

    clip = only(tmp_path)

    assert clip.plate.kind == "sequence"
    assert clip.mask is not None
    assert clip.mask.kind == "sequence"


def test_sidecar_serves_the_plate_with_its_whole_name_only(tmp_path: Path) -> None:
    put(tmp_path, "shot.png", "shot_b.png", "shot_b_mask.png")

    clips, _ = looked(tmp_path)

    assert beside(clips["shot"]) == {}
    assert beside(clips["shot_b"]) == {"mask": "shot_b_mask.png"}


def test_role_is_read_whatever_its_case(tmp_path: Path) -> None:
    put(tmp_path, "shot.png", "shot_Trimap.png")

    assert beside(only(tmp_path)) == {"trimap": "shot_Trimap.png"}


def test_folder_with_plate_and_sidecar_folders_is_one_clip(tmp_path: Path) -> None:
    put(tmp_path, "shot/plate/0001.exr", "shot/plate/0002.exr", "shot/trimap/0001.png", "shot/dimd.yaml")
    put(tmp_path, "shot/mask/m.mov", "shot/clean/plate.exr", "shot/bg/sky.jpg")

    clip = only(tmp_path)

    assert clip.name == "shot"
    assert clip.plate.kind == "sequence"
    assert beside(clip) == {
        "trimap": "shot/trimap/####.png",
        "mask": "shot/mask/m.mov",
        "clean": "shot/clean/plate.exr",
        "bg": "shot/bg/sky.jpg",
    }
    assert clip.settings == tmp_path / "shot/dimd.yaml"
    assert len(clip.stamp) == 7


def test_folders_and_settings_of_a_clips_folder_are_known_whatever_their_case(tmp_path: Path) -> None:
    put(tmp_path, "shot/Plate/1.png", "shot/Mask/1.png", "shot/DIMD.yml")

    (clip,) = scan(tmp_path)

    assert clip.mask is not None
    assert (clip.plate.path.parent.name, clip.mask.path.parent.name) == ("Plate", "Mask")
    assert clip.settings == tmp_path / "shot" / "DIMD.yml"


def test_sidecar_beside_a_clips_folder_goes_with_it(tmp_path: Path) -> None:
    put(tmp_path, "shot/plate/0001.exr", "shot/plate/0002.exr", "shot_bg.png", "shot.yml")

    clip = only(tmp_path)

    assert beside(clip) == {"bg": "shot_bg.png"}
    assert clip.settings == tmp_path / "shot.yml"


def test_folder_of_plain_frames_is_a_sequence_of_that_name(tmp_path: Path) -> None:
    put(tmp_path, "shot/0001.png", "shot/0002.png", "shot_trimap/0001.png", "shot_trimap/0002.png")

    clip = only(tmp_path)

    assert clip.name == "shot"
    assert clip.plate.kind == "sequence"
    assert clip.trimap is not None
    assert len(clip.trimap.files) == 2


def test_plain_numbers_in_the_watched_folder_are_named_after_it(tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    put(folder, "0001.png", "0002.png")

    assert only(folder).name == "drop"


def test_hidden_and_unfinished_names_are_passed_over_in_silence(tmp_path: Path) -> None:
    put(
        tmp_path, ".shot.mov", "a.mov.part", "b.mov.tmp", "c.png~", ".d/plate/0001.png", ".shot_mask.png.Xy12"
    )
    put(tmp_path, "e.tmp/0001.png", ".hidden.yaml", "f.part.png")

    assert looked(tmp_path) == ({}, [])


def test_sidecar_that_comes_before_its_plate_is_not_taken_for_a_plate(tmp_path: Path) -> None:
    put(tmp_path, "shot_trimap.png", "shot.yaml")

    clips, remarks = looked(tmp_path)

    assert clips == {}
    assert remarks == [
        "shot_trimap.png: waits for its plate 'shot'; bring that, or rename this if it is a plate.",
        "shot.yaml: waits for its plate 'shot'; bring that, or rename this if it is a plate.",
    ]


def test_first_frame_of_a_trimap_sequence_is_not_taken_for_a_plate(tmp_path: Path) -> None:
    put(tmp_path, "shot.1001.png", "shot_trimap.1001.png")
    first = only(tmp_path)
    put(tmp_path, "shot.1002.png", "shot_trimap.1002.png")
    both = only(tmp_path)

    assert beside(first) == {"trimap": "shot_trimap.1001.png"}
    assert (both.name, beside(both)) == ("shot", {"trimap": "shot_trimap.####.png"})


def test_two_plates_of_one_name_get_results_of_two_names(tmp_path: Path) -> None:
    put(tmp_path, "shot.mov", "shot.png", "shot_mask.png", "shot/0001.exr", "shot/0002.exr")

    clips, remarks = looked(tmp_path)

    assert set(clips) == {"shot", "shot_mov", "shot_png"}
    assert clips["shot"].plate.kind == "sequence"
    assert all(beside(clip) == {"mask": "shot_mask.png"} for clip in clips.values())
    assert remarks == [
        (
            "shot: is the name of ####.exr, shot.mov, shot.png; "
            "their results are called shot, shot_mov, shot_png."
        )
    ]


def test_name_made_for_a_clash_clashes_with_no_other(tmp_path: Path) -> None:
    put(tmp_path, "shot.png", "shot.1.png", "shot.2.png", "shot.mov", "shot_mov.mov")

    clips, _ = looked(tmp_path)

    assert clips["shot_mov"].plate.path.name == "shot_mov.mov"
    assert clips["shot_mov_2"].plate.path.name == "shot.mov"
    assert {"shot_png", "shot_png_2"} < set(clips)


def test_accents_match_however_they_are_composed(tmp_path: Path) -> None:
    put(tmp_path, unicodedata.normalize("NFD", "café.png"), unicodedata.normalize("NFC", "café_mask.png"))

    clip = only(tmp_path)

    assert clip.name == unicodedata.normalize("NFC", "café")
    assert clip.mask is not None
