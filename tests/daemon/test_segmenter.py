"""The trimap source `segmenter`: a model that the daemon's config names, and never a clip."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any, get_args

import cv2
import numpy as np
import pytest
import torch

from daemon import check
from daemon.config import ClipSettings, ConfigError, SegmenterSettings, TrimapSettings, clip_settings, load
from daemon.inbox import scan
from daemon.plan import Plan
from daemon.trimaps import TrimapError
from daemon.trimaps import segmenter as segmenter_module
from daemon.trimaps.segmenter import opened, recipe
from dim_model.segmenters import PRESETS, SegmenterError
from tests.daemon.cases import config, write
from tests.dim_model.masks import onnx_model


def planned(folder: Path, model: Path | None, state: dict[str, Any] | None = None, **changes: Any) -> Plan:
    settings = ClipSettings(
        trimap=TrimapSettings.model_validate({"segmenter": {"model": model}, **changes}),
    )
    (clip,) = scan(folder)
    return Plan(clip, settings, max_pixels=10**6, state=state or {})


def trimaps(plan: Plan) -> list[torch.Tensor]:
    return [plan.trimap.trimap(f, n, plan.view(f)).values[0] for n, f in enumerate(plan.frames(0))]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return onnx_model(tmp_path / "bright.onnx", size=(64, 48))


def bright(
    folder: Path, name: str = "shot.png", ground: tuple[int, ...] = (20, 20, 20), at: int = 60
) -> None:
    """A bright disc on a dark ground."""
    picture = np.full((108, 144, 3), ground, np.uint8)
    cv2.circle(picture, (at, 54), 30, (240, 235, 230), -1)
    write(folder / name, picture)


def test_a_models_mask_becomes_the_trimap(folder: Path, model: Path) -> None:
    bright(folder)
    with planned(folder, model, source="segmenter") as plan:
        assert plan.trimap.name == "segmenter"
        assert "a mask by bright.onnx, OpenVINO on the CPU; the subject covers 18" in plan.trimap.why
        (made,) = trimaps(plan)
        assert made.shape == (108, 144)
        assert made[54, 60] == 1
        assert made[3, 3] == 0
        assert 0.01 < float((made == 0.5).float().mean()) < 0.2


def test_auto_takes_a_segmenter_where_there_is_nothing_surer(folder: Path, model: Path) -> None:
    bright(folder)
    with planned(folder, model) as plan:
        assert plan.trimap.name == "segmenter"
        assert "; confidence 0." in plan.trimap.why
        (frame,) = plan.frames(0)
        assert 0.5 < plan.trimap.trimap(frame, 0, plan.view(frame)).confidence <= 0.7


def test_auto_trusts_a_green_screen_more(folder: Path, model: Path) -> None:
    bright(folder, ground=(40, 170, 30))
    with planned(folder, model) as plan:
        assert plan.trimap.name == "chroma"
        assert "against segmenter 0." in plan.trimap.why


def test_auto_does_not_rely_on_a_mask_without_a_subject(folder: Path, model: Path) -> None:
    write(folder / "shot.png", np.full((108, 144, 3), 20, np.uint8))
    with pytest.raises(TrimapError, match=r"no trimap of it can be relied on \(confidence: segmenter 0\.00"):
        planned(folder, model)


def test_without_a_model_a_segmenter_is_not_tried(folder: Path) -> None:
    bright(folder)
    with pytest.raises(TrimapError, match=r"has nothing to derive a trimap from"):
        planned(folder, None)
    with pytest.raises(
        TrimapError, match=r"shot\.png: has no segmenter; name a model in the daemon's config"
    ):
        planned(folder, None, source="segmenter")


def test_a_model_that_is_gone_or_no_mask_model_is_the_clips_sentence(folder: Path, tmp_path: Path) -> None:
    bright(folder)
    with pytest.raises(TrimapError, match=r"gone\.onnx: does not exist"):
        planned(folder, tmp_path / "gone.onnx", source="segmenter")
    flat = onnx_model(tmp_path / "flat.onnx", shape="flat")
    with pytest.raises(TrimapError, match=r"flat\.onnx: its output has the shape 1x384"):
        planned(folder, flat, source="segmenter")


def test_a_frame_has_the_same_trimap_in_any_order_and_after_a_crash(folder: Path, model: Path) -> None:
    for n in range(6):
        bright(folder, f"shot.{1001 + n}.png", at=40 + 10 * n)
    with planned(folder, model) as plan:
        state = plan.state()
        forth = trimaps(plan)
    with planned(folder, model, state) as plan:
        assert plan.trimap.name == "segmenter"
        back = [
            plan.trimap.trimap(frame, n, plan.view(frame)).values[0]
            for n in reversed(range(6))
            for frame in [next(iter(plan.frames(n)))]
        ]
    assert all(torch.equal(a, b) for a, b in zip(forth, reversed(back), strict=True))


def test_the_manifest_says_which_file_it_was_and_when_that_changed(
    folder: Path, model: Path, tmp_path: Path
) -> None:
    bright(folder)
    with planned(folder, model) as plan:
        state = plan.state()
    assert len(state["trimap"]["model_sha256"]) == 64
    onnx_model(model, size=(64, 48), half=0.4)
    with planned(folder, model, state) as plan:
        assert plan.trimap.why.endswith("its first frames may be by the file that was there before")


def test_clips_share_one_compiled_model(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opens = []
    real = segmenter_module.open_model

    def counting(*arguments: Any) -> Any:
        opens.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(segmenter_module, "open_model", counting)
    settings = SegmenterSettings(model=model)
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(opened(model, settings))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opens) == 1
    assert all(each is found[0] for each in found)
    os.utime(model, ns=(1, 1))
    assert opened(model, settings) is not found[0]


def test_a_model_that_could_not_be_opened_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "late.onnx"
    settings = SegmenterSettings(model=path)
    with pytest.raises(SegmenterError, match="does not exist"):
        opened(path, settings)
    onnx_model(path)
    assert opened(path, settings).mask(torch.rand(3, 20, 20)).shape == (1, 1, 16, 24)


def test_every_preset_of_the_settings_is_known_and_every_known_one_can_be_set() -> None:
    assert set(get_args(SegmenterSettings.model_fields["preset"].annotation)) == set(PRESETS)


def test_settings_go_before_the_preset() -> None:
    assert recipe(SegmenterSettings(preset="u2net")) == PRESETS["u2net"]
    made = recipe(SegmenterSettings(preset="u2net", mean=[0.0, 0.0, 0.0], range=255, activation="sigmoid"))
    assert (made.mean, made.std) == ((0, 0, 0), PRESETS["u2net"].std)
    assert (made.top, made.peak, made.activation) == (255, False, "sigmoid")


@pytest.mark.parametrize(
    "given", ["segmenter: {model: /etc/passwd}", "segmenter:", "<<: {segmenter: {model: x.onnx}}"]
)
def test_a_clips_own_file_may_not_name_a_model(tmp_path: Path, given: str) -> None:
    path = tmp_path / "shot.yaml"
    path.write_text(f"trimap:\n  erode: 4\n  {given}\n")
    with pytest.raises(ConfigError) as caught:
        clip_settings(ClipSettings(), path)
    assert str(caught.value) == (
        "shot.yaml, line 3: trimap.segmenter is the daemon's own; take it out of here."
    )


def test_a_clips_own_file_keeps_the_daemons_model(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        "clip:\n  trimap:\n    segmenter: {model: nets/isnet.onnx, preset: isnet, size: [64, 48]}\n"
    )
    defaults = load(tmp_path / "config.yaml").clip
    assert defaults.trimap.segmenter.model == tmp_path / "nets/isnet.onnx"
    (tmp_path / "shot.yaml").write_text("trimap: {source: segmenter, erode: 3}\n")
    settings = clip_settings(defaults, tmp_path / "shot.yaml").trimap
    assert (settings.source, settings.erode, settings.segmenter) == (
        "segmenter",
        3,
        defaults.trimap.segmenter,
    )


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("modle: x.onnx", "there is no key 'clip.trimap.segmenter.modle'; did you mean 'model'?"),
        ("preset: isnett", "clip.trimap.segmenter.preset is 'isnett'; did you mean 'isnet'?"),
        ("device: auto", "clip.trimap.segmenter.device is 'auto'; give cpu, cuda or cuda:N."),
        (
            "output: -1",
            "clip.trimap.segmenter.output is -1; give an output's position, from 0, or its name.",
        ),
        ("size: [320]", "clip.trimap.segmenter.size is [320]; give at least 2."),
        ("std: [1, 1, 0]", "clip.trimap.segmenter.std[2] is 0; give more than 0."),
    ],
)
def test_a_fault_in_the_settings_is_one_sentence(tmp_path: Path, line: str, sentence: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"clip:\n  trimap:\n    segmenter:\n      {line}\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value).removeprefix(f"{path}, line 4: ") == sentence


def test_check_opens_the_model(tmp_path: Path, model: Path) -> None:
    def told(**trimap: Any) -> list[str]:
        faults = check.faults(config(tmp_path, runtime="torch", clip={"trimap": trimap}))
        return [fault for fault in faults if "segmenter" in fault]

    assert told(segmenter={"model": str(model)}) == []
    assert told(segmenter={"model": str(tmp_path / "none.onnx")}) == [
        f"{tmp_path}/none.onnx: does not exist; put the model there or correct segmenter: model:."
    ]
    (fault,) = told(source="segmenter")
    assert fault.startswith("clip: trimap: source: is segmenter, but no model is named")
