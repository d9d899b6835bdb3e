"""A part of a clip: which frames it has, that each is what it is in the whole, what goes with a video's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from daemon.engine import Engine
from daemon.media import FrameSource, MediaError, locate, open_source
from daemon.run import StoppedError
from tests.daemon.cases import tree, trimap, write
from tests.daemon.parts import FRAMES, mask, moving, numbers, sequence, video
from tests.daemon.stills import HEIGHT, WIDTH, Memory, make


def told(made: Path) -> dict[str, object]:
    return json.loads((made / "manifest.json").read_text())


def opened(path: Path) -> FrameSource:
    return open_source(locate(str(path)), max_pixels=10**6)


ALL = {name: {"format": "png"} for name in ("alpha", "foreground", "composite")}


@pytest.mark.parametrize("radius", [0, 2, 4])
def test_a_frame_has_the_bytes_in_a_part_that_it_has_in_the_whole(
    tmp_path: Path, engine: Engine, radius: int
) -> None:
    sequence(tmp_path / "in")
    how: dict[str, object] = {"outputs": {**ALL, "layers": {}}, "temporal": {"radius": radius}}
    whole = make(tmp_path / "in", engine, tmp_path / "whole", **how)
    part = make(tmp_path / "in", engine, tmp_path / "out", frames="1006-1010", **how)
    assert numbers(part) == [1006, 1007, 1008, 1009, 1010]
    of_the_whole = tree(whole)
    made = {name: data for name, data in tree(part).items() if not name.endswith(".json")}
    assert len(made) == 5 * 4
    assert made == {name: of_the_whole[name] for name in made}
    figures = {each["frame"]: each for each in told(whole)["figures"]}
    assert told(part)["figures"] == [figures[number] for number in range(1006, 1011)]


def test_frames_outside_the_range_are_heard_as_neighbours(tmp_path: Path, engine: Engine) -> None:
    """Without their neighbours the same frames come out otherwise, so the test above proves something."""
    sequence(tmp_path / "in")
    part = make(tmp_path / "in", engine, tmp_path / "out", frames="1006-1010", outputs=ALL)
    sequence(tmp_path / "alone", range(1006, 1011))
    alone = make(tmp_path / "alone", engine, tmp_path / "other", outputs=ALL)
    for number in (1006, 1010):
        name = f"alpha/shot_alpha.{number}.png"
        assert (part / name).read_bytes() != (alone / name).read_bytes()
    assert (part / "alpha/shot_alpha.1008.png").read_bytes() == (
        alone / "alpha/shot_alpha.1008.png"
    ).read_bytes()


def test_a_part_of_a_video_is_made_of_the_same_frames(tmp_path: Path, engine: Engine) -> None:
    """What is matched by position is matched by that in the whole plate."""
    video(tmp_path / "in")
    (tmp_path / "in/shot_trimap.png").unlink()
    for index in range(FRAMES):
        write(tmp_path / f"in/shot_mask.{index + 1:04d}.png", mask(index))
        ground = np.full((HEIGHT, WIDTH, 3), (10 * index, 99, 7), np.uint8)
        write(tmp_path / f"in/shot_bg.{index + 1:04d}.png", ground)
    outputs = {name: {"format": "ffv1"} for name in ("alpha", "foreground", "composite")}
    whole = make(tmp_path / "in", engine, tmp_path / "whole", outputs=outputs)
    part = make(tmp_path / "in", engine, tmp_path / "out", frames="5-9", outputs=outputs)
    for name in outputs:
        of_whole, of_part = (opened(made / f"shot_{name}.mkv") for made in (whole, part))
        with of_whole as one, of_part as other:
            assert other.info.pts == one.info.pts[5:10]
            for a, b in zip(one.frames(5, 10), other.frames(), strict=True):
                np.testing.assert_array_equal(a.pixels, b.pixels)
    with opened(part / "shot_composite.mkv") as composite:
        first = next(composite.frames()).pixels
    np.testing.assert_allclose(first[18, 2], (7 / 255, 99 / 255, 50 / 255), atol=1e-4)


@pytest.mark.parametrize(
    ("frames", "handles", "expected"),
    [
        ("1004-1006", 0, (1004, 1006)),
        ("1004", 0, (1004, 1004)),
        ("1004", 2, (1002, 1006)),
        ("1013-", 1, (1012, 1016)),
        ("-1003", 1, (1001, 1004)),
        ("1003-1015", 40, (1001, 1016)),
        (None, 5, (1001, 1016)),
    ],
)
def test_handles_reach_as_far_as_the_plate_and_the_manifest_says_the_range(
    tmp_path: Path, engine: Engine, frames: str | None, handles: int, expected: tuple[int, int]
) -> None:
    sequence(tmp_path / "in")
    made = make(
        tmp_path / "in", engine, tmp_path / "out", frames=frames, handles=handles, outputs={"alpha": {}}
    )
    first, last = expected
    assert numbers(made) == list(range(first, last + 1))
    manifest = told(made)
    assert manifest["frames"] == {"count": last - first + 1, "first": first, "last": last}
    assert manifest["of"] == {"count": FRAMES, "first": 1001, "last": 1016}
    assert manifest["settings"]["frames"] == frames


def test_negative_numbers_are_a_range_too(tmp_path: Path, engine: Engine) -> None:
    for number in range(-4, 4):
        name = f"-{-number:03d}" if number < 0 else f"{number:04d}"
        write(tmp_path / f"in/shot.{name}.png", moving(number + 4))
    write(tmp_path / "in/shot_trimap.png", trimap())
    made = make(tmp_path / "in", engine, tmp_path / "out", frames="-2-1", outputs={"alpha": {}})
    assert {path.name for path in (made / "alpha").iterdir()} == {
        f"shot_alpha.{name}.png" for name in ("-002", "-001", "0000", "0001")
    }


@pytest.mark.parametrize("frames", ["990-1005", "1010-1100", "1100", "1100-", "-1000", "1017"])
def test_a_range_that_the_plate_does_not_have_is_refused_with_what_it_has(
    tmp_path: Path, engine: Engine, frames: str
) -> None:
    sequence(tmp_path / "in")
    with pytest.raises(MediaError) as caught:
        make(tmp_path / "in", engine, tmp_path / "out", frames=frames)
    assert str(caught.value) == (
        f"shot.####.png: has frames 1001 to 1016, not {frames}; set frames: to a range within that."
    )
    assert not (tmp_path / "out").exists()


def test_a_range_in_a_gap_is_refused(tmp_path: Path, engine: Engine) -> None:
    sequence(tmp_path / "in", without=(1005, 1006))
    with pytest.raises(MediaError, match="has frames 1001 to 1016 with gaps, not 1005-1006; set frames: "):
        make(tmp_path / "in", engine, tmp_path / "out", frames="1005-1006")


def test_only_gaps_in_the_range_count(tmp_path: Path, engine: Engine) -> None:
    sequence(tmp_path / "in", without=(1003, 1008, 1011, 1014))
    write(tmp_path / "in/shot_trimap.png", trimap())
    how: dict[str, object] = {"frames": "1008-1011", "outputs": {"alpha": {}}}
    made = make(tmp_path / "in", engine, tmp_path / "out", missing="hold", **how)
    assert numbers(made) == [1009, 1010, 1011]
    assert told(made)["missing"] == [1008, 1011]
    assert told(made)["warnings"] == [
        "shot.####.png: frame 1008 is missing at the range's beginning, and will be so in the result.",
        "shot.####.png: frame 1011 is missing, and the frame before stands there in the result.",
    ]
    made = make(
        tmp_path / "in", engine, tmp_path / "other", missing="refuse", **{**how, "frames": "1004-1007"}
    )
    assert numbers(made) == [1004, 1005, 1006, 1007]


@pytest.mark.parametrize("stop_at", [1, 4])
@pytest.mark.parametrize("kind", [sequence, video])
def test_a_part_that_is_resumed_has_the_bytes_of_an_undisturbed_one(
    tmp_path: Path, engine: Engine, kind: object, stop_at: int
) -> None:
    kind(tmp_path / "in")  # type: ignore[operator]
    outputs = {"alpha": {}, "composite": {"format": "hevc" if kind is video else "png"}}
    how: dict[str, object] = {"frames": "5-12" if kind is video else "1005-1012", "outputs": outputs}
    undisturbed = tree(make(tmp_path / "in", engine, tmp_path / "whole", **how))
    memory = Memory(stop_at)
    with pytest.raises(StoppedError):
        make(tmp_path / "in", engine, tmp_path / "out", memory, **how)
    assert 0 < memory.done < 8
    memory.stop_at = -1
    assert tree(make(tmp_path / "in", engine, tmp_path / "out", memory, **how)) == undisturbed
