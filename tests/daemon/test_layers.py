"""Everything in one EXR, side by side or in parts."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest

from daemon import layers
from daemon.engine import Engine
from daemon.media import IMAGE_FORMATS, MediaError, Storage, locate, open_source
from tests.daemon.cases import trimap
from tests.daemon.stills import HEIGHT, WIDTH, make, picture, scene, stored

pytestmark = pytest.mark.usefixtures("trimap_beside")


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
