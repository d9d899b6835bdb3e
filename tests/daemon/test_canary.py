"""The canary: weights that are broken, slow, too large or not what their card says are never used."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from daemon.canary import Canary, _free_of_machine, free_memory
from daemon.config import CanarySettings
from daemon.engine import Engine, Matting
from dim_model import canary, nets, weights
from dim_model.matter import Matter
from dim_model.weights import Card, WeightsError

GIB = 1 << 30
CARD = Card("bad", "swift", "sampled", "x", [], {})
SHIPPED = weights.load(weights.resolve(weights.SHIPPED))


def open_matter(folder: Path) -> Matter:
    return Matter.open(folder, device="cpu", runtime="torch", precision="float32", batch=1)


def alpha_of(folder: Path) -> torch.Tensor:
    matter = open_matter(folder)
    try:
        return matter.matte(*([each] for each in canary.picture()))[0]
    finally:
        matter.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The shipped weights as "good", with their answer in the card, and `current` at them."""
    card = dataclasses.replace(
        CARD, version="good", canary=canary.answer(alpha_of(SHIPPED.folder), "sampled")
    )
    weights.publish(tmp_path, card, SHIPPED.state)
    weights.point(tmp_path, "good")
    return tmp_path


def tensors_of(folder: Path) -> Path:
    return folder / "weights.safetensors"


def bad_truncated(root: Path) -> None:
    path = tensors_of(weights.publish(root, CARD, SHIPPED.state))
    path.write_bytes(path.read_bytes()[:-100])


def bad_tampered(root: Path) -> None:
    path = tensors_of(weights.publish(root, CARD, SHIPPED.state))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def bad_without_tensors(root: Path) -> None:
    tensors_of(weights.publish(root, CARD, SHIPPED.state)).unlink()


def bad_network(root: Path) -> None:
    card = dataclasses.replace(CARD, network="trimap", inputs="picture")
    weights.publish(root, card, nets.build("trimap").state_dict())


def bad_inputs(root: Path) -> None:
    weights.publish(root, dataclasses.replace(CARD, inputs="plain"), SHIPPED.state)


def bad_shapes(root: Path) -> None:
    weights.publish(root, CARD, SHIPPED.state | {"stem.0.weight": torch.zeros(2, 2)})


def bad_numbers(root: Path) -> None:
    broken = {name: tensor.clone() for name, tensor in SHIPPED.state.items()}
    next(t for t in broken.values() if t.is_floating_point()).view(-1)[0] = math.nan
    weights.publish(root, CARD, broken)


def bad_overflow(root: Path) -> None:
    """Finite tensors whose product is not."""
    broken = {name: t * 1e30 if t.is_floating_point() else t for name, t in SHIPPED.state.items()}
    weights.publish(root, CARD, broken)


def bad_answer(root: Path) -> None:
    """Tensors that somebody exchanged together with the card's sha256."""
    kept = weights.load_card(root / "good").canary
    torch.manual_seed(0)
    weights.publish(root, dataclasses.replace(CARD, canary=kept), nets.build("swift").state_dict())


def bad_card(root: Path) -> None:
    folder = weights.publish(root, CARD, SHIPPED.state)
    (folder / "card.json").write_text(json.dumps({"version": 7}))


BAD = {
    bad_truncated: "sha256 differs",
    bad_tampered: "sha256 differs",
    bad_without_tensors: "cannot be read (No such file or directory)",
    bad_network: "is of 'trimap', which makes no mattes",
    bad_inputs: "was trained on the inputs 'plain'",
    bad_shapes: "the tensors do not fit this version's network 'swift'",
    bad_numbers: "holds numbers that are not finite",
    bad_overflow: "give numbers that are not finite on the canary picture",
    bad_answer: "answer the canary picture otherwise than their card says",
    bad_card: "is no weights card",
}


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.__name__)
def test_bad_weights_are_refused_in_one_sentence_and_the_old_stay(
    root: Path, bad: Callable[[Path], None]
) -> None:
    bad(root)
    trial = Canary(CanarySettings(seconds=None), pytest.fail, lambda: 8 * GIB)
    with Engine(open_matter, root, trial=trial) as engine:
        (root / "current").unlink()
        (root / "current").symlink_to("bad")
        with pytest.raises(WeightsError) as refused:
            engine.refresh()
        assert engine.version == "good"
        with engine.lease() as lease:
            (rgb, trimap) = canary.picture()
            made = lease.matte(rgb, trimap).result(30)
        assert canary.fault(made, weights.load_card(root / "good").canary) is None
    sentence = str(refused.value)
    assert BAD[bad] in sentence
    assert sentence.startswith(str(root / "bad"))
    assert sentence.endswith(".")
    assert "\n" not in sentence


def slow(seconds: list[float]) -> Callable[[], float]:
    """A clock by which tries take so long."""
    times = [0.0]
    for each in seconds:
        times += [times[-1] + each, times[-1] + each]
    return iter(times).__next__


def opened(root: Path) -> Callable[[], Matting]:
    return lambda: open_matter(root / "good")


def test_the_shipped_weights_answer_as_their_card_says() -> None:
    """Inputs or a network that changed want them published again."""
    assert canary.is_known(SHIPPED.card.canary)
    assert canary.fault(alpha_of(SHIPPED.folder), SHIPPED.card.canary) is None


def test_weights_that_are_too_slow_are_refused(root: Path) -> None:
    trial = Canary(CanarySettings(seconds=2.0), print, lambda: 8 * GIB, slow([9.0, 3.0, 4.0]))
    with pytest.raises(
        WeightsError, match=r"take 3\.00 s for the canary picture, above canary: seconds \(2\)"
    ):
        trial(root / "good", opened(root))


def test_one_quick_try_is_enough(root: Path) -> None:
    """The weights in use go on beside it, and may hold up one."""
    trial = Canary(CanarySettings(seconds=2.0), pytest.fail, lambda: 8 * GIB, slow([9.0, 1.5]))
    trial(root / "good", opened(root)).close()


def test_weights_without_room_are_not_even_opened(root: Path) -> None:
    trial = Canary(CanarySettings(free_gib=1.0), print, lambda: GIB + 1000)
    with pytest.raises(WeightsError, match=r"less memory free than canary: free_gib \(1 GiB\)"):
        trial(root / "good", lambda: pytest.fail("it was opened"))


def test_weights_that_leave_no_room_once_opened_are_closed(root: Path) -> None:
    free = iter([8 * GIB, GIB // 2])
    made: list[Matter] = []

    def noted() -> Matter:
        made.append(open_matter(root / "good"))
        return made[0]

    with pytest.raises(WeightsError, match="less memory free"):
        Canary(CanarySettings(free_gib=1.0), print, lambda: next(free))(root / "good", noted)
    with pytest.raises(RuntimeError, match="shutdown"):
        made[0].matte(*([each] for each in canary.picture()))


def test_without_a_known_answer_only_sanity_is_seen_and_it_is_said(root: Path) -> None:
    weights.publish(root, dataclasses.replace(CARD, version="older"), SHIPPED.state)
    said: list[str] = []
    trial = Canary(CanarySettings(seconds=None), said.append, lambda: 8 * GIB)
    trial(root / "older", lambda: open_matter(root / "older")).close()
    assert len(said) == 1
    assert "have no answer to the canary picture in their card that this version of dimd knows" in said[0]


def test_every_runtime_and_precision_gives_the_cards_answer(root: Path) -> None:
    kept = weights.load_card(root / "good").canary
    for runtime, precision in (("torch", "bfloat16"), ("openvino", "auto")):
        matter = Matter.open(root / "good", device="cpu", runtime=runtime, precision=precision, batch=1)
        try:
            alpha = matter.matte(*([each] for each in canary.picture()))[0]
        finally:
            matter.close()
        assert canary.fault(alpha, kept) is None, (runtime, precision)


@pytest.mark.parametrize(
    "kept",
    [{}, {"picture": canary.PICTURE}, {"picture": canary.PICTURE, "alpha": [None] * 100}, {"alpha": 1}],
)
def test_an_answer_of_another_shape_is_none(kept: dict[str, object]) -> None:
    assert not canary.is_known(kept)


@pytest.mark.parametrize("what", ["told", "made"])
def test_weights_of_a_dimd_that_saw_to_the_rest_otherwise_are_taken_after_an_upgrade(
    root: Path, what: str
) -> None:
    """Sampling, or the last step of a matte, that changed gives another answer: no weights are to blame."""
    kept = weights.load_card(root / "good").canary
    other = kept | {"alpha": [0.5] * 100}
    assert canary.fault(alpha_of(root / "good"), other)
    changed = {what: [value + 0.01 for value in kept[what]]}
    card = dataclasses.replace(CARD, version=f"older-{what}", canary=other | changed)
    weights.publish(root, card, SHIPPED.state)
    said: list[str] = []
    trial = Canary(CanarySettings(seconds=None), said.append, lambda: 8 * GIB)
    folder = root / f"older-{what}"
    trial(folder, lambda: open_matter(folder)).close()
    assert len(said) == 1


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.01, 1.01])
def test_an_alpha_that_is_none_is_a_fault(value: float) -> None:
    alpha = torch.full((1, 160, 160), 0.5)
    alpha[0, 80, 80] = value
    assert canary.fault(alpha, {})


def test_a_services_share_of_memory_counts_as_its_machines(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 100 kB\nMemAvailable:   4000 kB\n")
    (tmp_path / "cgroup").write_text("0::/system.slice/dimd.service\n")
    here = tmp_path / "fs/system.slice/dimd.service"
    here.mkdir(parents=True)
    for name, text in (
        ("memory.max", "1024000"),
        ("memory.current", "1000000"),
        ("memory.stat", "anon 1\ninactive_file 76000"),
    ):
        (here / name).write_text(text)
    seen = (tmp_path / "meminfo", tmp_path / "cgroup", tmp_path / "fs")
    assert _free_of_machine(*seen) == 100_000
    (here / "memory.max").write_text("max")
    assert _free_of_machine(*seen) == 4_096_000


def test_this_machine_has_memory() -> None:
    assert free_memory("cpu") > 1 << 20
