"""A run: every kind of clip comes out with its numbers, and a resumed one with the same bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from daemon import run as run_module
from daemon.clip import job_key
from daemon.engine import Engine
from daemon.inbox import scan
from daemon.plan import Plan
from daemon.publish import Workplace
from daemon.run import ClipChangedError, Settings, StoppedError, run
from dim_model import nets, weights
from tests.daemon.cases import FakeMatter, config, plate, sequence, still, tree, trimap, video, write


class Memory:
    """Progress that outlives a run, as the ledger does; ``after`` stops it at a commit."""

    def __init__(self) -> None:
        self.stop_at, self.done, self.all = -1, 0, list[dict[str, Any]]()
        self.settings = Settings()

    def planned(self, state: dict[str, Any], total: int) -> None: ...

    def committed(self, stop: int, figures: Sequence[dict[str, Any]], fps: float) -> None:
        self.done = stop
        self.all += figures
        if stop >= self.stop_at > 0:
            self.settings.stop.set()

    def figures(self) -> list[dict[str, Any]]:
        return self.all


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    root = tmp_path_factory.mktemp("weights")
    card = weights.Card("v1", "swift", "sampled", "x", [], {})
    weights.publish(root, card, nets.build("swift").state_dict())
    weights.point(root, "v1")
    with Engine(lambda folder: FakeMatter(), root) as made:
        yield made


def make(folder: Path, engine: Engine, out: Path, memory: Memory | None = None, **clip: object) -> Path:
    """Run the one clip in ``folder`` into ``out``; goes on from what ``memory`` knows."""
    memory = memory or Memory()
    settings = config(folder.parent).clip.model_validate(clip) if clip else config(folder.parent).clip
    (found,) = scan(folder)
    key = job_key(found, settings)
    memory.settings = Settings(queue=2, chunk=3)
    with engine.lease() as lease, Plan(found, settings, max_pixels=10**6, state={}) as plan:
        return run(plan, lease, Workplace(out, found.name, key), key, memory.done, memory, memory.settings)


def test_a_still_leaves_its_outputs_and_a_manifest(folder: Path, engine: Engine, tmp_path: Path) -> None:
    still(folder)
    result = make(folder, engine, tmp_path / "out")
    assert sorted(p.name for p in result.iterdir()) == [
        "manifest.json",
        "shot_alpha.png",
        "shot_composite.png",
        "shot_foreground.png",
    ]
    alpha = cv2.imread(str(result / "shot_alpha.png"), cv2.IMREAD_UNCHANGED)
    assert alpha.dtype == np.uint16
    assert (alpha[trimap() == 255] == 65535).all()
    assert (alpha[trimap() == 0] == 0).all()
    foreground = cv2.imread(str(result / "shot_foreground.png"), cv2.IMREAD_UNCHANGED)
    opaque = trimap() == 255
    np.testing.assert_array_equal(foreground[opaque][:, :3], plate()[opaque].astype(np.uint16) * 257)


def test_the_manifest_says_what_it_was_made_of(folder: Path, engine: Engine, tmp_path: Path) -> None:
    sequence(folder, numbers=(1001, 1002, 1004))
    told = json.loads((make(folder, engine, tmp_path / "out") / "manifest.json").read_text())
    assert told["frames"] == {"count": 3, "first": 1001, "last": 1004}
    assert told["missing"] == [1003]
    assert [f["frame"] for f in told["figures"]] == [1001, 1002, 1004]
    assert told["figures"][0]["unknown"] == pytest.approx(0.25)
    assert told["trimap"]["source"] == "trimap"
    assert told["weights"]["version"] == "fake-1"
    assert {s["file"] for s in told["source"]} >= {"shot.1001.png", "shot_trimap.png"}


def test_a_sequence_keeps_its_numbers(folder: Path, engine: Engine, tmp_path: Path) -> None:
    sequence(folder, numbers=(1001, 1002, 1004))
    result = make(folder, engine, tmp_path / "out")
    assert sorted(p.name for p in (result / "alpha").iterdir()) == [
        f"shot_alpha.{n}.png" for n in (1001, 1002, 1004)
    ]


def test_a_video_leaves_as_video_with_its_rate(folder: Path, engine: Engine, tmp_path: Path) -> None:
    video(folder)
    result = make(folder, engine, tmp_path / "out")
    assert sorted(p.name for p in result.iterdir()) == [
        "manifest.json",
        "shot_alpha.mov",
        "shot_composite.mov",
        "shot_foreground.mov",
    ]
    with av.open(str(result / "shot_foreground.mov")) as made:
        stream = made.streams.video[0]
        assert stream.average_rate == 24
        assert stream.frames == 10
        assert stream.codec_context.name == "prores"


def test_asked_for_outputs_and_no_others_are_written(folder: Path, engine: Engine, tmp_path: Path) -> None:
    still(folder)
    result = make(folder, engine, tmp_path / "out", outputs={"premult": {"format": "exr"}})
    assert sorted(p.name for p in result.iterdir()) == ["manifest.json", "shot_premult.exr"]


def test_a_background_beside_the_plate_is_behind_it(folder: Path, engine: Engine, tmp_path: Path) -> None:
    still(folder)
    write(folder / "shot_bg.png", np.full((100, 64, 3), (255, 0, 0), np.uint8))
    result = make(folder, engine, tmp_path / "out")
    composite = cv2.imread(str(result / "shot_composite.png"), cv2.IMREAD_UNCHANGED)
    assert (composite[trimap() == 0] == (65535, 0, 0)).all()
    assert (composite[trimap() == 255] == plate()[trimap() == 255].astype(np.uint16) * 257).all()


@pytest.mark.parametrize("kind", [sequence, video])
@pytest.mark.parametrize("stop_at", [1, 4, 6, 10])
def test_a_resumed_clip_has_the_bytes_of_an_undisturbed_one(
    kind: Callable[[Path], object], stop_at: int, folder: Path, engine: Engine, tmp_path: Path
) -> None:
    kind(folder)
    undisturbed = tree(make(folder, engine, tmp_path / "whole"))
    memory = Memory()
    memory.stop_at = stop_at
    with pytest.raises(StoppedError):
        make(folder, engine, tmp_path / "out", memory)
    assert 0 < memory.done < 10 or memory.done == stop_at
    assert not (tmp_path / "out/shot").exists()
    memory.stop_at = -1
    assert tree(make(folder, engine, tmp_path / "out", memory)) == undisturbed


def test_each_file_that_is_opened_is_a_sign_of_life_and_a_place_to_stop_at(folder: Path) -> None:
    still(folder)
    write(folder / "shot_bg.png", plate(3))
    (found,) = scan(folder)
    signs: list[int] = []
    with Plan(
        found, config(folder.parent).clip, max_pixels=10**6, state={}, moved=lambda: signs.append(len(signs))
    ):
        assert len(signs) >= 3

    def stop() -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        Plan(found, config(folder.parent).clip, max_pixels=10**6, state={}, moved=stop)


def test_a_resumed_clip_of_a_log_has_the_bytes_of_an_undisturbed_one(
    folder: Path, engine: Engine, tmp_path: Path
) -> None:
    sequence(folder)
    outputs = {"foreground": {"colorspace": "ACEScg"}, "composite": {}}
    colours: dict[str, object] = {"colorspace": "ARRI LogC4", "outputs": outputs}
    undisturbed = tree(make(folder, engine, tmp_path / "whole", **colours))
    memory = Memory()
    memory.stop_at = 4
    with pytest.raises(StoppedError):
        make(folder, engine, tmp_path / "out", memory, **colours)
    memory.stop_at = -1
    assert tree(make(folder, engine, tmp_path / "out", memory, **colours)) == undisturbed


def test_a_clip_that_changes_while_it_is_read_is_not_published(
    folder: Path, engine: Engine, tmp_path: Path
) -> None:
    still(folder)

    class Meddling(Memory):
        def committed(self, stop: int, figures: Sequence[dict[str, Any]], fps: float) -> None:
            super().committed(stop, figures, fps)
            write(folder / "shot_trimap.png", np.zeros((36, 64), np.uint8))

    with pytest.raises(ClipChangedError, match="changed while it was read"):
        make(folder, engine, tmp_path / "out", Meddling())
    assert not (tmp_path / "out/shot").exists()


def test_the_sources_are_not_touched(folder: Path, engine: Engine, tmp_path: Path) -> None:
    sequence(folder)
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.iterdir()}
    make(folder, engine, tmp_path / "out")
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.iterdir()} == before


def test_large_frames_wait_in_smaller_numbers(
    folder: Path, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The memory at 8K is that at HD: a queue has so many bytes, whatever the frames."""
    sequence(folder)
    expected = tree(make(folder, engine, tmp_path / "small"))
    depths: list[int] = []

    class Noted(run_module.Ahead[Any]):
        def __init__(self, items: Any, depth: int, name: str) -> None:
            depths.append(depth)
            super().__init__(items, depth, name)

    monkeypatch.setattr(run_module, "Ahead", Noted)
    monkeypatch.setattr(run_module, "_ROOM", 36 * 64 * run_module._FLOATS * 4)  # one frame of these
    assert tree(make(folder, engine, tmp_path / "large")) == expected
    assert depths == [0, 0, 1, 0]


def test_the_manifest_says_how_much_each_frame_flickers_and_where_a_shot_begins(
    folder: Path, engine: Engine, tmp_path: Path
) -> None:
    sequence(folder, numbers=(1001, 1002, 1003))
    for number, seed in ((1001, 4), (1002, 4), (1003, 5)):
        coarse = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), np.uint8)
        height, width = plate().shape[:2]
        cv2.imwrite(str(folder / f"shot.{number}.png"), cv2.resize(coarse, (width, height)))
    told = json.loads((make(folder, engine, tmp_path / "out") / "manifest.json").read_text())
    assert [f["flicker"] for f in told["figures"]] == [0, 0, 0]  # the same picture, then a new shot
    assert [f.get("cut", False) for f in told["figures"]] == [False, False, True]
