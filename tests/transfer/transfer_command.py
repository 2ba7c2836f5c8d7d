"""The transfer as a command in this process, on images whose classes differ in brightness."""

import pytest
from conftest import make_image

from bench.nets.descriptor_model import DescriptorModel
from bench.transfer.__main__ import main
from results.transfer_files import read_transfer

COUNTS = {"train": 6, "val": 4}


@pytest.fixture(scope="session")
def brightness(tmp_path_factory):
    """Three classes, six training and four validation images of each."""
    root = tmp_path_factory.mktemp("brightness")
    for part, count in COUNTS.items():
        for label, name in enumerate(("dark", "dim", "light")):
            (root / part / name).mkdir(parents=True)
            for k in range(count):
                image = make_image((256, 240), 100 * label + 10 * len(part) + k)
                image.point(lambda value, label=label: value // 4 + 80 * label).save(root / part / name / f"{k}.png")
    return root


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """One for all: descriptors are the same whatever is learnt from them."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def views(monkeypatch):
    """How many views nets saw, one item a call."""
    seen = []
    begun = DescriptorModel.begun
    monkeypatch.setattr(
        DescriptorModel, "begun", lambda self, batch, whole: (seen.append(len(batch)), begun(self, batch, whole))[1]
    )
    return seen


@pytest.fixture
def transfer(weights, brightness, store, tmp_path, capsys):
    """Run the command in this process: exit code, standard output, standard error, rows."""

    def transfer(*more, data=f"folder:{brightness}", out=tmp_path / "out"):
        common = ["--weights", str(weights), "--store", str(store), "--out", str(out), "--data", data, "--Q", "256"]
        code = main([*common, *more])
        said, err = capsys.readouterr()
        return code, said, err, read_transfer(out) if code == 0 and (out / "transfer.json").exists() else []

    return transfer
