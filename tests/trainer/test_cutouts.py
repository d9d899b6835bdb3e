"""Foregrounds from footage: repeatable, straight, wholly inside, and never from what is kept for judging."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from trainer.cli import main
from trainer.prepare import NAME, Index, NothingToTrainOnError, Shares, StaleIndexError, prepare
from trainer.prepare.errors import UnfitError
from trainer.synth import Photos, make_scene
from trainer.synth.cutouts import Cutouts
from trainer.synth.foreground import Foreground

ORANGE = np.array([230, 120, 20], np.float32) / 255
ALL = Shares(valid=0, test=0)


def disc(height: int = 60, width: int = 80, left: float = 0.5, top: float = 0.5) -> np.ndarray:
    """float64 [H, W]: 1 inside, 0 outside, soft between."""
    y, x = np.mgrid[:height, :width]
    far = np.hypot(y - top * height, x - left * width)
    return np.clip(0.3 * height - far, 0, 6) / 6


def cutout(path: Path, alpha: np.ndarray, inside: np.ndarray = ORANGE, multiplied: bool = False) -> Path:
    """An orange cut-out, black where nothing is, as a 16-bit PNG."""
    colour = np.where(alpha[..., None] > 0, inside, 0) * (alpha[..., None] if multiplied else 1)
    pixels = (np.dstack([colour[..., ::-1], alpha]) * 65535).round().astype(np.uint16)
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels)
    return path


def webm(path: Path, alphas: list[np.ndarray]) -> Path:
    """A grey video with these alphas."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx", rate=25)
        stream.height, stream.width = alphas[0].shape
        stream.pix_fmt, stream.options = "yuva420p", {"auto-alt-ref": "0"}
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        stream.metadata["alpha_mode"] = "1"
        for number, alpha in enumerate(alphas):
            frame = av.VideoFrame(alpha.shape[1], alpha.shape[0], "yuva420p")
            for plane in list(frame.planes)[:3]:
                plane.update(bytes([128]) * plane.buffer_size)
            rows = np.zeros((alpha.shape[0], frame.planes[3].line_size), np.uint8)
            rows[:, : alpha.shape[1]] = (alpha * 255).round()
            frame.planes[3].update(rows.tobytes())
            frame.pts, frame.time_base = 40 * number, stream.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def made(maker: Cutouts, seed: int, size: int = 48) -> Foreground:
    return maker.make(np.random.default_rng(seed), size)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two cut-outs and a video."""
    cutout(tmp_path / "set/left.png", disc(left=0.3))
    cutout(tmp_path / "set/low.png", disc(height=90, top=0.8), ORANGE[::-1])
    webm(tmp_path / "set/clip.webm", [disc(64, 64, 0.3 + 0.02 * n) for n in range(12)])
    return tmp_path / "set"


@pytest.fixture
def index(root: Path) -> Index:
    return prepare(root, root / NAME, shares=ALL).index


def test_the_same_state_gives_the_same_foreground_whatever_was_made_before(index: Index) -> None:
    fresh, used = Cutouts(index), Cutouts(index)
    for seed in range(100, 115):
        made(used, seed)
    for seed in range(8):
        one, other = made(fresh, seed), made(used, seed)
        assert one.kind == other.kind
        assert one.alpha.tobytes() == other.alpha.tobytes()
        assert one.colour.tobytes() == other.colour.tobytes()
    assert made(fresh, 1).alpha.tobytes() != made(fresh, 2).alpha.tobytes()


def test_memory_has_no_say_in_what_is_made(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    before = [made(Cutouts(index), seed).alpha.tobytes() for seed in range(6)]
    monkeypatch.setattr("trainer.synth.cutouts._KEPT", 1)
    maker = Cutouts(index)
    assert [made(maker, seed).alpha.tobytes() for seed in range(6)] == before
    assert len(maker._kept) == 1


@pytest.mark.parametrize("size", [16, 48, 300])
def test_every_foreground_is_whole_and_shows_something(index: Index, size: int) -> None:
    maker = Cutouts(index)
    kinds = set()
    for seed in range(30):
        found = made(maker, seed, size)
        assert found.alpha.shape == (size, size)
        assert found.colour.shape == (size, size, 3)
        for picture in (found.alpha, found.colour):
            assert picture.dtype == np.float32
            assert np.isfinite(picture).all()
            assert (picture.min() >= 0, picture.max() <= 1) == (True, True)
        assert found.alpha.max() > 0.1
        kinds.add(found.kind)
    assert kinds == {"cutout", "video"}


def test_windows_differ_in_scale_and_side(tmp_path: Path) -> None:
    cutout(tmp_path / "a.png", disc(left=0.3))
    maker = Cutouts(prepare(tmp_path, tmp_path / NAME, shares=ALL).index)
    shares = [made(maker, seed).alpha.mean() for seed in range(40)]
    assert max(shares) > 1.5 * min(shares)
    whole = [found for seed in range(40) if not edges(found := made(maker, seed)).any()]
    assert len(whole) > 5


def edges(found: Foreground) -> np.ndarray:
    return np.concatenate([found.alpha[0], found.alpha[-1], found.alpha[:, 0], found.alpha[:, -1]])


def test_colours_come_in_rgb_order_and_are_straight(tmp_path: Path) -> None:
    cutout(tmp_path / "a.png", disc())
    maker = Cutouts(prepare(tmp_path, tmp_path / NAME, shares=ALL).index)
    for seed in range(12):
        found = made(maker, seed)
        assert np.abs(found.colour - ORANGE).max() < 0.01  # the black around it has come in nowhere


def test_a_premultiplied_cutout_is_made_straight(tmp_path: Path) -> None:
    cutout(tmp_path / "a.png", disc(), multiplied=True)
    maker = Cutouts(prepare(tmp_path, tmp_path / NAME, shares=ALL, premultiplied=True).index)
    for seed in range(12):
        assert np.abs(made(maker, seed).colour - ORANGE).max() < 0.01


def test_the_colours_of_a_photograph_are_freed_of_its_background(tmp_path: Path) -> None:
    alpha = disc(120, 160)
    cutout(tmp_path / "clip/a.png", np.ones((120, 160)), alpha[..., None] * ORANGE + (1 - alpha[..., None]))
    cutout(tmp_path / "matting/a.png", alpha)
    maker = Cutouts(prepare(tmp_path, tmp_path / NAME, shares=ALL).index)
    for seed in range(6):
        found = made(maker, seed)
        assert np.abs(found.colour - ORANGE)[found.alpha > 0.1].mean() < 0.05


def test_a_picture_smaller_than_its_window_stands_on_transparent_ground(tmp_path: Path) -> None:
    cutout(tmp_path / "a.png", disc(20, 20))
    maker = Cutouts(prepare(tmp_path, tmp_path / NAME, shares=ALL).index)
    for seed in range(10):
        found = made(maker, seed, 256)
        assert found.alpha.shape == (256, 256)
        assert (found.alpha == 0).mean() > 0.3


def falls(found: Foreground) -> bool:
    """Whether alpha falls on the way down: a straight cut, for something that stands on the lower edge."""
    return bool((np.diff(found.alpha, axis=0) < -0.01).any())


def test_where_a_picture_cuts_off_its_foreground_the_window_ends_too(tmp_path: Path) -> None:
    post = np.zeros((60, 80))
    post[20:, 30:50] = 1
    cutout(tmp_path / "post.png", cv2.GaussianBlur(post, (0, 0), 1.5, borderType=cv2.BORDER_REPLICATE))
    maker = Cutouts(prepare(tmp_path, tmp_path / NAME, shares=ALL).index)
    for size in (32, 200):
        assert not any(falls(made(maker, seed, size)) for seed in range(20))


def test_a_foreground_that_fills_its_picture_fills_the_window(tmp_path: Path) -> None:
    alpha = np.full((40, 60), 0.5)
    cutout(tmp_path / "smoke.png", alpha)
    maker = Cutouts(prepare(tmp_path, tmp_path / NAME, shares=ALL).index)
    for seed in range(10):
        np.testing.assert_allclose(made(maker, seed, 128).alpha, 0.5, atol=1e-3)


def test_only_the_split_that_is_asked_for_is_drawn(tmp_path: Path) -> None:
    for folder, colour in (("train", ORANGE), ("test", ORANGE[::-1])):
        cutout(tmp_path / folder / "a.png", disc(), colour)
    index = prepare(tmp_path, tmp_path / NAME).index
    for split, colour in (("train", ORANGE), ("test", ORANGE[::-1])):
        maker = Cutouts(index, split)
        assert all(np.abs(made(maker, seed).colour - colour).max() < 0.01 for seed in range(5))


def test_a_long_clip_is_drawn_as_often_as_a_single_cutout(tmp_path: Path) -> None:
    for number in range(9):
        cutout(tmp_path / f"walk/{number:04d}.png", disc(), ORANGE[::-1])
    cutout(tmp_path / "still.png", disc())
    maker = Cutouts(prepare(tmp_path, tmp_path / NAME, shares=ALL).index)
    stills = sum(bool(np.abs(made(maker, seed).colour - ORANGE).max() < 0.01) for seed in range(60))
    assert 15 < stills < 45


def test_video_pairs_give_their_foreground_with_its_matte(tmp_path: Path) -> None:
    for folder in ("fgr", "pha"):
        (tmp_path / folder).mkdir()
        grey(tmp_path / folder / "a.mp4", disc(64, 64), folder == "pha")
    maker = Cutouts(prepare(tmp_path, tmp_path / NAME, shares=ALL).index)
    found = [made(maker, seed) for seed in range(6)]
    assert all(one.kind == "pair" for one in found)
    assert max(one.alpha.max() for one in found) == 1
    assert np.abs(found[0].colour - 0.5).max() < 0.05


def grey(path: Path, alpha: np.ndarray, is_matte: bool) -> None:
    """A video of a matte, or of grey."""
    shown = np.repeat((alpha if is_matte else np.full_like(alpha, 0.5))[..., None], 3, 2)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width = alpha.shape
        stream.pix_fmt, stream.options = "yuv420p", {"crf": "4", "g": "12" if is_matte else "5"}
        for _ in range(12):
            frame = av.VideoFrame.from_ndarray((shown * 255).round().astype(np.uint8), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def test_empty_frames_are_passed_over(tmp_path: Path) -> None:
    webm(tmp_path / "a.webm", [np.zeros((64, 64))] * 10 + [disc(64, 64)] * 10)
    maker = Cutouts(prepare(tmp_path, tmp_path / NAME, shares=ALL).index)
    assert all(made(maker, seed).alpha.max() > 0.1 for seed in range(10))


def test_scenes_can_be_made_of_cutouts(index: Index, photos: Path) -> None:
    scene = make_scene(np.random.default_rng(4), Cutouts(index), Photos(photos), 96)
    assert {0.0, 0.5, 1.0} >= set(np.unique(scene.trimap))
    assert (scene.alpha[scene.trimap == 1] > 0.99).all()


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"other")])
def test_a_file_that_is_not_what_was_indexed_is_one_sentence(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    path = cutout(tmp_path / "a.png", disc())
    index = prepare(tmp_path, tmp_path / NAME, shares=ALL).index
    harm(path)
    with pytest.raises(
        StaleIndexError, match=r"a\.png: .*; bring it back, or run `dim-train prepare` again\.$"
    ):
        made(Cutouts(index), 1)


def test_an_index_without_foregrounds_in_the_split_is_one_sentence(index: Index) -> None:
    with pytest.raises(NothingToTrainOnError, match=r"index\.jsonl: lists no foreground for test; prepare"):
        Cutouts(index, "test")


def test_a_file_that_opens_no_more_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a video may that is damaged where nobody looked when it was indexed."""
    cutout(tmp_path / "a.png", disc())
    index = prepare(tmp_path, tmp_path / NAME, shares=ALL).index
    monkeypatch.setattr(
        "trainer.prepare.cut.read_picture",
        lambda path, _: throw(UnfitError(path, "unreadable", "is damaged")),
    )
    with pytest.raises(StaleIndexError, match=r"a\.png: is damaged, though it is in the index; take it out"):
        made(Cutouts(index), 1)


def throw(error: Exception) -> None:
    raise error


def test_synth_makes_a_set_to_judge_by_of_what_fit_does_not_train_on(tmp_path: Path, photos: Path) -> None:
    cutout(tmp_path / "set/train/orange.png", disc(height=120, width=120))
    cutout(tmp_path / "set/test/blue.png", disc(height=120, width=120), ORANGE[::-1])
    prepare(tmp_path / "set", tmp_path / NAME)
    asked = ["synth", "--photos", photos, "--index", tmp_path / NAME, "--count", 4, "--size", 64, "--out"]
    for split, bluer in (("test", True), ("train", False)):
        done = CliRunner().invoke(main, [str(each) for each in (*asked, tmp_path / split, "--split", split)])
        assert done.exit_code == 0, done.output
        shown = sorted((tmp_path / split / "image").iterdir())
        assert [path.name for path in shown] == [f"0000{n}-cutout.png" for n in range(4)]
        for path in shown:
            blue, _, red = cv2.imread(str(tmp_path / split / "fg" / path.name)).mean((0, 1))
            assert (blue > red) == bluer
    done = CliRunner().invoke(main, [str(each) for each in (*asked, tmp_path / "none", "--split", "valid")])
    assert (
        f"Error: {tmp_path / NAME}: lists no foreground for valid; prepare more, or with another"
        in done.output
    )
