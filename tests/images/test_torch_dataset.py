"""Data sets as torchvision's: which files, labels and names of classes they say themselves, and what is refused."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import make_image
from PIL import Image
from torch.utils.data import ChainDataset, ConcatDataset, Dataset, IterableDataset, Subset
from torchvision import transforms
from torchvision.datasets import CIFAR10, MNIST, DatasetFolder, ImageFolder, VisionDataset

from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.decoding import read
from bench.images.sets.given_images import read_given
from bench.images.sources import DataSpec, open_data

PICTURES = [make_image((32, 32), k) for k in range(6)]
LABELS = [2, 0, 1, 2, 0, 9]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two classes; one has a folder within and a picture of 16 bits."""
    for k, name in enumerate(("cat/a.png", "cat/b.jpg", "cat/more/c.png", "dog/a.png", "dog/z.webp")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        make_image((40, 30), k).save(tmp_path / name)
    Image.fromarray(np.full((30, 40), 999, np.uint16)).save(tmp_path / "dog" / "deep.png")
    return tmp_path


class Pictures(VisionDataset):
    """As CIFAR10 is, without its files."""

    def __init__(self, **more: object) -> None:
        super().__init__("", **more)
        self.data, self.targets, self.classes = PICTURES, LABELS, list("abcdefghij")
        self.fetched: list[int] = []

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[object, object]:
        self.fetched.append(index)
        image, label = self.data[index], self.targets[index]
        image = image if self.transform is None else self.transform(image)
        return image, label if self.target_transform is None else self.target_transform(label)


class Others(Pictures):
    """Its items have other labels than it says."""

    def __getitem__(self, index: int) -> tuple[object, int]:
        return self.data[index], 9 - self.targets[index]


def seen(images: Images) -> tuple:
    return images.ids, images.sources, images.labels.tolist(), images.classes, images.total, images.digest, images.rules


def test_an_image_folder_is_the_folder(root):
    """Files, in one order, so that what is stored of one is found for the other."""
    ours, theirs = read_given(ImageFolder(root)), open_data(DataSpec(f"folder:{root}"))
    assert seen(ours) == seen(theirs)
    assert "16-bit" in ours.rules
    assert ours.name == "ImageFolder"


def test_a_subset_of_an_image_folder_is_some_of_the_folder(root):
    """Of a subset, too, in its order."""
    whole = open_data(DataSpec(f"folder:{root}"))
    subset = Subset(ImageFolder(root), [5, 0, 3, 1])
    ours, expected = read_given(subset), whole.take([5, 0, 3, 1])
    assert seen(ours)[:4] == seen(expected)[:4]
    assert ours.digest == expected.digest
    assert read_given(Subset(subset, torch.tensor([2, 0]))).digest == whole.take([3, 5]).digest
    parts = torch.utils.data.random_split(ImageFolder(root), [4, 2])
    assert sorted(id_ for part in parts for id_ in read_given(part).ids) == sorted(whole.ids)


def test_a_folder_with_a_transform_is_refused(root):
    for transform in (transforms.ToTensor(), transforms.Resize(20)):
        for dataset in (ImageFolder(root, transform), Subset(ImageFolder(root, transform), [0])):
            with pytest.raises(
                UserError, match="'ImageFolder': it has a transform; give the data set without its transfo"
            ):
                read_given(dataset)
    undone = ImageFolder(root, transforms.ToTensor())
    undone.transform = None
    assert read_given(undone).digest == read_given(ImageFolder(root)).digest


class Mirrored(Subset):
    def __getitem__(self, index: int) -> tuple[Image.Image, int]:
        image, label = super().__getitem__(index)
        return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), label

    def __getitems__(self, indices: list[int]) -> list:
        return [self[index] for index in indices]


def test_a_subset_that_transforms_is_respected(root):
    whole = read_given(ImageFolder(root))
    images = read_given(Mirrored(ImageFolder(root), [3, 0]))
    assert (images.name, images.labels.tolist()) == ("Mirrored", [1, 0])
    assert np.array_equal(np.asarray(read(*images.place(0))), np.asarray(read(*whole.place(3)))[:, ::-1])


def test_a_folders_own_labels_and_loader_are_respected(root):
    turned = read_given(ImageFolder(root, target_transform=lambda label: 1 - label))
    assert turned.labels.tolist() == [1, 1, 1, 0, 0, 0]
    assert turned.classes is None  # whose names would be the others'
    named = read_given(ImageFolder(root, target_transform=lambda label: ("puss", "bow-wow")[label]))
    assert (named.classes, named.labels.tolist()) == (("bow-wow", "puss"), [1, 1, 1, 0, 0, 0])
    darker = DatasetFolder(root, lambda path: read(Path(path)).point(lambda value: value // 2), (".png",))
    images = read_given(darker)
    assert images.classes == ("cat", "dog")
    assert np.asarray(read(*images.place(0))).max() < 128


def test_labels_and_names_that_a_data_set_says_are_not_read_from_its_items():
    for targets in (LABELS, tuple(LABELS), np.array(LABELS), torch.tensor(LABELS)):
        dataset = Pictures()
        dataset.targets = targets
        images = read_given(dataset)
        assert (images.ids, images.labels.tolist()) == (tuple("012345"), LABELS)
        assert (images.name, images.classes) == ("Pictures", tuple("abcdefghij"))
        assert dataset.fetched == [0]
    part = read_given(Subset(Pictures(), [5, 1]))
    assert (part.ids, part.labels.tolist(), part.classes) == (("5", "1"), [9, 0], tuple("abcdefghij"))
    assert np.array_equal(np.asarray(read(*part.place(0))), np.asarray(PICTURES[5]))


def test_labels_that_a_data_set_does_not_say_or_changes_are_read_from_its_items():
    for dataset, labels, classes in (
        (Pictures(target_transform=lambda label: label + 1), [3, 1, 2, 3, 1, 10], None),
        (Pictures(target_transform=str), [2, 0, 1, 2, 0, 3], ("0", "1", "2", "9")),
        (ConcatDataset([Pictures(), Pictures()]), LABELS * 2, tuple("abcdefghij")),
    ):
        images = read_given(dataset)
        assert (images.labels.tolist(), images.classes) == (labels, classes)
    assert read_given(Others()).labels.tolist() == [9 - label for label in LABELS]


@pytest.fixture
def others(tmp_path_factory) -> Path:
    """Classes of which one is there, too, under another number."""
    place = tmp_path_factory.mktemp("others")
    for k, name in enumerate(("dog/a.png", "eel/b.png")):
        (place / name).parent.mkdir()
        make_image((40, 30), k).save(place / name)
    return place


def test_names_of_classes_are_those_of_all_parts_of_a_set(root):
    folder, part = ImageFolder(root), Subset(ImageFolder(root), [3, 0])
    for dataset, labels in (
        (ConcatDataset([folder]), [0, 0, 0, 1, 1, 1]),
        (ConcatDataset([part, folder]), [1, 0, 0, 0, 0, 1, 1, 1]),
        (Subset(ConcatDataset([folder, part]), [6, 7]), [1, 0]),
        (ConcatDataset([ConcatDataset([part]), part]), [1, 0, 1, 0]),
    ):
        images = read_given(dataset)
        assert (images.labels.tolist(), images.classes) == (labels, ("cat", "dog"))
    unnamed = [Listed([(PICTURES[0], 1)]), Listed([(PICTURES[1], 0)])]
    assert read_given(ConcatDataset(unnamed)).classes is None


def test_parts_that_number_their_classes_differently_are_refused(root, others):
    one, other, unnamed = ImageFolder(root), ImageFolder(others), Listed([(PICTURES[0], 1)])
    nested = [ConcatDataset([one]), other]
    for parts in ([one, other], [Subset(one, [0]), other], [one, unnamed], [unnamed, one], nested):
        for dataset in (ConcatDataset(parts), Subset(ConcatDataset(parts), [0])):
            with pytest.raises(UserError, match="so that a number would be two classes"):
                read_given(dataset, classes=("cat", "dog", "eel"))
    moved = ImageFolder(others, target_transform=lambda label: label + 1)
    same = ImageFolder(root, target_transform=lambda label: label)
    assert read_given(ConcatDataset([same, moved]), classes=("cat", "dog", "eel")).labels.tolist()[-2:] == [1, 2]


def test_a_label_that_changes_later_is_an_error():
    dataset = Pictures()
    images = read_given(dataset)
    dataset.targets = LABELS[::-1]
    with pytest.raises(UserError, match=re.escape("image '0' has the label 9, but it was 2 when the set was opened")):
        _ = images.limit(1).digest


def test_names_of_classes_must_fit():
    for more, expected in (
        ({"classes": list("abc")}, None),  # label 9 has no name
        ({"classes": list("aabcdefghi")}, None),
        ({"classes": [("tench", "Tinca tinca")] * 10}, None),  # ImageNet's
        ({"classes": [("tench",)] * 10, "wnids": list("jihgfedcba")}, tuple("jihgfedcba")),
        ({"classes": None, "class_to_idx": {name: 9 - k for k, name in enumerate("abcdefghij")}}, tuple("jihgfedcba")),
        ({"classes": None, "class_to_idx": {"a": 0, "b": 2}}, None),
    ):
        dataset = Pictures()
        vars(dataset).update(more)
        assert read_given(dataset).classes == expected
    assert read_given(Pictures(), classes=[f"class {k}" for k in range(10)]).classes[9] == "class 9"


def test_a_transform_that_leaves_images_is_the_data_sets_own_matter():
    images = read_given(Pictures(transform=transforms.RandomHorizontalFlip(1)))
    assert np.array_equal(np.asarray(read(*images.place(1))), np.asarray(PICTURES[1])[:, ::-1])
    assert (images.labels.tolist(), images.classes) == (LABELS, tuple("abcdefghij"))


@pytest.mark.parametrize("transform", [transforms.ToTensor(), transforms.PILToTensor(), np.float32])
def test_a_transform_that_makes_no_images_is_refused(transform):
    with pytest.raises(UserError, match=r"image '0' is of type (Tensor|ndarray), \(3*2*, .*; give "):
        read_given(Pictures(transform=transform))


class Listed(Dataset):
    """Paths and labels."""

    def __init__(self, pairs: list, root: Path | None = None) -> None:
        self.pairs, self.root = pairs, root

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> tuple[object, int]:
        return self.pairs[index]


class Broken(Listed):
    def __getitem__(self, index: int) -> tuple[object, int]:
        return self.pairs[index] if index != 1 else self.pairs["1"]


def test_paths_of_a_data_set_are_files(root):
    """Named within its root, where it has one; an image among them has its number."""
    folder = open_data(DataSpec(f"folder:{root}"))
    pairs = list(zip(map(str, folder.sources), folder.labels.tolist(), strict=True))
    images = read_given(Listed(pairs, root))
    assert images.digest == folder.digest
    assert read_given(Listed(pairs)).ids == tuple(map(str, folder.sources))
    with pytest.raises(UserError, match="item '1' cannot be fetched"):
        read_given(Broken(pairs))
    mixed = read_given(Listed([*pairs, (PICTURES[0], 1)], root))
    assert mixed.ids == (*folder.ids, "6")
    assert len(mixed.digest) == 64


class Endless(IterableDataset):
    def __iter__(self):
        yield PICTURES[0], 0


def test_what_has_no_length_is_refused():
    for chained in (ChainDataset([Endless()]), Endless() + Endless()):
        with pytest.raises(UserError, match="'ChainDataset': its items cannot be counted"):
            read_given(chained)
    with pytest.raises(UserError, match="data of type Endless: give a list"):
        read_given(Endless())
    with pytest.raises(UserError, match="'Subset': its items cannot be counted"):
        read_given(Subset(Subset(Pictures(), [0]), [1]))


def test_torchvisions_own_data_sets_say_their_labels(tmp_path):
    """CIFAR10, whose data are an array, and MNIST, whose data are a tensor; without their downloads."""
    cifar, mnist = CIFAR10.__new__(CIFAR10), MNIST.__new__(MNIST)
    pixels = np.stack([np.asarray(each) for each in PICTURES])
    for dataset, data, targets in (
        (cifar, pixels, LABELS),
        (mnist, torch.from_numpy(pixels[..., 0].copy()), torch.tensor(LABELS)),
    ):
        VisionDataset.__init__(dataset, str(tmp_path))
        dataset.data, dataset.targets, dataset.train = data, targets, False
    cifar.classes = list("abcdefghij")
    for dataset in (cifar, mnist):
        images = read_given(dataset)
        assert images.labels.tolist() == LABELS
        assert len(images.classes) == 10
        assert images.name == type(dataset).__name__
        expected = np.asarray(dataset.data[3])
        found = np.asarray(read(*images.place(3)))
        assert np.array_equal(found, expected if expected.ndim == 3 else np.stack([expected] * 3, -1))
