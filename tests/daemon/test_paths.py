"""No way out of the folders: by a name, a link, a pattern, a clip's settings or a file that names others."""

from __future__ import annotations

import itertools
import os
import tempfile
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from daemon.config import ClipSettings, ConfigError, SegmenterSettings, TrimapSettings, clip_settings
from daemon.engine import Engine
from daemon.inbox import scan, sidecars_of
from daemon.media.find import find_media, locate
from daemon.publish import Workplace
from tests.daemon.cases import config, sequence, still, tree, video
from tests.daemon.serving import once

HOSTILE = st.sampled_from(
    ["..", ".", "...", "~", "%04d", "####", "@@", "{a,b}", "[0-9]", "1-100#", "$HOME", "\\", "\n", "\x1b[2J"]
    + [
        "‥",
        "\u2215",
        "\uff0f",
        "\u2024",
        "CON",
        "concat:",
        "file:",
        " ",
        "-",
        "_v2",
        "_mask",
        "_trimap",
        ".1001",
    ]
)
LETTERS = st.characters(exclude_characters="/\0", exclude_categories=["Cs"])
NAMES = st.lists(HOSTILE | st.text(LETTERS, max_size=6), min_size=1, max_size=5).map("".join)
SUFFIXES = st.sampled_from([".png", ".exr", ".mov", ".yaml", "/plate/0001.png", "/dimd.yaml", "/0001.png"])


def fits(name: str) -> bool:
    return name not in (".", "..") and len(os.fsencode(name)) < 200


def lies_in(folder: Path, path: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve()) and ".." not in path.parts


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(NAMES.filter(fits), SUFFIXES), min_size=1, max_size=6))
def test_no_name_leads_out_of_the_folders(names: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as made:
        folder, out = Path(made, "in"), Path(made, "out")
        folder.mkdir()
        for name, suffix in names:
            file = folder / (name + suffix)
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch()
            except (FileExistsError, NotADirectoryError, IsADirectoryError):
                continue  # one name is another's folder
        for clip in scan(folder):
            assert all(lies_in(folder, file) for file in clip.files)
            place = Workplace(out, clip.name, "0123456789abcdef")
            finals = [folder for folder, _ in zip(place._names(), range(3), strict=False)]
            for path in (place.folder, *finals):
                assert path.parent == out
                assert lies_in(out, path)
                assert path.name not in ("", ".", "..")
            beside = sidecars_of(folder, clip.name)
            for ref in itertools.chain(*beside.media.values()):
                assert all(lies_in(folder, file) for file in ref.files)
            assert all(lies_in(folder, own) for own in beside.settings)


@settings(max_examples=200, deadline=None)
@given(NAMES.filter(fits))
def test_no_pattern_finds_a_file_of_another_folder(pattern: str) -> None:
    from daemon.media import MediaError

    with tempfile.TemporaryDirectory() as made:
        folder, other = Path(made, "in"), Path(made, "other")
        for each in (folder, other):
            for number in range(1001, 1004):
                (each / f"shot.{number}.png").parent.mkdir(exist_ok=True)
                (each / f"shot.{number}.png").touch()
        for asked in (pattern, f"{pattern}.png", f"shot.{pattern}.png", f"shot{pattern}.png"):
            try:
                found = locate(folder / asked)
            except MediaError:
                continue
            assert all(lies_in(folder, file) or ".." in asked for file in found.files)
        assert all(lies_in(folder, file) for ref in find_media(folder) for file in ref.files)


def named_paths(model: type[BaseModel], where: str = "") -> Iterator[str]:
    """Every key below that takes a path."""
    for name, field in model.model_fields.items():
        key = f"{where}{name}"
        for kind in kinds(field.annotation):
            if kind is Path:
                yield key
            elif isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from named_paths(kind, f"{key}.")


def kinds(annotation: Any) -> Iterator[Any]:
    yield annotation
    for inner in typing.get_args(annotation):
        yield from kinds(inner)


def test_a_clips_own_settings_name_no_path(tmp_path: Path) -> None:
    """A new key that takes a path has to be refused here, as the segmenter is."""
    assert list(named_paths(ClipSettings)) == ["trimap.segmenter.model"]
    for text in (
        "trimap: {segmenter: {model: /etc/shadow}}",
        "base: &it {segmenter: {model: /etc/shadow}}\ntrimap: *it",
        "trimap: {<<: {segmenter: {model: ../../model.onnx}}}",
    ):
        (tmp_path / "shot.yaml").write_text(text)
        with pytest.raises(ConfigError):
            clip_settings(ClipSettings(), tmp_path / "shot.yaml")


def test_a_clip_keeps_the_segmenter_of_the_daemon(tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    ours = ClipSettings(trimap=TrimapSettings(segmenter=SegmenterSettings(model=model)))
    (tmp_path / "shot.yaml").write_text("trimap: {erode: 3}")
    assert clip_settings(ours, tmp_path / "shot.yaml").trimap.segmenter.model == model


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system ['touch escaped']", "!include /etc/passwd"])
def test_yaml_makes_no_objects(tmp_path: Path, tag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shot.yaml").write_text(f"background: {tag}\n")
    with pytest.raises(ConfigError):
        clip_settings(ClipSettings(), tmp_path / "shot.yaml")
    assert not (tmp_path / "escaped").exists()


PLAYLISTS = {
    "concat": "ffconcat version 1.0\nfile '{secret}'\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{secret}\n#EXT-X-ENDLIST\n",
    "dash": '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{secret}</BaseURL></MPD>',
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
}


@pytest.mark.parametrize("kind", PLAYLISTS)
@pytest.mark.parametrize("suffix", [".mov", ".mkv", ".mxf"])
def test_a_video_that_names_another_file_is_set_aside(
    kind: str, suffix: str, tmp_path: Path, engine: Engine
) -> None:
    (tmp_path / "secret").mkdir()
    secret = video(tmp_path / "secret", "secret")
    still(tmp_path / "in", "shot")
    (tmp_path / "in/shot.png").unlink()
    (tmp_path / f"in/shot{suffix}").write_text(PLAYLISTS[kind].format(secret=secret))
    (job,), _ = once(config(tmp_path), engine)
    assert job.state == "set_aside"
    assert tree(tmp_path / "out") == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give a folder away")
@pytest.mark.parametrize(("umask", "file", "folder"), [(0o002, 0o664, 0o2775), (0o027, 0o640, 0o2750)])
def test_results_have_the_mode_of_the_umask_and_the_group_of_the_folder(
    umask: int, file: int, folder: int, tmp_path: Path, engine: Engine
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    os.chown(out, -1, 4711)
    out.chmod(0o2775)
    still(tmp_path / "in", "one")
    sequence(tmp_path / "in", "two")
    video(tmp_path / "in", "three")
    before = os.umask(umask)
    try:
        jobs, _ = once(config(tmp_path), engine)
    finally:
        os.umask(before)
    assert {job.state for job in jobs} == {"done"}
    for path in out.rglob("*"):
        stat = path.stat()
        expected = folder if path.is_dir() else file
        assert (path.name, oct(stat.st_mode & 0o7777), stat.st_gid) == (path.name, oct(expected), 4711)
