"""Hot paths up to a part's posteriors, on the CPU: one image of an ordinary size, and the built-in net D."""

from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import make_image
from PIL import Image

from bench.engine.capacity import Capacity
from bench.engine.part_posteriors import part_posteriors
from bench.images.loader import Prepared
from bench.images.pixels import cut, decode, size_of
from bench.images.rescaling import rescale
from bench.images.scaling import Scaling
from bench.nets.device import Precision
from bench.nets.model import Model
from bench.nets.named import make_model
from bench.nets.reading import read_weights
from protocols.protocol import Part
from protocols.view import Size

SIZE = Size(500, 375)
SCALES = (256, 384, 512)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def photograph() -> torch.Tensor:
    """Smooth noise with grain: files without it would be smaller, and faster to decode, than photographs are."""
    smooth = np.array(make_image(SIZE, 0), np.float64)
    grain = np.random.default_rng(0).normal(0, 6, smooth.shape)
    return torch.from_numpy((smooth + grain).clip(0, 255).astype(np.uint8)).permute(2, 0, 1)


@pytest.fixture(scope="module")
def model() -> Model:
    weights = read_weights("builtin:D-256-512")
    return make_model("vgg16", weights, None, None, CPU, Precision("fp32"), "scores")


@pytest.mark.benchmark(group="decode")
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_decode(benchmark, photograph: torch.Tensor, tmp_path: Path, suffix: str):
    path = tmp_path / f"photograph.{suffix}"
    Image.fromarray(photograph.permute(1, 2, 0).numpy()).save(path, quality=90)
    decoded = benchmark(decode, path)
    assert size_of(decoded) == SIZE
    assert (decoded.float() - photograph.float()).abs().mean() < 8  # lossy, but this photograph


@pytest.mark.benchmark(group="rescale")
@pytest.mark.parametrize("Q", SCALES)
def test_rescale(benchmark, photograph: torch.Tensor, Q: int):
    rescaled = benchmark(rescale, photograph, Q)
    assert rescaled.shape == (3, Q, Q * SIZE.width // SIZE.height)
    assert abs(rescaled.float().mean() - photograph.float().mean()) < 1


@pytest.mark.benchmark(group="cut views")
@pytest.mark.parametrize("Q", SCALES)
def test_cut(benchmark, photograph: torch.Tensor, Q: int):
    image = rescale(photograph, Scaling(Q))
    views = benchmark(_multicrop_views, image, Part("multicrop", Q))
    assert views.shape == (50, 3, 224, 224)
    assert torch.equal(views[0], image[:, :224, :224])
    assert torch.equal(views[25:], views[:25].flip(-1))


@pytest.mark.benchmark(group="dense map")
@pytest.mark.parametrize("Q", SCALES)
def test_dense(benchmark, model: Model, photograph: torch.Tensor, Q: int):
    _benchmark_part(benchmark, model, photograph, Part("dense", Q))


@pytest.mark.benchmark(group="multi-crop")
def test_multicrop(benchmark, model: Model, photograph: torch.Tensor):
    """At one Q: the crops of the others are as many and as large."""
    _benchmark_part(benchmark, model, photograph, Part("multicrop", 256))


def _multicrop_views(image: torch.Tensor, part: Part) -> torch.Tensor:
    return torch.stack([cut(image, view) for view in part.views(SIZE, 224)])


def _benchmark_part(benchmark, model: Model, photograph: torch.Tensor, part: Part) -> None:
    prepared = Prepared(SIZE, {Scaling(part.Q): rescale(photograph, Scaling(part.Q))})
    probs = benchmark(part_posteriors, model, part, [prepared], Capacity(None, CPU))
    assert probs.shape == (1, 24)
    assert probs.sum() == pytest.approx(1)
    assert np.ptp(probs) > 0.01  # uniform ones would add up as well
