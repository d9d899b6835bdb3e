"""Bad input, in bulk: no crash, no hang, no bomb; whatever is refused is so in one sentence. ``make fuzz
N=2000`` does the long form.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from structlog import get_logger
from structlog.testing import capture_logs

from daemon.config import Config, ConfigError, load
from daemon.engine import Engine
from daemon.service import Service
from dim_model import nets, weights
from tests.daemon.cases import FakeMatter, Told, config, trimap, write
from tests.fuzz import run, trial
from tests.fuzz.corpus import Seed, build
from tests.fuzz.mutate import mutated

ROOT = Path(__file__).parents[2]


def test_damaged_input_is_refused_in_one_sentence() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.run", "80", "7"],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=230,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "80 inputs, 0 findings" in done.stdout


def _crash(kind: str, folder: Path) -> str | None:
    os.kill(os.getpid(), 11)
    return None


def _hang(kind: str, folder: Path) -> str | None:
    while True:
        pass


def _bomb(kind: str, folder: Path) -> str | None:
    return str(np.ones(run.MEMORY // 4, np.float64).sum()) + "."


def _babble(kind: str, folder: Path) -> str | None:
    return "two\nlines."


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # of Python 3.12; the child only ends
@pytest.mark.parametrize(
    ("tried", "told"),
    [
        (_crash, "died of signal 11"),
        (_hang, "died of signal"),
        (_bomb, "came to hold"),
        (_babble, "one line"),
    ],
)
def test_a_finding_is_found(
    tried: object, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The net has no holes: what it is there to catch is caught."""
    monkeypatch.setattr(trial, "tried", tried)
    if tried is _hang:
        monkeypatch.setattr(run, "SECONDS", 1)
    code, text = run.case(Seed("still", tmp_path, ()), tmp_path / "case", run._resident())
    assert code == run._FINDING
    assert told in text


def test_damage_repeats_by_its_seed() -> None:
    data = bytes(range(256)) * 8
    one, again, other = (mutated(data, Random(seed), text=False) for seed in ("1/5", "1/5", "1/6"))
    assert one == again != other


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    weights.publish(
        folder, weights.Card("v1", "swift", "sampled", "x", [], {}), nets.build("swift").state_dict()
    )
    weights.point(folder, "v1")
    return folder


def test_the_daemon_sets_damaged_clips_aside_and_does_the_sound_ones(tmp_path: Path, root: Path) -> None:
    seeds = [
        seed for seed in build(tmp_path / "seeds", ROOT / "config.yaml") if seed.kind in ("still", "video")
    ]
    watched = tmp_path / "in"
    for number, seed in enumerate(seeds * 2):
        place = tmp_path / "case"
        run.damage(seed, place, Random(f"daemon/{number}"))
        for file in place.iterdir():
            (watched / f"{number}").mkdir(parents=True, exist_ok=True)
            file.rename(watched / f"{number}" / file.name)
        sub = watched / f"{number}"
        for file in list(sub.iterdir()):
            file.rename(watched / file.name.replace("shot", f"shot{number}"))
        sub.rmdir()
        shutil.rmtree(place)
    write(watched / "zz_good.png", (np.random.default_rng(1).random((36, 64, 3)) * 255).astype(np.uint8))
    write(watched / "zz_good_trimap.png", trimap())
    told = Told()
    made = config(tmp_path, jobs={"attempts": 1, "parallel": 2})
    with capture_logs(), Engine(lambda folder: FakeMatter("v1"), root) as engine:
        jobs = Service(made, engine, told, get_logger(), reload=lambda: made, once=True).run()
    states = {job.name: job for job in jobs}
    assert states.pop("zz_good").state == "done"
    assert len(states) == 2 * len(seeds)
    for job in states.values():
        assert job.state in ("done", "set_aside", "failed")
        if job.state != "done":
            assert trial.fault(job.error or "") is None, job
            assert "please report this" not in (job.error or ""), job
    assert sum(job.state != "done" for job in states.values()) > len(seeds)


_NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=60)
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
_TREES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_SCALARS, inner, max_size=4),
    max_leaves=12,
)


def _keys(data: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(data, dict):
        return [path]
    return [path] * bool(path) + [each for key, value in data.items() for each in _keys(value, (*path, key))]


def _refusal(path: Path) -> str | None:
    try:
        load(path)
    except ConfigError as error:
        return str(error)
    return None


_DEFAULTS = Config().model_dump(mode="json", by_alias=True)


@given(place=st.sampled_from(_keys(_DEFAULTS)), value=_TREES)
@example(place=("clip", "outputs"), value={False: {"": None}})
@settings(max_examples=150, deadline=None)
def test_any_value_under_any_key_of_the_config_is_taken_or_told(
    place: tuple[str, ...], value: object
) -> None:
    data = yaml.safe_load(yaml.safe_dump(_DEFAULTS))
    inner = data
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
        sentence = _refusal(path)
        assert sentence is None or (trial.fault(sentence) is None and sentence.startswith(str(path)))


@given(text=st.text(max_size=200) | st.binary(max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_bytes_as_a_config_are_taken_or_told(text: str | bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
        sentence = _refusal(path)
        assert sentence is None or trial.fault(sentence) is None


@given(name=_NAMES, role=st.sampled_from(["_trimap", "_mask", ".yaml"]))
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_a_clip_of_any_name_stays_in_its_folders(root: Path, name: str, role: str) -> None:
    """Whatever it is called, it is done, set aside or passed over, and nothing is made elsewhere."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for each, data in (("still.png", np.full((36, 64, 3), 90, np.uint8)), ("beside.png", trimap())):
            write(place / "making" / each, data)
        still, beside = ((place / "making" / each).read_bytes() for each in ("still.png", "beside.png"))
        shutil.rmtree(place / "making")
        (place / "in").mkdir()
        (place / "in" / f"{name}.png").write_bytes(still)
        (place / "in" / f"{name}_trimap.png").write_bytes(beside)
        if role == ".yaml":
            (place / "in" / f"{name}.yaml").write_text("outputs: {alpha: {format: png}}\n")
        made = config(place, jobs={"attempts": 1})
        told = Told()
        with capture_logs() as logged, Engine(lambda folder: FakeMatter("v1"), root) as engine:
            jobs = Service(made, engine, told, get_logger(), reload=lambda: made, once=True).run()
        assert {each.name for each in place.iterdir()} <= {"in", "out", "state"}
        assert len(list((place / "in").iterdir())) == (3 if role == ".yaml" else 2)
        for job in jobs:
            assert job.state == "done" or trial.fault(job.error or "") is None, job
            assert "please report this" not in (job.error or ""), job
        for line in logged:
            assert trial.fault(line["event"]) is None or line["log_level"] == "info", line
