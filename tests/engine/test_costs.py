"""What a row costs: counted views times what a net does for one."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import make_image
from torch import nn

import bench
from bench.engine import costs
from bench.engine.costs import gflops_of, part_flops, spread
from bench.engine.job import Job
from bench.engine.request import Numbers
from bench.engine.rows import Row
from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.pixels import parse_pixels
from bench.nets import zoo
from bench.nets.device import Precision
from bench.nets.model import Model
from bench.nets.weights import Weights
from protocols.protocol import Part, parse
from protocols.scales import JITTERED
from protocols.view import Size

PIXELS = parse_pixels("RGB/255/128,128,128/64,64,64")
SIZES = [Size(500, 375), Size(375, 500), Size(300, 300), Size(500, 375)]


def model(net: nn.Module, name: str = "vgg16") -> Model:
    how = (PIXELS, JITTERED, torch.device("cpu"), Precision("fp32"))
    return Model(name, Weights("none", {}, name), net, 1000, *how)


@pytest.fixture(scope="module")
def vgg16() -> Model:
    """Without storage."""
    return model(zoo.build("vgg16", 1000))


def multiply_adds() -> int:
    """Of VGG-16's layers for one crop: maps' area x kernel x channels."""
    blocks = [(224, [3, 64, 64]), (112, [64, 128, 128]), (56, [128, 256, 256, 256])]
    blocks += [(28, [256, 512, 512, 512]), (14, [512, 512, 512, 512])]
    convolutions = sum(side**2 * 9 * before * after for side, widths in blocks for before, after in pairwise(widths))
    return convolutions + 512 * 7 * 7 * 4096 + 4096 * 4096 + 4096 * 1000


CROP = 2 * multiply_adds()


def test_views_are_counted_as_the_protocol_has_them(vgg16):
    counts = {"centre@256": 1, "tencrop@256": 10, "multicrop@256": 50, "multicrop@224": 50, "googlenet-crops@256": 36}
    for part, views in counts.items():
        method, Q = part.split("@")
        assert part_flops(vgg16, Part(method, int(Q)), []) == views * CROP


def test_a_dense_part_is_the_mean_over_the_images(vgg16):
    one = {size: 2 * vgg16.flops(size.height, size.width, True) for size in (Size(341, 256), Size(256, 341))}
    assert part_flops(vgg16, Part("dense", 256), [Size(640, 480)]) == one[Size(341, 256)]
    square = 2 * vgg16.flops(256, 256, True)
    found = part_flops(vgg16, Part("dense", 256), SIZES)
    assert found == pytest.approx((2 * one[Size(341, 256)] + one[Size(256, 341)] + square) / 4)


def test_at_224_a_square_image_costs_what_two_crops_cost(vgg16):
    assert part_flops(vgg16, Part("dense", 224), [Size(500, 500)]) == 2 * CROP


def test_few_sizes_are_all_counted_and_many_by_an_even_sample():
    assert spread(SIZES, 3) == {Size(500, 375): 2, Size(375, 500): 1, Size(300, 300): 1}
    widths = np.random.default_rng(0).normal(360, 60, 5000).astype(int)
    sizes = [Size(int(width), 256) for width in widths]
    seen = spread(sizes, 32)
    assert sum(seen.values()) == 32
    mean = sum(size.width * count for size, count in seen.items()) / 32
    assert mean == pytest.approx(widths.mean(), rel=0.005)


def job(rows: list[Row], sizes: list[Size], folder: Path) -> Job:
    files = [folder / f"{number}.jpg" for number in range(len(sizes))]
    for file, size in zip(files, sizes, strict=True):
        make_image(size, 0).save(file)
    images = Images("few", tuple(files), tuple(map(str, files)), np.zeros(len(files), int), None, len(files))
    return Job(images, [], rows, {}, Numbers(), None, folder)


def test_a_row_is_the_sum_of_its_parts_and_nets(vgg16, tmp_path):
    protocols = [parse(each) for each in ("dense@224/256+centre@256", "dense@256", "centre@256", "dense@224")]
    rows = [Row(((vgg16, each),)) for each in protocols]
    rows.append(Row(((vgg16, protocols[0]), (model(vgg16.net), protocols[2]))))
    together, *alone, fused = (found for found in gflops_of(job(rows, SIZES, tmp_path)).values())
    assert together == pytest.approx(sum(alone))
    assert fused == pytest.approx(together + CROP / 1e9)


class Hidden(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        raise ValueError("no images like these")


def test_what_cannot_be_counted_is_none(vgg16, tmp_path, monkeypatch):
    hooked = nn.Conv2d(3, 4, 3)
    hooked.register_forward_hook(lambda *_: pytest.fail("the caller's hooks are not for counting"))
    for net in (Hidden(), hooked, nn.Flatten()):
        assert part_flops(model(net), Part("centre", 256), []) is None
    rows = [Row(((vgg16, parse(each)),)) for each in ("centre@256", "dense@256")]
    unreadable = job(rows, SIZES, tmp_path)
    monkeypatch.setattr(costs, "sizes_of", _refuse)
    crop, dense = gflops_of(unreadable).values()
    assert crop == pytest.approx(CROP / 1e9)
    assert dense is None


def _refuse(images: Images) -> list:
    raise UserError("the disk is gone")


def test_sizes_are_looked_at_only_for_whole_images(vgg16, tmp_path, monkeypatch):
    monkeypatch.setattr(costs, "sizes_of", lambda images: pytest.fail("no size is needed"))
    assert list(gflops_of(job([Row(((vgg16, parse("multicrop@256")),))], SIZES, tmp_path)).values()) == [
        50 * CROP / 1e9
    ]


def test_it_stands_last_in_every_record(tmp_path):
    table = bench.evaluate("builtin:A-256", "shapes", "centre,tencrop", limit=2, store=tmp_path, progress=False)
    centre, tencrop = (row.result.record() for row in table)
    assert list(centre)[-1] == "gflops"
    assert centre["gflops"] > 0
    assert tencrop["gflops"] == pytest.approx(10 * centre["gflops"], rel=1e-5)
