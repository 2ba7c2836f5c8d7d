"""What is said of a set before anything slow begins."""

import subprocess
import sys

import numpy as np
import pytest
from torchvision.datasets.folder import IMG_EXTENSIONS
from torchvision.models import get_model_weights

from bench.images.containers.finder import ENDINGS
from bench.images.dataset import Images
from bench.images.first_look import first_images, first_look
from bench.images.labels.imagenet_names import nouns, wnids


def images(labels, classes=None, total=None) -> Images:
    ids = tuple(f"{number}.jpg" for number in range(len(labels)))
    return Images("list:a.txt", ids, ids, np.array(labels), classes, total or len(labels))


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (images([3, 0]), "Found 2 images of 2 classes in list:a.txt: 0.jpg is class 3; 1.jpg is class 0"),
        (images([1], ("cat", "dog"), 9), "1 of 9 images of 1 of 2 classes in list:a.txt: 0.jpg is dog"),
        (
            images([0, 388, 1, 7], wnids()),
            "0.jpg is n01440764 (tench); 1.jpg is n02510455 (giant panda); 2.jpg is n01443537 (goldfish)",
        ),
        (images([0], ("a\nb",)), r"Found 1 image of 1 class in list:a.txt: 0.jpg is a\nb"),
    ],
)
def test_a_first_look_names_the_labels_of_the_first_images(found, said):
    assert said in first_look(found)
    assert "3.jpg" not in first_look(found)


def test_an_index_is_said_where_it_is_the_nets():
    found = images([1], ("n01440764", "dog"))
    assert first_look(found).endswith("0.jpg is dog")
    assert first_images(found, 2) == ["0.jpg is class 1, dog"]
    assert first_images(images([0], found.classes), 2) == ["0.jpg is class 0, n01440764 (tench)"]


def test_bare_numbers_are_imagenets_to_a_net_of_as_many_classes():
    assert first_images(images([0, 999]), 1000) == ["0.jpg is class 0 (tench)", "1.jpg is class 999 (toilet tissue)"]
    assert first_images(images([0, 999]), 1001) == ["0.jpg is class 0", "1.jpg is class 999"]


def test_nouns_and_endings_are_torchvisions():
    assert list(nouns()) == get_model_weights("vgg16").DEFAULT.meta["categories"]
    assert ENDINGS == IMG_EXTENSIONS


def test_the_first_look_comes_before_torch(tmp_path):
    """Its import takes longer than looking at most sets does."""
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "a.jpg").touch()
    code = """
import sys
class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            print("torch", file=sys.stderr)
            raise SystemExit(7)
sys.meta_path.insert(0, NoTorch())
from bench.run.__main__ import main
main(["--data", "folder:" + sys.argv[1]])
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 7
    assert [line.split(" image")[0] for line in done.stderr.splitlines()] == ["Found 1", "torch"]
