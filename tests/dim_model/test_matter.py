"""Matter: the unknown region alone, the same bytes in any company, tiles that agree with the whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch

from dim_model import multigrid, nets, weights
from dim_model.matter import DeviceError, Matter
from dim_model.runtimes import Runtime, pick_device
from dim_model.tiles import Tiling

SMALL = Tiling(height=64, margin=16, widths=(64, 96))


def scene(height: int, width: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """A noisy red shape before a smooth ground, with a band of unknown: rgb [3, H, W], trimap [1, H, W]."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.linspace(0, 1, width).expand(height, width)
    rgb = torch.stack([(x > 0.5).float() * 0.7 + 0.1, 0.3 * x, 0.6 - 0.5 * x])
    rgb = (rgb + 0.05 * torch.rand(3, height, width, generator=generator)).clamp(0, 1)
    trimap = torch.full((1, height, width), 0.5)
    trimap[:, x < 0.35], trimap[:, x > 0.65] = 0.0, 1.0
    return rgb, trimap


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    network = nets.build("swift")
    for parameter in network.parameters():  # the heads start at zero, which would hide mistakes
        if not parameter.any():
            torch.nn.init.normal_(parameter, 0, 0.02)
    card = weights.Card("test-1", "swift", "sampled", "Apache-2.0", [], {})
    return weights.publish(tmp_path_factory.mktemp("weights"), card, network.state_dict())


@pytest.fixture(scope="module", params=["torch", "openvino"])
def matter(folder: Path, request: pytest.FixtureRequest) -> Iterator[Matter]:
    opened = Matter.open(
        folder, device="cpu", runtime=request.param, precision="float32", batch=3, tiling=SMALL
    )
    yield opened
    opened.close()


def test_what_is_known_to_be_behind_reaches_the_network(matter: Matter) -> None:
    rgb, trimap = scene(90, 130)
    clean = rgb.flip(-1).clone()
    (without,) = matter.matte([rgb], [trimap], [None])
    (behind,) = matter.matte([rgb], [trimap], [clean])
    assert torch.equal(without, matter.matte([rgb], [trimap])[0])
    assert not torch.equal(behind, without)
    assert torch.equal(matter.matte([rgb], [trimap], [torch.full_like(rgb, torch.nan)])[0], without)


def test_known_pixels_are_exactly_the_trimap(matter: Matter) -> None:
    rgb, trimap = scene(90, 130)
    (alpha,) = matter.matte([rgb], [trimap])
    known = trimap != 0.5
    assert torch.equal(alpha[known], trimap[known])
    assert alpha.min() >= 0
    assert alpha.max() <= 1
    assert alpha[~known].std() > 0.05


def test_a_frame_has_the_same_bytes_alone_and_in_company(matter: Matter) -> None:
    frames = [scene(90, 130, 1), scene(64, 64, 2), scene(70, 200, 3)]
    alone = [matter.matte([rgb], [trimap])[0] for rgb, trimap in frames]
    together = matter.matte([rgb for rgb, _ in frames], [trimap for _, trimap in frames])
    for one, other in zip(
        alone, reversed(matter.matte(*map(list, zip(*reversed(frames), strict=True)))), strict=True
    ):
        assert torch.equal(one, other)
    for one, other in zip(alone, together, strict=True):
        assert torch.equal(one, other)


def test_a_small_frame_fills_no_large_batch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that runs batches is not to compute thirty tiles for the sake of one."""
    for runtime, batches in (("torch", [4]), ("openvino", [1])):
        matter = Matter.open(
            folder, device="cpu", runtime=runtime, precision="float32", batch=32, tiling=SMALL
        )
        recorder = _Recorder(matter._runtime)
        monkeypatch.setattr(matter, "_runtime", recorder)
        matter.matte(*([each] for each in scene(60, 60)))
        assert recorder.seen == batches, runtime
        monkeypatch.undo()
        matter.close()


class _Recorder:
    """A runtime that notes how many tiles its batches have."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime, self.batches, self.room = runtime, runtime.batches, runtime.room
        self.seen = list[int]()

    def __call__(self, batches: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        self.seen.extend(len(tiles) for tiles in batches)
        return self._runtime(batches)


def test_warming_up_compiles_the_multigrid_too(matter: Matter, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that the warm-up does not reach would hold up the first frame for seconds."""
    called, kernel = [], multigrid._conjugate_gradients
    monkeypatch.setattr(
        multigrid, "_conjugate_gradients", lambda *system: called.append(1) or kernel(*system)
    )
    matter.warm_up()
    assert called


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (17, 23), (64, 64)])
def test_any_size_is_matted(matter: Matter, size: tuple[int, int]) -> None:
    rgb, trimap = scene(*size)
    trimap[...] = 0.5
    (alpha,) = matter.matte([rgb], [trimap])
    assert alpha.shape == trimap.shape
    assert torch.isfinite(alpha).all()


def test_a_frame_without_unknown_is_its_trimap(matter: Matter) -> None:
    rgb, trimap = scene(80, 80)
    trimap = (trimap > 0.5).float()
    assert torch.equal(matter.matte([rgb], [trimap])[0], trimap)


def test_the_runtimes_agree(folder: Path) -> None:
    rgb, trimap = scene(90, 130)
    results = []
    for runtime, precision in (("torch", "float32"), ("openvino", "float32"), ("torch", "bfloat16")):
        matter = Matter.open(
            folder, device="cpu", runtime=runtime, precision=precision, batch=2, tiling=SMALL
        )
        results.append(matter.matte([rgb], [trimap])[0])
        matter.close()
    assert torch.allclose(results[0], results[1], atol=1e-4)
    assert torch.allclose(results[0], results[2], atol=2e-2)


def test_tiled_and_untiled_agree_to_two_code_values() -> None:
    """With the weights that are shipped: 2/255 on average, for a tile sees less around itself; and no seam
    where one begins or ends.
    """
    rgb, trimap = scene(300, 400)
    results = []
    own = nets.tiling_of("swift")
    for tiling in (Tiling(512, 32), own):
        matter = Matter.open(
            weights.resolve(weights.SHIPPED), device="cpu", precision="float32", tiling=tiling
        )
        results.append(matter.matte([rgb], [trimap])[0])
        matter.close()
    error = (results[0] - results[1])[0]
    unknown = trimap[0] == 0.5
    assert error[unknown].abs().mean() < 2 / 255
    tiles = own.cover(unknown.numpy())
    assert len(tiles) > 1
    ends = {tile.y + own.height for tile in tiles}, {tile.x + tile.width for tile in tiles}
    for axis, length in enumerate(error.shape):
        edges = {tile[axis] for tile in tiles} | ends[axis]
        steps = (error.diff(dim=axis).abs() * unknown.diff(dim=axis).logical_not()).mean(1 - axis)
        for edge in edges - {0}:
            if edge < length:
                assert steps[edge - 1] < 1 / 255


def test_cuda_that_is_not_there_is_one_sentence_and_no_fallback(folder: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(DeviceError, match="shows no CUDA device; set device: cpu or auto"):
        Matter.open(folder, device="cuda")


@pytest.mark.parametrize("device", ["gpu", "mps", "cuda:x"])
def test_a_device_that_dimd_does_not_know_is_refused(device: str) -> None:
    with pytest.raises(DeviceError, match="set auto, cpu, cuda or cuda:N"):
        pick_device(device)


@pytest.fixture
def cuda() -> str:
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    return "cuda"


@pytest.mark.gpu
def test_cuda_agrees_with_the_cpu(folder: Path, cuda: str) -> None:
    rgb, trimap = scene(300, 400)
    results = [
        Matter.open(folder, device=device, runtime="torch", precision="float32").matte([rgb], [trimap])[0]
        for device in ("cpu", cuda)
    ]
    assert torch.allclose(results[0], results[1], atol=1e-3)


@pytest.mark.gpu
def test_half_precision_on_cuda_is_within_a_step_of_8_bits(cuda: str) -> None:
    rgb, trimap = scene(300, 400)
    shipped = weights.resolve(weights.SHIPPED)
    exact, half = (
        Matter.open(shipped, device=cuda, precision=precision).matte([rgb], [trimap])[0]
        for precision in ("float32", "auto")
    )
    assert (exact - half).abs().mean() < 1 / 2550
    assert (exact - half).abs().max() < 4 / 255


@pytest.mark.gpu
def test_on_cuda_a_frame_is_the_same_bits_whatever_else_is_under_way(folder: Path, cuda: str) -> None:
    """Nothing of a batch is overwritten by the next before it is read."""
    frames = [scene(300 + 50 * n, 400) for n in range(6)]
    matter = Matter.open(folder, device=cuda)
    alone = [matter.matte([rgb], [trimap])[0] for rgb, trimap in frames]
    for _ in range(20):
        together = matter.matte(*map(list, zip(*frames, strict=True)))
        assert all(map(torch.equal, alone, together))
    matter.close()


@pytest.mark.gpu
def test_where_a_gpu_has_no_memory_left_batches_are_halved(folder: Path, cuda: str) -> None:
    rgb, trimap = torch.rand(3, 1080, 1920), torch.full((1, 1080, 1920), 0.5)
    matter = Matter.open(folder, device=cuda, batch=64)
    tight = torch.cuda.memory_reserved() + (48 << 20)
    torch.cuda.set_per_process_memory_fraction(tight / torch.cuda.get_device_properties(0).total_memory)
    try:
        (alpha,) = matter.matte([rgb], [trimap])
        assert matter.halved
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    ample = Matter.open(folder, device=cuda, batch=64)
    (whole,) = ample.matte([rgb], [trimap])
    assert ample.halved == 0
    assert torch.allclose(alpha, whole, atol=1 / 255)
    matter.close()
    ample.close()
