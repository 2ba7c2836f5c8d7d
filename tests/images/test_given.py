"""Images that are given in Python: the same pixels as from files, digests of pixels, and what is refused."""

import hashlib
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import make_image
from PIL import Image

from bench.engine.fill import blocks_of
from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.decoding import read
from bench.images.limits import MOST_PIXELS
from bench.images.loader import Loader
from bench.images.scaling import Scaling
from bench.images.sets.given_images import read_given, read_unlabelled
from bench.images.sets.shapes import labels, read_shapes, render
from bench.pictures.contact_sheet import _font, _picture
from bench.train.crops import CentreCrops

PHOTO = make_image((40, 30), 3)
PIXELS = np.asarray(PHOTO)
GREY = PHOTO.convert("L")
DEEP = Image.fromarray(np.asarray(GREY).astype(np.uint16) * 257)
PALETTE = PHOTO.quantize(16)


class Numbered:
    """A data set that fails when two threads are in it, and counts what is fetched."""

    def __init__(self, items: list, **more: object) -> None:
        self.items = items
        self.fetched: list[int] = []
        self.inside = 0
        vars(self).update(more)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> object:
        self.inside += 1
        time.sleep(0.001)
        assert self.inside == 1, "two threads at once"
        self.inside -= 1
        self.fetched.append(index)
        item = self.items[index]
        if isinstance(item, Exception):
            raise item
        return item


def prepared(images: Images, forgiving: bool = False) -> list:
    loader = Loader(images, 4, forgiving)
    try:
        return [
            image
            for block in loader.blocks([(each, (Scaling(24), Scaling(32))) for each in blocks_of(images)])
            for image in block
        ]
    finally:
        loader.close()


def same(ours: Images, theirs: Images) -> bool:
    """Whether nets see the same of both, to the bit."""
    return all(
        one.size == other.size and all(torch.equal(one.at[Scaling(Q)], other.at[Scaling(Q)]) for Q in (24, 32))
        for one, other in zip(prepared(ours), prepared(theirs), strict=True)
    )


def saved(folder: Path, image: Image.Image, name: str = "a.png", **how: object) -> Path:
    image.save(folder / name, **how)
    return folder / name


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


def test_ids_are_paths_as_given_or_numbers_and_unique(tmp_path, monkeypatch):
    saved(tmp_path, PHOTO)
    monkeypatch.chdir(tmp_path)
    images = read_given([("a.png", 0), (PHOTO, 0), (Path("a.png"), 1), (str(tmp_path / "a.png"), 1)])
    assert images.ids == ("a.png", "1", "a.png#2", str(tmp_path / "a.png"))
    assert (images.name, images.total, images.labels.tolist()) == ("list", 4, [0, 0, 1, 1])
    monkeypatch.chdir("/")  # where they are does not depend on it
    assert len(prepared(images)) == 4
    assert read_given([(PHOTO, 0)], "mine").name == "mine"


@pytest.mark.parametrize("one", [0, np.int64(0), np.uint8(0), np.array(0), torch.tensor(0)], ids=repr)
def test_numbers_are_labels(one):
    images = read_given([(PHOTO, one), (PHOTO, 2)])
    assert images.labels.dtype == np.int64
    assert images.labels.tolist() == [0, 2]
    assert images.classes is None
    assert read_given([(PHOTO, one)], classes=["a", "b"]).classes == ("a", "b")


def test_names_are_labels():
    """Their classes are sorted, or those that are given."""
    pairs = [(PHOTO, "dog"), (PHOTO, np.str_("cat")), (PHOTO, "dog")]
    images = read_given(pairs)
    assert (images.classes, images.labels.tolist()) == (("cat", "dog"), [1, 0, 1])
    images = read_given(pairs, classes=("dog", "cow", "cat"))
    assert (images.classes, images.labels.tolist()) == (("dog", "cow", "cat"), [0, 2, 0])


def test_labels_that_count_from_1_are_doubted():
    assert "--labels-from 1" in read_given([(PHOTO, 1), (PHOTO, 2)]).doubts[0]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "data 'list': there is no image in it; give a list of"),
        (Numbered([]), "data 'Numbered': there is no image"),
        ("photos", "data of type str: give a list of"),
        (PIXELS, "data of type ndarray, (30, 40, 3) of uint8: give a list of"),
        ({"a.png": 0}, "data of type dict: give a list of"),
        (torch.utils.data.DataLoader([(0, 0)]), "data of type DataLoader: give its dataset, or"),
        (iter([(PHOTO, 0)]), "data of type list_iterator: give a list"),
        ([PHOTO], "item '0' is of type Image; give pairs of image and label"),
        ([(PHOTO, 0), (PHOTO, 0, 1)], "item '1' is 3 things; give pairs"),
        ([("a.png", 0), "a.png"], "item '1' is of type str; give pairs"),
        ([{"image": PHOTO, "label": 0}], "item '0' is of type dict; give pairs"),
        ([(None, 0)], "image '0' is of type NoneType; give PIL images, uint8 arrays"),
        ([(PIXELS / 255, 0)], "(30, 40, 3) of float64; give uint8 arrays (H, W, 3) in RGB or (H, W)"),
        ([(PIXELS.transpose(2, 0, 1), 0)], "is of type ndarray, (3, 30, 40) of uint8; give uint8 arrays"),
        ([(PIXELS[None], 0)], "(1, 30, 40, 3) of uint8; give uint8 arrays"),
        ([(np.zeros((30, 40, 4), np.uint8), 0)], "(30, 40, 4) of uint8; give uint8 arrays"),
        ([(np.zeros((30, 40), np.uint16), 0)], "(30, 40) of uint16; give uint8 arrays"),
        ([(np.zeros((0, 40, 3), np.uint8), 0)], "without pixels; leave it out"),
        ([(torch.zeros(3, 30, 40), 0)], "is of type Tensor, (3, 30, 40) of torch.float32; give the data set without"),
        (Numbered([(torch.zeros(3, 30, 40), 0)]), "give the data set without its transform: the protocols rescale and"),
        ([("a\0.png", 0)], "this can be no path"),
        ([(PHOTO, -1)], "the label of image '0' is -1; give numbers of classes, from 0"),
        ([(PHOTO, 0.0)], "the label of image '0' is 0.0; give the number of a class, from 0, or its name"),
        ([(PHOTO, True)], "the label of image '0' is True; give the number"),
        ([(PHOTO, None)], "the label of image '0' is of type NoneType; give the number"),
        ([(PHOTO, [0, 1])], "the label of image '0' is of type list; give the number"),
        ([(PHOTO, np.eye(3)[1])], "the label of image '0' is of type ndarray, (3,) of float64; give the number"),
        ([(PHOTO, torch.tensor([0, 1]))], "the label of image '0' is of type Tensor, (2,) of torch.int64; give"),
        ([(PHOTO, torch.tensor(1.0))], "the label of image '0' is 1.0; give the number"),
        ([(PHOTO, 10**30)], f"the label of image '0' is {10**30}; give"),
        ([(PHOTO, 0), (PHOTO, "cat")], "labels are numbers, such as 0, and names, such as 'cat'; give one kind"),
    ],
)  # fmt: skip
def test_anything_else_is_refused_in_one_line(given, said):
    with pytest.raises(UserError) as raised:
        read_given(given)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("label", "classes", "said"),
    [
        (2, ["a", "b"], "the label of image '0' is 2, but there are 2 classes; give the names of all"),
        ("cow", ["a", "b"], "the class of image '0' is 'cow', which is none of the 2 that are given, such as 'a'"),
        (0, ["a", "a"], "class 'a' is there twice"),
        (0, [], "give a list of names"),
        (0, "ab", "give a list of names"),
    ],
)
def test_labels_and_classes_must_fit(label, classes, said):
    with pytest.raises(UserError) as raised:
        read_given([(PHOTO, label)], classes=classes)
    assert said in str(raised.value)


def broken(tmp_path: Path) -> Path:
    content = saved(tmp_path, PHOTO, "whole.png").read_bytes()
    (tmp_path / "broken.png").write_bytes(content[: len(content) // 2])
    return tmp_path / "broken.png"


def test_what_cannot_be_read_is_left_out_or_named_with_the_reason(tmp_path):
    """Whether PIL or a data set raises, with the limits of files."""
    long = Image.new("L", (33, 2))
    real = Image.fromarray(np.zeros((30, 40), np.float32))
    pairs = [(PHOTO, 0), (Image.open(broken(tmp_path)), 0), (long, 0), (real, 0)]
    images = read_given(Numbered([*pairs, ValueError("no such picture")], targets=[0] * 5))
    assert len(images.digest) == 64
    assert [each is None for each in prepared(images)] == [False, True, True, True, True]
    loader = Loader(images, 2)
    found = loader.undecodable()
    loader.close()
    assert [name.partition(" ")[0] for name in found] == ["1", "2", "3", "4"]
    assert found[1:] == [
        "2 (too long for its width)",
        "3 (floating-point pixels have no known range; convert to 8 bits)",
        "4 (no such picture)",
    ]


def test_too_large_is_too_large_in_memory(monkeypatch):
    wide = np.broadcast_to(np.zeros((1, 1), np.uint8), (10_000, MOST_PIXELS // 10_000 + 1))  # one byte
    assert prepared(read_given([(wide, 0)])) == [None]


def test_an_item_that_never_was_there_has_no_label_and_is_left_out():
    """Where labels are those of items; another than the first, or the first."""
    for place in (0, 2):
        items = [(PHOTO, 5), (PHOTO, 6)]
        items.insert(place, RuntimeError("no such picture"))
        images = read_given(Numbered(items))
        assert [each is None for each in prepared(images)] == [k == place for k in range(3)]
        assert set(images.present) == {5, 6}
    with pytest.raises(UserError, match="none of its items can be fetched"):
        read_given(Numbered([RuntimeError("no such picture")]))


def test_an_item_that_cannot_be_read_for_now_is_an_error():
    """A disk that fails is not remembered as an image that cannot be decoded."""
    images = read_given(Numbered([(PHOTO, 0), OSError(5, "Input/output error")], targets=[0, 0]))
    with pytest.raises(UserError, match="image '1' cannot be read: Input/output error; mend that"):
        _ = images.digest
    with pytest.raises(UserError, match="image '1' cannot be read"):
        prepared(images)
    assert prepared(images, forgiving=True)[1] is None


def test_an_image_whose_file_was_closed_is_an_error(tmp_path):
    with Image.open(saved(tmp_path, PHOTO)) as early:
        pass
    with open(saved(tmp_path, PHOTO), "rb") as file:
        late = Image.open(file)
    for image in (early, late):
        with pytest.raises(
            UserError, match="image '0': its file was closed before its pixels were read; call its load"
        ):
            _ = read_given([(image, 0)]).digest


def test_items_are_fetched_one_at_a_time_and_when_they_are_needed():
    """By many threads; the first when the set is opened, to see what it is."""
    dataset = Numbered([(make_image((24, 24), k), k % 3) for k in range(40)], targets=[k % 3 for k in range(40)])
    images = read_given(dataset)
    assert dataset.fetched == [0]
    dataset.fetched.clear()
    assert len(images.limit(5).digest) == 64
    assert sorted(dataset.fetched) == [0, 8, 16, 24, 32]
    dataset.fetched.clear()
    _ = images.digest, images.rules, images.told
    assert sorted(dataset.fetched) == list(range(40))
    dataset.fetched.clear()
    assert len(prepared(images)) == 40
    assert sorted(dataset.fetched) == list(range(40))


def test_a_data_set_in_two_sets_is_fetched_one_at_a_time():
    dataset = Numbered([(PHOTO, k % 3) for k in range(20)])
    failed = []

    def work():
        try:
            prepared(read_given(dataset))
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failed == []


def test_one_lazy_image_twice_is_read_once_at_a_time(tmp_path):
    path = saved(tmp_path, make_image((600, 400), 1), "a.jpg")
    images = read_given([(Image.open(path), 0)] * 32)
    found = prepared(images)
    assert all(torch.equal(each.at[Scaling(24)], found[0].at[Scaling(24)]) for each in found)


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
