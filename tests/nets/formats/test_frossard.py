"""`vgg16_weights.npz`: VGG16 as Keras's source defines it, under Caffe's names."""

import zipfile
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from keras_reference import Layers, layers_of_vgg, write_legacy

from bench.errors import UserError
from bench.images.pixels import Pixels
from bench.nets.reading import read_weights

ENDS = {"fc1": "fc6", "fc2": "fc7", "predictions": "fc8"}
Arrays = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def layers() -> Layers:
    return layers_of_vgg()


@pytest.fixture
def arrays(layers) -> Arrays:
    """As the file has them: conv1_1_W, conv1_1_b, ..., fc8_b."""
    names = {name: ENDS.get(name) or name.removeprefix("block").replace("_conv", "_") for name in layers}
    named = {own: name if name.startswith("fc") else f"conv{name}" for own, name in names.items()}
    kinds = {"kernel": "W", "bias": "b"}
    return {f"{named[own]}_{kinds[role]}": value for own, made in layers.items() for role, value in made.items()}


def refused(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        read_weights(str(path))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["vgg16_weights.npz", "weights"])
def test_it_is_kerass_net_with_other_pixels(arrays, layers, tmp_path, name):
    with (tmp_path / name).open("wb") as file:
        np.savez(file, **arrays)
    write_legacy(tmp_path / "w.h5", layers)
    found = read_weights(str(tmp_path / name), "vgg16")
    assert found.digest == read_weights(str(tmp_path / "w.h5")).digest
    assert found.pixels == Pixels("RGB", 255, (123.68, 116.779, 103.939), (1, 1, 1))
    assert (found.model, found.width, found.S) == ("vgg16", 1 / 64, None)


def test_other_arrays_are_refused_by_name(arrays, tmp_path):
    path = tmp_path / "w.npz"
    for said, changed in {
        "missing fc7_b": {name: value for name, value in arrays.items() if name != "fc7_b"},
        "surplus fc9_W": {**arrays, "fc9_W": np.zeros((2, 2), np.float32)},
        "conv1_2 kernel is 1x3x3x1 and should be 3x3x1x1": {**arrays, "conv1_2_W": np.zeros((1, 3, 3, 1))},
        "not finite": {**arrays, "fc8_b": np.full(5, np.nan)},
        "holds values that are not finite": {**arrays, "fc8_b": np.full(5, 1e300)},
        "claims to be": {**arrays, "fc8_b": np.zeros(5, np.int64)},
        "missing conv1_1_W": {"x": np.zeros(3)},
    }.items():
        np.savez(path, **changed)
        assert said in refused(path)
    np.savez(path, **{**arrays, "fc8_b": np.array([{}] * 5, dtype=object)})
    assert "cannot be read" in refused(path)


def test_what_would_unpack_or_claims_to_be_large_is_refused(arrays, tmp_path):
    path = tmp_path / "w.npz"
    np.savez_compressed(path, **{**arrays, "fc6_W": np.zeros((25_088, 64), np.float32)})
    assert "would unpack to" in refused(path)
    header = BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (2**20, 2**22)})
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in arrays.items():
            content = BytesIO()
            np.save(content, value)
            archive.writestr(f"{name}.npy", header.getvalue() if name == "fc6_W" else content.getvalue())
    assert "claims to be (1048576, 4194304)" in refused(path)


def test_a_file_cut_or_altered_is_refused_or_gives_finite_tensors(arrays, tmp_path):
    path = tmp_path / "w.npz"
    np.savez(path, **arrays)
    content = path.read_bytes()
    for place in range(0, len(content), len(content) // 30):
        path.write_bytes(content[:place])
        refused(path)
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :])
        with suppress(UserError):
            assert all(value.isfinite().all() for value in read_weights(str(path)).state.values())
