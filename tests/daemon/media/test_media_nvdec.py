"""NVDEC: what is done where there is none, where it fails, and that its nv12 and p010 give the same pixels.

A GPU is imitated by the CPU's decoder with its pictures repacked, as `av` hands them down from one.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from daemon.media import FrameSource, MediaRef, Reading, open_source
from daemon.media.video_decoders import Decoder, missing
from daemon.media.video_source import VideoSource

MANY = 10_000_000
COUNT = 9
PACKED = {"yuv420p": "nv12", "yuv420p10le": "p010le"}
KINDS = {"h264": ("libx264", "yuv420p"), "hevc": ("libx265", "yuv420p10le")}


def texture(index: int, plane: int, shape: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng((index, plane)).integers(30, 220, shape)


@pytest.fixture(params=KINDS)
def ref(request: pytest.FixtureRequest, tmp_path: Path, make_video: Any) -> MediaRef:
    codec, pixel_format = KINDS[request.param]
    options = {"g": "4", "x265-params": "log-level=none"} if request.param == "hevc" else {"g": "4"}
    rate = {"rate": Fraction(25), "time_base": Fraction(1, 25)}
    return make_video(
        tmp_path / "a.mov", codec, pixel_format, count=COUNT, options=options, fill=texture, **rate
    )


@pytest.fixture
def no_gpu() -> None:
    if missing() is None:
        pytest.skip("this machine has NVDEC")


class Imitation:
    """A decoder that gives what NVDEC gives; its `broken`th picture it does not give."""

    def __init__(self, context: Any, broken: int | None, wrong: bool) -> None:
        self._context, self._broken, self._wrong = context, broken, wrong

    def decode(self, packet: Any) -> list[av.VideoFrame]:
        made = []
        for frame in self._context.decode(packet):
            if self._broken is not None and (frame.pts or 0) >= self._broken * 512:
                raise av.error.ExternalError(-1, "the device is lost")
            packed = frame.reformat(format=PACKED[frame.format.name])
            if self._wrong:
                np.frombuffer(memoryview(packed.planes[0]), "u1")[0] ^= 64
            made.append(packed)
        return made


def imitate(monkeypatch: pytest.MonkeyPatch, broken: int | None = None, wrong: bool = False) -> list[str]:
    """As if there were a GPU; returns the formats that it gave pictures in."""
    given: list[str] = []

    def spread(frame: av.VideoFrame) -> av.VideoFrame:
        given.append(frame.format.name)
        return spread_truly(frame)

    from daemon.media import video_source

    spread_truly = video_source.spread
    monkeypatch.setattr(video_source, "missing", lambda: None)
    monkeypatch.setattr(video_source, "hardware", lambda: None)
    monkeypatch.setattr(video_source, "spread", spread)
    monkeypatch.setattr(
        video_source, "accelerated", lambda stream: Imitation(stream.codec_context, broken, wrong)
    )
    return given


def opened(ref: MediaRef, decoder: Decoder, said: list[str] | None = None) -> FrameSource:
    say = (lambda sentence: None) if said is None else said.append
    return open_source(ref, max_pixels=MANY, video=Reading(decoder=decoder, say=say))


def pixels(source: FrameSource, *part: int | None) -> list[np.ndarray]:
    return [frame.pixels for frame in source.frames(*part)]


def plain(ref: MediaRef) -> list[np.ndarray]:
    with opened(ref, "software") as source:
        return pixels(source)


@pytest.mark.usefixtures("no_gpu")
def test_without_a_gpu_the_cpu_decodes_and_what_was_asked_for_by_name_is_said(ref: MediaRef) -> None:
    with opened(ref, "nvdec") as named, opened(ref, "auto") as free:
        (remark,) = named.info.remarks
        assert remark.startswith("a.mov: NVDEC is not here (")
        assert remark.endswith("); the CPU decodes it, to the same pictures.")
        assert free.info.remarks == ()
        for source in (named, free):
            assert np.array_equal(pixels(source), plain(ref))


@pytest.mark.parametrize("decoder", ["auto", "nvdec"])
def test_nv12_and_p010_give_the_pixels_of_the_cpus_planes_from_anywhere(
    ref: MediaRef, monkeypatch: pytest.MonkeyPatch, decoder: Decoder
) -> None:
    truth = plain(ref)
    given = imitate(monkeypatch)
    said: list[str] = []
    with opened(ref, decoder, said) as source:
        assert source.info.remarks == ()
        assert np.array_equal(pixels(source), truth)
        assert np.array_equal(pixels(source, 5, 7), truth[5:7])
    assert said == []
    assert len(given) > COUNT
    assert set(given) <= set(PACKED.values())


@pytest.mark.parametrize("broken", [1, 5, COUNT - 1])
def test_where_nvdec_fails_on_the_way_the_cpu_goes_on_and_it_is_said_once(
    ref: MediaRef, monkeypatch: pytest.MonkeyPatch, broken: int
) -> None:
    truth = plain(ref)
    imitate(monkeypatch, broken)
    said: list[str] = []
    with opened(ref, "auto", said) as source:
        assert np.array_equal(pixels(source), truth)
        assert np.array_equal(pixels(source), truth)
    (sentence,) = said
    assert sentence.startswith("a.mov: NVDEC fails at frame ")
    assert sentence.endswith("; the CPU decodes it from there on.")


def test_nvdec_that_gives_other_pictures_is_not_used(ref: MediaRef, monkeypatch: pytest.MonkeyPatch) -> None:
    truth = plain(ref)
    imitate(monkeypatch, wrong=True)
    with opened(ref, "nvdec") as source:
        (remark,) = source.info.remarks
        assert remark == (
            "a.mov: NVDEC gives another first picture than the CPU; the CPU decodes it, to the same pictures."
        )
        assert np.array_equal(pixels(source), truth)


def test_a_codec_that_nvdec_is_not_asked_for_is_said(
    tmp_path: Path, make_video: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    imitate(monkeypatch)
    ref = make_video(tmp_path / "a.mov", "prores_ks", "yuv422p10le")
    with opened(ref, "nvdec") as source:
        assert source.info.remarks == (
            "a.mov: NVDEC is not used for prores; the CPU decodes it, to the same pictures.",
        )


@pytest.mark.gpu
def test_nvdec_has_the_pixels_of_the_cpu(ref: MediaRef) -> None:
    if reason := missing():
        pytest.skip(f"NVDEC {reason}")
    said: list[str] = []
    with opened(ref, "nvdec", said) as source:
        assert isinstance(source, VideoSource)
        assert source._nvdec, source.info.remarks
        assert np.array_equal(pixels(source), plain(ref))
    assert said == []
