"""The bench measures what it says, in a short form."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from bench import area, bars, bench, crowd, footage, peers, process, truth
from bench.job import Stub
from dim_model.matter import Matter

SMALL = footage.Raster(108, 192)
SHORT = bench.Options(
    frames=2, rounds=1, raster=SMALL, limit=120, idle=1, crowds=(1, 3), data=Path("/nowhere"), device="cpu"
)


@pytest.fixture(scope="module")
def matter() -> Matter:
    return SHORT.matter()


def test_the_ring_covers_the_share_that_is_asked_for() -> None:
    for share in (0.0, 0.05, 0.1, 0.3):
        assert (footage.trimap_of(share) == 0.5).mean() == pytest.approx(share, abs=0.002)


def test_a_part_of_a_ring_is_as_wide_as_the_whole() -> None:
    whole = footage.trimap_of(0.3)
    for share in (0.0, 0.05, 0.1, 0.3):
        part = footage.trimap_of(share, whole=0.3)
        assert (part == 0.5).mean() == pytest.approx(share, abs=0.002)
        assert (whole[part == 0.5] == 0.5).all()
        assert (part == whole)[whole != 0.5].all()
    # Of its half, on the left of the frame, all is there.
    half = footage.trimap_of(0.15, whole=0.3)
    assert (half == whole)[: 1080 // 3].mean() > 0.95


def test_a_job_is_timed_beside_its_stub_and_its_floor() -> None:
    figures = json.loads(json.dumps(bench.bench(SHORT, ["jobs", "stills"])))
    jobs = figures["jobs"]
    assert set(jobs["seconds a frame"]) == {
        "dimd 0.0",
        "dimd 0.05",
        "dimd 0.1",
        "dimd 0.3",
        "stub 0.1",
        "floor",
    }
    assert all(seconds > 0 for seconds in jobs["seconds a frame"].values())
    assert jobs["ratios"]["floor / floor"] == 1
    one = jobs["seconds a frame"]
    assert jobs["ratios"]["dimd 0.1 / floor"] == pytest.approx(one["floor"] / one["dimd 0.1"])
    assert {"read", "trimap", "matte", "steady", "compose", "write"} == set(jobs["stages"]["dimd 0.1"])
    assert figures["stills"]["seconds a still"]["dimd"] > 0
    text = bench.table(figures)
    for said in ("load", "end to end: rate / floor's", "jobs: ratios", "stub 0.1", "compose"):
        assert said in text


def test_the_network_is_timed_beside_what_else_a_user_could_run(tmp_path: Path) -> None:
    model = tmp_path / "still.onnx"
    onnx.save(_net(("batch", 3, "height", "width")), model)
    short = bench.Options(rounds=1, raster=SMALL, limit=120, onnx=(model,))
    figures = bench.network(short)
    assert set(figures["ratios"]) >= {"dim-vgg16", "closed-form", "IS-Net", "RVM"}
    assert all(value > 0 for value in figures["ratios"].values())
    assert [note.split()[0] for note in figures["notes"]] == ["RVM"]


def test_without_a_file_of_isnet_its_architecture_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(peers.ARCHITECTURES, "IS-Net", lambda raster: lambda: time.sleep(0.05))
    figures = bench.network(bench.Options(rounds=1, raster=SMALL, limit=120))
    assert figures["seconds a frame"]["IS-Net"] >= 0.05
    ours = figures["seconds a frame"]["inputs + network 0.1"]
    assert figures["ratios"]["IS-Net"] == pytest.approx(figures["seconds a frame"]["IS-Net"] / ours)
    assert [note.split()[0] for note in figures["notes"]] == ["RVM", "IS-Net"]


def test_closed_form_that_takes_too_long_is_ended() -> None:
    begun = time.monotonic()
    assert peers.closed_form(0.1, 0.2, SMALL) is None
    assert time.monotonic() - begun < 30


def test_an_onnx_model_is_given_pictures_of_its_own_size(tmp_path: Path) -> None:
    model = tmp_path / "net.onnx"
    onnx.save(_net((1, 3, 32, 48)), model)
    (values,) = peers.OnnxModel(model)().values()  # type: ignore[attr-defined]
    assert values.shape == (1, 3, 32, 48)


def _net(shape: tuple[int | str, ...]) -> onnx.ModelProto:
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Sigmoid", ["x"], ["y"])], "g", ends[:1], ends[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_cost_is_told_by_unknown_area(matter: Matter) -> None:
    growths = area.measure(matter, 1, SMALL, (0.0, 0.1, 0.3))
    assert set(growths) == {"longer", "wider"}
    for figures in growths.values():
        assert set(figures["shares"]) == {"0.0", "0.1", "0.3"}
        row = figures["shares"]["0.1"]
        assert row["frame"] > row["trimap inputs + network (together)"] / 4 > 0
        assert figures["R2"] <= 1
        assert figures["R2 of what is unknown"] == pytest.approx(1)  # of two points


def test_points_on_a_line_are_straight_and_others_are_not() -> None:
    assert area.straightness([(0, 1), (1, 3), (2, 5)]) == pytest.approx(1)
    assert area.straightness([(0, 1), (1, 3), (2, 1)]) == pytest.approx(0)


def test_a_crowd_is_looked_through_and_claimed() -> None:
    figures = crowd.measure(5, 2, claims=3)
    assert figures["clips"] == 5
    assert figures["files"] == 10
    for name in ("scan", "first look", "look again", "look, no event", "claim"):
        assert figures[name] > 0


def test_the_daemon_is_timed_as_a_process() -> None:
    figures = process.first_frame(SMALL) | process.pick_up(1) | process.idle(2, 1.0)
    assert figures["start to first frame"] > 0.5
    assert figures["start to first frame, CPU"] > 0.1
    assert figures["pick-up"] > 0
    assert 0 <= figures["idle CPU share"] < 1


def test_the_error_is_that_of_the_mattes(matter: Matter) -> None:
    figures = truth.measure(matter, Path("/nowhere"))
    assert figures["of"] == "3 drawn mattes"
    assert 0 < figures["MSE"] < 0.02
    half = truth.measure(Stub(), Path("/nowhere"))
    assert half["MSE"] > 3 * figures["MSE"]


def test_a_bar_that_was_not_measured_neither_holds_nor_misses() -> None:
    figures = {"area": {"longer": {"R2": 0.97}}, "crowd": {"10000": {"scan": 1.0}}}
    found = {each["bar"]: each["holds"] for each in bars.verdicts(figures)}
    assert found == {
        "cost by unknown area, longer: R² of a line": False,
        "the same, wider, something unknown": None,
        "the same, wider, from nothing on": None,
        "scan of 100,000 files, s": True,
        "claim among 10,000 clips, s": None,
    }
    text = "\n".join(bars.line(each) for each in bars.verdicts(figures))
    assert "MISSES" in text
    assert "not measured" in text


def test_drawn_mattes_are_soft_within_what_is_unknown() -> None:
    for case in truth.drawn():
        soft = (case.alpha > 0) & (case.alpha < 1)
        assert soft.any()
        assert (case.trimap[soft] == 0.5).all()
        assert np.isin(case.trimap, (0, 0.5, 1)).all()
