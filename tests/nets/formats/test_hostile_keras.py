"""Files of HDF5 from strangers: no claim is believed, no other file is opened, and what is odd is one line."""

import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np
import pytest
from keras_reference import Layers, layers_of_vgg, write_archive, write_legacy, write_weights

from bench.errors import UserError
from bench.nets.formats import hdf5_files
from bench.nets.reading import read_weights

KERNEL = "block1_conv1/block1_conv1/kernel:0"


@pytest.fixture(scope="module")
def layers() -> Layers:
    return layers_of_vgg()


@pytest.fixture
def path(layers, tmp_path) -> Path:
    write_legacy(tmp_path / "w.h5", layers)
    return tmp_path / "w.h5"


def most_memory() -> int:
    """The most that this process has held, in kB."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])


def refused(path: Path) -> str:
    """What is said of weights, in one line; no 200 MB are taken for it."""
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far, which would hide a lower one
    before = most_memory()
    with pytest.raises(UserError) as caught:
        read_weights(str(path), "vgg16")
    assert most_memory() < before + 200_000
    assert "\n" not in str(caught.value)
    return str(caught.value)


def external_link(file: h5py.File, beside: Path) -> None:
    file[KERNEL] = h5py.ExternalLink(str(beside), KERNEL)


def soft_link(file: h5py.File, beside: Path) -> None:
    file[KERNEL] = h5py.SoftLink("/fc1/fc1/kernel:0")


def external_values(file: h5py.File, beside: Path) -> None:
    file.create_dataset(KERNEL, (3, 3, 3, 1), "f4", external=[(str(beside), 0, h5py.h5f.UNLIMITED)])


def virtual_values(file: h5py.File, beside: Path) -> None:
    layout = h5py.VirtualLayout((3, 3, 3, 1), "f4")
    layout[:] = h5py.VirtualSource(str(beside), KERNEL, (3, 3, 3, 1))
    file.create_virtual_dataset(KERNEL, layout)


def terabyte(file: h5py.File, beside: Path) -> None:
    file.create_dataset(KERNEL, (2**20, 2**18), "f4")


def compressed(file: h5py.File, beside: Path) -> None:
    file.create_dataset(KERNEL, (2**14, 2**14), "f4", compression="gzip", chunks=(2**11, 2**11))


def large_chunk(file: h5py.File, beside: Path) -> None:
    file.create_dataset(KERNEL, (4,), "f4", maxshape=(None,), chunks=(2**28,), compression="gzip")


def circle(file: h5py.File, beside: Path) -> None:
    file["fc1/again"] = file["fc1"]
    file["fc1/and_again"] = file["fc1"]


ODD: dict[Callable[[h5py.File, Path], None], str] = {
    external_link: "a link (block1_conv1",
    soft_link: "a link (block1_conv1",
    external_values: "in other files",
    virtual_values: "in other files",
    terabyte: "more values than it has bytes",
    compressed: "in chunks",
    large_chunk: "in chunks",
    circle: "groups that hold each other",
    lambda file, _: file.create_dataset(KERNEL, data=np.zeros((3, 3, 3, 1), np.int32)): "no weights",
    lambda file, _: file.create_dataset(KERNEL, data=["x"]): "no weights",
    lambda file, _: file.create_dataset(KERNEL, data=np.zeros((3, 3, 3, 1), "c8")): "no weights",
    lambda file, _: file.create_dataset(KERNEL, data=np.full((3, 3, 3, 1), 1e300)): "not finite",
    lambda file, _: file.create_dataset(KERNEL, data=np.zeros(())): "is a number and should be 3x3x3x1",
}


@pytest.mark.parametrize("change", ODD)
def test_what_plain_weights_do_not_have_is_refused(path, layers, tmp_path, change):
    beside = tmp_path / "beside.h5"
    write_legacy(beside, layers)
    with h5py.File(path, "a") as file:
        if change is not circle:
            del file[KERNEL]
        change(file, beside)
    assert ODD[change] in refused(path)


def test_one_tensor_under_many_names_counts_as_often(path):
    with h5py.File(path, "a") as file:
        for k in range(3):
            file[f"dense_{k}/dense/kernel:0"] = file["fc1/fc1/kernel:0"]
    assert "more values than it has bytes" in refused(path)


def test_an_archive_that_would_unpack_to_more_is_refused(layers, tmp_path):
    write_archive(tmp_path / "w.keras", layers)
    with zipfile.ZipFile(tmp_path / "w.keras") as archive:
        content = archive.read("model.weights.h5")
    with zipfile.ZipFile(tmp_path / "bomb.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", content + bytes(5_000_000))
    assert "would unpack to" in refused(tmp_path / "bomb.keras")


def test_other_files_of_hdf5_are_refused(tmp_path):
    with h5py.File(tmp_path / "w.pth", "w") as file:
        file.create_dataset("images", data=np.zeros((2, 2), np.float32))
    assert "images is no tensor of a convolution" in refused(tmp_path / "w.pth")
    with h5py.File(tmp_path / "empty.h5", "w"):
        pass
    assert "it has no layers" in refused(tmp_path / "empty.h5")


@pytest.mark.parametrize("write", [write_weights, write_archive])
def test_a_file_cut_or_altered_is_refused_or_gives_finite_tensors(layers, tmp_path, write):
    path = tmp_path / "w.keras"
    write(path, layers)
    content = path.read_bytes()
    places = [*range(0, 2000, 211), *range(2000, len(content), len(content) // 8)]  # what describes values is in front
    for place in places:
        path.write_bytes(content[:place])
        refused(path)
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :])
        with suppress(UserError):
            assert all(value.isfinite().all() for value in read_weights(str(path)).state.values())


def test_the_extra_is_named_where_the_library_is_missing(path, monkeypatch):
    def missing(*words: str) -> None:
        raise UserError("this needs h5py; pip install 'vgg-protocols[keras]'")

    monkeypatch.setattr(hdf5_files, "needed", missing)
    assert refused(path).endswith("pip install 'vgg-protocols[keras]'")
