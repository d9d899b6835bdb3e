"""The bench measures what it says."""

from __future__ import annotations

import json

import pytest

from bench import bench

pytestmark = pytest.mark.timeout(120)


def test_the_ring_covers_the_share_that_is_asked_for() -> None:
    for share in (0.05, 0.1, 0.3):
        assert (bench.trimap_of(share) == 0.5).mean() == pytest.approx(share, abs=0.002)


def test_a_short_bench_has_every_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "HEIGHT", 108)
    monkeypatch.setattr(bench, "WIDTH", 192)
    figures = json.loads(json.dumps(bench.bench(frames=2, share=0.1)))
    assert figures["dimd"]["fps"] > 0
    assert set(figures["dimd"]["seconds_a_frame"]) == {
        "read", "trimap", "matte", "steady", "compose", "write",
    }  # fmt: skip
    text = bench.table(figures)
    for name in ("dimd / stub", "dim-vgg16", "foreground + composite", "trimap inputs"):
        assert name in text
