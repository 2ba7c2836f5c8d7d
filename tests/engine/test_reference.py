"""The evaluation held against a slow reference: one image, one view at a time, float64, no batching.

Dense scores come from the original fully-connected layers, cut at every position of the feature map by hand.
"""

import json
from fractions import Fraction

import numpy as np
import pytest
import torch
from conftest import PIXELS
from PIL import Image
from torchvision.transforms.v2.functional import pil_to_tensor, resize

from bench.nets import zoo
from bench.nets.reading import read_weights
from bench.run.__main__ import main

SCALES = (256, 272, 288)  # the paper's rule for S in [256;288]


def offset(k: int, n: int) -> int:
    return int(Fraction(k * (n - 224), 4) + Fraction(1, 2))


def rescaled(path, Q: int) -> torch.Tensor:
    """RGB in float64, as (1, 3, H, W)."""
    with Image.open(path) as image:
        return resize(pil_to_tensor(image.convert("RGB")), [Q], antialias=True)[None].double()


def normalised(image: torch.Tensor) -> torch.Tensor:
    bgr = image[:, [2, 1, 0]]
    return (bgr - torch.tensor(PIXELS.mean)[:, None, None]) / torch.tensor(PIXELS.std)[:, None, None]


class Reference:
    def __init__(self, weights) -> None:
        found = read_weights(str(weights))
        self.net = zoo.load("vgg16", found.state, 7, found.width, "test").double()

    def crop(self, image: torch.Tensor, left: int, top: int) -> torch.Tensor:
        return self.net(normalised(image[:, :, top : top + 224, left : left + 224])).softmax(1)[0]

    def multicrop(self, path, Q: int) -> torch.Tensor:
        total = []
        for image in (rescaled(path, Q), rescaled(path, Q).flip(3)):
            height, width = image.shape[2:]
            # the mirrored half of the grid is the mirror image of the same crops
            lefts = [offset(k, width) for k in range(5)]
            if total:
                lefts = [width - 224 - left for left in lefts]
            total += [self.crop(image, left, offset(k, height)) for left in lefts for k in range(5)]
        assert len(total) == 50
        return torch.stack(total).mean(0)

    def dense(self, path, Q: int, posteriors_first: bool = False) -> torch.Tensor:
        flips = []
        for image in (rescaled(path, Q), rescaled(path, Q).flip(3)):
            features = self.net.features(normalised(image))
            rows, columns = features.shape[2] - 6, features.shape[3] - 6
            windows = [features[:, :, i : i + 7, j : j + 7] for i in range(rows) for j in range(columns)]
            scores = torch.stack([self.net.classifier(window.flatten(1))[0] for window in windows])
            flips.append(scores.softmax(1).mean(0) if posteriors_first else scores.mean(0).softmax(0))
        return torch.stack(flips).mean(0)


def run(weights, photographs, out, *more: str) -> list[dict]:
    arguments = f"--weights {weights} --data list:{photographs} --out {out} --store {out}/store --save-posteriors"
    assert main([*arguments.split(), *more]) == 0
    return json.loads((out / "results.json").read_text())


@pytest.fixture(scope="module")
def reference(weights) -> Reference:
    return Reference(weights)


@pytest.fixture(scope="module")
def rows(weights, photographs, tmp_path_factory) -> dict[str, np.ndarray]:
    """Posteriors of twelve images by protocol, from the command itself."""
    out = tmp_path_factory.mktemp("reference")
    protocols = "centre,tencrop,dense@256,dense,multicrop,dense+multicrop"
    found = run(weights, photographs, out, "--protocol", protocols, "--limit", "12")
    return {row["protocol"]: np.load(row["posteriors"]) for row in found}


def photograph(photographs, archive, i: int):
    return photographs.parent / str(archive["ids"][i])


@pytest.mark.parametrize("i", [0, 4, 9])
def test_dense_and_multicrop_agree(rows, reference, photographs, i):
    both = rows["dense@256/272/288+multicrop@256/272/288"]
    path = photograph(photographs, both, i)
    with torch.inference_mode():
        dense = torch.stack([reference.dense(path, Q) for Q in SCALES])
        crops = torch.stack([reference.multicrop(path, Q) for Q in SCALES])
    assert np.abs(rows["dense@256"]["posteriors"][i] - dense[0].numpy()).max() < 1e-5
    assert np.abs(rows["dense@256/272/288"]["posteriors"][i] - dense.mean(0).numpy()).max() < 1e-5
    assert np.abs(rows["multicrop@256/272/288"]["posteriors"][i] - crops.mean(0).numpy()).max() < 1e-5
    assert np.abs(both["posteriors"][i] - ((dense.mean(0) + crops.mean(0)) / 2).numpy()).max() < 1e-5


@pytest.mark.parametrize("i", range(12))
def test_centre_and_tencrop_agree(rows, reference, photographs, i):
    image = rescaled(photograph(photographs, rows["centre@256"], i), 256)
    height, width = image.shape[2:]
    left, top = round((width - 224) / 2), round((height - 224) / 2)
    corners = [(0, 0), (width - 224, 0), (0, height - 224), (width - 224, height - 224), (left, top)]
    with torch.inference_mode():
        centre = reference.crop(image, left, top)
        crops = [reference.crop(each, x, y) for each in (image, image.flip(3)) for x, y in corners]
    assert np.abs(rows["centre@256"]["posteriors"][i] - centre.numpy()).max() < 1e-5
    assert np.abs(rows["tencrop@256"]["posteriors"][i] - torch.stack(crops).mean(0).numpy()).max() < 1e-5


def test_map_posteriors_takes_the_softmax_first(weights, photographs, reference, tmp_path):
    row = run(weights, photographs, tmp_path, "--protocol", "dense@288", "--limit", "3", "--map", "posteriors")[0]
    archive = np.load(row["posteriors"])
    with torch.inference_mode():
        expected = reference.dense(photograph(photographs, archive, 1), 288, posteriors_first=True)
        other = reference.dense(photograph(photographs, archive, 1), 288)
    assert np.abs(archive["posteriors"][1] - expected.numpy()).max() < 1e-5
    assert (expected - other).abs().max() > 1e-4  # else this would show nothing
    assert "map=posteriors" in row["signature"]
