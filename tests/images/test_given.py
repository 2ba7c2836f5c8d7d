"""Images that are given in Python: the same pixels as from files, and digests of pixels."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from given_sets import PHOTO, PIXELS, Numbered, prepared, saved
from PIL import Image

from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.decoding import read
from bench.images.scaling import Scaling
from bench.images.sets.given_images import read_given, read_unlabelled
from bench.images.sets.shapes import labels, read_shapes, render
from bench.pictures.contact_sheet import _font, _picture
from bench.train.crops import CentreCrops

GREY = PHOTO.convert("L")
DEEP = Image.fromarray(np.asarray(GREY).astype(np.uint16) * 257)
PALETTE = PHOTO.quantize(16)


def same(ours: Images, theirs: Images) -> bool:
    """Whether nets see the same of both, to the bit."""
    return all(
        one.size == other.size and all(torch.equal(one.at[Scaling(Q)], other.at[Scaling(Q)]) for Q in (24, 32))
        for one, other in zip(prepared(ours), prepared(theirs), strict=True)
    )


def oriented(number: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = number
    return exif


@pytest.mark.parametrize(
    "image",
    [PHOTO, GREY, DEEP, PALETTE, PHOTO.convert("1"), PHOTO.convert("LA"), PHOTO.convert("RGBA")],
    ids=lambda image: image.mode,
)
def test_a_file_its_pil_image_and_its_pixels_are_the_same_picture(tmp_path, image):
    """Of every mode, opened lazily or not; equal pixels have one digest, whatever they came in."""
    path = saved(tmp_path, image)
    file = read_given([(path, 0)])
    held = read_given([(image, 0)])
    lazy = read_given([(Image.open(path), 0)])
    array = read_given([(np.asarray(read(path)), 0)])
    for other in (held, lazy, array):
        assert same(file, other)
        assert other.digest == array.digest != file.digest
        assert other.rules == (file.rules if other is not array else array.rules)
    assert same(file, read_given(Numbered([(image, 0)])))


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "HSV", "LAB"])
def test_colours_that_no_png_has_are_converted_by_pil(mode):
    image = PHOTO.convert(mode)
    expected = np.asarray(image.convert("RGB"))
    assert same(read_given([(image, 0)]), read_given([(expected, 0)]))


def test_arrays_of_grey_and_colour(tmp_path):
    grey = np.asarray(GREY)
    file = read_given([(saved(tmp_path, GREY), 0)])
    assert same(file, read_given([(grey, 0)]))
    assert same(file, read_given([(np.stack([grey] * 3, -1), 0)]))
    assert same(file, read_given([(np.asfortranarray(np.stack([grey] * 3, -1)), 0)]))


def test_digest_is_over_ids_labels_and_pixels():
    """As of the built-in set, whose digest is over the pixels that it draws."""
    content = hashlib.sha256(b"40x30" + PIXELS.tobytes()).hexdigest()
    images = read_given([(PHOTO, 3), (PIXELS, 0)])
    assert images.digest == hashlib.sha256(f"0\t3\t{content}\n1\t0\t{content}\n".encode()).hexdigest()
    other = PIXELS.copy()
    other[29, 39, 2] ^= 1
    turned = PIXELS.reshape(40, 30, 3)  # the same bytes in another size
    digests = {read_given([(each, 3), (PIXELS, 0)]).digest for each in (PIXELS, other, turned)}
    assert len(digests | {read_given([(PHOTO, 2), (PIXELS, 0)]).digest}) == 4
    assert images.digest in digests


def test_digest_of_rendered_pictures_is_that_of_the_built_in_set(tmp_path):
    built_in = read_shapes("val", tmp_path, 3)
    own = labels("val")
    pictures = [(render("val", int(number), int(own[int(number)])), own[int(number)]) for number in built_in.ids]
    assert replace(read_given(pictures), ids=built_in.ids).digest == built_in.digest
    assert same(read_given(pictures), built_in)


def test_orientation_is_applied_where_it_is_asked_for(tmp_path):
    path = saved(tmp_path, PHOTO, "a.jpg", exif=oriented(6), quality=100)
    file = read_given([(path, 0)])
    with Image.open(path) as lazy:
        held = read_given([(lazy, 0)])
        copied = read_given([(lazy.convert("RGB"), 0)])
        for images in (held, copied):
            assert same(images, file)
            assert same(replace(images, exif=True), replace(file, exif=True))
            assert images.told == file.told != ()
        assert prepared(replace(held, exif=True))[0].size == (30, 40)
    plain = read_given([(np.asarray(read(path)), 0)])
    assert held.digest == plain.digest
    assert replace(held, exif=True).digest != replace(plain, exif=True).digest


def test_every_reader_sees_what_is_given(tmp_path):
    """Sheets of mistakes and training crops, too."""
    file, held = read_given([(saved(tmp_path, PHOTO), 0)]), read_given([(PHOTO, 0)])
    assert np.array_equal(*(np.asarray(_picture(images.place(0), _font())) for images in (file, held)))
    (one, _), (other, _) = CentreCrops(file, 24, 24)[0], CentreCrops(held, 24, 24)[0]
    assert torch.equal(one, other)


def test_nothing_happens_to_what_was_given(tmp_path):
    path = saved(tmp_path, PALETTE, "a.gif")
    lazy = Image.open(path)
    array = PIXELS.copy()
    image = PHOTO.copy()
    images = read_given([(lazy, 0), (array, 0), (image, 0)])
    _ = images.digest
    for index in range(3):
        mine = read(*images.place(index))
        mine.paste((1, 2, 3), (0, 0, 9, 9))
    assert lazy.mode == "P"
    assert lazy.size == (40, 30)
    assert np.array_equal(array, PIXELS)
    assert np.array_equal(np.asarray(image), PIXELS)


def test_predictions_need_no_labels(tmp_path):
    path = saved(tmp_path, PHOTO)
    images = read_unlabelled([str(path), PHOTO, PIXELS])
    assert (images.ids, images.labels.tolist()) == ((str(path), "1", "2"), [-1] * 3)
    first, *others = prepared(images)
    assert all(torch.equal(first.at[Scaling(24)], each.at[Scaling(24)]) for each in others)
    assert [read_unlabelled(one).ids for one in (path, PHOTO)] == [(str(path),), ("0",)]
    for wrong, said in (([], "no image: give"), ([(PHOTO, 0)], "of type tuple; give PIL"), (3, "of type int; give")):
        with pytest.raises(UserError) as raised:
            read_unlabelled(wrong)
        assert said in str(raised.value)
