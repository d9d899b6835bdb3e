"""Each: the same done one after the other and side by side."""

from __future__ import annotations

import gc
import threading

import numpy as np
import pytest
import torch

from dim_model.each import ONE_BY_ONE, Each
from dim_model.lines import lines
from dim_model.numbered import numbered
from dim_model.temporal import Steadier


def test_results_come_in_order_from_several_threads() -> None:
    meet = threading.Barrier(2, timeout=20)

    def square(n: int) -> int:
        meet.wait()  # two are at it at once, or it breaks
        return n * n

    each = Each.side_by_side(2, "test")
    assert list(each(square, range(6))) == [0, 1, 4, 9, 16, 25]
    assert each.parts == 2


def test_one_thread_is_no_thread() -> None:
    assert Each.side_by_side(1, "test") == ONE_BY_ONE


def test_an_error_comes_out() -> None:
    with pytest.raises(ZeroDivisionError):
        list(Each.side_by_side(2, "test")(lambda n: 1 // n, [1, 0]))


def test_threads_end_with_what_they_worked_for() -> None:
    each = Each.side_by_side(2, "passing")
    assert list(each(abs, [-1, 2])) == [1, 2]
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("passing")]
    assert threads
    del each
    gc.collect()
    for thread in threads:
        thread.join(timeout=20)
        assert not thread.is_alive()


def test_lines_are_the_same_by_any_number_of_threads() -> None:
    rng = np.random.default_rng(8)
    rgb, alpha = rng.random((150, 601, 3), np.float32), rng.random((150, 601), np.float32)
    slot, pixels = numbered(rng.random((75, 301)) < 0.3)
    alone = lines(rgb, alpha, slot, pixels.size, 1e-4)
    for threads in (2, 3, 7):
        made = lines(rgb, alpha, slot, pixels.size, 1e-4, Each.side_by_side(threads, "test"))
        np.testing.assert_array_equal(made, alone)


def test_a_clip_is_as_steady_by_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(9)
    still = torch.from_numpy(rng.random((3, 96, 128), np.float32))
    mattes = [torch.from_numpy(rng.random((1, 96, 128), np.float32)) for _ in range(5)]
    frames = [(n, still.roll(n, -1), matte) for n, matte in enumerate(mattes)]

    def steadied(threads: int) -> list[torch.Tensor]:
        monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
        steadier = Steadier[int](2)
        made = [steady for frame in frames for steady in steadier.take(*frame)]
        return [steady.alpha for _, steady in [*made, *steadier.rest()]]

    alone = steadied(1)
    assert not all(made.equal(matte) for made, matte in zip(alone, mattes, strict=True))
    for threads in (2, 5):
        assert all(made.equal(other) for made, other in zip(steadied(threads), alone, strict=True))
