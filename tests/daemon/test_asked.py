"""What is asked for on the command line: it goes before what lies beside a clip."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from daemon import single
from daemon.cli import main
from tests.daemon.cases import FakeMatter, still, video, write


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single.Matter, "open", lambda folder, **options: FakeMatter(folder.name))


def dimd(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, [*map(str, arguments)])
    return done.exit_code, done.stderr


def matted(tmp_path: Path, *arguments: object) -> dict[str, Any]:
    """The manifest of what ``dimd matte`` makes of shot.png."""
    code, said = dimd("matte", tmp_path / "shot.png", "--out", tmp_path / "out", *arguments)
    assert code == 0, said
    told: dict[str, Any] = json.loads((tmp_path / "out/shot/manifest.json").read_text())
    return told


def ground(tmp_path: Path) -> list[int]:
    """Blue, green and red of the composite where the plate is not seen, 0..65535."""
    composite = cv2.imread(str(tmp_path / "out/shot/shot_composite.png"), cv2.IMREAD_UNCHANGED)
    corner: list[int] = composite[0, 0].tolist()
    return corner


def test_a_background_goes_before_the_clips_own(tmp_path: Path) -> None:
    still(tmp_path)
    (tmp_path / "shot.yaml").write_text('background: "#00ff00"\n')
    matted(tmp_path, "--background", "#ff0000")
    assert ground(tmp_path) == [0, 0, 65535]


def test_a_colour_goes_before_a_background_that_lies_beside_the_clip(tmp_path: Path) -> None:
    still(tmp_path)
    write(tmp_path / "shot_bg.png", np.full((36, 64, 3), 200, np.uint8))
    matted(tmp_path, "--background", "#ff0000")
    assert ground(tmp_path) == [0, 0, 65535]


def test_what_was_not_asked_for_is_as_the_clips_own_file_says(tmp_path: Path) -> None:
    still(tmp_path)
    (tmp_path / "shot.yaml").write_text(
        'background: "#00ff00"\nscale: 0.5\noutputs: {composite: {format: png}}\n'
    )
    told = matted(tmp_path)
    assert ground(tmp_path) == [0, 65535, 0]
    assert told["scale"] == 0.5


def test_a_default_that_was_asked_for_by_name_wins_too(tmp_path: Path) -> None:
    still(tmp_path)
    (tmp_path / "shot.yaml").write_text("scale: 0.5\ntrimap: {source: chroma, erode: 3}\n")
    told = matted(tmp_path, "--scale", "1.0", "--source", "auto")
    assert told["settings"]["scale"] == 1.0
    assert told["settings"]["trimap"]["source"] == "auto"
    assert told["settings"]["trimap"]["erode"] == 3


def test_a_format_is_that_of_the_outputs_that_the_clip_names(tmp_path: Path) -> None:
    """Bits and compression that the file gives are its own format's: they stay where the other has them."""
    still(tmp_path)
    (tmp_path / "shot.yaml").write_text(
        "outputs: {alpha: {format: exr, bits: 16, compression: dwaa}, layers: {compression: piz}}\n"
    )
    outputs = matted(tmp_path, "--format", "png")["settings"]["outputs"]
    assert {name: (how["format"], how["bits"], how["compression"]) for name, how in outputs.items()} == {
        "alpha": ("png", 16, None),
        "layers": ("auto", None, "piz"),
    }
    assert (tmp_path / "out/shot/shot_alpha.png").is_file()


def test_a_video_format_goes_before_the_clips_own(tmp_path: Path) -> None:
    plate = video(tmp_path / "in", frames=2)
    (tmp_path / "in/shot.yaml").write_text("outputs: {alpha: {format: ffv1}}\n")
    code, said = dimd("matte", plate, "--out", tmp_path / "out", "--format", "vp9")
    assert code == 0, said
    assert sorted(path.name for path in (tmp_path / "out/shot").iterdir()) == [
        "manifest.json",
        "shot_alpha.webm",
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("--background", "grey"),
            "--background: 'grey' is neither a file nor a colour; give '#rrggbb', checker or media.",
        ),
        (
            ("--background", "#80808"),
            "--background: '#80808' is neither a file nor a colour; give '#rrggbb', checker or media.",
        ),
        (("--mask", "gone.png"), "--mask: gone.png: is not there; check the name."),
        (
            ("--clean", "empty.%04d.exr"),
            "--clean: empty.%04d.exr: matches no file; check the name and the padding.",
        ),
        (("--source", "segmenter"), "--source segmenter: has no network; name its file as --model."),
        (("--preset", "isnet"), "--preset: says what a network is; name its file as --model."),
        (("--model", "gone.onnx"), "--model: gone.onnx: is not there; check the name."),
    ],
)
def test_an_option_at_fault_is_named(
    tmp_path: Path, arguments: tuple[str, ...], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, said = dimd("matte", still(tmp_path), "--out", tmp_path / "out", *arguments)
    assert (code, said) == (2, f"{sentence}\n")
    assert not (tmp_path / "out").exists()


def test_a_format_that_does_not_suit_is_told_by_its_option(tmp_path: Path) -> None:
    code, said = dimd("matte", still(tmp_path), "--out", tmp_path / "out", "--format", "prores4444")
    assert code == 1
    assert "is no video, so alpha cannot be prores4444; give --format png or exr." in said


def test_a_format_of_the_clips_own_file_is_told_by_its_key(tmp_path: Path) -> None:
    (tmp_path / "shot.yaml").write_text("outputs: {alpha: {format: prores4444}}\n")
    code, said = dimd("matte", still(tmp_path), "--out", tmp_path / "out")
    assert code == 1
    assert "set outputs: alpha: format: to png or exr." in said


def test_a_clip_that_wants_a_segmenter_is_told_of_the_option(tmp_path: Path) -> None:
    (tmp_path / "shot.yaml").write_text("trimap: {source: segmenter}\n")
    code, said = dimd("matte", still(tmp_path, with_trimap=False), "--out", tmp_path / "out")
    assert code == 1
    assert "with dimd matte as --model" in said
