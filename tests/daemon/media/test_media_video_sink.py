"""Video out: time stamps, tags, alpha and colour survive to the figures that the formats promise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from daemon.media import ClipInfo, Frame, VideoTags, locate, open_sink, open_source
from daemon.media.video_chunks import chunk_path

MANY = 10_000_000
SUFFIX = {"prores4444": ".mov", "ffv1": ".mkv"}

Pixels = Callable[[int], np.ndarray]


def clip(
    pts: Sequence[int],
    rate: Fraction = Fraction(24000, 1001),
    time_base: Fraction = Fraction(1, 24000),
    size: tuple[int, int] = (64, 48),
    tags: VideoTags | None = None,
) -> ClipInfo:
    return ClipInfo(
        "video", *size, 3, tuple(range(len(pts))), (), "display", 8, False, rate, time_base, tuple(pts), tags
    )


def make(folder: Path, format: str, like: ClipInfo, channels: int, pixels: Pixels) -> Path:
    with open_sink(format, folder, "shot", like, channels=channels) as sink:
        for number in like.numbers:
            sink.write(Frame(number, pixels(number)))
            if number % 3 == 2:
                sink.commit()
        sink.finish()
    return folder / f"shot{SUFFIX[format]}"


def grey(number: int) -> np.ndarray:
    return np.full((48, 64, 3), 0.1 * number, np.float32)


def read(path: Path) -> tuple[ClipInfo, list[np.ndarray]]:
    with open_source(locate(path), max_pixels=MANY) as source:
        return source.info, [frame.pixels for frame in source.frames()]


@pytest.mark.parametrize(
    ("pts", "time_base", "rate"),
    [
        ((0, 1001, 2002, 3003, 4004, 5005, 6006), Fraction(1, 24000), Fraction(24000, 1001)),
        ((0, 1001, 2002, 5005, 5100, 9009, 90090), Fraction(1, 24000), Fraction(24000, 1001)),
        ((2002, 3003, 4004, 5005), Fraction(1, 60000), Fraction(60000, 1001)),
        ((0, 1, 2, 3, 4, 5), Fraction(1001, 30000), Fraction(30000, 1001)),
        ((0, 33, 67, 100, 133), Fraction(1, 1000), Fraction(30)),
        ((0, 1, 2), Fraction(1, 25), Fraction(25)),
    ],
)
def test_time_stamps_survive_in_mov_to_the_tick(
    tmp_path: Path, pts: tuple[int, ...], time_base: Fraction, rate: Fraction
) -> None:
    info, _ = read(make(tmp_path, "prores4444", clip(pts, rate, time_base), 3, grey))
    assert info.time_base is not None
    assert [stamp * info.time_base for stamp in info.pts] == [stamp * time_base for stamp in pts]


def test_time_stamps_in_matroska_are_right_to_a_millisecond(tmp_path: Path) -> None:
    pts = (0, 1001, 2002, 5005, 5100, 9009)
    info, _ = read(make(tmp_path, "ffv1", clip(pts), 3, grey))
    assert info.time_base is not None
    for stored, true in zip(info.pts, pts, strict=True):
        assert abs(stored * info.time_base - Fraction(true, 24000)) <= Fraction(1, 2000)


@pytest.mark.parametrize("format", SUFFIX)
@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(60000, 1001), Fraction(25), Fraction(60)])
def test_a_constant_frame_rate_stays_that_fraction(tmp_path: Path, format: str, rate: Fraction) -> None:
    like = clip([i * rate.denominator for i in range(30)], rate, Fraction(1, rate.numerator))
    info, _ = read(make(tmp_path, format, like, 1, lambda _: grey(1)[..., :1]))
    assert info.rate == rate


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001)])
def test_a_time_code_marked_for_drop_frames_is_kept_at_a_rate_that_drops_none(
    tmp_path: Path, rate: Fraction
) -> None:
    tags = VideoTags(timecode="10:00:00;12")
    info, _ = read(make(tmp_path, "prores4444", clip((0, 1, 2), rate, 1 / rate, tags=tags), 3, grey))
    assert info.tags is not None
    assert info.tags.timecode == ("10:00:00;12" if rate.numerator == 30000 else "10:00:00:12")


@pytest.mark.parametrize("format", SUFFIX)
def test_tags_timecode_reel_and_rotation_go_through(tmp_path: Path, format: str) -> None:
    tags = VideoTags(9, 16, 9, False, Fraction(4, 3), "10:00:00:12", 90, "A001C003")
    info, _ = read(
        make(tmp_path, format, clip((0, 1001, 2002), tags=tags), 4, lambda _: np.ones((48, 64, 4), "f4"))
    )
    assert info.tags is not None
    assert (info.tags.primaries, info.tags.transfer) == (9, 16)
    assert (info.tags.timecode, info.tags.rotation, info.tags.reel) == ("10:00:00:12", 90, "A001C003")
    if format == "prores4444":
        assert (info.tags.matrix, info.tags.full_range) == (9, False)
        assert info.tags.sample_aspect == Fraction(4, 3)
    else:
        assert (info.tags.matrix, info.tags.full_range) == (0, True)


def test_every_frame_and_the_stream_carry_the_colour_tags(tmp_path: Path) -> None:
    path = make(tmp_path, "prores4444", clip((0, 1001), tags=VideoTags(9, 16, 9, False)), 3, grey)
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        assert (context.color_primaries, context.color_trc, context.colorspace) == (9, 16, 9)
        for frame in container.decode(video=0):
            assert (frame.color_primaries, frame.color_trc, frame.colorspace) == (9, 16, 9)


def test_untagged_sd_is_written_and_tagged_as_601(tmp_path: Path) -> None:
    red = np.broadcast_to(np.array([0.75, 0, 0], np.float32), (48, 64, 3))
    info, frames = read(make(tmp_path, "prores4444", clip((0,), tags=VideoTags()), 3, lambda _: red))
    assert info.tags is not None
    assert info.tags.matrix == 6
    np.testing.assert_allclose(frames[0], red, atol=0.003)


def test_prores_alpha_is_exact_to_ten_bits_and_opaque_is_opaque(tmp_path: Path) -> None:
    codes = np.arange(64 * 48, dtype=np.int64).reshape(48, 64) % 1024
    pixels = np.random.default_rng(3).random((48, 64, 4)).astype(np.float32)
    pixels[..., 3] = codes / 1023
    _, (first,) = read(make(tmp_path, "prores4444", clip((0,)), 4, lambda _: pixels))
    np.testing.assert_array_equal(np.round(first[..., 3] * 1023), codes)
    assert (first[..., 3][codes == 1023] == 1).all()
    assert (first[..., 3][codes == 0] == 0).all()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_ffv1_is_lossless_at_sixteen_bits(tmp_path: Path, channels: int) -> None:
    codes = np.random.default_rng(channels).integers(0, 65536, (48, 64, channels))
    pixels = (codes / 65535).astype(np.float32)
    info, frames = read(make(tmp_path, "ffv1", clip((0, 1001, 2002, 3003)), channels, lambda _: pixels))
    assert (info.channels, info.bits) == (channels, 16)
    for frame in frames:
        np.testing.assert_array_equal(np.round(frame.astype(np.float64) * 65535), codes)


@pytest.mark.parametrize("format", SUFFIX)
@pytest.mark.parametrize("size", [(65, 49), (1, 1), (17, 3)])
def test_odd_rasters_are_written(tmp_path: Path, format: str, size: tuple[int, int]) -> None:
    pixels = np.full((size[1], size[0], 4), 0.5, np.float32)
    _, frames = read(make(tmp_path, format, clip((0, 1001), size=size), 4, lambda _: pixels))
    assert len(frames) == 2
    np.testing.assert_allclose(frames[1], pixels, atol=0.01)


@pytest.mark.parametrize("format", SUFFIX)
def test_the_bytes_do_not_depend_on_where_chunks_meet(tmp_path: Path, format: str) -> None:
    like = clip([i * 1001 for i in range(7)])
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    with open_sink(format, one, "shot", like, channels=3) as sink:
        for number in like.numbers:
            sink.write(Frame(number, grey(number)))
        sink.finish()
    make(other, format, like, 3, grey)
    assert [path.read_bytes() for path in one.iterdir()] == [path.read_bytes() for path in other.iterdir()]


@pytest.mark.parametrize("format", SUFFIX)
def test_a_crash_while_joining_is_mended_by_joining_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    like = clip([i * 1001 for i in range(5)])
    (tmp_path / "whole").mkdir()
    whole = make(tmp_path / "whole", format, like, 3, grey).read_bytes()

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    folder = tmp_path / "crashed"
    folder.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", crash)
        with pytest.raises(KeyboardInterrupt):
            make(folder, format, like, 3, grey)
    assert not (folder / f"shot{SUFFIX[format]}").exists()
    with open_sink(format, folder, "shot", like, channels=3, start=5) as sink:
        sink.finish()
    assert [path.read_bytes() for path in folder.iterdir()] == [whole]


@pytest.mark.parametrize("format", SUFFIX)
def test_a_join_tells_of_each_packet_and_can_be_broken_off_and_done_again(
    tmp_path: Path, format: str
) -> None:
    like = clip([i * 1001 for i in range(6)])
    (tmp_path / "whole").mkdir()
    whole = make(tmp_path / "whole", format, like, 3, grey).read_bytes()
    folder = tmp_path / "broken"
    folder.mkdir()
    signs: list[int] = []

    def moved() -> None:
        signs.append(len(signs))
        if len(signs) == 5:
            raise KeyboardInterrupt

    with open_sink(format, folder, "shot", like, channels=3) as sink:
        for number in like.numbers:
            sink.write(Frame(number, grey(number)))
        sink.commit()
        chunks = sorted(folder.iterdir())
        with pytest.raises(KeyboardInterrupt):
            sink.finish(moved)
    assert sorted(folder.iterdir()) == chunks
    with open_sink(format, folder, "shot", like, channels=3, start=6) as sink:
        sink.finish(moved)
    assert len(signs) >= 5 + len(like.numbers)
    assert [path.read_bytes() for path in folder.iterdir()] == [whole]


def test_a_crash_between_rename_and_clearing_is_mended(tmp_path: Path) -> None:
    like = clip((0, 1001, 2002))
    final = make(tmp_path, "prores4444", like, 3, grey)
    whole = final.read_bytes()
    chunk_path(final, 0).write_bytes(b"left over")
    with open_sink("prores4444", tmp_path, "shot", like, channels=3, start=3) as sink:
        sink.finish()
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [whole]


def test_a_commit_closes_a_chunk_that_plays(tmp_path: Path) -> None:
    like = clip([i * 1001 for i in range(6)])
    with open_sink("prores4444", tmp_path, "shot", like, channels=3) as sink:
        for number in range(4):
            sink.write(Frame(number, grey(number)))
            if number == 2:
                sink.commit()
        with av.open(str(tmp_path / ".shot.00000000.mov")) as chunk:
            assert sum(1 for _ in chunk.decode(video=0)) == 3
    assert [path.name for path in tmp_path.iterdir()] == [".shot.00000000.mov"]
