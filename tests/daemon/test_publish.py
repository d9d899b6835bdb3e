"""Publishing: whole, once, never over another's."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from daemon.publish import MANIFEST, PublishError, Workplace


def finished(out: Path, name: str = "shot", key: str = "a" * 64) -> Workplace:
    place = Workplace(out, name, key)
    place.prepare(0)
    (place.folder / MANIFEST).write_text(json.dumps({"key": key}))
    (place.folder / "picture.png").write_bytes(key.encode())
    return place


def test_a_result_appears_whole_under_its_name(tmp_path: Path) -> None:
    place = finished(tmp_path)
    assert not (tmp_path / "shot").exists()
    assert place.publish() == tmp_path / "shot"
    assert {p.name for p in (tmp_path / "shot").iterdir()} == {MANIFEST, "picture.png"}
    assert not place.folder.exists()


def test_a_result_is_never_overwritten(tmp_path: Path) -> None:
    names = [finished(tmp_path, key=letter * 64).publish().name for letter in "abc"]
    assert names == ["shot", "shot_v2", "shot_v3"]
    assert (tmp_path / "shot/picture.png").read_bytes() == b"a" * 64


def test_what_was_published_before_a_crash_is_found_again(tmp_path: Path) -> None:
    finished(tmp_path, key="a" * 64).publish()
    second = finished(tmp_path, key="b" * 64)
    assert second.published() is None
    second.publish()
    assert Workplace(tmp_path, "shot", "b" * 64).published() == tmp_path / "shot_v2"
    assert Workplace(tmp_path, "shot", "c" * 64).published() is None


def test_work_goes_on_where_it_was_and_begins_anew_where_it_is_gone(tmp_path: Path) -> None:
    place = finished(tmp_path)
    assert place.prepare(5) == 5
    assert (place.folder / "picture.png").exists()
    place.discard()
    assert place.prepare(5) == 0
    assert list(place.folder.iterdir()) == []


def test_unfinished_work_is_hidden(tmp_path: Path) -> None:
    assert finished(tmp_path).folder.name.startswith(".")


def test_an_output_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(
        PublishError, match=r"out: cannot be written to .*; name a folder, for there is a file"
    ):
        Workplace(tmp_path / "out", "shot", "a" * 64).prepare(0)
    with pytest.raises(
        PublishError, match=r"sub: cannot be written to .*; name a folder, for there is a file"
    ):
        Workplace(tmp_path / "out/sub", "shot", "a" * 64).prepare(0)


@pytest.mark.parametrize("name", ["长" * 78, "a" * 230])
def test_a_name_that_is_too_long_is_to_be_shortened(tmp_path: Path, name: str) -> None:
    with pytest.raises(PublishError, match=f"^{name}: is too long a name for .*out; shorten it"):
        Workplace(tmp_path / "out", name, "a" * 64).prepare(0)


def test_one_who_lost_the_job_finds_no_folder_to_write_into_or_publish(tmp_path: Path) -> None:
    late = finished(tmp_path)
    next_one = Workplace(tmp_path, "shot", "a" * 64)
    assert next_one.begun() == late.folder
    assert next_one.prepare(3) == 3
    assert not late.folder.exists()
    with pytest.raises(FileNotFoundError):
        (late.folder / "picture.png").write_bytes(b"late")
    with pytest.raises(FileNotFoundError):
        late.publish()
    assert (next_one.publish() / "picture.png").read_bytes() == b"a" * 64
    assert [path.name for path in tmp_path.iterdir()] == ["shot"]


def test_who_lost_the_job_publishes_nothing_and_discards_nothing(tmp_path: Path) -> None:
    lost = threading.Event()

    def allow() -> None:
        if lost.is_set():
            raise RuntimeError("taken over")

    place = Workplace(tmp_path, "shot", "a" * 64, allow=allow)
    place.prepare(0)
    late = Workplace(tmp_path, "shot", "a" * 64, allow=allow)
    lost.set()
    with pytest.raises(RuntimeError, match="taken over"):
        place.publish()
    assert not (tmp_path / "shot").exists()
    with pytest.raises(RuntimeError, match="taken over"):
        late.prepare(0)
    assert place.folder.is_dir()


def test_what_is_left_of_a_job_is_discarded_whoever_made_it(tmp_path: Path) -> None:
    finished(tmp_path)
    other = finished(tmp_path, name="other")
    Workplace(tmp_path, "shot", "a" * 64).discard()
    assert list(tmp_path.iterdir()) == [other.folder]
