"""A picture is prepared as a mask model's family wants it, and what it gives becomes a mask, a trimap and a
confidence.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dim_model.segmenters import (
    PRESETS,
    Entry,
    Recipe,
    SegmenterError,
    confidence,
    mask_of,
    prepare,
    soft_trimap,
)


@pytest.mark.parametrize("shape", [(1, 4, 16, 24), (2, 3, 16, 24), (1, 3, 16), (3,)])
def test_an_input_that_is_no_picture_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(SegmenterError, match=r"m: takes an input of shape .* must take one RGB picture"):
        Entry.of("m", shape, None, None)


@pytest.mark.parametrize(
    ("preset", "want"),
    [
        ("isnet", [-0.4, -0.25, 0.0]),
        ("birefnet", [(0.1 - 0.485) / 0.229, (0.25 - 0.456) / 0.224, (0.5 - 0.406) / 0.225]),
        (
            "u2net",
            [(0.2 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, (1.0 - 0.406) / 0.225],
        ),  # over its brightest
        ("u2netp", [(0.2 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, (1.0 - 0.406) / 0.225]),
        ("modnet", [-0.8, -0.5, 0.0]),
        ("selfie", [0.1, 0.25, 0.5]),
        ("custom", [0.1, 0.25, 0.5]),
    ],
)
@pytest.mark.parametrize("channels_last", [False, True])
def test_a_picture_is_normalised_as_its_preset_says(
    preset: str, want: list[float], channels_last: bool
) -> None:
    view = torch.tensor([0.1, 0.25, 0.5]).view(3, 1, 1).expand(3, 9, 9)
    made = prepare(view, PRESETS[preset], Entry((8, 4), channels_last))
    assert made.dtype == np.float32
    assert made.shape == ((1, 4, 8, 3) if channels_last else (1, 3, 4, 8))
    assert made.flags.c_contiguous
    np.testing.assert_allclose(made[0, 0, 0] if channels_last else made[0, :, 0, 0], want, atol=1e-5)


def test_colours_may_go_to_255() -> None:
    made = prepare(
        torch.full((3, 9, 9), 0.5), Recipe(top=255, mean=(27.5,) * 3, std=(10.0,) * 3), Entry((8, 4), False)
    )
    np.testing.assert_allclose(made, 10.0, atol=1e-4)


def test_stretching_makes_the_most_of_a_subject_and_nothing_of_noise() -> None:
    recipe = Recipe(stretch=True)
    ramp = np.linspace(0.2, 0.8, 64, dtype=np.float32).reshape(1, 1, 8, 8)
    assert mask_of(ramp, recipe, "m").aminmax() == (0, 1)
    assert float(mask_of(ramp / 4, recipe, "m").max()) == pytest.approx(0.2)
    assert float(mask_of(np.full((1, 1, 8, 8), 0.7, np.float32), recipe, "m").max()) == pytest.approx(0.7)


def test_many_classes_are_taken_for_such_where_the_settings_say_so() -> None:
    scores = np.zeros((1, 8, 8, 6), np.float32)
    scores[..., 0] = 3.0
    scores[:, 2:5, 2:5, 4] = 30.0
    made = mask_of(scores, Recipe(activation="softmax"), "m")
    assert (made[0, 0, 2:5, 2:5] > 0.99).all()
    assert made[0, 0, 0, 0] == pytest.approx(5 / (5 + np.exp(3)), abs=1e-5)
    with pytest.raises(SegmenterError, match=r"shape 1x8x8x6.*activation: softmax if these are classes"):
        mask_of(scores, Recipe(), "m")


def test_an_activation_that_cannot_be_is_refused() -> None:
    with pytest.raises(SegmenterError, match=r"m: gives a single channel, of which there is no softmax"):
        mask_of(np.zeros((1, 1, 8, 8), np.float32), Recipe(activation="softmax"), "m")


@pytest.mark.parametrize("top", [1, 255])
def test_a_mask_in_bytes_is_a_picture_or_zeros_and_ones(top: int) -> None:
    output = np.zeros((1, 1, 8, 8), np.uint8)
    output[..., 4:] = top
    for preset in ("custom", "u2net"):
        mask = mask_of(output, PRESETS[preset], "m")
        assert mask[..., :4].max() == 0
        assert mask[..., 4:].min() == 1


def test_values_that_are_not_finite_are_an_error_not_a_mask() -> None:
    with pytest.raises(SegmenterError, match=r"m: gives values that are not finite"):
        mask_of(np.full((1, 1, 8, 8), np.nan, np.float32), Recipe(), "m")


def disc(level: float = 1.0, radius: float = 0.3, side: int = 64) -> torch.Tensor:
    """A disc of probability ``level`` on a ground of 0."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, side), torch.linspace(-1, 1, side), indexing="ij")
    return level * ((x**2 + y**2).sqrt() < 2 * radius).float()[None, None]


def test_confidence_is_how_decided_the_mask_is_around_the_subject() -> None:
    assert confidence(disc()) == pytest.approx(0.7)
    found = [confidence(disc(level)) for level in (0.95, 0.8, 0.6)]
    assert found == sorted(found, reverse=True)
    assert found[-1] < 0.2


def test_a_far_ground_does_not_hide_doubt_about_a_small_subject() -> None:
    assert confidence(disc(0.6, radius=0.1)) < 0.3


@pytest.mark.parametrize("mask", [torch.zeros(1, 1, 64, 64), torch.ones(1, 1, 64, 64), disc(1.0, 0.01)])
def test_without_subject_or_ground_there_is_no_confidence(mask: torch.Tensor) -> None:
    assert confidence(mask) == 0


def test_what_is_soft_is_unknown_and_the_band_is_wider_by_erode_and_dilate() -> None:
    mask = torch.zeros(1, 1, 4, 40)
    mask[..., 10:20] = 0.5
    mask[..., 20:] = 1
    row = soft_trimap(mask, (4, 40), 3, 2)[0, 0, 1].tolist()
    assert row == [0] * 8 + [0.5] * 15 + [1] * 17
    wide = soft_trimap(mask, (40, 400), 0, 0)
    assert wide.shape == (1, 1, 40, 400)
    assert set(wide.unique().tolist()) == {0, 0.5, 1}
