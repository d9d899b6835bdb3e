"""The trimap network, and what is made of what it sees: sizes, verdicts, confidence."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from dim_model import nets, segment, weights
from dim_model.nets.trimap import CLASSES, Lite0, TrimapNet

EXPECTED_PARAMETERS = 3_276_547


def network(seed: int = 0) -> TrimapNet:
    torch.manual_seed(seed)
    made = nets.build("trimap")
    assert isinstance(made, TrimapNet)
    return made


def probable(height: int = 64, width: int = 96, *, sure: float = 1.0) -> Tensor:
    """A block of foreground in the middle, a band of unknown around it: [3, height, width]."""
    which = torch.zeros(height, width, dtype=torch.int64)
    which[height // 4 : -height // 4, width // 4 : -width // 4] = 1
    which[height // 4 + 3 : -height // 4 - 3, width // 4 + 3 : -width // 4 - 3] = 2
    hot = torch.nn.functional.one_hot(which, 3).permute(2, 0, 1).float()
    return sure * hot + (1 - sure) / 3


def test_it_is_as_large_as_the_card_says() -> None:
    assert sum(p.numel() for p in network().parameters()) == EXPECTED_PARAMETERS


@pytest.mark.parametrize("size", [(32, 32), (64, 96), (224, 160)])
def test_logits_have_the_pictures_size(size: tuple[int, int]) -> None:
    with torch.inference_mode():
        logits = network().eval()(torch.rand(2, 3, *size))["logits"]
    assert logits.shape == (2, len(CLASSES), *size)


def test_the_encoder_halves_the_size_five_times() -> None:
    """Tan & Le (2019), table 1: the widths at each size."""
    with torch.inference_mode():
        features = Lite0().eval()(torch.rand(1, 3, 64, 96))
    assert [tuple(f.shape[1:]) for f in features] == [
        (16, 32, 48),
        (24, 16, 24),
        (40, 8, 12),
        (112, 4, 6),
        (320, 2, 3),
    ]


def test_padding_is_tensorflows() -> None:
    """SAME, stride 2, kernel 3, even input: nothing before, one after. torch's own would put one before."""
    stem = Lite0().stem[0]
    torch.nn.init.ones_(stem.weight)
    x = torch.zeros(1, 3, 8, 8)
    x[..., 0, 0] = 1  # seen by the first output only if the kernel begins on it
    x[..., 7, 7] = 1  # in the last output's kernel, with a row and column of nothing behind
    y = stem(x)[0, 0]
    assert (y != 0).nonzero().tolist() == [[0, 0], [3, 3]]


def test_every_parameter_is_trained() -> None:
    made = network()
    logits = made(torch.rand(2, 3, 64, 64))["logits"]
    torch.nn.functional.cross_entropy(logits, torch.randint(0, 3, (2, 64, 64))).backward()
    still = [name for name, p in made.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []


@pytest.mark.parametrize("frame", [(1080, 1920), (1920, 1080), (1000, 1000), (90, 4000)])
def test_the_working_size_keeps_the_frames_shape_and_the_area(frame: tuple[int, int]) -> None:
    height, width = segment.working_size(*frame)
    assert height % 32 == width % 32 == 0
    assert min(height, width) >= 32
    if max(frame) < 3 * min(frame):
        assert height / width == pytest.approx(frame[0] / frame[1], rel=0.12)
        assert height * width == pytest.approx(segment.SIDE**2, rel=0.12)


def test_a_trimap_has_the_frames_size_and_three_values() -> None:
    made = segment.segment(segment.network_of(network()), torch.rand(3, 120, 213))
    assert made.trimap.shape == (1, 120, 213)
    assert set(made.trimap.unique().tolist()) <= {0.0, 0.5, 1.0}
    assert made.probabilities.sum(0).sub(1).abs().max() < 1e-5
    assert 0 <= made.confidence <= 1


def test_what_the_network_says_is_where_it_says_it() -> None:
    likely = probable()
    made = segment.segment(lambda x: likely[None].expand(len(x), -1, -1, -1), torch.rand(3, 640, 960))
    trimap = made.trimap[0]
    assert (trimap[0, 0], trimap[320, 480], trimap[170, 480]) == (0.0, 1.0, 0.5)


def test_what_is_not_sure_is_left_to_the_matte() -> None:
    likely = torch.tensor([0.45, 0.1, 0.45]).view(3, 1, 1).expand(3, 32, 32)
    assert (segment.trimap_of(likely, (64, 64)) == 0.5).all()


def test_doubt_lowers_the_confidence() -> None:
    sure, doubtful = (segment.confidence(probable(sure=s)) for s in (0.98, 0.3))
    assert sure > 0.9
    assert doubtful < 0.4


@pytest.mark.parametrize("only", range(3), ids=CLASSES)
def test_a_frame_of_one_class_has_no_confidence(only: int) -> None:
    likely = torch.zeros(3, 64, 64)
    likely[only] = 1
    assert segment.confidence(likely) == 0


def test_a_speck_is_no_subject() -> None:
    likely = torch.zeros(3, 320, 320)
    likely[0] = 1
    likely[:, 100:104, 100:104] = torch.tensor([0.0, 0.0, 1.0]).view(3, 1, 1)
    assert 0 < segment.confidence(likely) < 0.1


def test_the_same_frame_gives_the_same_bytes() -> None:
    run, rgb = segment.network_of(network()), torch.rand(3, 100, 140)
    assert torch.equal(
        segment.segment(run, rgb).probabilities, segment.segment(run, rgb.clone()).probabilities
    )


def test_published_weights_are_opened(tmp_path: Path) -> None:
    made = network(3).eval()
    card = weights.Card("trimap-1", "trimap", "picture", "Apache-2.0", [], {})
    folder = weights.publish(tmp_path, card, made.state_dict())
    rgb = torch.rand(3, 64, 64)
    assert torch.equal(
        segment.segment(segment.opened(folder), rgb).probabilities,
        segment.segment(segment.network_of(made), rgb).probabilities,
    )


def test_weights_that_matte_are_refused(tmp_path: Path) -> None:
    card = weights.Card("swift-1", "swift", "sampled", "Apache-2.0", [], {})
    folder = weights.publish(tmp_path, card, nets.build("swift").state_dict())
    with pytest.raises(weights.WeightsError, match=r"swift-1: holds weights of swift, which makes mattes"):
        segment.opened(folder)
