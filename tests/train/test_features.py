import json
import shutil

import numpy as np
import pytest
import torch
from conftest import make_weights, training_words

from bench.nets import zoo
from bench.nets.reading import read_weights
from bench.run.__main__ import main as run
from bench.train.__main__ import main, parser, requested
from bench.train.training import Training

FROZEN = ["--freeze", "--augment", "none", "--dropout", "0.5"]


def trained(*words: str) -> Training:
    training = Training(requested(parser().parse_args(list(words))))
    list(training.epochs())
    return training


@pytest.mark.parametrize("name", ["vgg11", "squeezenet1_0"])
def test_training_on_cached_features_equals_training_the_frozen_net(folder, tmp_path, name):
    """Dropout in the head included; sums inside a batch may be ordered otherwise, hence not to the last bit."""
    path = tmp_path / "start.pth"
    torch.manual_seed(0)
    width = 1 / 32 if name in zoo.OWN else 1
    torch.save(zoo.construct(name, 5, width).state_dict(), path)
    own = ["--model", name, "--width", str(width), "--init", str(path), *FROZEN]
    one = trained(*training_words(folder, tmp_path / "one", *own))
    other = trained(*training_words(folder, tmp_path / "other", *own, "--cache-features"))
    start = read_weights(str(path)).state
    for key, value in one.net.state_dict().items():
        assert torch.allclose(other.net.state_dict()[key], value, rtol=1e-5, atol=1e-6)
        assert torch.equal(value, start[key]) == key.startswith("features")
    for cached, plain in zip(other.done, one.done, strict=True):
        assert cached.loss == pytest.approx(plain.loss, rel=1e-5)
        assert cached.validation_error == plain.validation_error


def test_features_are_computed_once_and_a_killed_computation_goes_on(folder, tmp_path, weights_of_A):
    words = training_words(folder, tmp_path, "--init", str(weights_of_A), *FROZEN, "--cache-features")
    training = Training(requested(parser().parse_args(words)))
    features = [training.features.batches(training.net, training.images).training_set(0)]
    rows, note = tmp_path / "features-train.npy", tmp_path / "features-train.json"
    whole = np.load(rows)
    assert whole.shape == (12, 16 * 7 * 7)
    cut = np.load(rows, mmap_mode="r+")
    cut[3], cut[8:] = 1, -1  # a mark that must stay, and what was not computed yet
    cut.flush()
    note.write_text(json.dumps(json.loads(note.read_text()) | {"done": 8}))
    features.append(training.features.batches(training.net, training.images).training_set(0))
    assert np.all(np.load(rows)[3] == 1)
    assert np.array_equal(np.load(rows)[8:], whole[8:])
    assert all(len(each) == 12 for each in features)


def test_features_of_other_weights_are_computed_anew(folder, tmp_path):
    found = []
    for seed in (0, 1):
        start = make_weights(tmp_path / f"{seed}.safetensors", "A", seed)
        words = training_words(folder, tmp_path / "out", "--init", str(start), *FROZEN, "--cache-features")
        training = Training(requested(parser().parse_args(words)))
        training.features.batches(training.net, training.images)
        found.append(np.load(tmp_path / "out" / "features-train.npy"))
    assert not np.array_equal(*found)


def test_a_net_of_torchvisions_is_fine_tuned_and_evaluated(folder, tmp_path, capsys):
    """With one validation image of each class, since `--half` goes through them for every tensor of the net."""
    data = shutil.copytree(folder.removeprefix("folder:"), tmp_path / "data")
    for path in data.glob("val/*/[1-3].png"):
        path.unlink()
    torch.manual_seed(0)
    torch.save(zoo.construct("mobilenet_v2", 5).state_dict(), tmp_path / "start.pth")
    start = f"--model mobilenet_v2 --init {tmp_path}/start.pth --pixels torchvision --cache-features"
    learning = "--optimiser adam --schedule cosine --epochs 2 --batch 4 --workers 0 --half"
    words = f"{start} {learning} --data folder:{data} --out {tmp_path}"
    assert main([*words.split(), *FROZEN]) == 0
    assert "features of 12 images, 0.1 MB, go to " in capsys.readouterr().err
    assert not list(tmp_path.glob("features*"))
    (tmp_path / "features-train.npy").touch()  # as of a training that was killed before it freed the disk
    assert main([*words.split(), *FROZEN]) == 0
    assert not list(tmp_path.glob("features*"))
    weights = tmp_path / "weights.safetensors"
    out = f"--data folder:{data} --out {tmp_path} --store {tmp_path}/store"
    assert run([*f"--model mobilenet_v2 --weights {weights} --protocol centre,dense@256 {out}".split()]) == 0
    rows = json.loads((tmp_path / "results.json").read_text())
    assert [(row["protocol"], row["n"]) for row in rows] == [("centre@256", 2), ("dense@256", 2)]
