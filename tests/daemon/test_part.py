"""A part of a clip: which frames it has, that each is what it is in the whole, what goes with a video's."""

from __future__ import annotations

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import OpenImageIO as oiio
import pytest

from daemon.engine import Engine
from daemon.media import ClipInfo, FrameSource, MediaError, VideoTags, locate, open_source
from daemon.part import Part
from daemon.run import StoppedError
from tests.daemon.cases import tree, trimap, write
from tests.daemon.stills import HEIGHT, WIDTH, Memory, make

FRAMES = 16
FIRST = 1001
MASKED = {n: 20 + n for n in range(FRAMES)}
"""Column from which the mask of each frame is white: another in every frame."""


def moving(index: int) -> np.ndarray:
    """A smooth texture that moves 2 pixels a frame, with fresh noise on it: uint8 [H, W, 3], BGR."""
    coarse = np.random.default_rng(7).integers(40, 210, (HEIGHT // 4, WIDTH // 2, 3), np.uint8)
    wide = cv2.resize(coarse, (WIDTH * 2, HEIGHT), interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(100 + index).integers(-6, 7, (HEIGHT, WIDTH, 3))
    return np.clip(wide[:, 2 * index : 2 * index + WIDTH] + noise, 0, 255).astype(np.uint8)


def mask(index: int) -> np.ndarray:
    made = np.zeros((HEIGHT, WIDTH), np.uint8)
    made[:, MASKED[index] :] = 255
    return made


def sequence(
    folder: Path, numbers: range = range(FIRST, FIRST + FRAMES), *, without: tuple[int, ...] = ()
) -> None:
    for number in numbers:
        if number not in without:
            write(folder / f"shot.{number}.png", moving(number - FIRST))
            write(folder / f"shot_mask.{number}.png", mask(number - FIRST))


def video(folder: Path, *, timecode: str = "01:00:59;20", start: int = 30030) -> None:
    """shot.mov, 29.97 frames a second from 1.001 s on, with sound and time code, and one trimap for all."""
    folder.mkdir(exist_ok=True)
    write(folder / "shot_trimap.png", trimap())
    with av.open(str(folder / "shot.mov"), "w", container_options={"movie_timescale": "30000"}) as out:
        pictures = out.add_stream("png", rate=Fraction(30000, 1001))
        pictures.width, pictures.height, pictures.pix_fmt = WIDTH, HEIGHT, "rgb24"
        pictures.time_base = pictures.codec_context.time_base = Fraction(1, 30000)
        pictures.metadata["timecode"] = timecode
        sound = out.add_stream("pcm_s16le", rate=48000)
        for index in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(moving(index)[..., ::-1]), "rgb24")
            frame.pts, frame.time_base = start + index * 1001, Fraction(1, 30000)
            out.mux(pictures.encode(frame))
            noise = np.random.default_rng(index).integers(-999, 999, (1, 2 * 1602), np.int16)
            heard = av.AudioFrame.from_ndarray(noise, "s16", "stereo")
            heard.sample_rate, heard.pts = 48000, 48048 + index * 1602
            out.mux(sound.encode(heard))
        out.mux(pictures.encode(None))


def told(made: Path) -> dict[str, object]:
    return json.loads((made / "manifest.json").read_text())


def opened(path: Path) -> FrameSource:
    return open_source(locate(str(path)), max_pixels=10**6)


def numbers(made: Path) -> list[int]:
    return sorted(int(path.suffixes[-2][1:]) for path in (made / "alpha").iterdir())


ALL = {name: {"format": "png"} for name in ("alpha", "foreground", "composite")}


@pytest.mark.parametrize("radius", [0, 2, 4])
def test_a_frame_has_the_bytes_in_a_part_that_it_has_in_the_whole(
    tmp_path: Path, engine: Engine, radius: int
) -> None:
    sequence(tmp_path / "in")
    how: dict[str, object] = {"outputs": {**ALL, "layers": {}}, "temporal": {"radius": radius}}
    whole = make(tmp_path / "in", engine, tmp_path / "whole", **how)
    part = make(tmp_path / "in", engine, tmp_path / "out", frames="1006-1010", **how)
    assert numbers(part) == [1006, 1007, 1008, 1009, 1010]
    of_the_whole = tree(whole)
    made = {name: data for name, data in tree(part).items() if not name.endswith(".json")}
    assert len(made) == 5 * 4
    assert made == {name: of_the_whole[name] for name in made}
    figures = {each["frame"]: each for each in told(whole)["figures"]}
    assert told(part)["figures"] == [figures[number] for number in range(1006, 1011)]


def test_frames_outside_the_range_are_heard_as_neighbours(tmp_path: Path, engine: Engine) -> None:
    """Without their neighbours the same frames come out otherwise, so the test above proves something."""
    sequence(tmp_path / "in")
    part = make(tmp_path / "in", engine, tmp_path / "out", frames="1006-1010", outputs=ALL)
    sequence(tmp_path / "alone", range(1006, 1011))
    alone = make(tmp_path / "alone", engine, tmp_path / "other", outputs=ALL)
    for number in (1006, 1010):
        name = f"alpha/shot_alpha.{number}.png"
        assert (part / name).read_bytes() != (alone / name).read_bytes()
    assert (part / "alpha/shot_alpha.1008.png").read_bytes() == (
        alone / "alpha/shot_alpha.1008.png"
    ).read_bytes()


def test_a_part_of_a_video_is_made_of_the_same_frames(tmp_path: Path, engine: Engine) -> None:
    """What is matched by position is matched by that in the whole plate."""
    video(tmp_path / "in")
    (tmp_path / "in/shot_trimap.png").unlink()
    for index in range(FRAMES):
        write(tmp_path / f"in/shot_mask.{index + 1:04d}.png", mask(index))
        ground = np.full((HEIGHT, WIDTH, 3), (10 * index, 99, 7), np.uint8)
        write(tmp_path / f"in/shot_bg.{index + 1:04d}.png", ground)
    outputs = {name: {"format": "ffv1"} for name in ("alpha", "foreground", "composite")}
    whole = make(tmp_path / "in", engine, tmp_path / "whole", outputs=outputs)
    part = make(tmp_path / "in", engine, tmp_path / "out", frames="5-9", outputs=outputs)
    for name in outputs:
        of_whole, of_part = (opened(made / f"shot_{name}.mkv") for made in (whole, part))
        with of_whole as one, of_part as other:
            assert other.info.pts == one.info.pts[5:10]
            for a, b in zip(one.frames(5, 10), other.frames(), strict=True):
                np.testing.assert_array_equal(a.pixels, b.pixels)
    with opened(part / "shot_composite.mkv") as composite:
        first = next(composite.frames()).pixels
    np.testing.assert_allclose(first[18, 2], (7 / 255, 99 / 255, 50 / 255), atol=1e-4)


@pytest.mark.parametrize(
    ("frames", "handles", "expected"),
    [
        ("1004-1006", 0, (1004, 1006)),
        ("1004", 0, (1004, 1004)),
        ("1004", 2, (1002, 1006)),
        ("1013-", 1, (1012, 1016)),
        ("-1003", 1, (1001, 1004)),
        ("1003-1015", 40, (1001, 1016)),
        (None, 5, (1001, 1016)),
    ],
)
def test_handles_reach_as_far_as_the_plate_and_the_manifest_says_the_range(
    tmp_path: Path, engine: Engine, frames: str | None, handles: int, expected: tuple[int, int]
) -> None:
    sequence(tmp_path / "in")
    made = make(
        tmp_path / "in", engine, tmp_path / "out", frames=frames, handles=handles, outputs={"alpha": {}}
    )
    first, last = expected
    assert numbers(made) == list(range(first, last + 1))
    manifest = told(made)
    assert manifest["frames"] == {"count": last - first + 1, "first": first, "last": last}
    assert manifest["of"] == {"count": FRAMES, "first": 1001, "last": 1016}
    assert manifest["settings"]["frames"] == frames


def test_negative_numbers_are_a_range_too(tmp_path: Path, engine: Engine) -> None:
    for number in range(-4, 4):
        name = f"-{-number:03d}" if number < 0 else f"{number:04d}"
        write(tmp_path / f"in/shot.{name}.png", moving(number + 4))
    write(tmp_path / "in/shot_trimap.png", trimap())
    made = make(tmp_path / "in", engine, tmp_path / "out", frames="-2-1", outputs={"alpha": {}})
    assert {path.name for path in (made / "alpha").iterdir()} == {
        f"shot_alpha.{name}.png" for name in ("-002", "-001", "0000", "0001")
    }


@pytest.mark.parametrize("frames", ["990-1005", "1010-1100", "1100", "1100-", "-1000", "1017"])
def test_a_range_that_the_plate_does_not_have_is_refused_with_what_it_has(
    tmp_path: Path, engine: Engine, frames: str
) -> None:
    sequence(tmp_path / "in")
    with pytest.raises(MediaError) as caught:
        make(tmp_path / "in", engine, tmp_path / "out", frames=frames)
    assert str(caught.value) == (
        f"shot.####.png: has frames 1001 to 1016, not {frames}; set frames: to a range within that."
    )
    assert not (tmp_path / "out").exists()


def test_a_range_in_a_gap_is_refused(tmp_path: Path, engine: Engine) -> None:
    sequence(tmp_path / "in", without=(1005, 1006))
    with pytest.raises(MediaError, match="has frames 1001 to 1016 with gaps, not 1005-1006; set frames: "):
        make(tmp_path / "in", engine, tmp_path / "out", frames="1005-1006")


def test_only_gaps_in_the_range_count(tmp_path: Path, engine: Engine) -> None:
    sequence(tmp_path / "in", without=(1003, 1008, 1011, 1014))
    write(tmp_path / "in/shot_trimap.png", trimap())
    how: dict[str, object] = {"frames": "1008-1011", "outputs": {"alpha": {}}}
    made = make(tmp_path / "in", engine, tmp_path / "out", missing="hold", **how)
    assert numbers(made) == [1009, 1010, 1011]
    assert told(made)["missing"] == [1008, 1011]
    assert told(made)["warnings"] == [
        "shot.####.png: frame 1008 is missing at the range's beginning, and will be so in the result.",
        "shot.####.png: frame 1011 is missing, and the frame before stands there in the result.",
    ]
    made = make(
        tmp_path / "in", engine, tmp_path / "other", missing="refuse", **{**how, "frames": "1004-1007"}
    )
    assert numbers(made) == [1004, 1005, 1006, 1007]


@pytest.mark.parametrize("stop_at", [1, 4])
@pytest.mark.parametrize("kind", [sequence, video])
def test_a_part_that_is_resumed_has_the_bytes_of_an_undisturbed_one(
    tmp_path: Path, engine: Engine, kind: object, stop_at: int
) -> None:
    kind(tmp_path / "in")  # type: ignore[operator]
    outputs = {"alpha": {}, "composite": {"format": "h264" if kind is video else "png"}}
    how: dict[str, object] = {"frames": "5-12" if kind is video else "1005-1012", "outputs": outputs}
    undisturbed = tree(make(tmp_path / "in", engine, tmp_path / "whole", **how))
    memory = Memory(stop_at)
    with pytest.raises(StoppedError):
        make(tmp_path / "in", engine, tmp_path / "out", memory, **how)
    assert 0 < memory.done < 8
    memory.stop_at = -1
    assert tree(make(tmp_path / "in", engine, tmp_path / "out", memory, **how)) == undisturbed


def packets(path: Path) -> list[tuple[Fraction, Fraction, bytes]]:
    """Of the sound: begin and end in seconds, and bytes."""
    with av.open(str(path)) as container:
        return [
            (p.pts * p.time_base, (p.pts + p.duration) * p.time_base, bytes(p))
            for p in container.demux(container.streams.audio[0])
            if p.size
        ]


def samples(found: list[tuple[Fraction, Fraction, bytes]]) -> bytes:
    return b"".join(data for _, _, data in found)


def test_a_part_of_a_video_begins_when_it_begins_with_its_sound_and_time_code(
    tmp_path: Path, engine: Engine
) -> None:
    video(tmp_path / "in")
    form = {"format": "prores4444"}
    made = make(tmp_path / "in", engine, tmp_path / "out", frames="10-13", outputs={"composite": form})
    with av.open(str(made / "shot_composite.mov")) as container:
        stream = container.streams.video[0]
        assert stream.metadata["timecode"] == "01:01:00;02"  # :00 and :01 of that minute do not exist
        stamps = [packet.pts * packet.time_base for packet in container.demux(stream) if packet.size]
    begin, end = (30030 + Fraction(n) * 1001 for n in (10, 14))
    assert stamps == [(begin + n * 1001) / 30000 for n in range(4)]
    heard, plate = packets(made / "shot_composite.mov"), packets(tmp_path / "in/shot.mov")
    # Packets of the same sound are cut by each reader as it likes, so the sound is compared sample by sample.
    step = 4 * 48000
    at = round((heard[0][0] - plate[0][0]) * step)
    assert samples(heard) == samples(plate)[at : at + len(samples(heard))]
    packet = max(stop - start for start, stop, _ in plate)
    assert begin / 30000 - packet < heard[0][0] <= begin / 30000
    assert end / 30000 <= heard[-1][1] < end / 30000 + packet


@pytest.mark.parametrize(("frames", "first"), [("0-9", 0), ("10-19", 19), ("30-", 57)])
def test_the_packets_of_compressed_sound_stay_as_they_are(
    tmp_path: Path, engine: Engine, frames: str, first: int
) -> None:
    """AAC begins before 0, by its priming: a part that begins with the plate has that, too."""
    (tmp_path / "in").mkdir()
    write(tmp_path / "in/shot_trimap.png", trimap())
    with av.open(str(tmp_path / "in/shot.mov"), "w") as out:
        pictures = out.add_stream("png", rate=25)
        pictures.width, pictures.height, pictures.pix_fmt = WIDTH, HEIGHT, "rgb24"
        sound = out.add_stream("aac", rate=48000)
        for index in range(40):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(moving(0)[..., ::-1]), "rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            out.mux(pictures.encode(frame))
            noise = np.random.default_rng(index).random((2, 1920), np.float32) - 0.5
            heard = av.AudioFrame.from_ndarray(noise, "fltp", "stereo")
            heard.sample_rate, heard.pts = 48000, index * 1920
            out.mux(sound.encode(heard))
        out.mux(pictures.encode(None))
        out.mux(sound.encode(None))
    made = make(tmp_path / "in", engine, tmp_path / "out", frames=frames, outputs={"alpha": {}})
    plate, kept = packets(tmp_path / "in/shot.mov"), packets(made / "shot_alpha.mov")
    assert plate[0][0] < 0
    assert [data for _, _, data in kept] == [data for _, _, data in plate[first : first + len(kept)]]
    tick = Fraction(1, 5000)  # at most: an edit list counts in the movie's time scale
    assert all(abs(mine[0] - whole[0]) < tick for mine, whole in zip(kept, plate[first:], strict=False))
    begin, end = {"0-9": (0.0, 0.4), "10-19": (0.4, 0.8), "30-": (1.2, 1.6)}[frames]
    assert kept[0][0] <= begin + tick
    assert kept[-1][1] >= end - tick
    assert len(kept) <= (end - begin) * 48000 / 1024 + 3


def test_pictures_of_a_part_of_a_video_have_their_own_numbers_and_time_codes(
    tmp_path: Path, engine: Engine
) -> None:
    video(tmp_path / "in")
    how: dict[str, object] = {"outputs": {"alpha": {"format": "exr"}}}
    whole = make(tmp_path / "in", engine, tmp_path / "whole", **how)
    part = make(tmp_path / "in", engine, tmp_path / "out", frames="9-11", **how)
    assert numbers(part) == [9, 10, 11]

    def code(made: Path, number: int) -> object:
        path = made / f"alpha/shot_alpha.{number:04d}.exr"
        return oiio.ImageInput.open(str(path)).spec().getattribute("smpte:TimeCode")

    assert code(part, 9) is not None
    assert [code(part, n) for n in (9, 10, 11)] == [code(whole, n) for n in (9, 10, 11)]


def timed(*pts: int, timecode: str | None) -> ClipInfo:
    """A video at 25 frames a second, in thousandths of a second."""
    return ClipInfo(
        kind="video",
        width=64,
        height=36,
        channels=3,
        numbers=tuple(range(len(pts))),
        missing=(),
        encoding="display",
        bits=8,
        is_float=False,
        rate=Fraction(25),
        time_base=Fraction(1, 1000),
        pts=pts,
        tags=VideoTags(timecode=timecode),
    )


def test_at_a_variable_rate_time_code_goes_by_the_time_that_has_passed() -> None:
    info = timed(500, 540, 1540, 1580, timecode="10:00:00:00")
    part = Part.of("shot.mkv", info, "2-", 0)
    assert part.info.tags == VideoTags(timecode="10:00:01:01")  # 1.04 s
    assert part.info.pts == (1540, 1580)
    assert part.sentences == ()
    assert Part.of("shot.mkv", info, "0-1", 0).info.tags == info.tags


def test_a_time_code_that_cannot_be_counted_is_left_out_and_said() -> None:
    part = Part.of("shot.mkv", timed(0, 40, 80, timecode="at noon"), "1-2", 0)
    assert part.info.tags == VideoTags()
    assert part.sentences == ("shot.mkv: its time code cannot be counted on to frame 1, and is left out.",)


def test_ffprobe_finds_the_start_and_the_time_code(tmp_path: Path, engine: Engine) -> None:
    if shutil.which("ffprobe") is None:
        pytest.skip("ffprobe is not installed")
    video(tmp_path / "in")
    made = make(tmp_path / "in", engine, tmp_path / "out", frames="10-13", outputs={"alpha": {}})
    command = ["ffprobe", "-v", "error", "-show_streams", "-of", "json", str(made / "shot_alpha.mov")]
    streams = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["streams"]
    (picture,) = (each for each in streams if each["codec_type"] == "video")
    assert float(picture["start_time"]) == pytest.approx(40040 / 30000, abs=1e-6)
    assert picture["nb_frames"] == "4"
    assert picture["tags"]["timecode"] == "01:01:00;02"
    assert any(each["codec_type"] == "audio" for each in streams)
