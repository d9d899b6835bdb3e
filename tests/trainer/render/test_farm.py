"""The farm, before a Blender that is a small script: what it keeps, tries again, skips and cleans up."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest
from click.testing import CliRunner

from trainer.cli import main
from trainer.render import Farm, NoBlenderError, PictureError, check, find_blender, jobs

SIZE = 16

FAKE = """#!{python}
import json, os, pathlib, shutil, sys, time
here = pathlib.Path(__file__).parent
with (here / "started").open("a") as file:
    file.write(f"{{os.getpid()}}\\n")
print("chatter of a Blender", flush=True)
print("dimd: ready 3.4.fake", flush=True)
for line in sys.stdin:
    to = pathlib.Path(json.loads(pathlib.Path(line.strip()).read_text())["to"])
    {misdeed}
    shutil.copy(here / "good.exr", to)
    print("dimd: done 0.01", flush=True)
"""


def exr(path: Path, rgba: np.ndarray, format: str = "half") -> Path:
    out = oiio.ImageOutput.create(str(path))
    out.open(str(path), oiio.ImageSpec(rgba.shape[1], rgba.shape[0], rgba.shape[2], format))
    out.write_image(rgba.astype(np.float32))
    out.close()
    return path


def good() -> np.ndarray:
    rgba = np.zeros((SIZE, SIZE, 4), np.float32)
    rgba[4:12, 4:12] = [0.25, 0.25, 0.125, 0.5]
    return rgba


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "blender"
    folder.mkdir()
    exr(folder / "good.exr", good())
    return folder


def fake(home: Path, misdeed: str = "pass") -> Path:
    """A Blender that does `misdeed` before each render; it knows the file as `to`."""
    path = home / "blender"
    path.write_text(FAKE.format(python=sys.executable, misdeed=misdeed))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def plain(
    folder: Path, to: Path, seed: int, n: int, frame: int | None, size: int, samples: int
) -> tuple[Path, str]:
    path = folder / "scene.json"
    path.write_text(json.dumps({"to": str(to)}))
    return path, "fur"


def farm(out: Path, blender: Path, **options: object) -> Farm:
    return Farm(out, blender, size=SIZE, samples=1, write=plain, **options)  # type: ignore[arg-type]


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def starts(home: Path) -> list[int]:
    return [int(line) for line in (home / "started").read_text().split()]


def test_one_blender_renders_many_and_each_has_its_line(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert farm(out, fake(home)).run(jobs(3, 4, clips=1, frames=2)) == (6, 0)
    files = sorted(str(p.relative_to(out)) for p in out.rglob("*.exr"))
    assert files == [
        "clips/3-00000/0000.exr",
        "clips/3-00000/0001.exr",
        *(f"stills/3-{n:05d}.exr" for n in range(4)),
    ]
    assert sorted(str(line["file"]) for line in lines(out / "renders.jsonl")) == files
    first = lines(out / "renders.jsonl")[0]
    assert (first["kind"], first["seed"], first["n"], first["blender"]) == ("fur", 3, 0, "3.4.fake")
    assert len(starts(home)) == 1


def test_a_second_farm_renders_only_what_is_missing(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    farm(out, fake(home)).run(jobs(1, 3, 0, 0))
    (out / "stills" / "1-00001.exr").unlink()
    kept = (out / "stills" / "1-00000.exr").stat().st_mtime_ns
    assert farm(out, fake(home)).run(jobs(1, 5, 0, 0)) == (3, 0)
    assert (out / "stills" / "1-00000.exr").stat().st_mtime_ns == kept
    assert farm(out, fake(home)).run(jobs(1, 5, 0, 0)) == (0, 0)
    assert len(starts(home)) == 2, "a farm with nothing to do starts no Blender"


@pytest.mark.parametrize(
    ("misdeed", "reason"),
    [
        ("print('dimd: failed out of memory', flush=True); continue", r"could not render it: out of memory"),
        ("print('Segmentation fault', flush=True); sys.exit(11)", r"ended by itself; .*Segmentation fault"),
        ("print('dimd: done 1', flush=True); continue", r"cannot be read as EXR"),
        ("to.write_bytes(b'half a picture'); print('dimd: done 1', flush=True); continue", r"cannot be read"),
    ],
)
def test_a_failure_is_noted_and_skipped_and_the_others_are_rendered(
    home: Path, tmp_path: Path, misdeed: str, reason: str
) -> None:
    out = tmp_path / "out"
    block = f"if '1-00001' in to.name:\n        {misdeed}"
    assert farm(out, fake(home, block)).run(jobs(1, 3, 0, 0)) == (2, 1)
    noted = lines(out / "failures.jsonl")
    assert [(line["n"], line["try"]) for line in noted] == [(1, 1), (1, 2)]
    assert all(re.search(reason, str(line["reason"])) for line in noted)
    assert sorted(p.name for p in (out / "stills").iterdir()) == ["1-00000.exr", "1-00002.exr"]


def test_a_render_that_hangs_is_killed_and_tried_again(home: Path, tmp_path: Path) -> None:
    once = "if not (here / 'hung').exists():\n        (here / 'hung').touch(); time.sleep(600)"
    assert farm(tmp_path / "out", fake(home, once), limit=1).run(jobs(1, 2, 0, 0)) == (2, 0)
    (noted,) = lines(tmp_path / "out" / "failures.jsonl")
    assert noted["reason"] == "Blender gave no answer within 1 s."
    for pid in starts(home):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_picture_has_its_name_only_once_it_is_whole(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    half = "to.write_bytes(b'half'); (here / 'seen').write_text(' '.join(os.listdir(to.parent)))"
    farm(out, fake(home, half)).run(jobs(1, 1, 0, 0))
    assert (home / "seen").read_text() == ".1-00000.exr"
    assert [p.name for p in (out / "stills").iterdir()] == ["1-00000.exr"]


def test_sigterm_ends_the_farm_and_its_blender(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    blender = fake(home, "time.sleep(600)")
    command = [sys.executable, "-c", "from trainer.cli import main; main()", "render", "--out", str(out)]
    child = subprocess.Popen(
        [*command, "--count", "2", "--size", "16", "--blender", str(blender)],
        stdout=subprocess.DEVNULL,
        cwd=Path(__file__).parents[3],
    )
    until = time.monotonic() + 40
    while not (home / "started").exists() and time.monotonic() < until:
        time.sleep(0.05)
    child.send_signal(signal.SIGTERM)
    assert child.wait(15) == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(starts(home)[0], 0)
    assert not list(out.rglob("*.exr"))
    assert not (out / "failures.jsonl").exists()


def test_without_blender_one_sentence_says_the_mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoBlenderError, match=r"`apt install blender`.*`--blender PATH`"):
        find_blender()
    result = CliRunner().invoke(main, ["render", "--out", str(tmp_path / "out"), "--blender", "/no/blender"])
    assert result.exit_code == 1
    assert result.output == (
        "Error: /no/blender is not there or cannot be run; install it with `apt install blender`, "
        "or name it with `--blender PATH`.\n"
    )


def broken(how: str) -> np.ndarray:
    rgba = good()
    if how == "nan":
        rgba[5, 5, 0] = np.nan
    elif how == "empty":
        rgba[:] = 0
    elif how == "straight":
        rgba[0, 0, :3] = 0.5
    elif how == "small":
        rgba = rgba[:8]
    elif how == "rgb":
        rgba = rgba[..., :3]
    return rgba


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("nan", "not finite"),
        ("empty", "next to nothing"),
        ("straight", "not premultiplied"),
        ("small", r"16x8.* instead of 16x16"),
        ("rgb", "3 channels"),
        ("float", "channels of float"),
    ],
)
def test_a_bad_picture_is_refused(tmp_path: Path, how: str, sentence: str) -> None:
    path = exr(tmp_path / "bad.exr", broken(how), "float" if how == "float" else "half")
    with pytest.raises(PictureError, match=rf"^bad\.exr: .*{sentence}"):
        check(path, SIZE)


def test_a_picture_that_breaks_off_is_refused(tmp_path: Path) -> None:
    path = exr(tmp_path / "bad.exr", np.random.default_rng(0).random((SIZE, SIZE, 4)))
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(PictureError, match=r"^bad\.exr: "):
        check(path, SIZE)
