"""The stream of crops: what is packed is what is unpacked, and a turned crop is still true."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import OpenImageIO as oiio
import pytest
import torch

from dim_model import encode
from trainer.prepare import Shares, StaleIndexError, prepare
from trainer.stream import CropStream, Place, clean_plate, crop, in_tiles, pack, turned, unpack
from trainer.synth import Photos, Procedural, Scene, make_scene


def scene(photos: Path, seed: int = 2) -> Scene:
    library = Photos(photos)
    return make_scene(np.random.default_rng(seed), Procedural(library), library, 128)


def misfit(truth: dict[str, torch.Tensor]) -> torch.Tensor:
    """How far the picture is from aF + (1 - a)B: its damage, if everything is where it belongs."""
    made = truth["alpha"] * truth["foreground"] + (1 - truth["alpha"]) * truth["background"]
    return (made - truth["image"]).abs().mean()


def test_a_packed_scene_is_unpacked_unchanged(photos: Path) -> None:
    made = scene(photos)
    x, truth = unpack(pack(made)[None], "sampled")
    assert x.shape == (1, encode.CHANNELS["sampled"], 128, 128)
    assert np.abs(truth["alpha"][0, 0].numpy() - made.alpha).max() < 1e-3
    assert np.abs(truth["image"][0].permute(1, 2, 0).numpy() - made.image).max() < 1e-3
    assert np.abs(truth["background"][0].permute(1, 2, 0).numpy() - made.background).max() < 1e-3
    np.testing.assert_array_equal(truth["trimap"][0, 0].numpy(), made.trimap)


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_a_clean_plate_tells_the_background(photos: Path, seed: int) -> None:
    """Where samples do not: before a background that has more than one colour."""
    made = scene(photos, seed)
    plate = clean_plate(np.random.default_rng(0), made)
    assert 0.001 < np.abs(plate - made.background).mean() < 0.02
    unknown = torch.from_numpy(made.trimap) == 0.5
    truth = torch.from_numpy(made.background).permute(2, 0, 1)

    def error(packed: torch.Tensor) -> float:
        return float((packed[encode.BACKGROUND].float() - truth)[:, unknown].abs().mean())

    assert error(pack(made, plate)) < 0.6 * error(pack(made))


def test_plates_are_told_in_their_share_of_the_scenes(photos: Path) -> None:
    def error(plates: float) -> float:
        crops = torch.stack(list(islice(CropStream(photos, 32, 1, 96, pool=1, plates=plates), 60)))
        x, truth = unpack(crops, "sampled")
        unknown = (truth["trimap"] == 0.5).expand(-1, 3, -1, -1)
        return float((x[:, encode.BACKGROUND] - truth["background"])[unknown].abs().mean())

    without, half, all_of_them = map(error, (0.0, 0.5, 1.0))
    assert all_of_them < half < without


def test_plain_networks_get_the_picture_and_the_trimap(photos: Path) -> None:
    x, truth = unpack(pack(scene(photos))[None], "plain")
    assert torch.equal(x, torch.cat([truth["image"], truth["trimap"]], 1))


def test_crops_lie_inside_and_hold_unknown(photos: Path) -> None:
    packed = pack(scene(photos))
    for seed in range(20):
        window = crop(np.random.default_rng(seed), packed, 64)
        assert window.shape == (23, 64, 64)
        assert not window[encode.KNOWN].any(0).all()


def test_crops_are_cut_into_whole_tiles_each_with_its_frames_in_order() -> None:
    clips = torch.arange(2 * 3 * 8 * 8).view(2, 3, 1, 8, 8)  # two clips of three frames
    tiles = in_tiles(clips, 3)
    assert tiles.shape == (2 * 4 * 3, 1, 3, 3)
    for n, (clip, row, column, frame) in enumerate(np.ndindex(2, 2, 2, 3)):
        rows, columns = slice(3 * row, 3 * row + 3), slice(3 * column, 3 * column + 3)
        assert torch.equal(tiles[n], clips[clip, frame, :, rows, columns])
    assert torch.equal(in_tiles(clips[:, 0], 5), clips[:, 0])  # less than two tiles


def test_a_turned_crop_keeps_colours_with_their_alpha(photos: Path) -> None:
    packed = pack(scene(photos))
    _, straight = unpack(packed[None], "sampled")
    for seed in range(8):
        x, truth = unpack(turned(np.random.default_rng(seed), packed)[None], "sampled")
        assert torch.isclose(misfit(truth), misfit(straight), atol=1e-4)
        assert torch.isclose(
            x[:, encode.CONFIDENCE].mean(), packed[encode.CONFIDENCE].float().mean(), atol=1e-4
        )


def test_the_stream_is_fixed_by_its_seed(photos: Path) -> None:
    first, again = (list(islice(CropStream(photos, 64, 1, scene=96), 3)) for _ in range(2))
    other = list(islice(CropStream(photos, 64, 2, scene=96), 3))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("clips", [0.0, 0.4])
def test_a_stream_that_goes_on_gives_what_an_unbroken_one_would(
    workers: int, clips: float, photos: Path
) -> None:
    """Batches of two crops, asked of the workers in turn, from batch 0 and from batch 5."""

    def batches(start: int, count: int) -> list[list[torch.Tensor]]:
        shards = []
        for worker in range(workers):
            stream = CropStream(photos, 32, 1, 64, place=Place(start, batch=2), pool=2, clips=clips)
            shards.append(stream.read(worker, workers))
        return [[next(shards[k % workers]) for _ in range(2)] for k in range(count)]

    whole, rest = batches(0, 16), batches(5, 11)
    for expected, got in zip(whole[5:], rest, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(expected, got, strict=True))


def test_a_batch_moves_as_a_whole_and_as_many_do_as_asked(photos: Path) -> None:
    stream = CropStream(photos, 32, 1, 64, place=Place(batch=3), pool=1, clips=0.25)
    shapes = [tuple(crop.shape) for crop in islice(stream, 24)]
    moving = [shapes[n : n + 3] == [(2, 23, 32, 32)] * 3 for n in range(0, 24, 3)]
    still = [shapes[n : n + 3] == [(23, 32, 32)] * 3 for n in range(0, 24, 3)]
    assert [a != b for a, b in zip(moving, still, strict=True)] == [True] * 8
    assert sum(moving) == 2


def test_frames_of_a_moving_crop_are_cut_and_turned_alike(photos: Path) -> None:
    packed = pack(scene(photos))
    rng, again = np.random.default_rng(3), np.random.default_rng(3)
    both = turned(rng, crop(rng, torch.stack([packed, packed]), 64))
    alone = turned(again, crop(again, packed, 64))
    assert torch.equal(both[0], alone)
    assert torch.equal(both[1], alone)


def test_two_processes_draw_different_crops(photos: Path) -> None:
    first, second = (next(iter(CropStream(photos, 32, 1, 64, place=Place(rank=r)))) for r in (0, 1))
    assert not torch.equal(first, second)


@pytest.fixture
def composition(tmp_path: Path) -> Path:
    """An index of a disc and two flat backgrounds, one of them in scene-linear light."""
    y, x = np.mgrid[:64, :64]
    disc = (np.clip(20 - np.hypot(y - 32, x - 32), 0, 1) * 255).astype(np.uint8)
    flat = np.full((90, 120, 3), 90, np.uint8)
    for name, picture in (("fg/disc", np.dstack([disc] * 3)), ("alpha/disc", disc), ("bg/flat", flat)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / f"{name}.png"), picture)
    light = oiio.ImageBuf(oiio.ImageSpec(120, 90, 3, oiio.HALF))
    oiio.ImageBufAlgo.fill(light, (0.5, 0.5, 0.5))
    assert light.write(str(tmp_path / "bg/light.exr"))
    prepare(tmp_path, tmp_path / "index.jsonl", shares=Shares(valid=0, test=0))
    return tmp_path / "index.jsonl"


def test_backgrounds_of_an_index_stand_behind_too(photos: Path, composition: Path) -> None:
    def flat(*indexes: Path) -> int:
        library = CropStream(photos, 32, 1, indexes=indexes).photographs()
        crops = (library.crop(np.random.default_rng(n), 32) for n in range(60))
        return sum(float(crop.std(axis=(0, 1)).max()) < 1e-4 for crop in crops)

    assert flat() == 0
    assert 15 <= flat(composition) <= 33  # two of five photographs
    (composition.parent / "bg/flat.png").unlink()
    with pytest.raises(StaleIndexError, match=r"flat\.png: is in the index and not on disk"):
        flat(composition)
