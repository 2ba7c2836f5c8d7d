"""Training: resumed equals uninterrupted, weights say all that is needed, and crops are of the images."""

import json
import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from conftest import make_image
from conftest import training_words as words
from PIL import Image
from safetensors import safe_open

from bench.images.dataset import Images
from bench.images.pixels import decode
from bench.images.rescaling import rescale
from bench.images.scaling import Scaling
from bench.images.sources import DataSpec, open_data
from bench.nets.reading import read_weights
from bench.run.__main__ import main as run
from bench.train.__main__ import main, parser, requested
from bench.train.crops import CentreCrops, TrainingCrops
from bench.train.recipe import PIXELS
from bench.train.training import Training
from protocols.scales import TrainingScale


def test_the_bar_says_how_the_net_did_in_the_epoch_before(folder, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr("bench.train.batches.progress", lambda items, _, what, unit: said.append(what) or items)
    training = Training(requested(parser().parse_args(words(folder, tmp_path))))
    first, _ = training.epochs()
    assert said[::2] == ["epoch 1/2", f"epoch 2/2 error {first.validation_error:.1f} % loss {first.loss:.3g}"]
    assert said[1::2] == ["validation after epoch 1", "validation after epoch 2"]


@pytest.mark.parametrize(
    "more",
    [
        "",
        "--optimiser adam --schedule cosine --dropout 0.5",
        "--schedule step --epochs 1,1 --momentum 0.5 --weight-decay 0",
        "--dtype bf16 --dropout 0.5 --threads 2",
        "--init START --freeze --dropout 0.5",
        "--init START --freeze --dropout 0.5 --augment none --cache-features --optimiser adam",
    ],
)
def test_resumed_equals_uninterrupted_to_the_bit(folder, tmp_path, weights_of_A, more):
    told = more.replace("START", str(weights_of_A)).split()
    whole = Training(requested(parser().parse_args(words(folder, tmp_path / "whole", *told))))
    assert len(list(whole.epochs())) == 2
    options = requested(parser().parse_args(words(folder, tmp_path / "cut", *told)))
    next(Training(options).epochs())
    resumed = Training(options)
    assert len(resumed.done) == 1
    assert len(list(resumed.epochs())) == 2
    ours, theirs = resumed.net.state_dict(), whole.net.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert [epoch[:-1] for epoch in resumed.done] == [epoch[:-1] for epoch in whole.done]


def test_killed_at_a_random_moment_and_resumed_equals_left_alone_to_the_bit(folder, tmp_path, weights_of_A):
    def longer(out):
        return words(folder, tmp_path / out, "--epochs", "3", "--half", "--init", str(weights_of_A))

    start = time.monotonic()
    assert main(longer("whole")) == 0
    command = [sys.executable, "-m", "bench.train", *longer("cut")]
    moment = killed_at_random(command, tmp_path / "cut", time.monotonic() - start)
    print(f"killed after {moment} s")  # shown where the test fails
    assert main(longer("cut")) == 0
    one, other = (read_weights(str(tmp_path / out / "weights.safetensors")) for out in ("whole", "cut"))
    assert one.digest == other.digest
    logs = [(tmp_path / out / "log.csv").read_text().splitlines() for out in ("whole", "cut")]
    assert len({tuple(line.rpartition(",")[0] for line in log) for log in logs}) == 1  # but for the seconds
    assert len(logs[0]) == 4


def killed_at_random(command, out, longest):
    """Kill a training at a random moment of its work; return the seconds since it began."""
    while True:
        moment = random.uniform(0, longest)
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            while not out.exists():
                time.sleep(0.01)
            time.sleep(moment)
            process.kill()
        if process.returncode == -signal.SIGKILL:
            return moment
        shutil.rmtree(out)  # it was done
        longest /= 2


def test_trained_weights_say_everything_and_evaluate(folder, tmp_path, capsys):
    assert main(words(folder, tmp_path, "--S", "256-288", "--half", "--rate", "0.005", "--dropout", "0")) == 0
    path = tmp_path / "weights.safetensors"
    found = read_weights(str(path))
    assert (found.model, found.width, found.S) == ("vgg11", 1 / 32, TrainingScale(256, 288))
    assert (found.classes, found.pixels) == (("dark", "light"), PIXELS)
    with safe_open(path, "pt") as file:
        about = json.loads(file.metadata()["vgg-protocols"])
    assert {"command", "data", "validation_error", "commit"} <= about.keys()
    assert about["recipe"]["rate"] == "0.005"
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert len(lines) == 3
    with Image.open(tmp_path / "training.png") as plot:
        assert plot.size == (960, 420)
    out = ["--out", str(tmp_path), "--store", str(tmp_path / "store")]
    assert run(["--model", "A", "--weights", str(path), "--data", folder, "--protocol", "single-scale", *out]) == 0
    assert "- Q 272; " in capsys.readouterr().out


def test_what_is_said_of_the_data_is_said_once(folder, tmp_path, capsys):
    data = tmp_path / "data"
    shutil.copytree(folder.removeprefix("folder:"), data)
    for part in ("train", "val"):
        (data / part / "dark" / f"{part}.txt").write_text("x")
    Training(requested(parser().parse_args(words(f"folder:{data}", tmp_path / "out"))))
    said = capsys.readouterr().err.splitlines()
    assert [sum(f"/{part}.txt'" in line for line in said) for part in ("train", "val")] == [1, 1]


def test_the_warm_up_of_a_short_training_is_a_fifth_of_it(folder, tmp_path):
    training = Training(requested(parser().parse_args(words(folder, tmp_path, "--schedule", "step", "--epochs", "8"))))
    used = []
    for epoch in training.epochs():
        assert epoch.rate == 0.04
        used.append(training.optimiser.param_groups[0]["lr"])
    # twelve images are three batches of four: 24 iterations, of which the first four rise
    assert used == [pytest.approx(0.04 * 3 / 4), *[0.04] * 7]
    assert len(used) == 8


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_trains_and_resumes_what_any_device_evaluates(folder, tmp_path, capsys):
    options = requested(parser().parse_args(words(folder, tmp_path, "--device", "cuda")))
    next(Training(options).epochs())
    assert main(words(folder, tmp_path, "--device", "cuda")) == 0
    out = ["--out", str(tmp_path), "--store", str(tmp_path / "store"), "--device", "cpu"]
    weights = str(tmp_path / "weights.safetensors")
    assert run(["--model", "A", "--weights", weights, "--data", folder, "--protocol", "centre", *out]) == 0
    capsys.readouterr()


def test_so_many_images_are_spread_over_all_classes(folder, tmp_path):
    training = Training(requested(parser().parse_args(words(folder, tmp_path, "--limit", "8"))))
    assert training.train.labels.tolist() == [0] * 4 + [1] * 4
    (tmp_path / "whole").mkdir()
    assert len(Training(requested(parser().parse_args(words(folder, tmp_path / "whole")))).train) == 12


def test_how_pixels_are_read_joins_the_recipe_where_it_is_not_the_usual(folder, tmp_path, capsys):
    """So that trainings of before go on, and none goes on with others' pixels; the weights' header has it."""

    own = shutil.copytree(folder.removeprefix("folder:"), tmp_path / "set")

    def recipe(*more: str) -> dict[str, str]:
        return Training(requested(parser().parse_args(words(f"folder:{own}", tmp_path / "out", *more)))).told

    usual = recipe()
    assert not {name for name in usual if "rules" in name or "exif" in name}
    turned = recipe("--exif")
    rule = "PIL convert(RGB), EXIF, antialiased bilinear on uint8"
    assert turned == {**usual, "training_rules": rule, "validation_rules": rule}
    first = next((own / "train").rglob("*.png"))
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(first).save(first, exif=exif)
    capsys.readouterr()
    assert recipe().keys() == usual.keys()
    assert "training images: 1 of" in (said := capsys.readouterr().err)
    assert "carry an EXIF orientation, which is not applied" in said


@pytest.mark.parametrize("size", [(17 * 100, 100), (2, 300), (1, 5000)])
def test_crops_of_an_image_that_is_too_long_to_be_evaluated_are_trained_on(tmp_path, size):
    """A crop costs the same, however long the image is; object crops may be narrow."""
    make_image(size, 0).save(tmp_path / "long.png")
    images = Images("x", (tmp_path / "long.png",), ("long.png",), np.zeros(1, dtype=np.int64), ("y",), 1)
    for epoch in range(3):
        crop, _, _ = TrainingCrops(images, TrainingScale(256, 512), 224, 0, epoch)[0]
        assert crop.shape == (3, 224, 224)
        assert crop.float().std() > 1
    assert CentreCrops(images, 256, 224)[0][0].shape == (3, 224, 224)


def test_a_finished_net_is_left_as_it_is(folder, tmp_path):
    assert main(words(folder, tmp_path)) == 0
    before = (tmp_path / "weights.safetensors").read_bytes()
    (tmp_path / "weights.safetensors").write_bytes(before + b"touched")
    assert main(words(folder, tmp_path)) == 0
    assert (tmp_path / "weights.safetensors").read_bytes() == before + b"touched"


def test_training_crops_are_parts_of_the_rescaled_image_and_depend_on_seed_epoch_and_index_alone(folder):
    images = open_data(DataSpec(folder), "train")
    crops = TrainingCrops(images, TrainingScale(64, 64), 56, seed=1, epoch=2)
    whole = rescale(decode(images.sources[3]), Scaling(64))
    crop, shift, label = crops[3]
    assert label == images.labels[3]
    windows = whole.unfold(1, 56, 1).unfold(2, 56, 1).permute(1, 2, 0, 3, 4)
    # read_view rounds once where cut(rescale()) may round otherwise: one level of 255
    distances = [(windows.int() - each.int()).abs().flatten(2).amax(2).min() for each in (crop, crop.flip(2))]
    assert min(distances) <= 1
    again = TrainingCrops(images, TrainingScale(64, 64), 56, seed=1, epoch=2)[3]
    assert torch.equal(again[0], crop)
    assert torch.equal(again[1], shift)
    for seed, epoch in ((1, 3), (2, 2)):
        assert not torch.equal(TrainingCrops(images, TrainingScale(64, 64), 56, seed, epoch)[3][1], shift)
