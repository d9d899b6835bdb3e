"""What the trimap network is taught by: whole pictures, three classes of an alpha, loss and figures."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import torch

from trainer.classes import classes, counts, figures, losses, partial
from trainer.pictures import PictureStream, unpack
from trainer.stream import Place
from trainer.synth import Photos
from trainer.synth.picture import make_picture


def disc(size: int = 128, radius: float = 40, soft: float = 1) -> torch.Tensor:
    """Alpha [1, 1, N, N] of a disc whose edge is ``soft`` pixels wide."""
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return ((radius - torch.hypot(y - size / 2, x - size / 2)) / soft).clamp(0, 1)[None, None].float()


def test_the_unknown_class_holds_all_that_is_partly_transparent_and_a_band_beside_it() -> None:
    alpha = disc(soft=6)
    which = classes(alpha)
    assert (which[partial(alpha)[:, 0]] == 1).all()
    assert which[0, 64, 64] == 2
    assert which[0, 0, 0] == 0
    assert (which == 1).sum() > 1.2 * partial(alpha).sum()


def test_figures_are_of_a_found_trimap() -> None:
    alpha = disc()
    truth = classes(alpha)[:, None] / 2
    perfect = figures(counts(truth, alpha))
    assert set(perfect) == {"iou_background", "iou_unknown", "iou_foreground", "miou", "coverage"}
    assert set(perfect.values()) == {1.0}
    hard = figures(counts((alpha > 0.5).float(), alpha))
    assert hard["coverage"] == hard["iou_unknown"] == 0
    assert 0.8 < hard["iou_foreground"] < 1
    blind = figures(counts(torch.full_like(alpha, 0.5), alpha))
    assert blind["coverage"] == 1
    assert blind["miou"] < 0.1


def test_the_right_answer_loses_least() -> None:
    which = classes(disc(64, 20))
    right = 8 * torch.nn.functional.one_hot(which, 3).movedim(-1, 1).float()
    terms = losses(right, which)
    assert terms["total"] == terms["entropy"] + terms["dice"]
    assert terms["total"] < 0.05 < losses(torch.zeros_like(right), which)["total"]


def test_a_picture_without_a_subject_has_a_finite_loss() -> None:
    logits = torch.randn(1, 3, 64, 64, requires_grad=True)
    losses(logits, torch.zeros(1, 64, 64, dtype=torch.int64))["total"].backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_a_subject_that_its_picture_cut_off_is_never_seen_to_end_in_mid_air(photos: Path) -> None:
    subject = np.zeros((96, 96, 4), np.float32)
    subject[30:, 30:60] = (1, 0, 0, 1)  # down to the lower edge, as a bust is
    found = 0
    for seed in range(40):
        _, alpha = make_picture(np.random.default_rng(seed), subject, Photos(photos), 64)
        if alpha.max() > 0.5:
            found += 1
            assert alpha[-1].max() > 0.5
    assert found > 30


def test_now_and_then_there_is_no_subject(photos: Path) -> None:
    subject = np.ones((64, 64, 4), np.float32)
    empty = sum(
        not make_picture(np.random.default_rng(seed), subject, Photos(photos), 32)[1].any()
        for seed in range(150)
    )
    assert 0 < empty < 30


def test_pictures_depend_on_their_number_alone(photos: Path) -> None:
    whole = list(islice(PictureStream(photos, 64, 1, scene=96, pool=2), 24))
    late = PictureStream(photos, 64, 1, scene=96, pool=2, place=Place(start=5, batch=4))
    for expected, found in zip(whole[20:], islice(late, 4), strict=True):
        assert torch.equal(expected, found)
    rgb, alpha = unpack(torch.stack(whole))
    assert rgb.shape == (24, 3, 64, 64)
    assert alpha.shape == (24, 1, 64, 64)
    assert 0 <= rgb.min() <= rgb.max() <= 1
