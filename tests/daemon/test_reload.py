"""Hot reload: weights and config change under load, and no frame is lost, made twice or mixed."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from daemon.canary import Canary
from daemon.config import CanarySettings, Config, ConfigError
from daemon.engine import Engine
from dim_model import nets, weights
from tests.daemon.cases import SIZE, FakeMatter, config, plate, still, trimap, wait_for, write
from tests.daemon.serving import Running, running

CLIPS, FRAMES = 24, 24
SHADES = {"v1": 0.25, "v2": 0.75}


class Shade(FakeMatter):
    """Its alpha says which weights made it."""

    def matte(
        self, rgb: Sequence[Tensor], trimap: Sequence[Tensor], clean: Sequence[Tensor | None]
    ) -> list[Tensor]:
        super().matte(rgb, trimap, clean)
        return [torch.where(t == 0.5, SHADES[self.version], t) for t in trimap]


def open_shade(folder: Path) -> Shade:
    weights.load(folder).network()  # as a Matter does it
    made = Shade(folder.name)
    made.pace = 0.005
    return made


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    """v1 and v2, both sound, and v3, which was cut short."""
    folder = tmp_path / "weights"
    state = nets.build("swift").state_dict()
    for version in ("v1", "v2", "v3"):
        weights.publish(folder, weights.Card(version, "swift", "sampled", "x", [], {}), state)
    tensors = folder / "v3/weights.safetensors"
    tensors.write_bytes(tensors.read_bytes()[:10_000])
    weights.point(folder, "v1")
    return folder


def lies_there(folder: Path) -> None:
    """All clips, before the daemon begins. Their files are one another's, for the sake of speed."""
    making = folder.parent / "making"
    write(making / "trimap.png", trimap())
    for n in range(FRAMES):
        write(making / f"{n}.png", plate(n))
    for clip in range(CLIPS):
        (folder / f"shot{clip}/plate").mkdir(parents=True)
        (folder / f"shot{clip}/trimap").mkdir()
        (folder / f"shot{clip}/trimap/shot.png").hardlink_to(making / "trimap.png")
        for n in range(FRAMES):
            (folder / f"shot{clip}/plate/shot.{1001 + n}.png").hardlink_to(making / f"{n}.png")


def states(daemon: Running) -> list[str]:
    return [job.state for job in daemon.jobs()]


def test_current_moves_under_load_and_no_frame_is_lost_or_mixed(tmp_path: Path, versions: Path) -> None:
    """576 frames of 24 clips, two at a time, while weights and config change as often as they are looked at,
    every third time to what has to be refused.
    """
    clip = {"outputs": {"alpha": {"format": "png"}}, "temporal": {"radius": 0}, "mixing": "display"}
    settings = config(tmp_path, clip=clip, jobs={"parallel": 2, "chunk_frames": 5, "attempts": 1})
    configs = itertools.cycle([settings, config(tmp_path, clip=clip, jobs={"chunk_frames": 2}), None])
    lock = threading.Lock()

    def reload() -> Config:
        with lock:
            changed = next(configs)
        if changed is None:
            raise ConfigError("config.yaml: devise is no key; did you mean device?")
        return changed

    lies_there(tmp_path / "in")
    with Engine(open_shade, versions) as engine, running(settings, engine, reload) as daemon:
        for version in itertools.cycle(["v2", "v3", "v1"]):
            weights.point(versions, version)
            daemon.service.reload()
            daemon.thread.join(0.15)
            if states(daemon) == ["done"] * CLIPS:
                break
            assert daemon.broken is None
        took_up, refused = daemon.said("took up weights"), daemon.said("The weights v")
        registry = daemon.service.metrics.registry
        assert registry.get_sample_value("dimd_weights_refused_total") == refused
        assert (registry.get_sample_value("dimd_config_refused_total") or 0) > 1
    assert took_up > 4
    assert refused > 1
    assert daemon.told.ends == []
    assert sorted(daemon.told.begun) == sorted((f"shot{n}", 0) for n in range(CLIPS))
    made = set()
    for n in range(CLIPS):
        folder = tmp_path / f"out/shot{n}"
        version = json.loads((folder / "manifest.json").read_text())["weights"]["version"]
        made.add(version)
        frames = sorted((folder / "alpha").iterdir())
        assert len(frames) == FRAMES
        for frame in frames:
            band = cv2.imread(str(frame), cv2.IMREAD_GRAYSCALE)[:, SIZE[1] // 2]
            assert np.abs(band / 255 - SHADES[version]).max() < 0.01, (frame, version)
    assert made == {"v1", "v2"}
    assert len(list((tmp_path / "out").iterdir())) == CLIPS


def test_refused_weights_are_counted_and_not_loaded_again_until_they_change(
    tmp_path: Path, versions: Path
) -> None:
    opened: list[str] = []

    def open_counted(folder: Path) -> Shade:
        opened.append(folder.name)
        return open_shade(folder)

    with Engine(open_counted, versions) as engine, running(config(tmp_path), engine) as daemon:
        weights.point(versions, "v3")
        wait_for(lambda: daemon.said("sha256 differs"))
        still(tmp_path / "in")
        wait_for(lambda: daemon.told.done)  # several looks later
        assert daemon.said("The weights v1 stay.") == 1
        assert opened.count("v3") == 1
        assert engine.version == "v1"
        (versions / "v3/weights.safetensors").write_bytes((versions / "v1/weights.safetensors").read_bytes())
        wait_for(lambda: engine.version == "v3")
        registry = daemon.service.metrics.registry
        assert registry.get_sample_value("dimd_weights_refused_total") == 1
    manifest = json.loads((tmp_path / "out/shot/manifest.json").read_text())
    assert manifest["weights"]["version"] == "v1"


def test_started_again_on_refused_weights_it_goes_on_with_those_before(
    tmp_path: Path, versions: Path
) -> None:
    weights.point(versions, "v3")
    with Engine(open_shade, versions) as engine, running(config(tmp_path), engine) as daemon:
        assert engine.version == "v1"
        wait_for(lambda: daemon.said("sha256 differs"))
        assert daemon.said("The weights v1 stay.") == 1
        registry = daemon.service.metrics.registry
        wait_for(lambda: registry.get_sample_value("dimd_weights_refused_total") == 1)


def test_with_nothing_before_refused_weights_end_the_start(versions: Path) -> None:
    (versions / "previous").unlink(missing_ok=True)
    (versions / "current").unlink()
    weights.point(versions, "v3")
    with pytest.raises(weights.WeightsError, match="sha256 differs"):
        Engine(open_shade, versions)


def test_jobs_get_their_weights_while_others_are_loaded(versions: Path) -> None:
    """Loading takes seconds, and a clip that begins meanwhile is not to wait for it."""
    loading, go_on = threading.Event(), threading.Event()

    def open_slowly(folder: Path) -> Shade:
        if folder.name == "v2":
            loading.set()
            assert go_on.wait(20)
        return open_shade(folder)

    with Engine(open_slowly, versions) as engine:
        weights.point(versions, "v2")
        taker = threading.Thread(target=engine.refresh)
        taker.start()
        assert loading.wait(20)
        with engine.lease() as lease:
            assert lease.version == "v1"
        go_on.set()
        taker.join(20)
        assert engine.version == "v2"


def test_a_canary_that_is_made_stricter_by_a_new_config_is_so(versions: Path) -> None:
    canary = Canary(CanarySettings(), print, lambda: 8 << 30)
    with Engine(open_shade, versions, trial=canary) as engine:
        canary.settings = CanarySettings(free_gib=16)
        weights.point(versions, "v2")
        with pytest.raises(weights.WeightsError, match="less memory free than canary: free_gib"):
            engine.refresh()
        assert engine.version == "v1"
