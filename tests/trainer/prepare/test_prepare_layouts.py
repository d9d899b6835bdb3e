"""Layouts: each is known by itself, pairs go by name, and what has no partner is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainer.cli.prepare import prepare as command
from trainer.drawn import write_drawn
from trainer.prepare import LAYOUTS, NAME, Entry, LayoutError, Shares, prepare

H264 = ("libx264", "yuv420p")


def index(root: Path, **options: Any) -> dict[str, Entry]:
    return {entry.name: entry for entry in prepare(root, root / NAME, **options).index.entries}


def human_half(root: Path, photo: Any, png: Any, **_: Any) -> None:
    photo(root / "clip_img/1803/clip_00000000/1803-0001.jpg")
    png(root / "matting/1803/matting_00000000/1803-0001.png")


def composition(root: Path, photo: Any, disc: Any, png: Any, **_: Any) -> None:
    photo(root / "fg/cat.jpg")
    png(root / "alpha/cat.png", disc())


def triples(root: Path, photo: Any, disc: Any, png: Any, **_: Any) -> None:
    photo(root / "image/cat.jpg")
    png(root / "alpha/cat.png", disc())


def video_pairs(root: Path, video: Any, **_: Any) -> None:
    video(root / "train/fgr/0000.mp4", *H264)
    video(root / "train/pha/0000.mp4", *H264)


def cutouts(root: Path, png: Any, **_: Any) -> None:
    png(root / "animals/cat.png")


@pytest.mark.parametrize("build", [human_half, composition, triples, video_pairs, cutouts])
def test_a_layout_is_known_by_itself(
    build: Callable[..., None], tmp_path: Path, photo: Any, png: Any, disc: Any, video: Any
) -> None:
    build(tmp_path, photo=photo, png=png, disc=disc, video=video)
    report = prepare(tmp_path, tmp_path / NAME)
    assert report.index.header.layout == build.__name__.replace("_", "-")
    (entry,) = report.index.entries
    assert (entry.width, entry.height) == (64, 48)


def test_pairs_are_made_by_name_and_not_by_the_order_of_a_listing(
    tmp_path: Path, photo: Any, png: Any
) -> None:
    names = ["b", "a10", "a9", "Z", "c"]
    for name in names:
        photo(tmp_path / f"clip_img/{name}.jpg")
    for name in [*reversed(names[:3]), *names[3:], "A"]:  # one too many, which would shift all that follow
        png(tmp_path / f"matting/{name}.png")
    found = index(tmp_path)
    assert len(found) == 5
    for entry in found.values():
        assert Path(entry.files["image"].path).stem == Path(entry.files["matte"].path).stem


def test_what_has_no_partner_is_told(tmp_path: Path, photo: Any, png: Any) -> None:
    human_half(tmp_path, photo, png)
    photo(tmp_path / "clip_img/1803/clip_00000000/lone.jpg")
    png(tmp_path / "matting/1803/matting_00000000/stray.png")
    told = {line.skipped: line for line in prepare(tmp_path, tmp_path / NAME).index.skipped}
    assert {line.fault for line in told.values()} == {"unpaired"}
    assert told["clip_img/1803/clip_00000000/lone.jpg"].reason == "has no matte of its name"
    assert told["matting/1803/matting_00000000/stray.png"].reason == "has no image of its name"


def test_files_that_share_a_name_are_not_paired_at_random(
    tmp_path: Path, photo: Any, png: Any, disc: Any
) -> None:
    composition(tmp_path, photo, disc, png)
    photo(tmp_path / "fg/cat.png")
    report = prepare(tmp_path, tmp_path / NAME)
    assert [entry.name for entry in report.index.entries] == ["fg/cat.jpg"]
    (line,) = report.index.skipped
    assert (line.skipped, line.reason) == ("fg/cat.png", "shares its name with cat.jpg")


def test_the_rough_mask_of_human_half_is_kept_as_its_threshold(tmp_path: Path, photo: Any, png: Any) -> None:
    human_half(tmp_path, photo, png)
    (entry,) = index(tmp_path).values()
    assert (entry.kind, entry.mask_above) == ("photo", 50)
    assert entry.group == "1803/00000000"


def test_composites_are_a_number_and_not_files(tmp_path: Path, photo: Any, png: Any, disc: Any) -> None:
    composition(tmp_path / "set/Training_set/Adobe-licensed images", photo, disc, png)
    composition(tmp_path / "set/Test_set/Adobe-licensed images", photo, disc, png)
    photo(tmp_path / "set/bg/street.jpg", 20, 30)
    photo(tmp_path / "coco/train2014/beach.jpg", 20, 30)
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    found = index(tmp_path / "set", elsewhere=[tmp_path / "coco"])
    train = found["Training_set/Adobe-licensed images/fg/cat.jpg"]
    test = found["Test_set/Adobe-licensed images/fg/cat.jpg"]
    assert (train.kind, train.split, train.composites) == ("foreground", "train", 100)
    assert (test.kind, test.split, test.composites) == ("foreground", "test", 20)
    backgrounds = {entry.name for entry in found.values() if entry.kind == "background"}
    assert backgrounds == {"bg/street.jpg", "../coco/train2014/beach.jpg"}
    assert {path for path in tmp_path.rglob("*") if path.is_file()} - before == {tmp_path / "set" / NAME}


def test_backgrounds_may_go_with_any_layout(tmp_path: Path, photo: Any, png: Any) -> None:
    png(tmp_path / "set/cat.png")
    photo(tmp_path / "coco/beach.jpg")
    found = index(tmp_path / "set", elsewhere=[tmp_path / "coco"])
    assert {name: entry.kind for name, entry in found.items()} == {
        "cat.png": "cutout",
        "../coco/beach.jpg": "background",
    }


def test_what_synth_draws_can_be_prepared(tmp_path: Path, photos: Path) -> None:
    write_drawn(photos, tmp_path, count=2, size=96, seed=5)
    found = index(tmp_path)
    assert [set(entry.files) for entry in found.values()] == [{"image", "alpha", "trimap", "fg"}] * 2


def test_a_triple_needs_neither_trimap_nor_foreground(
    tmp_path: Path, photo: Any, png: Any, disc: Any
) -> None:
    triples(tmp_path, photo, disc, png)
    photo(tmp_path / "image/dog.jpg")
    png(tmp_path / "alpha/dog.png", disc())
    png(tmp_path / "trimap/dog.png", disc())
    png(tmp_path / "trimap/cow.png", disc())
    report = prepare(tmp_path, tmp_path / NAME)
    assert [set(e.files) for e in report.index.entries] == [{"image", "alpha"}, {"image", "alpha", "trimap"}]
    assert [line.skipped for line in report.index.skipped] == ["trimap/cow.png"]


def test_video_pairs_may_be_videos_or_folders_of_frames(
    tmp_path: Path, photo: Any, png: Any, disc: Any, video: Any
) -> None:
    video_pairs(tmp_path, video)
    for number in range(3):
        photo(tmp_path / f"train/fgr/0001/{number:05d}.jpg")
        png(tmp_path / f"train/pha/0001/{number:05d}.png", disc())
    found = index(tmp_path)
    assert [(e.kind, e.frames, e.group) for e in found.values()] == [
        ("pair", 8, "train/0000"),
        *[("pair", 1, "train/0001")] * 3,
    ]


def test_frames_of_one_clip_are_one_group(tmp_path: Path, png: Any) -> None:
    for name in ("walk.1001", "walk.1002", "run/0001", "run/0002", "IMG_0001", "IMG_0002"):
        png(tmp_path / f"{name}.png")
    groups = {entry.group for entry in index(tmp_path).values()}
    assert groups == {"walk", "run", "IMG_0001", "IMG_0002"}


def test_frames_of_a_clip_that_synth_draws_are_one_group(tmp_path: Path, photos: Path) -> None:
    write_drawn(photos, tmp_path, count=2, size=64, seed=1, frames=3)
    found = index(tmp_path).values()
    assert [entry.group for entry in found] == [str(Path(entry.name).parent.name) for entry in found]
    assert len({entry.group for entry in found}) == 2


def test_every_layout_can_be_named_on_the_command_line() -> None:
    (option,) = (option for option in command.params if option.name == "layout")
    assert set(option.type.choices) == set(LAYOUTS)


def test_notes_and_hidden_files_are_no_footage(tmp_path: Path, png: Any) -> None:
    cutouts(tmp_path, png)
    (tmp_path / "SOURCE.txt").write_text("from here")
    (tmp_path / "animals/._cat.png").write_bytes(b"\0\5\x16\7")
    report = prepare(tmp_path, tmp_path / NAME)
    assert (len(report.index.entries), report.index.skipped) == (1, ())


def test_a_layout_that_does_not_fit_is_one_sentence(tmp_path: Path, png: Any) -> None:
    cutouts(tmp_path, png)
    with pytest.raises(LayoutError, match=r"holds no fg/ and alpha/ folders, as composition does; name"):
        prepare(tmp_path, tmp_path / NAME, layout="composition")


def test_a_folder_without_footage_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(LayoutError, match=r"holds no pictures and no videos; name the folder that does\.$"):
        prepare(tmp_path, tmp_path / NAME)
    (tmp_path / "scan.tga").write_bytes(b"tga")
    with pytest.raises(
        LayoutError, match=r"holds nothing of a kind that is read, but such as scan\.tga; save"
    ):
        prepare(tmp_path, tmp_path / NAME)


def test_a_layout_may_be_named_where_two_would_fit(tmp_path: Path, png: Any) -> None:
    for folder in ("clip", "matting"):
        png(tmp_path / folder / "a.png")
    assert [entry.kind for entry in index(tmp_path).values()] == ["photo"]
    (tmp_path / NAME).unlink()
    assert [entry.kind for entry in index(tmp_path, layout="cutouts").values()] == ["cutout", "cutout"]


def test_an_alpha_with_four_channels_is_read_from_the_fourth(tmp_path: Path, photo: Any, png: Any) -> None:
    photo(tmp_path / "clip/a.jpg")
    empty = np.dstack([np.full((48, 64, 3), 255, np.uint8), np.zeros((48, 64), np.uint8)])
    photo(tmp_path / "clip/b.jpg")
    png(tmp_path / "matting/a.png")
    png(tmp_path / "matting/b.png", empty)  # white to whoever looks at its colours
    report = prepare(tmp_path, tmp_path / NAME, shares=Shares(valid=0, test=0))
    assert [entry.name for entry in report.index.entries] == ["clip/a.jpg"]
    assert [line.fault for line in report.index.skipped] == ["empty alpha"]
