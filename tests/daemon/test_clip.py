"""What makes a clip the same, and what makes it another."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import Field

from daemon.clip import Clip, job_key
from daemon.config import (
    AssumeSettings,
    ClipSettings,
    ColourSettings,
    OutputName,
    OutputSettings,
    TrimapSettings,
    clip_settings,
    load,
)
from daemon.inbox import scan
from daemon.media import MediaRef


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


def test_clips_with_a_hash_in_their_names_are_sources_of_their_own(tmp_path: Path) -> None:
    put(
        tmp_path,
        "x#.png",
        "x##.png",
        "x.#.png",
        "x.1.png",
        "x.2.png",
        "x#1.png",
        "x#2.png",
        "x1.png",
        "x2.png",
    )
    put(tmp_path, "f#/1.png", "f##/1.png")
    clips = scan(tmp_path)

    assert len({clip.source for clip in clips}) == len(clips) == 8


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


PINNED = Clip(
    "shot", Path("/srv/in"), MediaRef("still", Path("/srv/in/shot.png")), None, None, None, None, None,
    (("shot.png", 1000, 1_700_000_000_000_000_000),),
)  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        (ClipSettings(), "2022b07e1db2027f5251d851f4093fc79327e4675b3155949ebe249ceb18140d"),
        (
            ClipSettings(trimap=TrimapSettings(dilate=15), outputs={"alpha": OutputSettings(format="exr")}),
            "5f81f4c75a6c20459154ad8a99feee483b33893a5104a98af2e93021c3d7ef00",
        ),
    ],
)
def test_key_of_a_clip_stays_from_version_to_version(settings: ClipSettings, key: str) -> None:
    # Ledgers and manifests hold such keys, and sources stay where they are: where this fails, an upgrade
    # would do again whatever still lies in a watched folder.
    assert job_key(PINNED, settings) == key


class _NewerTrimap(TrimapSettings):
    feather: int = 0


class _NewerOutput(OutputSettings):
    dither: bool = False


class _Newer(ClipSettings):
    grain: float | None = None
    trimap: _NewerTrimap = _NewerTrimap()
    outputs: dict[OutputName, _NewerOutput] = Field(default_factory=dict)  # type: ignore[assignment]


def test_settings_that_are_new_and_left_alone_change_no_key() -> None:
    newer = _Newer(trimap=_NewerTrimap(dilate=15), outputs={"layers": _NewerOutput(parts=True)})
    older = ClipSettings(trimap=TrimapSettings(dilate=15), outputs={"layers": OutputSettings(parts=True)})

    assert job_key(PINNED, newer) == job_key(PINNED, older)
    assert job_key(PINNED, newer.model_copy(update={"grain": 0.5})) != job_key(PINNED, older)


@pytest.mark.parametrize(
    ("text", "is_same"),
    [
        ("scale: 1, trimap: {dilate: 14, hard: 6}, frames: null, background: checker", True),
        ("outputs: {composite: {format: auto, bits: null}, foreground: {}, alpha: {parts: false}}", True),
        ("trimap: {dilate: 15}", False),
        ("trimap: {hard: null}", False),
        ("outputs: {alpha: {}, foreground: {}}", False),
        ("outputs: {alpha: {}, foreground: {}, composite: {}, premult: {}}", False),
        ("outputs: {alpha: {bits: 8}, foreground: {}, composite: {}}", False),
    ],
)
def test_default_that_is_written_out_gives_the_key_of_one_left_out(
    tmp_path: Path, text: str, is_same: bool
) -> None:
    (tmp_path / "config.yaml").write_text(f"clip: {{{text}}}\n")
    (tmp_path / "shot.yaml").write_text(f"{{{text}}}\n")
    by_config = load(tmp_path / "config.yaml").clip
    by_clip = clip_settings(ClipSettings(), tmp_path / "shot.yaml")

    for settings in (by_config, by_clip):
        assert (job_key(PINNED, settings) == job_key(PINNED, ClipSettings())) is is_same


class _NewerAssume(AssumeSettings):
    stills: str = "auto"


class _NewerColour(ColourSettings):
    assume: _NewerAssume = _NewerAssume()


def test_colour_settings_that_are_new_and_left_alone_change_no_key() -> None:
    newer = _NewerColour(assume=_NewerAssume(video="ACEScg"))
    older = ColourSettings(assume=AssumeSettings(video="ACEScg"))

    assert job_key(PINNED, ClipSettings(), newer) == job_key(PINNED, ClipSettings(), older)
    assert job_key(PINNED, ClipSettings(), newer) != job_key(PINNED, ClipSettings())
