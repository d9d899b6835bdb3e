"""The curves of ICC profiles, there and back."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from daemon.colour.icc_curves import CurveError, Formula, Table
from tests.daemon.profiles import SRGB_CURVE


@pytest.mark.parametrize(
    "curve",
    [
        Formula(2.2),
        Formula(*SRGB_CURVE),
        Formula(2.4, 0.9, 0.1, 0.0, -0.1 / 0.9, 0.0, 0.0),
        Formula(1.8, 1, 0, 1 / 16, 1 / 32, 0.01, 0.01),
        Table(tuple((np.linspace(0, 1, 26) ** 2.2 * 65535).astype(int).tolist())),
        Table((0, 65535)),
    ],
)
def test_a_curve_and_its_inverse_give_the_number_back(curve: Formula | Table) -> None:
    codes = torch.cat([torch.linspace(0.02, 1.6, 400), -torch.linspace(0.02, 1.6, 400)])
    torch.testing.assert_close(curve.from_light(curve.to_light(codes)), codes, atol=2e-5, rtol=1e-5)


def test_what_a_table_shows_as_black_comes_back_as_one_code() -> None:
    curve = Table((0, 0, 0, 30000, 65535, 65535))
    assert curve.from_light(torch.tensor([0.0, 1.0])).tolist() == pytest.approx([0.4, 0.8])


@pytest.mark.parametrize(
    "broken",
    [
        lambda: Formula(float("nan")),
        lambda: Formula(0.0),
        lambda: Formula(2.2, a=0.0),
        lambda: Formula(2.2, c=-1.0, d=0.5),
        lambda: Table((65535, 0)),
        lambda: Table((7, 7)),
    ],
)
def test_a_curve_that_has_no_inverse_is_refused(broken: object) -> None:
    with pytest.raises(CurveError):
        broken()  # type: ignore[operator]
