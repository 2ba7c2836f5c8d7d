"""The comparisons of nets, with nets and images small enough for a test."""

import subprocess
from types import SimpleNamespace

import pandas as pd
import pytest
from conftest import make_image

from bench.errors import UserError
from bench.nets import zoo
from bench.run.__main__ import main as run
from bench.systems import side_by_side as systems_job
from bench.systems import systems as systems_nets
from bench.systems.__main__ import main
from bench.systems.systems import CACHED, PLAIN, SETS, SYSTEM_CLAIMS, SYSTEMS
from bench.train import processes
from bench.train.__main__ import main as train
from bench.train.training_request import TrainingRequest

BY_NAME = {system.name: system for system in SYSTEMS}
FROZEN = {"freeze": True, "augment": "none", "epochs": (2,), "batch": 4, "workers": 0}
SMALL = (
    systems_nets.System(
        "simplecnn", "catsdogs", "simplecnn", {"width": 0.25, "epochs": (2,), "batch": 4, "workers": 0}
    ),
    systems_nets.System(PLAIN, "catsdogs", "A", FROZEN, frozen=True),
    systems_nets.System(CACHED, "catsdogs", "A", {**FROZEN, "cache_features": True}, frozen=True),
)


def recipe_of(name: str) -> dict[str, object]:
    """What its training is asked to be."""
    system = BY_NAME[name]
    own = {key: value for key, value in system.recipe.items() if key != "limit"}
    return vars(TrainingRequest(model=system.model, init="any.pth" if system.frozen else None, **own))


@pytest.mark.parametrize("name", BY_NAME)
def test_every_recipe_is_of_a_net_that_can_be_built(name):
    told = recipe_of(name)
    assert zoo.build(zoo.canonical(told["model"]), 5, told["width"] or 1)


def test_every_set_of_images_has_systems_of_its_own():
    assert len(BY_NAME) == len(SYSTEMS)
    assert {system.data for system in SYSTEMS} == set(SETS)


def test_what_is_compared_is_on_the_same_images_and_alike_but_for_what_is_claimed():
    for each in SYSTEM_CLAIMS:
        assert BY_NAME[each.first].data == BY_NAME[each.second].data
    differing = {
        pair: {key for key, value in recipe_of(pair[0]).items() if recipe_of(pair[1])[key] != value}
        for pair in (("alexnet", "zfnet"), (CACHED, PLAIN))
    }
    assert differing == {("alexnet", "zfnet"): {"model", "width"}, (CACHED, PLAIN): {"cache_features"}}
    assert recipe_of("zfnet")["width"] == 1


@pytest.fixture
def one_process(monkeypatch):
    """One training is a process of its own; the others run here, since most of it would be the import of torch."""
    begun = []

    def start(command, **how):
        begun.append(command)
        one = len(begun) == 1
        return subprocess.Popen(command, **how) if one else SimpleNamespace(wait=lambda: train(command[3:]))

    monkeypatch.setattr(processes, "subprocess", SimpleNamespace(Popen=start))


@pytest.mark.usefixtures("one_process")
def test_systems_are_trained_once_and_their_rows_are_those_of_bench_run(
    folder, tmp_path, weights_of_A, monkeypatch, capsys
):
    monkeypatch.setattr(systems_job, "SYSTEMS", SMALL)
    where = f"--runs {tmp_path}/runs --store {tmp_path}/store --out {tmp_path}"
    words = f"--catsdogs {folder} --features {weights_of_A} --jobs 1 --threads 1 {where}".split()
    assert main(words) == 0
    table = pd.read_csv(tmp_path / "systems.csv")
    assert table.groupby("system").size().to_dict() == dict.fromkeys((system.name for system in SMALL), 3)
    assert set(table.epochs) == {2}
    for name in ("simplecnn", CACHED):
        mine = table[table.system == name]
        told = f"--model {mine.model.iloc[0]} --weights {tmp_path}/runs/{name}/weights.safetensors --data {folder}"
        protocols = f"--protocol {','.join(mine.protocol)} --store {tmp_path}/store2 --out {tmp_path}/{name}"
        assert run([*told.split(), *protocols.split()]) == 0
        assert list(pd.read_csv(tmp_path / name / "results.csv").wrong1) == list(mine.wrong1)
    text = (tmp_path / "systems.md").read_text()
    assert "rank on 0, 0, 0 images under centre, dense, multicrop" in text
    assert text.count("features of other photographs") == 3
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/weights.safetensors")}
    assert main(words) == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before
    capsys.readouterr()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("--limit", "x"), "--limit 'x'"),
        (("--out", "FILE/x"), "give --out DIR"),
        (("--runs", "FILE/x"), "give --runs DIR"),
        (("--store", "FILE/x"), "give --store DIR"),
        (("--split", "0.2"), "leave --split out"),
        (("--features", "none.pth"), "no such file"),
        (("--out", "LARGE"), "systems.csv' was made from 5000 images, and this would be from "),
    ],
)
def test_mistakes_are_said_before_anything_is_trained(folder, tmp_path, monkeypatch, capsys, wrong, said):
    monkeypatch.setattr(systems_job, "train_nets", lambda *_: pytest.fail("it trains"))
    (tmp_path / "file").touch()
    where = f"--catsdogs {folder} --runs {tmp_path}/runs --store {tmp_path}/store --out {tmp_path}".split()
    (tmp_path / "large").mkdir()
    (tmp_path / "large/systems.csv").write_text("data,n\nfolder:cats,5000\n")
    places = {"FILE": str(tmp_path / "file"), "LARGE": str(tmp_path / "large")}
    asked = " ".join(wrong)
    for name, place in places.items():
        asked = asked.replace(name, place)
    assert main([*where, *asked.split()]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_sets_with_and_without_parts_are_compared_together(folder, tmp_path, monkeypatch):
    """What --split says is for those without."""
    for name in ("a/1", "a/2", "b/1", "b/2"):
        (tmp_path / "whole" / name).parent.mkdir(parents=True, exist_ok=True)
        make_image((60, 60), 0).save(tmp_path / "whole" / f"{name}.png")
    told = []

    def stop(trainings, *_):
        told.extend(trainings.values())
        raise UserError("enough")

    monkeypatch.setattr(systems_job, "train_nets", stop)
    sets = ["--catsdogs", folder, "--digits", f"folder:{tmp_path}/whole"]
    assert main([*sets, "--split", "0.5", "--runs", f"{tmp_path}/runs", "--out", str(tmp_path)]) == 2
    split = {each.request.images.source: each.request.images.split is not None for each in told}
    assert split == {folder: False, f"folder:{tmp_path}/whole": True}


def test_the_twelve_nets_find_no_folder_in_one_line(folder, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert train(["--paper", "--data", folder, "--out", str(tmp_path / "file" / "x")]) == 2
    assert "give --out DIR" in capsys.readouterr().err.splitlines()[-1]
