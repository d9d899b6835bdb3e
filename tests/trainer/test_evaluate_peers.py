"""The yardstick: pymatting on the same pictures, and ratios that can be checked by hand."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.trainer.judged import draw, evaluate, read, swift
from trainer.evaluate.peers import ratios


def test_ratios_are_against_the_better_of_both() -> None:
    ours = {"a": {"sad": 1.0}, "b": {"sad": 8.0}}
    others = {
        "a": {"closed_form": {"sad": 2.0}, "knn": {"sad": 4.0}},
        "b": {"closed_form": {"sad": 10.0}, "knn": {"sad": 4.0}},
    }
    found = ratios(ours, others)
    assert found["mean"] == {"closed_form": {"sad": 6.0}, "knn": {"sad": 4.0}}
    assert [found["pictures"][name]["ratio"]["sad"] for name in "ab"] == [0.5, 2.0]
    assert found["ratio_of_means"]["sad"] == pytest.approx(4.5 / 4)
    assert found["mean_ratio"]["sad"] == pytest.approx(1.0)  # half as far on one, twice on the other


def test_a_picture_without_unknown_pixels_has_no_ratio() -> None:
    nothing = {"mse": 0.0}
    found = ratios(
        {"a": {"mse": 0.1}, "b": nothing},
        {
            "a": {"closed_form": {"mse": 0.4}, "knn": {"mse": 0.2}},
            "b": {"closed_form": nothing, "knn": nothing},
        },
    )
    assert found["pictures"]["b"]["ratio"] == {}
    assert found["mean_ratio"]["mse"] == pytest.approx(0.5)


def test_pymatting_is_judged_on_the_same_pictures(tmp_path: Path) -> None:
    pytest.importorskip("pymatting")
    from pymatting import estimate_alpha_cf

    draw(tmp_path, "disc")
    done = evaluate(tmp_path, "--checkpoint", swift(tmp_path / "last.ckpt"), "--peers", "--json")
    assert done.exit_code == 0, done.output
    figures = json.loads(done.output)  # nothing else is on stdout
    row = figures["peers"]["pictures"]["disc"]
    image = cv2.imread(str(tmp_path / "image" / "disc.png"))[..., ::-1] / 255
    trimap = read(tmp_path / "trimap" / "disc.png")
    unknown = (trimap > 0) & (trimap < 1)
    alpha = estimate_alpha_cf(image, np.where(unknown, 0.5, trimap))
    expected = np.square(alpha - read(tmp_path / "alpha" / "disc.png"))[unknown].mean()
    assert row["closed_form"]["mse"] == pytest.approx(expected, rel=0.02, abs=2e-6)
    better = min(row[peer]["mse"] for peer in ("closed_form", "knn"))
    assert row["ratio"]["mse"] == pytest.approx(figures["pictures"]["disc"]["mse"] / better, rel=0.05)
    assert set(figures["peers"]["mean"]) == {"closed_form", "knn"}
    table = evaluate(tmp_path, "--checkpoint", tmp_path / "last.ckpt", "--peers").output
    assert "closed-form" in table
    assert "geometric mean" in table


def test_a_clip_tells_how_steady_the_peers_are(tmp_path: Path) -> None:
    pytest.importorskip("pymatting")
    for frame in (1, 2):
        draw(tmp_path / "clips", f"f{frame}", 34 + frame)
    for kind in ("image", "trimap", "alpha"):
        (tmp_path / kind).mkdir()
        (tmp_path / "clips" / kind).rename(tmp_path / kind / "walk")
    done = evaluate(tmp_path, "--checkpoint", swift(tmp_path / "last.ckpt"), "--peers", "--json")
    assert done.exit_code == 0, done.output
    row = json.loads(done.output)["peers"]["clips"]["walk"]
    assert {name: figures["frames"] for name, figures in row.items()} == {"closed_form": 2, "knn": 2}
    assert all(figures["dtssd"] > 0 for figures in row.values())
    table = evaluate(tmp_path, "--checkpoint", tmp_path / "last.ckpt", "--peers").output
    assert table.count("dtSSD") == 3


def test_without_pymatting_one_sentence_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pymatting", None)
    draw(tmp_path, "disc")
    done = evaluate(tmp_path, "--checkpoint", swift(tmp_path / "last.ckpt"), "--peers")
    assert done.exit_code == 1
    assert "needs pymatting; run pip install 'dimd[train]'." in done.output


def test_a_trimap_that_pymatting_cannot_use_is_named(tmp_path: Path) -> None:
    pytest.importorskip("pymatting")
    draw(tmp_path, "disc")
    cv2.imwrite(str(tmp_path / "trimap" / "disc.png"), np.full((64, 80), 128, np.uint8))
    done = evaluate(tmp_path, "--checkpoint", swift(tmp_path / "last.ckpt"), "--peers")
    assert done.exit_code == 1
    assert "disc: pymatting's closed_form finds no alpha" in done.output


def test_a_frame_of_nothing_unknown_is_no_hindrance(tmp_path: Path) -> None:
    """As where the subject has left the picture: the trimap says all."""
    pytest.importorskip("pymatting")
    for name in ("disc", "left"):
        draw(tmp_path, name)
    for kind in ("trimap", "alpha"):
        cv2.imwrite(str(tmp_path / kind / "left.png"), np.zeros((64, 80), np.uint8))
    done = evaluate(tmp_path, "--checkpoint", swift(tmp_path / "last.ckpt"), "--peers", "--json")
    assert done.exit_code == 0, done.output
    rows = json.loads(done.output)["peers"]["pictures"]
    assert rows["left"]["closed_form"]["mse"] == 0
    assert rows["left"]["ratio"] == {}
    assert rows["disc"]["ratio"]["mse"] > 0
