"""Judging: figures that can be checked by hand, clips, a sheet of the worst, and every bad input named."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import cv2
import numpy as np
import OpenImageIO as oiio
import pytest
import torch
from PIL import Image

from dim_model import nets, weights
from tests.trainer.judged import checkpoint, dim_train, draw, evaluate, read, swift
from trainer.candidate import fitted
from trainer.checkpoint import CheckpointError


@pytest.fixture(scope="module")
def beginner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return swift(tmp_path_factory.mktemp("run") / "last.ckpt")


@pytest.fixture
def stills(tmp_path: Path) -> Path:
    for name, centre in (("near", 40), ("left", 30)):
        draw(tmp_path / "set", name, centre)
    return tmp_path / "set"


def test_figures_are_those_of_the_alphas_that_are_written(
    beginner: Path, stills: Path, tmp_path: Path
) -> None:
    done = evaluate(stills, "--checkpoint", beginner, "--json", "--out", tmp_path / "made")
    assert done.exit_code == 0, done.output
    figures = json.loads(done.output)
    assert figures["weights"] == "checkpoint"
    assert set(figures["pictures"]) == {"near", "left"}
    for name, row in figures["pictures"].items():
        made, true = read(tmp_path / "made" / f"{name}.png"), read(stills / "alpha" / f"{name}.png")
        unknown = abs(read(stills / "trimap" / f"{name}.png") - 0.5) < 0.1
        off = (made - true)[unknown]
        assert row["mse"] == pytest.approx(np.square(off).mean(), abs=1e-5)
        assert row["sad"] == pytest.approx(np.abs(off).sum() / 1000, abs=1e-4)
        assert row["mad"] == pytest.approx(np.abs(off).mean(), abs=1e-4)
    for name in ("sad", "mse", "grad", "conn", "mad", "guided_mse"):
        rows = [row[name] for row in figures["pictures"].values()]
        assert figures["mean"][name] == pytest.approx(np.mean(rows), abs=1e-6)


def test_a_network_that_is_worse_than_its_own_input_is_told(stills: Path, tmp_path: Path) -> None:
    done = evaluate(stills, "--checkpoint", swift(tmp_path / "m.ckpt", muddled=True), "--json")
    figures = json.loads(done.output)
    rows = figures["pictures"]
    assert all(row["mse"] > row["guided_mse"] for row in rows.values())
    assert figures["worse_than_guided"] == list(rows)


def test_the_table_names_every_picture_and_the_mean(beginner: Path, stills: Path) -> None:
    done = evaluate(stills, "--checkpoint", beginner)
    assert done.exit_code == 0, done.output
    for word in ("near", "left", "mean", "SAD", "MSE", "Grad", "Conn", "MAD", "guided"):
        assert word in done.output


def test_a_sub_folder_is_a_clip_whose_frames_follow_their_numbers(beginner: Path, tmp_path: Path) -> None:
    data = tmp_path / "set"
    for frame in (9, 10, 11):
        draw(data / "clips", f"f{frame}", 34 + frame / 2)
    for kind in ("image", "trimap", "alpha"):
        (data / kind).mkdir(parents=True)
        (data / "clips" / kind).rename(data / kind / "walk")
    draw(data, "still")
    done = evaluate(data, "--checkpoint", beginner, "--json", "--out", tmp_path / "made")
    assert done.exit_code == 0, done.output
    figures = json.loads(done.output)
    assert list(figures["pictures"]) == ["still", "walk/f9", "walk/f10", "walk/f11"]
    made, true, unknown = (
        [f(read(root / f"f{n}.png")) for n in (9, 10, 11)]
        for root, f in (
            (tmp_path / "made" / "walk", lambda x: x),
            (data / "alpha" / "walk", lambda x: x),
            (data / "trimap" / "walk", lambda x: abs(x - 0.5) < 0.1),
        )
    )
    steps = []
    for t in (1, 2):
        drift = (made[t] - made[t - 1]) - (true[t] - true[t - 1])
        steps.append(100 * np.sqrt(np.square(drift[unknown[t] | unknown[t - 1]]).mean()))
    clip = figures["clips"]["walk"]
    assert clip["frames"] == 3
    assert clip["dtssd"] == pytest.approx(np.mean(steps), rel=1e-3)
    assert figures["mean"]["dtssd"] == clip["dtssd"]
    frames = [figures["pictures"][f"walk/f{n}"]["sad"] for n in (9, 10, 11)]
    assert clip["sad"] == pytest.approx(np.mean(frames), abs=1e-6)
    assert "dtSSD" in evaluate(data, "--checkpoint", beginner).output


def test_the_sheet_shows_the_worst_first(beginner: Path, stills: Path, tmp_path: Path) -> None:
    inverted = stills / "alpha" / "wrong.png"
    draw(stills, "wrong")
    cv2.imwrite(str(inverted), 255 - cv2.imread(str(inverted), cv2.IMREAD_GRAYSCALE))
    sheets = {}
    for count in (1, 2):
        path = tmp_path / "new" / f"{count}.png"
        done = evaluate(stills, "--checkpoint", beginner, "--sheet", path, "--worst", count)
        assert done.exit_code == 0, done.output
        sheets[count] = np.asarray(Image.open(path))
    assert sheets[2].shape[0] > sheets[1].shape[0]
    assert sheets[2].shape[1] == sheets[1].shape[1]
    # The first row is the same on both, and it is the inverted one: its error is strong, in both colours.
    first = sheets[1][170:-30]
    assert np.array_equal(first, sheets[2][170 : 170 + len(first)])
    error = first[:, -360:].astype(int)
    assert ((error[..., 0] - error[..., 2]) > 150).sum() > 1000
    assert ((error[..., 2] - error[..., 0]) > 150).sum() > 1000


def test_a_pickle_offered_as_weights_is_refused_and_not_run(stills: Path, tmp_path: Path) -> None:
    trap = tmp_path / "ran"

    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (trap,))

    path = tmp_path / "model.pth"
    path.write_bytes(pickle.dumps(Trap()))
    for option in ("--weights", "--checkpoint"):
        done = evaluate(stills, option, path)
        assert done.exit_code == 1
        assert done.output.count("\n") == 1
    assert "pickles are never loaded" in evaluate(stills, "--weights", path).output
    assert "is no checkpoint of dim-train fit" in evaluate(stills, "--checkpoint", path).output
    assert not trap.exists()


def test_weights_on_other_inputs_are_refused(stills: Path, tmp_path: Path) -> None:
    card = weights.Card("old-1", "swift", "guided", "Apache-2.0", [], {})
    folder = weights.publish(tmp_path, card, nets.build("swift").state_dict())
    done = evaluate(stills, "--weights", folder)
    assert done.exit_code == 1
    assert "was trained on the inputs 'guided', and 'swift' is now fed 'sampled'" in done.output


def test_a_checkpoint_of_another_network_is_refused(stills: Path, tmp_path: Path) -> None:
    done = evaluate(stills, "--checkpoint", checkpoint(tmp_path / "unet.ckpt", "unet", {}))
    assert done.exit_code == 1
    assert "unet.ckpt: is of the network 'unet', and there are only dim-vgg16, swift" in done.output
    mistaken = checkpoint(tmp_path / "vgg.ckpt", "swift", {"coarse.weight": torch.zeros(1)})
    with pytest.raises(CheckpointError, match=r"vgg\.ckpt: holds tensors that do not fit today's network"):
        fitted(mistaken)


@pytest.mark.parametrize(("kind", "name"), [("trimap", "trimap"), ("alpha", "alpha")])
def test_a_partner_of_another_size_is_named(beginner: Path, stills: Path, kind: str, name: str) -> None:
    path = stills / kind / "near.png"
    cv2.imwrite(str(path), cv2.resize(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), (40, 32)))
    done = evaluate(stills, "--checkpoint", beginner)
    assert done.exit_code == 1
    assert f"{name}/near.png: is 40x32, its picture 80x64; give both the same size." in done.output


@pytest.mark.parametrize("kind", ["trimap", "alpha"])
def test_a_picture_without_a_partner_is_named_before_any_is_judged(
    beginner: Path, stills: Path, tmp_path: Path, kind: str
) -> None:
    (stills / kind / "near.png").unlink()
    done = evaluate(stills, "--checkpoint", beginner, "--out", tmp_path / "made")
    assert done.exit_code == 1
    assert f"image/near.png: has no partner named 'near' in {stills / kind}" in done.output
    assert not (tmp_path / "made").exists()


def test_a_clip_without_its_trimaps_is_named(beginner: Path, stills: Path) -> None:
    for kind in ("image", "alpha"):
        (stills / kind / "walk").mkdir()
        (stills / kind / "near.png").rename(stills / kind / "walk" / "near.png")
    done = evaluate(stills, "--checkpoint", beginner)
    assert done.exit_code == 1
    assert "trimap/walk: is not a folder" in done.output


def test_frames_of_a_clip_that_differ_in_size_are_named(beginner: Path, tmp_path: Path) -> None:
    draw(tmp_path / "set", "1")
    draw(tmp_path / "set", "2", size=(48, 80))
    for kind in ("image", "trimap", "alpha"):
        (tmp_path / "set" / kind).rename(tmp_path / kind)
        (tmp_path / "set" / kind).mkdir()
        (tmp_path / kind).rename(tmp_path / "set" / kind / "walk")
    done = evaluate(tmp_path / "set", "--checkpoint", beginner)
    assert done.exit_code == 1
    assert "walk/2: is of another size than the frame before it" in done.output


def test_what_is_no_picture_and_a_folder_of_none_are_named(beginner: Path, stills: Path) -> None:
    (stills / "alpha" / "near.png").write_text("not a picture")
    done = evaluate(stills, "--checkpoint", beginner)
    assert "alpha/near.png: is no picture (Not a PNG file); copy it again, or take it out." in done.output
    (stills / "image" / "near.jpg").write_text("")
    done = evaluate(stills, "--checkpoint", beginner)
    assert "has a twin, near.jpg; keep one of the two" in done.output
    for path in (stills / "image").iterdir():
        path.unlink()
    done = evaluate(stills, "--checkpoint", beginner)
    assert done.exit_code == 1
    assert "image: holds no picture" in done.output


def test_weights_and_a_checkpoint_at_once_is_a_usage_error(beginner: Path, stills: Path) -> None:
    done = evaluate(stills, "--checkpoint", beginner, "--weights", stills)
    assert done.exit_code == 2
    assert "either --weights or --checkpoint" in done.output
    assert dim_train("evaluate", "--help").exit_code == 0


def test_a_sheet_that_cannot_be_written_does_not_cost_the_figures(
    beginner: Path, stills: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    done = evaluate(stills, "--checkpoint", beginner, "--sheet", tmp_path / "file" / "sheet.png")
    assert done.exit_code == 1
    assert "over the unknown region" in done.output
    assert f"{tmp_path}/file/sheet.png: cannot be written (" in done.output
    assert "name another --sheet." in done.output


@pytest.mark.parametrize("kind", ["image", "trimap", "alpha"])
def test_what_is_judged_is_not_written_over(kind: str, beginner: Path, stills: Path) -> None:
    before = {path: path.read_bytes() for path in stills.rglob("*.png")}
    done = evaluate(stills, "--checkpoint", beginner, "--out", stills / "alpha" / ".." / kind)
    assert done.exit_code == 2
    assert "holds what is judged, and would be written over; name another." in done.output
    assert before == {path: path.read_bytes() for path in stills.rglob("*.png")}


def test_a_matte_in_the_fourth_channel_is_the_same_matte(beginner: Path, stills: Path) -> None:
    """As ``prepare`` reads it; the white in its colours is not what it says."""
    before = json.loads(evaluate(stills, "--checkpoint", beginner, "--json").output)
    for path in (stills / "alpha").iterdir():
        alpha = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        cv2.imwrite(
            str(path),
            np.dstack([np.full((*alpha.shape, 3), np.iinfo(alpha.dtype).max), alpha]).astype(alpha.dtype),
        )
    assert json.loads(evaluate(stills, "--checkpoint", beginner, "--json").output) == before


def test_notes_beside_pictures_are_no_pictures(beginner: Path, stills: Path) -> None:
    before = json.loads(evaluate(stills, "--checkpoint", beginner, "--json").output)
    (stills / "image" / "SOURCE.txt").write_text("from here")
    assert json.loads(evaluate(stills, "--checkpoint", beginner, "--json").output) == before


def test_a_picture_in_scene_linear_light_is_judged_as_what_it_shows(beginner: Path, stills: Path) -> None:
    before = json.loads(evaluate(stills, "--checkpoint", beginner, "--json").output)["mean"]
    shown = stills / "image" / "near.png"
    floats = oiio.ImageBufAlgo.copy(oiio.ImageBuf(str(shown)), convert=oiio.FLOAT)
    light = oiio.ImageBufAlgo.colorconvert(floats, "sRGB", "lin_rec709")
    assert light.write(str(shown.with_suffix(".exr")), "float")
    shown.unlink()
    after = json.loads(evaluate(stills, "--checkpoint", beginner, "--json").output)["mean"]
    assert after == pytest.approx(before, rel=1e-3, abs=1e-5)


def test_the_truth_has_no_say_in_the_matte_and_neither_has_chance(
    beginner: Path, stills: Path, tmp_path: Path
) -> None:
    """The original drew its trimap from alpha, at random, when it predicted."""
    made = []
    for value in (None, 0, 255):
        for path in (stills / "alpha").iterdir() if value is not None else ():
            cv2.imwrite(str(path), np.full((64, 80), value, np.uint8))
        assert evaluate(stills, "--checkpoint", beginner, "--out", tmp_path / f"{value}").exit_code == 0
        made.append([path.read_bytes() for path in sorted((tmp_path / f"{value}").iterdir())])
    assert made[0] == made[1] == made[2]


def test_a_folder_within_a_clip_is_not_skipped_silently(beginner: Path, stills: Path) -> None:
    for kind in ("image", "trimap", "alpha"):
        (stills / kind / "scene" / "shot").mkdir(parents=True)
        (stills / kind / "near.png").rename(stills / kind / "scene" / "shot" / "0001.png")
    done = evaluate(stills, "--checkpoint", beginner)
    assert done.exit_code == 1
    assert "image/scene/shot: lies within the clip scene, whose frames lie in one folder;" in done.output
