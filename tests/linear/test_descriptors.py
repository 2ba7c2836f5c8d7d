"""Descriptors held against a slow reference in float64: hooks on the original net, which is slid by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import PIXELS
from PIL import Image
from torch import nn
from torchvision.transforms.v2.functional import pil_to_tensor, resize

from bench.engine.job import open_models
from bench.engine.request import Computation, Keeping, Numbers
from bench.engine.workers import Shard
from bench.errors import UserError
from bench.images.divided import DividedSet, divided_of, open_divided
from bench.images.sets.given_images import read_given
from bench.images.sources import DataSpec
from bench.linear.descriptors import Described, complete_descriptors, described, descriptor_job
from bench.nets import zoo
from bench.nets.descriptor_model import DescriptorModel, describing
from bench.nets.net_spec import NetSpec
from bench.nets.reading import read_weights
from results.descriptors import normalised

SCALES = (256, 288)


def model_of(weights: Path) -> DescriptorModel:
    (model,) = open_models((NetSpec("vgg16", str(weights)),), Numbers(), Computation("cpu"), None, Shard.alone())
    return describing(model)


def describe(
    divided: DividedSet,
    model: DescriptorModel,
    store: Path,
    scales=SCALES,
    batch: int | None = None,
    skip: bool = False,
) -> Described:
    how, keeping = Computation("cpu", batch), Keeping(store)
    job = descriptor_job(divided, [model], [scales], keeping, Shard.alone())
    complete_descriptors(job, how, keeping, skip, Shard.alone())
    return described(job)


@pytest.fixture(scope="module")
def model(weights) -> DescriptorModel:
    return model_of(weights)


@pytest.fixture(scope="module")
def divided(photographs) -> DividedSet:
    return open_divided(DataSpec(f"list:{photographs}"))


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def found(divided, model, store) -> Described:
    return describe(divided, model, store)


class Reference:
    """The original net, its classifier slid over the features of an image window by window, in float64."""

    def __init__(self, weights: Path) -> None:
        read = read_weights(str(weights))
        self.net = zoo.load("vgg16", read.state, 7, read.width, "test").double()

    def descriptor(self, path: Path, Q: int) -> np.ndarray:
        with Image.open(path) as image:
            pixels = resize(pil_to_tensor(image.convert("RGB")), [Q], antialias=True)[None].double()
        bgr = pixels[:, [2, 1, 0]] - torch.tensor(PIXELS.mean)[:, None, None]
        inputs = bgr / torch.tensor(PIXELS.std)[:, None, None]
        return np.mean([self.one_side(inputs), self.one_side(inputs.flip(3))], axis=0)

    def one_side(self, inputs: torch.Tensor) -> np.ndarray:
        seen: list[torch.Tensor] = []
        last = [layer for layer in self.net.modules() if isinstance(layer, nn.Linear)][-1]
        hook = last.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        features = self.net.features(inputs)
        for i in range(features.shape[2] - 6):
            for j in range(features.shape[3] - 6):
                self.net.classifier(features[:, :, i : i + 7, j : j + 7].flatten(1))
        hook.remove()
        return torch.cat(seen).mean(0).numpy()


@pytest.mark.parametrize("i", [0, 1, 3, 33])
def test_descriptors_are_those_of_the_net_slid_by_hand(found, weights, photographs, divided, i):
    reference = Reference(weights)
    path = photographs.parent / divided.parts[0].ids[i]
    for Q in SCALES:
        with torch.inference_mode():
            expected = reference.descriptor(path, Q)
        ours = found.vectors[0, Q][i]
        assert ours.dtype == np.float32
        assert expected.min() >= 0, "after the rectification"
        assert np.abs(ours - expected).max() < 1e-5 * np.linalg.norm(expected)


def test_the_papers_nets_have_4096_activations(model, found):
    assert model.count == 4096 // 32  # at 1/32 of the width
    assert found.vectors[0, 256].shape == (34, model.count)


@pytest.mark.parametrize("batch", [1, 3])
def test_batches_change_nothing_but_rounding(found, divided, model, tmp_path, batch):
    some = replace(divided, parts=(first(divided, 3),))
    again = describe(some, model, tmp_path, (256,), batch)
    expected = found.vectors[0, 256][:3]
    assert np.abs(again.vectors[0, 256] - expected).max() < 1e-6 * np.linalg.norm(expected[0])


def test_a_mirrored_image_has_the_same_descriptor(found, divided, model, photographs, tmp_path):
    """Of one that is 256 pixels high already: rescaled pixels are rounded, in older versions not as their mirror's."""
    path = photographs.parent / divided.parts[0].ids[2]
    with Image.open(path) as image:
        assert image.size == (256, 256)
        mirrored = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    ours = describe(divided_of(read_given([(mirrored, 0)])), model, tmp_path, (256,)).vectors[0, 256]
    expected = found.vectors[0, 256][2:3]
    assert np.abs(ours - expected).max() < 1e-6 * np.linalg.norm(expected)


def test_what_is_stored_is_not_computed_again_and_a_lost_block_comes_back_the_same(
    found, divided, model, store, monkeypatch
):
    calls: list[int] = []
    begun = DescriptorModel.begun
    monkeypatch.setattr(
        DescriptorModel, "begun", lambda self, views, whole: (calls.append(len(views)), begun(self, views, whole))[1]
    )
    again = describe(divided, model, store)
    assert not calls
    lost = next(store.glob("*/000001.npz"))
    lost.unlink()
    once_more = describe(divided, model, store)
    assert sum(calls) == 2 * 2, "two images of the second block, straight and mirrored"
    for key, vectors in found.vectors.items():
        assert np.array_equal(again.vectors[key], vectors)
        assert np.array_equal(once_more.vectors[key], vectors)


def test_other_labels_and_scores_that_are_dropped_keep_the_descriptors(found, divided, model, store, monkeypatch):
    monkeypatch.setattr(DescriptorModel, "begun", lambda *_: pytest.fail("computed"))
    part = divided.parts[0]
    images = part.looks[0].images
    other = replace(images, labels=images.labels[::-1].copy(), name="other")
    again = describe(divided_of(other), replace(model, drop=(0,)), store)
    assert np.array_equal(again.vectors[0, 256], found.vectors[0, 256])


def test_images_that_cannot_be_decoded_are_left_out_of_the_set(divided, model, photographs, tmp_path):
    images = divided.parts[0].looks[0].images.take([0, 1, 2])
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    images = replace(images, sources=(images.sources[0], broken, images.sources[2]))
    with pytest.raises(UserError, match="1 image"):
        describe(divided_of(images), model, tmp_path / "store", (256,))
    ours = describe(divided_of(images), model, tmp_path / "store", (256,), skip=True)
    (part,) = ours.divided.parts
    assert (part.ids, ours.skipped) == ((images.ids[0], images.ids[2]), 1)
    assert part.present.shape[0] == 2
    assert ours.vectors[0, 256].shape == (2, model.count)
    assert np.isfinite(ours.vectors[0, 256]).all()


def test_several_looks_are_stacked_each_of_length_one(found, divided, model, store):
    """Rows say which image of a look is an example's: two persons of one image see it once."""
    part, both = first(divided, 3), found.vectors[0, 256]
    look, rows = part.looks[0], np.array([2, 0, 0])
    twice = replace(divided, parts=(replace(part, looks=(look, replace(look, rows=rows))),))
    ours = describe(twice, model, store, (256,)).vectors[0, 256]
    expected = np.concatenate([normalised(both[:3]), normalised(both[rows])], axis=1) / np.sqrt(2)
    assert np.allclose(ours, expected, atol=1e-6)


def test_a_Q_below_the_nets_side_is_refused(divided, model, tmp_path):
    with pytest.raises(UserError, match="give a Q of at least 224"):
        describe(divided, model, tmp_path, (200,))


def first(divided: DividedSet, count: int):
    """The first examples of the first part, of images that these are all of."""
    images = divided.parts[0].looks[0].images.take(range(count))
    whole = divided_of(replace(images, occurring=divided.parts[0].looks[0].images.present))
    return whole.parts[0]
