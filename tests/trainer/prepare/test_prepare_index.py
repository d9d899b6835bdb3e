"""The index: whole or not at all, looked into once, and never believed of a file that changed."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from trainer.cli import main
from trainer.prepare import (
    NAME,
    BrokenIndexError,
    Index,
    LayoutError,
    NothingToTrainOnError,
    PrepareError,
    StaleIndexError,
    prepare,
    run,
)
from trainer.prepare import index as index_file


@pytest.fixture
def root(tmp_path: Path, png: Any, photo: Any) -> Path:
    """Three cut-outs, and a photograph that is none."""
    for name in "abc":
        png(tmp_path / f"set/{name}.png")
    photo(tmp_path / "set/opaque.jpg")
    return tmp_path / "set"


def forbid_looking(monkeypatch: pytest.MonkeyPatch, but: str = "") -> None:
    real = run.examine

    def look(found: Any) -> Any:
        assert [path.name for path in found.files.values()] == [but], "opened again"
        return real(found)

    monkeypatch.setattr(run, "examine", look)
    monkeypatch.setattr(run, "digest", lambda path: "0" * 64 if path.name == but else pytest.fail("hashed"))


def test_every_file_is_listed_with_size_time_and_hash(root: Path) -> None:
    index = prepare(root, root / NAME).index
    assert [entry.name for entry in index.entries] == ["a.png", "b.png", "c.png"]
    for entry in index.entries:
        file, path = entry.files["rgba"], root / entry.name
        assert file.sha256 == sha256(path.read_bytes()).hexdigest()
        assert (file.bytes, file.mtime_ns) == (path.stat().st_size, path.stat().st_mtime_ns)


def test_an_index_reads_as_it_was_written(root: Path) -> None:
    made = prepare(root, root / NAME).index
    read = Index.read(root / NAME)
    assert (read.header, read.entries, read.skipped) == (made.header, made.entries, made.skipped)


def test_a_second_run_opens_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = prepare(root, root / NAME)
    forbid_looking(monkeypatch)
    second = prepare(root, root / NAME)
    assert (first.examined, second.examined, second.kept) == (4, 0, 4)
    assert (second.index.entries, second.index.skipped) == (first.index.entries, first.index.skipped)


def test_only_what_is_new_or_changed_is_looked_into(
    root: Path, png: Any, disc: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(root, root / NAME)
    png(root / "new.png")
    with monkeypatch.context() as patched:
        forbid_looking(patched, but="new.png")
        assert prepare(root, root / NAME).examined == 1
    os.utime(root / "a.png", ns=(1, 1))
    report = prepare(root, root / NAME)
    assert (report.examined, report.kept) == (1, 4)


def test_a_skipped_file_that_was_mended_is_taken(root: Path, png: Any) -> None:
    assert [line.fault for line in prepare(root, root / NAME).index.skipped] == ["no alpha"]
    (root / "opaque.jpg").unlink()
    png(root / "opaque.png")
    report = prepare(root, root / NAME)
    assert (len(report.index.entries), report.index.skipped, report.gone) == (4, (), ("opaque.jpg",))


def test_a_vanished_file_is_dropped_and_told(root: Path) -> None:
    prepare(root, root / NAME)
    (root / "b.png").unlink()
    report = prepare(root, root / NAME)
    assert report.gone == ("b.png",)
    assert [entry.name for entry in report.index.entries] == ["a.png", "c.png"]


def test_a_file_that_is_there_and_no_longer_of_the_set_is_not_called_gone(
    root: Path, tmp_path: Path, photo: Any
) -> None:
    photo(tmp_path / "coco/beach.jpg")
    prepare(root, root / NAME, elsewhere=[tmp_path / "coco"])
    done = CliRunner().invoke(main, ["prepare", str(root)])
    assert "left out ../coco/beach.jpg: is not of this set any more" in done.output
    assert "0 files gone." in done.output


def test_a_set_can_be_moved_with_its_index(root: Path, tmp_path: Path) -> None:
    prepare(root, root / NAME)
    moved = root.rename(tmp_path / "elsewhere")
    index = Index.read(moved / NAME)
    assert index.file(index.entries[0], "rgba") == moved / "a.png"
    assert prepare(moved, moved / NAME).examined == 0


def test_an_index_may_lie_outside_its_set(root: Path, tmp_path: Path) -> None:
    index = prepare(root, tmp_path / "indexes/mine.jsonl").index
    assert index.file(index.entries[0], "rgba") == root / "a.png"


def test_one_index_is_not_overwritten_by_that_of_another_set(root: Path, tmp_path: Path, png: Any) -> None:
    png(tmp_path / "other/a.png")
    prepare(root, tmp_path / NAME)
    with pytest.raises(LayoutError, match=r"is the index of .*set; name another --out for .*other\.$"):
        prepare(tmp_path / "other", tmp_path / NAME)


def test_a_changed_file_is_noticed_on_use(root: Path, png: Any, disc: Any) -> None:
    index = prepare(root, root / NAME).index
    before = (root / "a.png").stat()
    data = bytearray((root / "a.png").read_bytes())
    data[-20] ^= 1
    (root / "a.png").write_bytes(data)
    os.utime(root / "a.png", ns=(1, before.st_mtime_ns + 1))
    with pytest.raises(StaleIndexError, match=r"a\.png: changed since it was indexed; bring it back, or run"):
        index.file(index.entries[0], "rgba")


def test_a_vanished_file_is_noticed_on_use(root: Path) -> None:
    index = prepare(root, root / NAME).index
    (root / "a.png").unlink()
    with pytest.raises(StaleIndexError, match=r"a\.png: is in the index and not on disk; bring it back, or"):
        index.file(index.entries[0], "rgba")


def test_a_file_that_was_only_touched_is_taken(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = prepare(root, root / NAME).index
    os.utime(root / "a.png", ns=(1, 1))
    assert index.file(index.entries[0], "rgba") == root / "a.png"
    monkeypatch.setattr(index_file, "digest", lambda path: pytest.fail("hashed twice"))
    assert index.file(index.entries[0], "rgba") == root / "a.png"


@pytest.mark.parametrize(
    ("line", "text"), [(1, "{}\n"), (1, ""), (3, '{"name": "a.png"}\n'), (2, "not json\n"), (2, "\udcff\n")]
)
def test_a_broken_index_is_one_sentence(root: Path, line: int, text: str) -> None:
    prepare(root, root / NAME)
    lines = (root / NAME).read_text().splitlines(keepends=True)
    broken = "".join(lines[: line - 1]) + text + "".join(lines[line:] if text else "")
    (root / NAME).write_text(broken, errors="surrogateescape")
    for read in (Index.read, lambda path: prepare(root, path)):
        with pytest.raises(BrokenIndexError, match=r"index\.jsonl: line \d is not of a dimd-index-1; run"):
            read(root / NAME)


def test_an_index_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BrokenIndexError, match=r"index\.jsonl: cannot be read \(No such file"):
        Index.read(tmp_path / NAME)


def test_an_index_is_written_whole_or_not_at_all(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(root, root / NAME)
    before = (root / NAME).read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PrepareError, match=r"cannot be written \(No space left on device\); name another"):
        prepare(root, root / NAME)
    assert (root / NAME).read_bytes() == before
    assert {path.name for path in root.iterdir()} == {NAME, "a.png", "b.png", "c.png", "opaque.jpg"}


def test_a_run_that_finds_nothing_leaves_the_last_index(root: Path) -> None:
    prepare(root, root / NAME)
    before = (root / NAME).read_bytes()
    for path in root.glob("*.png"):
        path.unlink()
    with pytest.raises(NothingToTrainOnError, match=r"nothing to train on; .*, 1 in all \(opaque\.jpg"):
        prepare(root, root / NAME)
    assert (root / NAME).read_bytes() == before
