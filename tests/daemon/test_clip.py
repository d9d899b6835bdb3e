"""What makes a clip the same, and what makes it another."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from daemon.clip import Clip, job_key
from daemon.config import ClipSettings, OutputSettings, TrimapSettings
from daemon.inbox import scan


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def only(folder: Path) -> Clip:
    (clip,) = scan(folder)
    return clip


def test_growing_sequence_stays_the_same_source(tmp_path: Path) -> None:
    put(tmp_path, "shot/10.png")
    first = only(tmp_path)
    put(tmp_path, "shot/11.png", "shot/9.png")
    grown = only(tmp_path)
    put(tmp_path, "shot_mask.png")
    complete = only(tmp_path)

    assert first.source == grown.source == complete.source
    assert first.stamp != grown.stamp != complete.stamp


def test_clip_knows_when_a_file_of_it_changed(tmp_path: Path) -> None:
    put(tmp_path, "shot.png", "shot_mask.png")
    clip = only(tmp_path)
    assert clip.unchanged()

    (tmp_path / "shot_mask.png").write_bytes(b"longer")
    assert not clip.unchanged()

    (tmp_path / "shot_mask.png").unlink()
    assert not clip.unchanged()


def test_key_is_the_same_for_the_same_clip_under_another_name(tmp_path: Path) -> None:
    put(tmp_path, "shot.png")
    alone = only(tmp_path)
    put(tmp_path, "shot.mov")
    renamed = next(clip for clip in scan(tmp_path) if clip.name == "shot_png")

    assert job_key(alone, ClipSettings()) == job_key(renamed, ClipSettings())


@pytest.mark.parametrize("change", ["size", "mtime", "sidecar", "settings file"])
def test_key_follows_every_file(tmp_path: Path, change: str) -> None:
    put(tmp_path, "shot.png")
    before = job_key(only(tmp_path), ClipSettings())
    stat = (tmp_path / "shot.png").stat()

    match change:
        case "size":
            (tmp_path / "shot.png").write_bytes(b"xx")
            os.utime(tmp_path / "shot.png", ns=(stat.st_atime_ns, stat.st_mtime_ns))
        case "mtime":
            os.utime(tmp_path / "shot.png", ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
        case "sidecar":
            put(tmp_path, "shot_mask.png")
        case "settings file":
            put(tmp_path, "shot.yaml")

    assert job_key(only(tmp_path), ClipSettings()) != before


@pytest.mark.parametrize(
    "settings",
    [
        ClipSettings(trimap=TrimapSettings(dilate=15)),
        ClipSettings(outputs={"alpha": OutputSettings()}),
        ClipSettings(background="#000000"),
    ],
)
def test_key_follows_the_settings_of_the_output(tmp_path: Path, settings: ClipSettings) -> None:
    put(tmp_path, "shot.png")
    clip = only(tmp_path)

    assert job_key(clip, settings) != job_key(clip, ClipSettings())
    assert job_key(clip, settings) == job_key(only(tmp_path), settings)
