"""A device that runs short of memory, or goes away, at the seam where torch says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from dim_model.runtimes import DeviceError, DeviceLostError, guarded
from dim_model.runtimes.guarded import GuardedRuntime


class Device:
    """Has room for so many tiles at once, until it breaks."""

    description, pinned = "cuda:0, on paper", False

    def __init__(self, room: int, broken: Exception | None = None) -> None:
        self.room, self.broken, self.batches, self.closed = room, broken, list[int](), False
        self.given_back = 0

    def __call__(self, tiles: Tensor) -> Tensor:
        if self.broken:
            raise self.broken
        if len(tiles) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        self.batches.append(len(tiles))
        return tiles.mean(1, keepdim=True)

    def finish(self) -> None: ...

    def give_back(self) -> None:
        self.given_back += 1

    def close(self) -> None:
        self.closed = True


TILES = torch.arange(8.0)[:, None, None, None].expand(8, 3, 4, 4)


@pytest.mark.parametrize(("room", "batches", "halved"), [(8, [8], 0), (5, [4, 4], 1), (1, [1] * 8, 3)])
def test_out_of_memory_halves_the_batch_and_every_tile_is_done(
    room: int, batches: list[int], halved: int
) -> None:
    device = Device(room)
    runtime = GuardedRuntime(device)
    assert torch.equal(runtime([TILES])[0][:, 0, 0, 0], torch.arange(8.0))
    assert (device.batches, runtime.halved, device.given_back) == (batches, halved, halved)


class Later(Device):
    """Does nothing before it is waited for, as a GPU may."""

    def __init__(self, room: int) -> None:
        super().__init__(room)
        self.begun = list[tuple[Tensor, Tensor]]()

    def __call__(self, tiles: Tensor) -> Tensor:
        self.begun.append((super().__call__(tiles), torch.full((len(tiles), 1, 4, 4), torch.nan)))
        return self.begun[-1][1]

    def finish(self) -> None:
        for done, promised in self.begun:
            promised.copy_(done)
        self.begun.clear()


@pytest.mark.parametrize("room", [8, 3])
def test_all_batches_are_begun_before_any_is_waited_for(room: int) -> None:
    device = Later(room)
    first, second = GuardedRuntime(device)([TILES, TILES + 8])
    assert torch.equal(torch.cat([first, second])[:, 0, 0, 0], torch.arange(16.0))


def test_a_device_that_goes_away_while_it_is_waited_for_is_told_apart() -> None:
    device = Device(8)
    device.finish = lambda: (_ for _ in ()).throw(_accelerator_error())  # type: ignore[method-assign]
    with pytest.raises(DeviceLostError, match="does not answer any more"):
        GuardedRuntime(device)([TILES])


class Broken(Later):
    """Fails at its second batch."""

    def __call__(self, tiles: Tensor) -> Tensor:
        if self.begun:
            raise ValueError("a mistake of ours")
        return super().__call__(tiles)


def test_what_was_begun_is_waited_for_where_the_next_batch_fails() -> None:
    device = Broken(8)
    with pytest.raises(ValueError, match="a mistake of ours"):
        GuardedRuntime(device)([TILES, TILES])
    assert not device.begun


def test_pinned_memory_that_is_not_to_be_had_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    device, asked, plain = Device(8), list[bool](), guarded.empty_tiles
    device.pinned = True

    def short(*args: Any, pinned: bool = False) -> Tensor:
        asked.append(pinned)
        if pinned:
            raise torch.AcceleratorError("CUDA error: out of memory\nCUDA kernel errors might be ...")
        return plain(*args)

    monkeypatch.setattr(guarded, "empty_tiles", short)
    assert GuardedRuntime(device).room(2, (32, 64), "plain").shape == (2, 16, 16, 32)
    assert asked == [True, False]


def test_a_halved_batch_stays_so_and_is_tried_no_larger() -> None:
    device = Device(4)
    runtime = GuardedRuntime(device)
    runtime([TILES])
    device.batches.clear()
    runtime([TILES])
    assert (device.batches, runtime.halved) == ([4, 4], 1)


def test_no_memory_for_one_tile_is_one_sentence() -> None:
    with pytest.raises(DeviceError, match="has no memory for a single tile; end what else uses it") as raised:
        GuardedRuntime(Device(0))([TILES])
    assert not isinstance(raised.value, DeviceLostError)


def _accelerator_error() -> RuntimeError:
    return torch.AcceleratorError("CUDA error: unspecified launch failure\nCUDA kernel errors might be ...")


@pytest.mark.parametrize(
    "broken",
    [_accelerator_error, lambda: RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED")],
    ids=["CUDA", "cuDNN"],
)
def test_a_device_that_went_away_is_told_apart_and_not_asked_again(
    broken: Callable[[], RuntimeError],
) -> None:
    device = Device(8, broken())
    runtime = GuardedRuntime(device)
    with pytest.raises(
        DeviceLostError, match=r"does not answer any more \([Cc][Uu].* error: [^\n]*\); dimd ends"
    ) as raised:
        runtime([TILES])
    assert "\n" not in str(raised.value)
    runtime.close()
    assert not device.closed


def test_another_error_stays_what_it_is() -> None:
    device = Device(8, RuntimeError("sizes of tensors must match"))
    runtime = GuardedRuntime(device)
    with pytest.raises(RuntimeError, match="sizes of tensors"):
        runtime([TILES])
    runtime.close()
    assert device.closed
