import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.errors import UserError
from bench.images.decoding import read
from bench.images.sets.mnist import FILES
from bench.images.sources import DataSpec, open_data

DIGITS = {"train": [7, 0, 7, 1], "t10k": [3, 9]}


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr("bench.images.kinds.cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def pixels() -> dict[str, np.ndarray]:
    random = np.random.RandomState(0)
    return {part: random.randint(0, 256, (len(labels), 28, 28)).astype(np.uint8) for part, labels in DIGITS.items()}


@pytest.fixture
def folder(tmp_path, pixels) -> Path:
    """Six digits in MNIST's own files: a magic number that says bytes and dimensions, the sizes, the values."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, labels in DIGITS.items():
        images = pixels[part]
        (raw / f"{part}-images-idx3-ubyte").write_bytes(struct.pack(">4i", 0x803, *images.shape) + images.tobytes())
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 0x801, len(labels)) + bytes(labels))
    return tmp_path


def refused(folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        open_data(DataSpec(f"mnist:{folder}"))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("split", "part"), [("train", "train"), ("val", "t10k")])
def test_pixels_and_labels_are_those_of_the_files(folder, cache, pixels, split, part):
    images = open_data(DataSpec(f"mnist:{folder}"), split)
    assert (images.name, images.total, images.labels.tolist()) == (f"mnist/{split}", len(pixels[part]), DIGITS[part])
    assert len(images.classes) == 10
    assert [images.classes[label][0] for label in images.labels] == [str(digit) for digit in DIGITS[part]]
    for index, expected in enumerate(pixels[part]):
        assert np.array_equal(np.array(read(*images.place(index))), np.stack([expected] * 3, -1))
    assert all(cache in path.parents for path in images.sources)


def test_it_is_unpacked_once(folder, cache, monkeypatch):
    first = open_data(DataSpec(f"mnist:{folder}"))
    monkeypatch.setattr(Image.Image, "save", lambda *_: pytest.fail("unpacked again"))
    assert open_data(DataSpec(f"mnist:{folder}")).digest == first.digest


def test_other_files_are_not_taken_for_what_is_unpacked(folder, cache):
    first = open_data(DataSpec(f"mnist:{folder}"))
    labels = folder / "MNIST" / "raw" / "t10k-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1] + bytes([8]))
    other = open_data(DataSpec(f"mnist:{folder}"))
    assert (first.labels.tolist(), other.labels.tolist()) == ([3, 9], [3, 8])
    assert first.digest != other.digest


def test_what_is_half_unpacked_is_never_read(folder, cache, monkeypatch):
    save = Image.Image.save

    def full_disk(image, path):
        if path.name == "00001.png":
            raise OSError(28, "No space left on device", str(path))
        save(image, path)

    monkeypatch.setattr(Image.Image, "save", full_disk)
    assert "No space left on device" in refused(folder)
    assert list(cache.rglob("*.png")) == []
    monkeypatch.undo()
    monkeypatch.setattr("bench.images.kinds.cache_folder", lambda: cache)
    assert len(open_data(DataSpec(f"mnist:{folder}"))) == 2


@pytest.mark.parametrize("content", [b"", b"junk", struct.pack(">4i", 0x803, 2, 28, 28), struct.pack(">2i", 0x801, 0)])
@pytest.mark.parametrize("name", FILES[2:])
def test_broken_files_are_one_line(folder, cache, name, content):
    (folder / "MNIST" / "raw" / name).write_bytes(content)
    assert "not MNIST's files, or not whole" in refused(folder)


def test_more_than_ten_classes_are_not_mnist(folder, cache):
    (folder / "MNIST" / "raw" / FILES[3]).write_bytes(struct.pack(">2i", 0x801, 2) + bytes([3, 10]))
    assert "not MNIST's files" in refused(folder)


def test_failed_download_says_what_to_put_where(tmp_path, cache, monkeypatch):
    def no_network(*_, **__):
        raise RuntimeError("Error downloading x:\nTried https://a, got:\n<urlopen error no route>\n")

    monkeypatch.setattr("torchvision.datasets.MNIST.download", no_network)
    message = refused(tmp_path)
    assert "download failed (<urlopen error no route>)" in message
    assert all(name in message for name in (*FILES, str(tmp_path / "MNIST" / "raw")))


def test_without_a_folder_it_is_downloaded_into_the_cache(cache, monkeypatch):
    seen = []
    monkeypatch.setattr("torchvision.datasets.MNIST.download", lambda mnist: seen.append(mnist.root) or exit_())
    with pytest.raises(UserError, match="download failed"):
        open_data(DataSpec("mnist"))
    assert seen == [str(cache)]


def exit_():
    raise OSError("no route")
