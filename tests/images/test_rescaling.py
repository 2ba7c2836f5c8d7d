"""Rescaling by every filter, on tensors and by PIL: as torchvision and PIL have it."""

import numpy as np
import pytest
import torch
from conftest import make_image
from torchvision.transforms.v2.functional import InterpolationMode, resize

from bench.images.pixels import NAMED, parse_pixels, tensor_of
from bench.images.rescaling import BY_PIL, rescale
from bench.images.scaling import INTERPOLATIONS, Scaling

PICTURE = make_image((97, 61), 0)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_tensors_are_rescaled_as_torchvision_does(interpolation):
    image = tensor_of(PICTURE)
    theirs = resize(image, [40], InterpolationMode(interpolation), antialias=True)
    assert torch.equal(rescale(image, Scaling(40, interpolation=interpolation)), theirs)
    squashed = resize(image, [40, 40], InterpolationMode(interpolation), antialias=True)
    assert torch.equal(rescale(image, Scaling(40, True, interpolation)), squashed)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_by_pil_it_is_pils(interpolation):
    theirs = np.asarray(PICTURE.resize((63, 40), BY_PIL[interpolation]))
    ours = rescale(tensor_of(PICTURE), Scaling(40, interpolation=interpolation, pil=True))
    assert np.array_equal(ours.permute(1, 2, 0).numpy(), theirs)


def test_lanczos_is_pils_alone():
    image = tensor_of(PICTURE)
    assert torch.equal(
        rescale(image, Scaling(40, False, "lanczos")), rescale(image, Scaling(40, False, "lanczos", True))
    )


def test_filters_differ():
    image = tensor_of(PICTURE)
    found = [rescale(image, Scaling(40, interpolation=each)) for each in INTERPOLATIONS]
    assert not any(torch.equal(found[i], found[j]) for i, j in ((0, 1), (0, 2), (1, 2)))


def test_the_filter_is_written_where_it_is_not_bilinear():
    plain = NAMED["torchvision"]
    assert parse_pixels(str(plain)) == plain == parse_pixels(f"{plain}/bilinear")
    assert str(plain).count("/") == 3
    for each in INTERPOLATIONS[1:]:
        assert str(parse_pixels(f"{plain}/{each}")) == f"{plain}/{each}"
    for wrong in (f"{plain}/nearest", f"{plain}/", f"{plain}/bicubic/lanczos"):
        with pytest.raises(ValueError, match="give torchvision"):
            parse_pixels(wrong)
