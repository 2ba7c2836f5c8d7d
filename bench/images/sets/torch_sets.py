"""torchvision's data sets by name: their classes there, their parts, and where their images and labels are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from bench.images.sets.torch_set_files import Reader, in_folders, in_named_folders, in_numbered_folders, listed, paired

DIGITS = tuple("0123456789")
IMAGES = listed("_image_files", "_labels")


class Part(NamedTuple):
    """What the set calls one of its parts, how many images it has, where these are in the set's folder, and what
    torchvision's class is called with. `files` finds files and labels; images without are fetched one by one.
    """

    word: str
    images: int
    place: str
    arguments: Mapping[str, Any]
    files: Reader | None = None


@dataclass(frozen=True)
class TorchSet:
    """One of torchvision's classes: the part that is evaluated, and that which nets are trained on, if it has parts.

    `classes` are those that torchvision does not name; `needs` is the module that it is read with.
    """

    cls: str
    about: str
    evaluated: Part
    trained: Part | None = None
    classes: tuple[str, ...] | None = None
    needs: str | None = None


def _whole(cls: str, about: str, images: int, place: str, files: Reader) -> TorchSet:
    return TorchSet(cls, about, Part("", images, place, {}, files))


def _flagged(cls: str, about: str, images: tuple[int, int], test: str, train: str, **more: Any) -> TorchSet:
    parts = Part("test", images[0], test, {"train": False}), Part("train", images[1], train, {"train": True})
    return TorchSet(cls, about, *parts, **more)


def _split(
    cls: str,
    about: str,
    images: tuple[int, int],
    place: str,
    files: Reader | None = None,
    train: str = "train",
    **more: Any,
) -> TorchSet:
    """`place` has `{}` for the part's word, where each is in a folder of its own."""
    words = zip(("test", train), images, strict=True)
    test, training = (Part(word, count, place.format(word), {"split": word}, files) for word, count in words)
    return TorchSet(cls, about, test, training, **more)


C10, C100, CLOTHES, KANJI = "cifar-10-batches-py", "cifar-100-python", "FashionMNIST/raw", "KMNIST/raw"
GREY = "in grey, 28x28"
PLACE101, BACKGROUND101 = "caltech101/101_ObjectCategories", "BACKGROUND_Google"
SETS = {  # how many images the parts have for tests and training is as the papers say, or as torchvision finds them
    "cifar10": _flagged("CIFAR10", "10 classes, 32x32", (10_000, 50_000), C10, C10),
    "cifar100": _flagged("CIFAR100", "100 classes, 32x32", (10_000, 50_000), C100, C100),
    "svhn": _split("SVHN", "house numbers, 32x32", (26_032, 73_257), "{}_32x32.mat", classes=DIGITS, needs="scipy.io"),
    "stl10": _split("STL10", "10 classes, 96x96", (8000, 5000), "stl10_binary"),
    "fashion-mnist": _flagged("FashionMNIST", f"clothes {GREY}", (10_000, 60_000), CLOTHES, CLOTHES),
    "kmnist": _flagged("KMNIST", f"cursive Japanese {GREY}", (10_000, 60_000), KANJI, KANJI),
    "usps": _flagged("USPS", "digits in grey, 16x16", (2007, 7291), "usps.t.bz2", "usps.bz2", classes=DIGITS),
    "food101": _split("Food101", "101 dishes", (25_250, 75_750), "food-101", IMAGES),
    "flowers102": _split("Flowers102", "102 flowers", (6149, 1020), "flowers-102", IMAGES, needs="scipy.io"),
    "oxford-pets": _split(
        "OxfordIIITPet", "37 cats and dogs", (3669, 3680), "oxford-iiit-pet", listed("_images", "_labels"), "trainval"
    ),
    "dtd": _split("DTD", "47 textures, in the first of its divisions", (1880, 1880), "dtd/dtd", IMAGES),
    "gtsrb": TorchSet(
        "GTSRB",
        "43 German traffic signs",
        Part("test", 12_630, "gtsrb/GTSRB/Final_Test/Images", {"split": "test"}, paired("_samples")),
        Part("train", 26_640, "gtsrb/GTSRB/Training", {"split": "train"}, in_numbered_folders),
    ),
    "stanford-cars": _split(
        "StanfordCars", "196 cars", (8041, 8144), "stanford_cars", paired("_samples"), needs="scipy.io"
    ),
    "fgvc-aircraft": _split(
        "FGVCAircraft", "100 variants of aircraft", (3333, 6667), "fgvc-aircraft-2013b", IMAGES, "trainval"
    ),
    "country211": _split("Country211", "photographs of 211 countries", (21_100, 31_650), "country211/{}", in_folders()),
    "rendered-sst2": _split(
        "RenderedSST2", "sentences as images, 2 classes", (1821, 6920), "rendered-sst2/{}", in_folders()
    ),
    "caltech101": _whole("Caltech101", "101 classes", 8677, PLACE101, in_folders(BACKGROUND101)),
    "caltech256": _whole(
        "Caltech256", "256 classes and clutter", 30_607, "caltech256/256_ObjectCategories", in_folders()
    ),
    "eurosat": _whole("EuroSAT", "10 kinds of land from above", 27_000, "eurosat/2750", in_folders()),
    "sun397": _whole("SUN397", "397 scenes", 108_754, "SUN397", in_named_folders),
}
MORE_CLASSES = {  # with a class that the set has for learning from, though it is none of its objects
    "caltech101": _whole("Caltech101", "101 classes and the background", 9144, PLACE101, in_folders()),
}
