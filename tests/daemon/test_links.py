"""Links out of a watched folder are not followed, nor those in the folder of results written through."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from daemon.clip import Clip
from daemon.engine import Engine
from daemon.inbox import scan
from daemon.publish import Workplace
from tests.daemon.cases import config, plate, sequence, still, tree, write
from tests.daemon.serving import once

SENTENCE = "is a link out of the watched folder; copy what it leads to into there"


def link_plate(folder: Path, secret: Path) -> None:
    still(folder)
    (folder / "shot.png").unlink()
    (folder / "shot.png").symlink_to(secret / "shot.png")


def link_relative(folder: Path, secret: Path) -> None:
    still(folder)
    (folder / "shot.png").unlink()
    (folder / "shot.png").symlink_to(Path("..") / secret.name / "shot.png")


def link_frame(folder: Path, secret: Path) -> None:
    sequence(folder)
    (folder / "shot.1005.png").unlink()
    (folder / "shot.1005.png").symlink_to(secret / "shot.png")


def link_folder(folder: Path, secret: Path) -> None:
    (folder / "shot").symlink_to(secret)


def link_inner_folder(folder: Path, secret: Path) -> None:
    (folder / "shot").mkdir()
    (folder / "shot/plate").symlink_to(secret)


def link_sidecar(folder: Path, secret: Path) -> None:
    still(folder)
    (folder / "shot_bg.png").symlink_to(secret / "shot.png")


def link_settings(folder: Path, secret: Path) -> None:
    still(folder)
    (folder / "shot.yaml").symlink_to(secret / "password.yaml")


def link_of_a_link(folder: Path, secret: Path) -> None:
    still(folder, with_trimap=False)
    (folder / "shot_trimap.png").symlink_to(folder / ".hidden")
    (folder / ".hidden").symlink_to(secret / "shot.png")


LINKS = [link_plate, link_relative, link_frame, link_folder, link_inner_folder, link_sidecar, link_settings]


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    folder = tmp_path / "secret"
    write(folder / "shot.png", plate(7))
    (tmp_path / "in").mkdir()
    (tmp_path / "password.yaml").write_text("password: hunter2\n")
    return folder


@pytest.mark.parametrize("link", [*LINKS, link_of_a_link], ids=lambda link: link.__name__)
def test_a_link_out_of_the_folder_is_not_followed(link: Any, tmp_path: Path, secret: Path) -> None:
    if link is link_settings:
        (secret / "password.yaml").write_text("password: hunter2\n")
    link(tmp_path / "in", secret)
    remarks: list[str] = []
    assert scan(tmp_path / "in", remarks.append) == []
    assert len([remark for remark in remarks if SENTENCE in remark]) == 1
    assert "hunter2" not in "".join(remarks)


@pytest.mark.parametrize("link", LINKS[:6], ids=lambda link: link.__name__)
def test_a_link_is_followed_where_the_config_says_so(link: Any, tmp_path: Path, secret: Path) -> None:
    link(tmp_path / "in", secret)
    assert [clip.name for clip in scan(tmp_path / "in", follow_links=True)] == ["shot"]


@pytest.mark.parametrize("name", ["renders", "shot_mask"])
def test_a_folder_of_many_that_a_link_leads_to_is_named_as_a_link_and_not_listed(
    name: str, tmp_path: Path
) -> None:
    still(tmp_path / "elsewhere", "secret")
    still(tmp_path / "elsewhere", "secret too")
    still(tmp_path / "in")
    (tmp_path / "in" / name).symlink_to(tmp_path / "elsewhere")
    said: list[str] = []
    found = [clip.name for clip in scan(tmp_path / "in", said.append)]
    assert any(SENTENCE in sentence and name in sentence for sentence in said)
    assert not any("secret" in sentence for sentence in said)
    assert found == (["shot"] if name == "renders" else [])
    scan(tmp_path / "in", said.append, follow_links=True)
    assert any("holds 4 clips (secret" in sentence for sentence in said)


def test_a_link_within_the_folder_is_a_clip_like_any(tmp_path: Path, engine: Engine) -> None:
    still(tmp_path / "in", "one")
    (tmp_path / "in/two.png").symlink_to("one.png")
    (tmp_path / "in/two_trimap.png").symlink_to(tmp_path / "in/one_trimap.png")
    jobs, _ = once(config(tmp_path), engine)
    assert {job.name: job.state for job in jobs} == {"one": "done", "two": "done"}


def test_a_watched_folder_may_itself_be_reached_by_a_link(tmp_path: Path) -> None:
    still(tmp_path / "real")
    (tmp_path / "link").symlink_to("real")
    assert [clip.name for clip in scan(tmp_path / "link")] == ["shot"]


def test_a_file_that_becomes_a_link_while_it_is_read_is_not_published(tmp_path: Path, secret: Path) -> None:
    still(tmp_path / "in")
    shutil.copy2(tmp_path / "in/shot.png", secret / "shot.png")
    (clip,) = scan(tmp_path / "in")
    assert clip.unchanged()
    (tmp_path / "in/shot.png").unlink()
    (tmp_path / "in/shot.png").symlink_to(secret / "shot.png")
    assert not clip.unchanged()


def test_a_link_in_the_output_folder_is_not_written_through(tmp_path: Path, engine: Engine) -> None:
    settings = config(tmp_path)
    still(tmp_path / "in")
    (clip,) = scan(tmp_path / "in")
    from daemon.clip import job_key

    trap = tmp_path / "trap"
    trap.mkdir()
    (tmp_path / "out").mkdir()
    hidden = Workplace(tmp_path / "out", "shot", job_key(clip, settings.clip, settings.colour)).folder
    hidden.symlink_to(trap)
    (tmp_path / "out/shot").symlink_to(tmp_path / "nowhere")
    (tmp_path / "out/shot_v2").symlink_to(trap)
    jobs, _ = once(settings, engine)
    assert [job.state for job in jobs] == ["done"]
    assert list(trap.iterdir()) == []
    assert not (tmp_path / "nowhere").exists()
    assert "shot_alpha.png" in tree(tmp_path / "out/shot_v3")


def test_work_that_became_a_link_is_not_gone_on_with(tmp_path: Path) -> None:
    place = Workplace(tmp_path, "shot", "0123456789abcdef")
    place.prepare(0)
    place.folder.rmdir()
    (tmp_path / "trap").mkdir()
    place.folder.symlink_to(tmp_path / "trap")
    later = Workplace(tmp_path, "shot", "0123456789abcdef")
    assert later.prepare(5) == 0
    assert later.folder.is_dir()
    assert not later.folder.is_symlink()
    assert (tmp_path / "trap").is_dir()


def test_a_bound_clip_is_what_a_scan_gives(tmp_path: Path) -> None:
    still(tmp_path)
    clips: list[Clip] = scan(tmp_path)
    assert [clip.bound for clip in clips] == [True]
    assert [clip.bound for clip in scan(tmp_path, follow_links=True)] == [False]
