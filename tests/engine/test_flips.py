"""What is seen without mirror images: of an image and of its mirror image together it is what the flipped part is."""

from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import make_weights
from devices import chosen

from bench.engine.capacity import Capacity
from bench.engine.keys import part_key
from bench.engine.part_posteriors import part_posteriors
from bench.images.dataset import Images
from bench.images.loader import Prepared
from bench.images.scaling import Scaling
from bench.nets.device import Precision
from bench.nets.model import Model
from bench.nets.named import open_model
from bench.nets.net_spec import NetSpec
from protocols.methods import WITHOUT_FLIPS
from protocols.protocol import Part
from protocols.view import Size

Q = 228  # with these widths no grid offset lies between two pixels, which is rounded up in a mirror image too
WIDTHS = (228, 232, 300)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Model:
    path = make_weights(tmp_path_factory.mktemp("weights") / "A.safetensors", "vgg11")
    return open_model(NetSpec("vgg11", str(path)), chosen(), Precision("fp32"), "scores")


def prepared(*images: torch.Tensor) -> list[Prepared]:
    return [Prepared(Size(image.shape[2], image.shape[1]), {Scaling(Q): image}) for image in images]


@pytest.fixture(scope="module")
def images() -> list[torch.Tensor]:
    torch.manual_seed(0)
    coarse = [torch.randint(0, 256, (1, 3, 7, 9)).float() for _ in WIDTHS]
    return [
        torch.nn.functional.interpolate(each, (Q, width), mode="bilinear")[0].byte()
        for each, width in zip(coarse, WIDTHS, strict=True)
    ]


@pytest.mark.parametrize("method", WITHOUT_FLIPS)
def test_both_ways_without_flips_are_the_flipped_part(method, model, images):
    with torch.inference_mode():
        flipped = part_posteriors(model, Part(method, Q), prepared(*images), Capacity(None, model.device))
        straight, mirrored = (
            part_posteriors(model, part, prepared(*shown), Capacity(None, model.device))
            for part in [Part(method, Q).without_flips]
            for shown in (images, [image.flip(-1) for image in images])
        )
    assert np.abs(straight - mirrored).max() > 1e-3  # else nothing is shown
    assert np.abs((straight + mirrored) / 2 - flipped).max() < 1e-5
    assert np.abs(2 * flipped - straight - mirrored).max() < 2e-5  # the mirror images alone, from two stored parts


def test_flipped_parts_are_kept_where_they_were_and_others_beside_them(model):
    images = Images("one", (Path("1"),), ("1",), np.zeros(1, int), None, 1, pixel_digests=("0",))
    for method, without in WITHOUT_FLIPS.items():
        one, other = (part_key(model, Part(each, Q), images) for each in (method, without))
        assert {name for name in one if one[name] != other[name]} == {"part"}
        assert one["part"] == f"{method}@{Q}"


def test_dense_without_flips_needs_the_convolutional_net(model):
    small = Part("dense-noflip", 224)
    assert small.whole
    model.check(small, "one.jpg")
    model.ready(small)
    assert "dense_net" in vars(model)
