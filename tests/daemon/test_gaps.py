"""Frames that a sequence lacks, its steps, negative numbers and paddings: what of them is in the result."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest

from daemon.engine import Engine
from daemon.media import MediaError
from daemon.run import StoppedError
from tests.daemon.cases import tree
from tests.daemon.stills import Memory, make, picture, scene, stored

pytestmark = pytest.mark.usefixtures("trimap_beside")


def gappy(folder: Path) -> None:
    for number in (1001, 1003, 1006, 1007):
        pixels = (scene() + number - 1000).astype(np.float16)
        picture(
            folder / f"shot.{number}.exr",
            pixels,
            "half",
            **{"smpte:TimeCode": (oiio.TypeDesc("timecode"), (number % 16, 0)), "reelName": "A001"},
        )


ALL = {name: {} for name in ("alpha", "foreground", "composite")}


def numbers(made: Path, output: str) -> list[int]:
    return sorted(int(path.suffixes[-2][1:]) for path in (made / output).iterdir())


def test_gaps_stay_gaps_unless_told_otherwise(folder: Path, engine: Engine, tmp_path: Path) -> None:
    gappy(folder)
    made = make(folder, engine, tmp_path / "out", outputs=ALL)
    assert numbers(made, "alpha") == [1001, 1003, 1006, 1007]


def test_a_missing_frame_is_held(folder: Path, engine: Engine, tmp_path: Path) -> None:
    gappy(folder)
    made = make(folder, engine, tmp_path / "out", outputs=ALL, missing="hold")
    for output in ALL:
        assert numbers(made, output) == list(range(1001, 1008))
        for number, shown in ((1002, 1001), (1004, 1003), (1005, 1003)):
            held, source = (made / output / f"shot_{output}.{n}.exr" for n in (number, shown))
            np.testing.assert_array_equal(stored(held), stored(source))
            spec = oiio.ImageInput.open(str(held)).spec()
            assert spec.get_string_attribute("reelName") == "A001"
            assert spec.getattribute("smpte:TimeCode") is None  # it would be that of another frame
    told = json.loads((made / "manifest.json").read_text())
    assert told["missing"] == [1002, 1004, 1005]
    assert told["warnings"] == [
        "shot.####.exr: frames 1002, 1004, 1005 are missing, and the frame before stands there in the result."
    ]
    assert [figure["frame"] for figure in told["figures"]] == [1001, 1003, 1006, 1007]


def test_a_missing_frame_is_black(folder: Path, engine: Engine, tmp_path: Path) -> None:
    gappy(folder)
    made = make(folder, engine, tmp_path / "out", outputs=ALL, missing="black")
    for output in ALL:
        assert numbers(made, output) == list(range(1001, 1008))
        for number in (1002, 1004, 1005):
            assert not stored(made / output / f"shot_{output}.{number}.exr").any()
        assert stored(made / output / f"shot_{output}.1006.exr").any()


def test_a_missing_frame_is_refused_before_anything_is_made(
    folder: Path, engine: Engine, tmp_path: Path
) -> None:
    gappy(folder)
    with pytest.raises(MediaError, match=r"^shot\.####\.exr: frames 1002, 1004, 1005 are missing; supply "):
        make(folder, engine, tmp_path / "out", missing="refuse")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("missing", ["skip", "hold", "black"])
@pytest.mark.parametrize("stop_at", [1, 2, 3])
def test_a_resumed_sequence_with_gaps_has_the_bytes_of_an_undisturbed_one(
    folder: Path, engine: Engine, tmp_path: Path, missing: str, stop_at: int
) -> None:
    gappy(folder)
    how: dict[str, object] = {"outputs": {**ALL, "layers": {}}, "missing": missing}
    undisturbed = tree(make(folder, engine, tmp_path / "whole", **how))
    memory = Memory(stop_at)
    with pytest.raises(StoppedError):
        make(folder, engine, tmp_path / "out", memory, **how)
    assert 0 < memory.done < 4
    memory.stop_at = -1
    assert tree(make(folder, engine, tmp_path / "out", memory, **how)) == undisturbed


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        (["-002", "-001", "0000"], []),
        (["-0002", "-0001", "0000"], []),
        (["-2", "-1", "0", "10"], [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (["-0002", "-0001"], []),
        (["000007", "000008"], []),
        (["8", "9", "10"], []),
        (["0101", "0103", "0105", "0109"], [107]),
        (["0100", "0150", "0200"], []),
    ],
)
def test_numbers_paddings_and_steps_of_the_plate_are_those_of_the_result(
    folder: Path, engine: Engine, tmp_path: Path, names: list[str], missing: list[int]
) -> None:
    for name in names:
        picture(folder / f"shot.{name}.exr", scene(), "half")
    made = make(folder, engine, tmp_path / "out", outputs={"alpha": {}})
    assert {path.name for path in (made / "alpha").iterdir()} == {f"shot_alpha.{name}.exr" for name in names}
    told = json.loads((made / "manifest.json").read_text())
    assert told["missing"] == missing
    step = 1 if len(names) < 3 else int(names[1]) - int(names[0])
    assert told["step"] == step
    assert (
        f"shot.{'#' * len(names[0])}.exr: has a frame every {step}, and so has the result."
        in told["warnings"]
    ) == (step > 1)


def test_a_stepped_sequence_is_held_at_its_own_step(folder: Path, engine: Engine, tmp_path: Path) -> None:
    for number in (101, 103, 105, 109):
        picture(folder / f"shot.{number}.exr", scene(), "half")
    made = make(folder, engine, tmp_path / "out", outputs={"alpha": {}}, missing="hold")
    assert numbers(made, "alpha") == [101, 103, 105, 107, 109]
