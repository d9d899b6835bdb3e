"""Whole runs of stills and sequences: the plate to the last bit, layers, headers, and what is no number."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import pytest

from daemon import layers
from daemon.engine import Engine
from daemon.media import IMAGE_FORMATS, MediaError, Storage, locate, open_source
from tests.daemon.cases import config, plate, trimap, write
from tests.daemon.serving import once
from tests.daemon.stills import HEIGHT, WIDTH, make, picture, scene, stored

OPAQUE = trimap() == 255


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "in/shot_trimap.png", trimap())
    return tmp_path / "in"


@pytest.mark.parametrize(
    ("name", "depth", "format", "bits"),
    [
        ("shot.exr", "half", "exr", 16),
        ("shot.exr", "float", "exr", 32),
        ("shot.tif", "float", "tiff", None),
        ("shot.tif", "uint16", "tiff", 16),
        ("shot.png", "uint16", "png", None),
        ("shot.png", "uint8", "png", 8),
        ("shot.tif", "uint8", "tiff", 8),
    ],
)
def test_where_alpha_is_one_the_plate_leaves_bit_for_bit(
    folder: Path, engine: Engine, tmp_path: Path, name: str, depth: str, format: str, bits: int | None
) -> None:
    pixels = scene()
    if depth.startswith("uint"):
        peak = np.iinfo(depth).max
        pixels = np.random.default_rng(2).integers(0, peak + 1, (HEIGHT, WIDTH, 3)).astype(depth)
    else:
        pixels = pixels.astype(np.float16 if depth == "half" else np.float32)
    picture(folder / name, pixels, depth)
    how = {"format": format, "bits": bits}
    result = make(folder, engine, tmp_path / "out", outputs={"foreground": how, "composite": how})
    for output in ("foreground", "composite"):
        (path,) = result.glob(f"shot_{output}.*")
        got = stored(path)
        assert got.dtype == pixels.dtype
        np.testing.assert_array_equal(got[OPAQUE][:, :3], pixels[OPAQUE])
        if output == "foreground":
            assert set(np.unique(got[OPAQUE][:, 3])) == {1 if pixels.dtype.kind == "f" else peak}


def test_code_values_of_a_log_dpx_leave_in_a_dpx_as_they_came(
    folder: Path, engine: Engine, tmp_path: Path
) -> None:
    codes = np.random.default_rng(3).integers(0, 1024, (HEIGHT, WIDTH, 3)).astype(np.uint16)
    picture(folder / "shot.dpx", codes << 6 | codes >> 4, "uint16", **{"oiio:BitsPerSample": 10})
    made = make(folder, engine, tmp_path / "out", outputs={"composite": {"format": "dpx"}})
    np.testing.assert_array_equal((stored(made / "shot_composite.dpx") >> 6)[OPAQUE], codes[OPAQUE])


def test_oiiotool_finds_no_difference_between_plate_and_foreground_where_alpha_is_one(
    folder: Path, engine: Engine, tmp_path: Path
) -> None:
    if shutil.which("oiiotool") is None:
        pytest.skip("oiiotool is not installed (apt install openimageio-tools)")
    source = picture(folder / "shot.exr", scene().astype(np.float16), "half")
    made = make(folder, engine, tmp_path / "out", outputs={"foreground": {"format": "exr"}})
    left = int(np.argmax(OPAQUE[0]))
    cut = ["--ch", "R,G,B", "--cut", f"{WIDTH - left}x{HEIGHT}+{left}+0"]
    both = [source, *cut, made / "shot_foreground.exr", *cut]
    done = subprocess.run(["oiiotool", "--fail", "0", "--warn", "0", *both, "--diff"], capture_output=True)
    assert done.returncode == 0, done.stdout


def test_layers_are_one_exr_of_comp_matte_foreground_and_trimap(
    folder: Path, engine: Engine, tmp_path: Path
) -> None:
    picture(folder / "shot.exr", scene(), "half")
    names = ("alpha", "foreground", "premult", "layers")
    made = make(folder, engine, tmp_path / "out", outputs={name: {"bits": 32} for name in names})
    file = oiio.ImageInput.open(str(made / "shot_layers.exr"))
    order = ("R", "G", "B", "A", "alpha.A", "fg.R", "fg.G", "fg.B", "trimap.Y")
    assert sorted(file.spec().channelnames) == sorted(order)
    pixels = file.read_image("float")
    by_name = {name: pixels[..., n] for n, name in enumerate(file.spec().channelnames)}
    alpha, straight, premult = (
        np.asarray(stored(made / f"shot_{name}.exr")) for name in ("alpha", "foreground", "premult")
    )
    np.testing.assert_array_equal(np.dstack([by_name[c] for c in "RGBA"]), premult)
    np.testing.assert_array_equal(np.dstack([by_name[f"fg.{c}"] for c in "RGB"]), straight[..., :3])
    np.testing.assert_array_equal(by_name["alpha.A"], alpha[..., 0])
    np.testing.assert_array_equal(by_name["trimap.Y"] * 2, np.rint(trimap() / 127.5))
    np.testing.assert_array_equal(premult[..., :3], straight[..., :3] * straight[..., 3:])
    assert file.spec().get_string_attribute("dimd:alpha") == "premultiplied"


PARTS = {"rgba": "RGBA", "alpha": ["alpha.A"], "fg": ["fg.R", "fg.G", "fg.B"], "trimap": ["trimap.Y"]}


@pytest.mark.parametrize("bits", [16, 32])
@pytest.mark.parametrize("compression", ["zip", "piz", "none"])
def test_layers_in_parts_hold_the_numbers_of_the_one_part(
    folder: Path, engine: Engine, tmp_path: Path, bits: int, compression: str
) -> None:
    picture(folder / "shot.exr", scene(), "half")
    how = {"bits": bits, "compression": compression}
    one = make(folder, engine, tmp_path / "one", outputs={"layers": how}) / "shot_layers.exr"
    many = make(folder, engine, tmp_path / "many", outputs={"layers": {**how, "parts": True}})
    file = oiio.ImageInput.open(str(one))
    names, pixels = file.spec().channelnames, file.read_image("float")
    whole = {name: pixels[..., n] for n, name in enumerate(names)}
    file = oiio.ImageInput.open(str(many / "shot_layers.exr"))
    told = []
    for part in range(4):
        spec = file.spec(part)
        told.append((spec.get_string_attribute("oiio:subimagename"), sorted(spec.channelnames)))
        assert spec.format.basetype == (oiio.HALF if bits == 16 else oiio.FLOAT)
        assert spec.get_string_attribute("compression") == compression
        numbers = file.read_image(part, 0, 0, spec.nchannels, "float").reshape(HEIGHT, WIDTH, -1)
        for channel, name in enumerate(spec.channelnames):
            np.testing.assert_array_equal(numbers[..., channel], whole[name])
    assert told == [(name, sorted(channels)) for name, channels in PARTS.items()]
    assert not file.seek_subimage(4, 0)


def test_each_part_has_the_whole_header(folder: Path, engine: Engine, tmp_path: Path) -> None:
    primaries = (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767)
    plate_says = {
        "framesPerSecond": (oiio.TypeDesc("rational"), (24000, 1001)),
        "smpte:TimeCode": (oiio.TypeDesc("timecode"), (0x01020304, 0)),
        "chromaticities": (oiio.TypeDesc("float[8]"), primaries),
        "reelName": "A001",
    }
    for number in (1001, 1002):
        picture(folder / f"shot.{number}.exr", scene(), "half", **plate_says)
    made = make(folder, engine, tmp_path / "out", outputs={"layers": {"parts": True}})
    file = oiio.ImageInput.open(str(made / "layers/shot_layers.1002.exr"))
    for part in range(4):
        spec = file.spec(part)
        told = {a.name: a.value for a in spec.extra_attribs}
        assert told["framesPerSecond"] == (24000, 1001)
        assert told["smpte:TimeCode"] == (0x01020304, 0)
        assert told["chromaticities"] == pytest.approx(primaries)
        assert (told["reelName"], told["dimd:weights"], told["dimd:output"]) == ("A001", "v1", "layers")
        assert told["dimd:version"]
        assert told["dimd:settings"]
        assert told.get("dimd:alpha") == ("premultiplied" if part == 0 else None)


def test_oiiotool_and_exrheader_read_every_part(folder: Path, engine: Engine, tmp_path: Path) -> None:
    missing = [tool for tool in ("oiiotool", "exrheader") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed (apt install openimageio-tools openexr)")
    picture(folder / "shot.exr", scene(), "half")
    one = make(folder, engine, tmp_path / "one", outputs={"layers": {}}) / "shot_layers.exr"
    many = make(folder, engine, tmp_path / "many", outputs={"layers": {"parts": True}}) / "shot_layers.exr"
    header = subprocess.run(["exrheader", many], capture_output=True, text=True, check=True).stdout
    for name, channels in PARTS.items():
        assert f'name (type string): "{name}"' in header
        for channel in channels:
            assert f"\n    {channel}, 16-bit floating-point" in header
    assert header.count('dimd:weights (type string): "v1"') == 4
    for part, channels in enumerate(PARTS.values()):
        cut = ["--ch", ",".join(channels)]
        both = [one, *cut, many, "--subimage", str(part), *cut]
        done = subprocess.run(
            ["oiiotool", "--fail", "0", "--warn", "0", *both, "--diff"], capture_output=True
        )
        assert done.returncode == 0, done.stdout


def test_layers_in_parts_are_read_again_as_their_premultiplied_foreground(
    folder: Path, engine: Engine, tmp_path: Path
) -> None:
    picture(folder / "shot.exr", scene(), "half")
    outputs = {"layers": {"parts": True, "bits": 32}, "premult": {"bits": 32}}
    made = make(folder, engine, tmp_path / "out", outputs=outputs)
    seen = []
    for name in outputs:
        with open_source(locate(made / f"shot_{name}.exr"), max_pixels=10**6) as source:
            seen.append(next(source.frames()).pixels)
    assert seen[0].shape == (HEIGHT, WIDTH, 4)
    np.testing.assert_array_equal(*seen)


def test_a_disk_that_refuses_parts_is_told_with_the_file(tmp_path: Path) -> None:
    form = IMAGE_FORMATS["exr"](Storage(names=layers.NAMES, parts=layers.PARTS), True)
    with pytest.raises(MediaError, match=r"^a\.exr: could not be written \("):
        form.write(tmp_path / "gone/a.exr", np.zeros((4, 6, len(layers.NAMES)), np.float32))


@pytest.mark.parametrize("compression", ["zip", "dwaa", "dwab"])
def test_mattes_in_layers_are_exact_whatever_the_compression(
    folder: Path, engine: Engine, tmp_path: Path, compression: str
) -> None:
    picture(folder / "shot.exr", scene(), "half")
    how = {"layers": {"compression": compression}, "alpha": {}}
    made = make(folder, engine, tmp_path / "out", outputs=how)
    file = oiio.ImageInput.open(str(made / "shot_layers.exr"))
    names, pixels = file.spec().channelnames, file.read_image("half")
    alpha = stored(made / "shot_alpha.exr")[..., 0]
    for name in ("A", "alpha.A"):
        np.testing.assert_array_equal(pixels[..., names.index(name)], alpha)


def test_the_header_says_how_it_was_made_and_what_the_plate_said(
    folder: Path, engine: Engine, tmp_path: Path
) -> None:
    rate, taken = (oiio.TypeDesc("rational"), (24000, 1001)), {"DateTime": "2020:01:02 03:04:05"}
    picture(folder / "shot.exr", scene(), "half", framesPerSecond=rate, reelName="A001", **taken)
    made = make(folder, engine, tmp_path / "out", outputs={"alpha": {}, "foreground": {}, "premult": {}})
    told = {}
    for name in ("alpha", "foreground", "premult"):
        spec = oiio.ImageInput.open(str(made / f"shot_{name}.exr")).spec()
        told[name] = {a.name: a.value for a in spec.extra_attribs}
        assert told[name]["reelName"] == "A001"
        assert told[name]["framesPerSecond"] == (24000, 1001)
        assert told[name]["dimd:version"]
        assert told[name]["dimd:weights"] == "v1"
        assert told[name]["dimd:trimap"] == "trimap"
        assert told[name]["dimd:output"] == name
        assert json.loads(told[name]["dimd:settings"])["temporal"] == {"radius": 2}
        assert told[name]["DateTime"] == "2020:01:02 03:04:05"  # the plate's, not ours
    assert told["foreground"]["dimd:alpha"] == "straight"
    assert told["premult"]["dimd:alpha"] == "premultiplied"


def spoilt(folder: Path) -> None:
    """Three frames: the second with a NaN, the third with an infinity and a NaN, both where it is opaque."""
    for number in (1001, 1002, 1003):
        pixels = scene()
        if number > 1001:
            pixels[5, 60] = np.nan
        if number > 1002:
            pixels[20, 50, 1] = np.inf
        picture(folder / f"shot.{number}.exr", pixels, "half")


def test_what_is_no_number_is_told_with_its_frames_and_leaves_no_trace(
    folder: Path, engine: Engine, tmp_path: Path
) -> None:
    spoilt(folder)
    made = make(folder, engine, tmp_path / "out", outputs={n: {} for n in ("alpha", "foreground", "layers")})
    told = json.loads((made / "manifest.json").read_text())
    assert [figure.get("mended", 0) for figure in told["figures"]] == [0, 1, 2]
    (warning,) = told["warnings"]
    assert warning == (
        "shot.####.exr: frames 1002, 1003 hold NaN or infinity in 3 pixels, filled from those around; "
        "render it again."
    )
    assert {"frame": 1003, "why": "NaN or infinity in 2 pixels"} in told["review"]
    sound = scene().astype(np.float16)
    for path in made.glob("*/*.exr"):
        assert np.isfinite(stored(path)).all()
    second = stored(made / "foreground/shot_foreground.1002.exr")[..., :3]
    changed = (second != sound).any(-1) & OPAQUE
    assert set(zip(*np.nonzero(changed), strict=True)) == {(5, 60)}


def test_what_is_no_number_is_said_in_the_log(folder: Path, engine: Engine, tmp_path: Path) -> None:
    spoilt(folder)
    _, told = once(config(tmp_path), engine)
    (warning,) = told.warnings
    assert warning.startswith("shot.####.exr: frames 1002, 1003 hold NaN or infinity in 3 pixels")


@pytest.mark.parametrize(
    ("outputs", "sentence"),
    [
        (
            {"foreground": {"format": "jpeg"}},
            "a JPEG holds no alpha, so foreground cannot be one; set outputs:",
        ),
        ({"premult": {"format": "dpx"}}, "a DPX holds no alpha, so premult cannot be one; set outputs:"),
        ({"layers": {"format": "jpeg"}}, "layers need an EXR; set outputs: layers: format: to exr or auto."),
        ({"alpha": {"bits": 32}}, "alpha has no 32 bits as png; give 16 or 8 for png."),
        (
            {"alpha": {"compression": "piz"}},
            "alpha cannot be compressed by piz; png has one compression, so leave it away.",
        ),
    ],
)
def test_an_output_that_its_format_cannot_hold_is_refused_before_the_first_frame(
    folder: Path, engine: Engine, tmp_path: Path, outputs: dict[str, Any], sentence: str
) -> None:
    write(folder / "shot.png", plate())
    with pytest.raises(MediaError, match="shot: ") as caught:
        make(folder, engine, tmp_path / "out", outputs=outputs)
    assert sentence in str(caught.value)
    assert str(caught.value).endswith(".")
