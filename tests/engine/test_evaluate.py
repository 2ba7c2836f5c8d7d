"""What does not change a number: batch size, threads, order of the work, death and resumption, several workers."""

import errno
import json
import signal
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import make_image, make_weights
from devices import assert_same
from mishaps import take_threads
from victims import run, start, wait_until

from bench.errors import UserError
from bench.images.dataset import Place
from bench.images.decoding import UndecodableError
from bench.images.loader import _prepare
from bench.nets.model import Model
from bench.run.__main__ import main

PROTOCOLS = "centre@256,tencrop,dense+multicrop@224"


def arguments(weights, photographs, out: Path, *more: str) -> list[str]:
    common = (
        f"--model vgg11 --weights {weights} --data list:{photographs} --protocol {PROTOCOLS} --Q 224 --save-posteriors"
    )
    return [*common.split(), "--out", str(out), "--store", str(out / "store"), *more]


def posteriors(out: Path) -> dict[str, np.ndarray]:
    rows = json.loads((out / "results.json").read_text())
    return {row["protocol"]: np.load(row["posteriors"])["posteriors"] for row in rows}


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """The shallowest net: what is shown here does not depend on depth."""
    return make_weights(tmp_path_factory.mktemp("weights") / "A.safetensors", "vgg11")


@pytest.fixture(scope="module")
def undisturbed(weights, photographs, tmp_path_factory) -> dict[str, np.ndarray]:
    out = tmp_path_factory.mktemp("undisturbed")
    assert main(arguments(weights, photographs, out)) == 0
    return posteriors(out)


@pytest.mark.parametrize("how", [["--batch-size", "1"], ["--batch-size", "7"], ["--workers", "3"]])
def test_batch_size_and_threads_change_nothing(weights, photographs, undisturbed, tmp_path, how):
    assert main(arguments(weights, photographs, tmp_path, *how)) == 0
    for protocol, found in posteriors(tmp_path).items():
        assert np.abs(found - undisturbed[protocol]).max() < 1e-5


def test_the_bar_names_the_net_and_the_part_at_work(weights, photographs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("bench.bars.SPARSE", 0.0)
    assert main(arguments(weights, photographs, tmp_path, "--limit", "2", "--batch-size", "1")) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("evaluating")]
    found = dict.fromkeys(line.partition("  ")[0] for line in lines[1:-1])
    parts = ["centre@256", "tencrop@224", "dense@224", "multicrop@224"]
    assert list(found) == [f"evaluating vgg11 {part}" for part in parts]
    assert lines[-1].startswith("evaluating 100%, ")


def as_here() -> partial:
    """What workers need for equal sums: as many threads as this process has."""
    return partial(take_threads, torch.get_num_threads())


def test_killed_and_resumed_equals_undisturbed_to_the_bit(weights, photographs, undisturbed, tmp_path):
    (victim,) = start(arguments(weights, photographs, tmp_path / "out", "--workers", "1"), faults={0: as_here()})
    wait_until(lambda: list(tmp_path.glob("out/store/*/0*.npz")))
    victim.process.kill()
    assert victim.end().code == -signal.SIGKILL
    stored = {path: path.stat().st_mtime_ns for path in tmp_path.glob("out/store/*/0*.npz")}
    assert stored
    assert not (tmp_path / "out/results.json").exists()
    assert main(arguments(weights, photographs, tmp_path / "out")) == 0
    assert {path: path.stat().st_mtime_ns for path in stored} == stored  # nothing was computed twice
    for protocol, found in posteriors(tmp_path / "out").items():
        assert_same(found, undisturbed[protocol])


def test_two_workers_equal_one_to_the_bit(weights, photographs, undisturbed, tmp_path):
    ended = run(arguments(weights, photographs, tmp_path / "out"), 2, dict.fromkeys((0, 1), as_here()))
    assert [each.code for each in ended] == [0, 0], ended
    assert "".join(each.said for each in ended).count("| model ") == 1
    for protocol, found in posteriors(tmp_path / "out").items():
        assert_same(found, undisturbed[protocol])


def test_an_error_of_the_first_worker_is_said_once(tmp_path):
    ended = run(["--data", "list:nowhere.txt", "--store", f"{tmp_path}/store", "--out", f"{tmp_path}/out"], 2)
    assert 0 not in [each.code for each in ended]
    assert "".join(each.said for each in ended).count("bench.run: error: ") == 1


def test_a_posterior_that_is_not_finite_is_an_error(weights, photographs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Model, "begun", lambda self, views, whole: torch.full((len(views), self.count), torch.nan))
    assert main(arguments(weights, photographs, tmp_path)) == 2
    assert "not finite for 00.png under" in capsys.readouterr().err.splitlines()[-1]
    assert not list((tmp_path / "store").glob("*/0*.npz"))


def test_dense_equals_the_centre_crop_on_a_square_image_at_224(weights, tmp_path):
    """The image and its mirror image, each under `centre`, average to what `dense` says of either."""
    image = make_image((224, 224), 1)
    image.save(tmp_path / "a.png")
    image.transpose(0).save(tmp_path / "b.png")
    (tmp_path / "list.txt").write_text("a.png 0\nb.png 0\n")
    words = f"--model A --weights {weights} --data list:{tmp_path}/list.txt --out {tmp_path} --store {tmp_path}/store"
    assert main([*words.split(), "--protocol", "centre@224,dense@224", "--save-posteriors"]) == 0
    centre, dense = posteriors(tmp_path).values()
    assert np.abs(centre[0] - centre[1]).max() > 1e-3
    assert np.abs(dense - centre.mean(0)).max() < 1e-5


def test_a_failing_disk_is_not_taken_for_a_broken_image(photographs, monkeypatch):
    """An error that may pass must not be remembered as an image that cannot be decoded."""

    def fail(*_, **__):
        raise OSError(errno.EIO, "Input/output error")

    for none in (photographs.parent, photographs):  # a folder, and a text
        with pytest.raises(UndecodableError):
            _prepare(Place(none), (256,))
    monkeypatch.setattr("PIL.Image.open", fail)
    with pytest.raises(UserError, match="Input/output error"):
        _prepare(Place(photographs), (256,))
