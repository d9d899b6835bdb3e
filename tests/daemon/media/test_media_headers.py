"""What a plate's header says stands in what is made of it, as software that is not ours reads it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import pytest

from daemon.media import (
    ClipInfo,
    Frame,
    MediaRef,
    PictureTags,
    Storage,
    VideoTags,
    find_media,
    open_sink,
    open_source,
)
from daemon.media.picture_tags import timecode

Ramp = Callable[..., np.ndarray]
Type = oiio.TypeDesc

CAMERA: dict[str, tuple[str, Any]] = {
    "smpte:TimeCode": ("timecode", (0x01020304, 7)),
    "smpte:KeyCode": ("keycode", (1, 2, 3, 4, 5, 4, 64)),
    "framesPerSecond": ("rational", (24000, 1001)),
    "chromaticities": ("float[8]", (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767)),
    "whiteLuminance": ("float", 100.0),
    "adoptedNeutral": ("float[2]", (0.3, 0.31)),
    "PixelAspectRatio": ("float", 2.0),
    "worldToCamera": ("matrix", tuple(float(i) for i in range(16))),
    "cameraModel": ("string", "ALEXA 35"),
    "FNumber": ("float", 2.8),
    "ExposureTime": ("float", 1 / 48),
    "DateTime": ("string", "2020:01:02 03:04:05"),
    "Copyright": ("string", "the studio"),
    "XResolution": ("float", 72.0),
    "reelName": ("string", "A001"),
    "studio:take": ("int", 7),
    "studio:offset": ("vector", (1.0, 2.0, 3.0)),
    "studio:matrix": ("matrix33", tuple(float(i) for i in range(9))),
    "studio:notes": ("string[2]", ("wide", "dusk")),
}
"""By OpenImageIO's names: what a camera and a studio write into an EXR."""


def tool(*command: str | Path) -> str:
    """What a program says; the test is skipped where the machine lacks it."""
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"{command[0]} is not installed (apt install openexr openimageio-tools)")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout


def plate(path: Path, number: int = 0, **more: tuple[str, Any]) -> Path:
    """An EXR with everything in `CAMERA`; the time code's last digits are `number`."""
    spec = oiio.ImageSpec(64, 48, 3, oiio.HALF)
    for name, (kind, value) in (CAMERA | more).items():
        spec.attribute(name, Type(kind), value)
    if number:
        spec.attribute("smpte:TimeCode", Type("timecode"), (number, 0))
    spec.x = spec.full_x = 10
    spec.y = spec.full_y = -20
    file = oiio.ImageOutput.create(str(path))
    assert file.open(str(path), spec), file.geterror()
    assert file.write_image(np.full((48, 64, 3), 0.5, np.float16))
    assert file.close()
    return path


def through(path: Path, out: Path, format: str = "exr", storage: Storage | None = None) -> Path:
    """The plate's pixels and header as an output of that format."""
    out.mkdir(exist_ok=True)
    with open_source(MediaRef("still", path), max_pixels=10**6) as source:
        frame = next(source.frames())
        channels = frame.pixels.shape[2]
        with open_sink(format, out, "made", source.info, channels=channels, storage=storage) as sink:
            sink.write(Frame(0, frame.pixels, tags=frame.tags))
            sink.finish()
    (made,) = out.iterdir()
    return made


def attributes(path: Path) -> dict[str, Any]:
    spec = oiio.ImageInput.open(str(path)).spec()
    return {attribute.name: attribute.value for attribute in spec.extra_attribs}


def test_every_attribute_of_the_plate_is_in_the_exr_as_exrheader_reads_it(tmp_path: Path) -> None:
    source = plate(tmp_path / "a.exr")
    made = through(source, tmp_path / "out")
    before, after = (tool("exrheader", path).splitlines() for path in (source, made))
    own = re.compile(r"^(compression|file |dimd:)")  # the file's name and what it is packed by
    assert [line for line in after if not own.match(line)] == [line for line in before if not own.match(line)]
    assert "    time 01:02:03:04" in after
    assert "framesPerSecond (type rational): 24000/1001 (23.976)" in after
    assert "displayWindow (type box2i): (10 -20) - (73 27)" in after
    assert "dataWindow (type box2i): (10 -20) - (73 27)" in after


def test_every_attribute_of_the_plate_is_in_the_exr(tmp_path: Path) -> None:
    source = plate(tmp_path / "a.exr")
    before, after = attributes(source), attributes(through(source, tmp_path / "out"))
    assert {name for name in CAMERA if name not in before} == set()
    packed = {"compression", "oiio:RowsPerChunk"}
    assert {n: v for n, v in after.items() if n not in packed and not n.startswith("dimd:")} == {
        n: v for n, v in before.items() if n not in packed
    }


def test_a_frame_rate_has_the_name_that_a_compositor_looks_for(tmp_path: Path) -> None:
    """OpenImageIO itself writes `FramesPerSecond`, which is no standard attribute of OpenEXR."""
    more = {"FramesPerSecond": ("rational", (25, 1))}
    source = plate(tmp_path / "a.exr", **more, framesPerSecond=("rational", (25, 1)))
    made = attributes(through(source, tmp_path / "out"))
    assert made["framesPerSecond"] == (25, 1)
    assert "FramesPerSecond" not in made


def test_what_describes_the_plates_own_file_does_not_go_through(tmp_path: Path) -> None:
    gone = {
        "cryptomatte/ab12/manifest": ("string", "{}"),
        "dimd:weights": ("string", "of another run"),
        "wrapmodes": ("string", "clamp,clamp"),
    }
    made = attributes(through(plate(tmp_path / "a.exr", **gone), tmp_path / "out"))
    assert not set(gone) & set(made)


def test_an_aces_container_leaves_as_an_exr_that_does_not_claim_to_be_one(tmp_path: Path) -> None:
    """OpenImageIO refuses to write the flag on what is compressed."""
    marked = tmp_path / "aces.exr"
    tool("exrstdattr", "-int", "acesImageContainerFlag", "1", plate(tmp_path / "a.exr"), marked)
    assert attributes(marked)["acesImageContainerFlag"] == 1
    assert "acesImageContainerFlag" not in attributes(through(marked, tmp_path / "out"))


def test_how_it_was_made_is_in_every_exr(tmp_path: Path) -> None:
    storage = Storage(stamp={"dimd:version": "1.2.3", "dimd:weights": "v7"})
    made = through(plate(tmp_path / "a.exr"), tmp_path / "out", storage=storage)
    said = tool("exrheader", made)
    assert 'dimd:version (type string): "1.2.3"' in said
    assert 'dimd:weights (type string): "v7"' in said


def test_each_frame_of_a_sequence_has_its_own_time_code(tmp_path: Path) -> None:
    for number in (0x01000001, 0x01000002, 0x01000003):
        plate(tmp_path / f"a.{1000 + number % 16}.exr", number)
    (ref,) = find_media(tmp_path)
    with open_source(ref, max_pixels=10**6) as source:
        (tmp_path / "out").mkdir()
        with open_sink("exr", tmp_path / "out", "made", source.info, channels=3) as sink:
            for frame in source.frames():
                sink.write(frame)
            sink.finish()
    made = sorted((tmp_path / "out").iterdir())
    assert [attributes(path)["smpte:TimeCode"][0] % 16 for path in made] == [1, 2, 3]


def test_a_dpx_gives_its_time_code_and_exact_rate_to_an_exr_and_back(
    tmp_path: Path, make_image: Any, ramp: Ramp
) -> None:
    spec = oiio.ImageSpec(64, 48, 3, oiio.UINT16)
    spec.attribute("oiio:BitsPerSample", 10)
    spec.attribute("smpte:TimeCode", Type("timecode"), (0x10203004, 0))
    spec.attribute("dpx:FrameRate", 23.976)
    spec.attribute("dpx:Transfer", "Printing density")
    path = tmp_path / "a.dpx"
    file = oiio.ImageOutput.create(str(path))
    assert file.open(str(path), spec)
    assert file.write_image(np.zeros((48, 64, 3), np.uint16))
    assert file.close()

    exr = through(path, tmp_path / "exr")
    assert attributes(exr)["smpte:TimeCode"] == (0x10203004, 0)
    assert attributes(exr)["framesPerSecond"] == (24000, 1001)
    assert not [name for name in attributes(exr) if name.startswith("dpx:")]

    dpx = attributes(through(path, tmp_path / "dpx", "dpx"))
    assert dpx["dpx:TimeCode"] == "10:20:30:04"
    assert dpx["dpx:Transfer"] == "Printing density"
    back = attributes(through(exr, tmp_path / "back", "dpx"))
    assert back["dpx:TimeCode"] == "10:20:30:04"
    assert back["dpx:FrameRate"] == pytest.approx(24000 / 1001)


def test_a_dpx_holds_its_name_and_not_our_folders(tmp_path: Path, make_image: Any, ramp: Ramp) -> None:
    path = make_image(tmp_path / "a.png", ramp(3))
    data = through(path, tmp_path / "out", "dpx").read_bytes()
    assert data[36:136] == b"made.dpx".ljust(100, b"\0")
    assert str(tmp_path).encode() not in data


@pytest.mark.parametrize(
    ("first", "rate", "position", "code"),
    [
        ("01:00:00:00", Fraction(24000, 1001), 0, "01:00:00:00"),
        ("01:00:00:00", Fraction(24000, 1001), 24 * 60 + 5, "01:01:00:05"),
        ("23:59:59:24", Fraction(25), 1, "00:00:00:00"),
        ("01:00:59;29", Fraction(30000, 1001), 1, "01:01:00;02"),
        ("01:09:59;29", Fraction(30000, 1001), 1, "01:10:00;00"),
        ("00:00:00;00", Fraction(30000, 1001), 17982, "00:10:00;00"),
        ("00:00:00;00", Fraction(30000, 1001), 1800, "00:01:00;02"),
        ("00:00:00;00", Fraction(30000, 1001), 107892, "01:00:00;00"),
        ("00:00:59:29", Fraction(30000, 1001), 1, "00:01:00:00"),
    ],
)
def test_a_time_code_counts_as_smpte_says(first: str, rate: Fraction, position: int, code: str) -> None:
    packed = timecode(first, rate, position)
    assert packed is not None
    drop = packed >> 6 & 1
    digits = f"{packed & ~(1 << 6):08x}"
    told = ":".join(digits[n : n + 2] for n in (0, 2, 4)) + (";" if drop else ":") + digits[6:]
    assert told == code


@pytest.mark.parametrize(("first", "rate"), [("", Fraction(24)), ("00:00:00:00", Fraction(50))])
def test_what_is_no_time_code_is_not_made_up(first: str, rate: Fraction) -> None:
    assert timecode(first, rate, 3) is None


@pytest.mark.parametrize("pts", [(0, 1001, 2002), (0, 1001, 3003)])
def test_an_exr_of_a_videos_frame_has_its_rate_and_where_that_is_constant_its_time_code(
    tmp_path: Path, ramp: Ramp, pts: tuple[int, ...]
) -> None:
    rate, base = Fraction(30000, 1001), Fraction(1, 30000)
    tags = VideoTags(timecode="01:00:59;28", sample_aspect=Fraction(2), reel="A001C003")
    like = ClipInfo("video", 64, 48, 3, (0, 1, 2), (), "display", 8, False, rate, base, pts, tags)
    with open_sink("exr", tmp_path, "made", like, channels=3) as sink:
        for number in like.numbers:
            sink.write(Frame(number, ramp(3), pts[number]))
        sink.finish()
    said = tool("exrheader", tmp_path / "made.0002.exr")
    assert "framesPerSecond (type rational): 30000/1001 (29.97)" in said
    assert "pixelAspectRatio (type float): 2" in said
    assert 'reelName (type string): "A001C003"' in said
    constant = pts[2] == 2002
    assert ("time 01:01:00:02" in said) == constant
    assert ("drop frame 1" in said) == constant


@pytest.mark.parametrize("late", [0, 12])
def test_a_rate_that_is_told_to_the_millisecond_is_constant_too(
    tmp_path: Path, ramp: Ramp, late: int
) -> None:
    rate, tags = Fraction(24000, 1001), VideoTags(timecode="01:00:00:00")
    pts = tuple(round(n * 1000 / rate) + (late if n == 2 else 0) for n in range(4))
    like = ClipInfo(
        "video", 64, 48, 3, (0, 1, 2, 3), (), "display", 8, False, rate, Fraction(1, 1000), pts, tags
    )
    with open_sink("exr", tmp_path, "made", like, channels=3) as sink:
        for number in like.numbers:
            sink.write(Frame(number, ramp(3), pts[number]))
        sink.finish()
    code: Any = attributes(tmp_path / "made.0003.exr").get("smpte:TimeCode", (None,))
    assert code[0] == (None if late else 0x01000003)


def test_an_exr_of_a_videos_frame_in_colours_of_its_own_has_its_rate_and_time_code_too(
    tmp_path: Path, ramp: Ramp
) -> None:
    rate, tags = Fraction(24), VideoTags(timecode="01:00:00:00", sample_aspect=Fraction(2))
    like = ClipInfo("video", 64, 48, 3, (0, 1), (), "display", 8, False, rate, 1 / rate, (0, 1), tags)
    own = PictureTags((("dimd:colorspace", Type("string"), "ACEScg"),))
    with open_sink("exr", tmp_path, "made", like, channels=3) as sink:
        for number in like.numbers:
            sink.write(Frame(number, ramp(3), number, own))
        sink.finish()
    made = attributes(tmp_path / "made.0001.exr")
    assert (made["dimd:colorspace"], made["framesPerSecond"]) == ("ACEScg", (24, 1))
    assert (made["PixelAspectRatio"], made["smpte:TimeCode"][0]) == (2, 0x01000001)
