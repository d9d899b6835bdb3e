"""A clip of variable rate keeps the time of every frame, from each container into each; none is lost."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from daemon.media import CODECS, ClipInfo
from daemon.media.milliseconds import is_crowded, stamps
from daemon.media.video_formats import instead, unfit
from daemon.part import Part
from tests.daemon.media.videos import MILLISECONDS, SIZE, channels_of, clip, make, read, seconds

TICK = Fraction(1, 90000)
HALF = Fraction(1, 2000)

UNEVEN = (0, 3003, 6600, 6697, 12345, 20001, 90091)
"""In ticks: of a screen recording, say; two frames follow one another by 1.08 ms."""
CLOSE = (0, 3003, 3030, 3060, 6006, 6100, 6200, 90090)
"""Three of them lie within 0.63 ms."""


def lit(number: int, count: int) -> float:
    return 0.1 + 0.8 * number / count


def plate(
    path: Path,
    encoder: str,
    base: Fraction,
    times: list[Fraction],
    lasts: Fraction | None = None,
    ahead: int = 0,
) -> Path:
    """A grey clip, each frame lighter than the one before, shown at `times`. lasts: seconds that the last is
    shown. ahead: frames that may be predicted from later ones.
    """
    packets = []
    with av.open(str(path), "w") as out:
        stream = out.add_stream(encoder, rate=30)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = base
        stream.codec_context.max_b_frames = ahead
        for number, time in enumerate(times):
            luma = round(16 + 219 * lit(number, len(times)))
            picture = np.full((SIZE[1] * 3 // 2, SIZE[0]), 128, np.uint8)
            picture[: SIZE[1]] = luma
            frame = av.VideoFrame.from_ndarray(picture, "yuv420p")
            frame.pts, frame.time_base = round(time / base), base
            packets += stream.encode(frame)
        packets += stream.encode(None)
        for packet in packets:
            if lasts is not None and packet.pts == max(each.pts for each in packets):
                packet.duration = round(lasts / packet.time_base)
            out.mux(packet)
    return path


def rewritten(folder: Path, format: str, info: ClipInfo, pictures: list[np.ndarray]) -> Path:
    channels = channels_of(format)
    folder.mkdir()
    return make(folder, format, info, lambda number: pictures[number][..., :channels])


@pytest.mark.parametrize("format", CODECS)
@pytest.mark.parametrize(
    ("name", "encoder", "base"),
    [
        ("shot.mp4", "libx264", TICK),
        ("shot.mov", "prores_ks", TICK),
        ("shot.mkv", "libx264", Fraction(1, 1000)),
        ("shot.webm", "libvpx-vp9", Fraction(1, 1000)),
    ],
)
def test_uneven_times_go_from_every_container_into_every_format(
    tmp_path: Path, name: str, encoder: str, base: Fraction, format: str
) -> None:
    if encoder == "prores_ks":
        source = make(tmp_path, "prores4444", clip(pts=UNEVEN, time_base=base, rate=Fraction(30)), bright)
    else:
        source = plate(tmp_path / name, encoder, base, [pts * TICK for pts in UNEVEN])
    info, pictures = read(source)
    slack = HALF if base == Fraction(1, 1000) else 0
    for came, went in zip(seconds(info), UNEVEN, strict=True):
        assert abs(came - went * TICK) <= slack
    made, after = read(rewritten(tmp_path / "made", format, info, pictures))
    # Milliseconds of a plate that has them go on unrounded.
    slack = HALF if format in MILLISECONDS and slack == 0 else 0
    for came, went in zip(seconds(made), seconds(info), strict=True):
        assert abs(came - went) <= slack
    for number, picture in enumerate(after):
        assert picture[..., 0].mean() == pytest.approx(lit(number, len(UNEVEN)), abs=0.02)


def bright(number: int) -> np.ndarray:
    return np.full((SIZE[1], SIZE[0], 3), lit(number, len(UNEVEN)), np.float32)


@pytest.mark.parametrize("format", CODECS)
def test_frames_within_one_millisecond_each_keep_a_time_of_their_own(tmp_path: Path, format: str) -> None:
    info, pictures = read(plate(tmp_path / "shot.mp4", "libx264", TICK, [pts * TICK for pts in CLOSE]))
    assert info.pts == CLOSE
    made, after = read(rewritten(tmp_path / "made", format, info, pictures))
    slack = Fraction(1, 1000) if format in MILLISECONDS else 0
    for came, went in zip(seconds(made), seconds(info), strict=True):
        assert abs(came - went) <= slack
    assert sorted(set(made.pts)) == list(made.pts)
    for number, picture in enumerate(after):
        assert picture[..., 0].mean() == pytest.approx(lit(number, len(CLOSE)), abs=0.02)


@pytest.mark.parametrize("format", CODECS)
@pytest.mark.parametrize("name", ["shot.mp4", "shot.mkv"])
def test_a_last_frame_that_stands_is_shown_as_long_in_what_is_made(
    tmp_path: Path, name: str, format: str
) -> None:
    times = [Fraction(n, 25) for n in (0, 1, 2, 30)]
    info, pictures = read(plate(tmp_path / name, "libx264", TICK, times, lasts=Fraction(3)))
    made, _ = read(rewritten(tmp_path / "made", format, info, pictures))
    for each in (info, made):
        assert each.end is not None
        assert each.time_base is not None
        assert abs(each.end * each.time_base - (times[-1] + 3)) <= HALF


@pytest.mark.parametrize("name", ["shot.mov", "shot.mkv"])
def test_frames_predicted_from_later_ones_end_when_the_last_does(tmp_path: Path, name: str) -> None:
    """Of a MOV the packet that is shown last is not its last then."""
    times = [Fraction(n, 25) for n in (0, 1, 2, 3, 4, 25, 26, 27)]
    info, _ = read(plate(tmp_path / name, "libx264", TICK, times, ahead=3))
    assert info.end is not None
    assert info.time_base is not None
    assert info.end * info.time_base - times[-1] in (Fraction(1, 25), Fraction(1, 30), Fraction(33, 1000))


def test_the_end_of_a_part_is_where_the_next_frame_begins(tmp_path: Path) -> None:
    info = replace(clip(pts=UNEVEN, time_base=TICK, rate=Fraction(30)), end=99999)
    assert Part.of("shot.mov", info, "1-3", 0).info.end == UNEVEN[4]
    assert Part.of("shot.mov", info, "1-", 0).info.end == Part.of("shot.mov", info, None, 0).info.end == 99999


def test_a_stamp_is_the_nearest_millisecond_or_the_first_that_is_free() -> None:
    times = (-45, 0, 44, 45, 89, 90, 135, 9000)
    assert stamps(clip(pts=times, time_base=TICK)) == (-1, 0, 1, 2, 3, 4, 5, 100)
    assert stamps(clip(pts=UNEVEN, time_base=TICK)) == (0, 33, 73, 74, 137, 222, 1001)


@pytest.mark.parametrize("rate", [24, 120, 960, 1000])
def test_up_to_a_thousand_frames_a_second_go_into_milliseconds(rate: int) -> None:
    base = Fraction(1, 96000)
    assert not is_crowded(clip(pts=tuple(n * 96000 // rate for n in range(500)), time_base=base))


def test_more_frames_a_second_than_milliseconds_are_refused_where_they_cannot_be_told() -> None:
    fast = clip(pts=tuple(range(100)), time_base=Fraction(1, 2000), rate=Fraction(2000))
    for name in CODECS:
        reason = unfit(name, channels_of(name), fast)
        if name in MILLISECONDS:
            assert reason == (
                f"tells time by the millisecond in {CODECS[name].suffix}, and the clip's frames follow faster"
            )
        else:
            assert reason is None
    assert instead(4, fast) == "prores4444 or movpng"
