"""What is said on standard error before a run: sentences, what is assumed first."""

from dataclasses import replace

import pytest
import torch
from conftest import WIDTH, make_weights

from bench.engine.header import sentences
from bench.images.dataset import Images
from bench.images.sources import DataSpec, open_data
from bench.nets.device import Precision
from bench.nets.model import Model
from bench.nets.named import open_model
from bench.nets.net_spec import NetSpec
from bench.nets.reading import read_weights
from bench.nets.weights import save_weights


@pytest.fixture
def images(photographs) -> Images:
    return open_data(DataSpec(f"list:{photographs}", limit=6))


def opened(path) -> Model:
    return open_model(NetSpec("vgg16", str(path)), torch.device("cpu"), Precision("fp32"), "scores")


def test_what_is_stated_is_said_in_sentences(weights, images):
    net, data, labels = sentences([opened(weights)], images)
    assert net.startswith(f"vgg16 of width {WIDTH:g} has the weights {weights} (")
    assert "; they were trained at S [256;288] and take pixels BGR/255/104,117,123/60,61,62." in net
    assert data.startswith("6 of the 34 images of list:labels.txt are evaluated, evenly spread (digest ")
    first = [f"{images.ids[k]} is class {images.labels[k]}" for k in range(3)]
    assert labels == f"The labels of the first images mean: {', '.join(first)}."


def test_what_nobody_stated_is_said_first(tmp_path, images):
    whole = read_weights(str(make_weights(tmp_path / "a.safetensors")))
    save_weights(tmp_path / "bare.safetensors", replace(whole, S=None, pixels=None), {})
    assumed, order, net, *_ = sentences(
        [opened(tmp_path / "bare.safetensors")], replace(images, assumed=frozenset({"class order"}))
    )
    assert assumed == (
        "Assumed, since the weights of vgg16 do not say it: S [256;512] (--S) and pixels "
        "RGB/1/0.485,0.456,0.406/0.229,0.224,0.225 (--pixels)."
    )
    assert order.startswith("Assumed: the order of the classes, since ")
    assert "S [" not in net
    assert "pixels" not in net


def test_all_images_are_called_all(photographs, weights):
    *_, data, _ = sentences([opened(weights)], open_data(DataSpec(f"list:{photographs}")))
    assert data.startswith("All 34 images of list:labels.txt are evaluated (digest ")
    *_, data, _ = sentences([opened(weights)], open_data(DataSpec(f"list:{photographs}", limit=1)))
    assert data.startswith("1 of the 34 images of list:labels.txt is evaluated (digest ")
    *_, data, _ = sentences([opened(weights)], replace(open_data(DataSpec(f"list:{photographs}", limit=1)), total=1))
    assert data.startswith("The only image of list:labels.txt is evaluated (digest ")
