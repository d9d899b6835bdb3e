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

from daemon.engine import Engine
from daemon.media import MediaError
from tests.daemon.cases import config, plate, trimap, write
from tests.daemon.serving import once
from tests.daemon.stills import HEIGHT, WIDTH, make, picture, scene, stored

pytestmark = pytest.mark.usefixtures("trimap_beside")

OPAQUE = trimap() == 255


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
