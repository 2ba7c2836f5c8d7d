"""`bench.evaluate`: the numbers of `bench.run` to the bit, rows by any writing, mistakes in one line."""

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import bench
from bench.gate.__main__ import main as gate
from bench.inspect.__main__ import main as inspect
from bench.run.__main__ import main as run
from results.metrics import wilson
from results.posteriors import Posteriors

PROTOCOLS = "centre@256,dense@256,centre@256+dense@256"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("api")


@pytest.fixture(scope="module")
def table(folder: Path, weights: Path, photographs: Path) -> bench.Table:
    return bench.evaluate(
        str(weights), f"list:{photographs}", PROTOCOLS, limit=6, store=folder / "python", progress=False
    )


def test_the_numbers_are_those_of_bench_run(table, folder, weights, photographs):
    """The same blocks under the same keys, the same rows, and posteriors that are equal to the bit."""
    words = ["--weights", str(weights), "--data", f"list:{photographs}", "--protocol", PROTOCOLS, "--limit", "6"]
    assert run([*words, "--store", str(folder / "shell"), "--out", str(folder / "run"), "--save-posteriors"]) == 0
    rows = json.loads((folder / "run/results.json").read_text())
    assert [row.signature for row in table] == [row["signature"] for row in rows]
    assert [(row.n, row.wrong1, row.wrong5) for row in table] == [
        (row["n"], row["wrong1"], row["wrong5"]) for row in rows
    ]
    for row, written in zip(table, rows, strict=True):
        saved = Posteriors.load(Path(written["posteriors"]))
        assert np.array_equal(row.posteriors.probs, saved.probs)
        assert row.posteriors.ids.tolist() == saved.ids.tolist() == list(row.ids)
        assert np.array_equal(row.labels, saved.labels)
    blocks = {place: {path.parent.name for path in (folder / place).glob("*/*.npz")} for place in ("python", "shell")}
    assert blocks["python"] == blocks["shell"] != set()


def test_a_table_saved_is_taken_by_the_commands(table, folder, capsys):
    place = table.save(folder / "saved", posteriors=True)
    assert {path.name for path in place.iterdir()} == {
        "results.csv", "results.json", "results.md", "origin.json", "posteriors"
    }  # fmt: skip
    assert gate([str(place / "results.json"), str(place / "results.json")]) == 0
    assert inspect([str(place), "--row", "1", "--mistakes", "2"]) == 0
    assert "3 rows equal" in capsys.readouterr().out


def test_rows_are_found_however_they_are_written(table):
    assert table["dense@256"].protocol == table[1].protocol == "dense@256"
    assert table["dense@256+centre@256"] is table[2]
    assert table["vgg16", "centre@256"] is table[bench.parse_protocol("centre@256")] is table[0]
    assert [row.protocol for row in table] == [table[k].protocol for k in range(len(table))]


def test_a_row_without_Q_is_found_as_it_was_asked_for(weights, photographs, folder):
    asked = {"limit": 2, "Q": "256", "store": folder / "python", "progress": False}
    table = bench.evaluate(str(weights), f"list:{photographs}", "dense,centre", **asked)
    assert table["dense"].protocol == table["dense@256"].protocol == "dense@256"


def test_rows_hold_what_they_are_counted_from(table):
    for row in table:
        ranks = (row.posteriors.probs > np.take_along_axis(row.posteriors.probs, row.labels[:, None], 1)).sum(1)
        assert np.array_equal(row.ranks, ranks)
        assert row.wrong1 == (row.ranks >= 1).sum()
        assert row.top1 == pytest.approx(100 * row.wrong1 / row.n, abs=1e-4)
        assert row.interval == pytest.approx([100 * each for each in wilson(row.wrong1, row.n)], abs=1e-4)
        assert row.posteriors.probs.shape == (6, len(row.classes))
    frame = table.frame
    assert frame["wrong1"].tolist() == [row.wrong1 for row in table]
    assert len(frame) == len(table) == 3


def test_a_table_shows_itself(table):
    assert str(table) == repr(table)
    for row in table:
        error = f"{row.top1:.2f} [{row.interval[0]:.1f}, {row.interval[1]:.1f}]"
        assert error in str(table)
        assert row.protocol in table._repr_html_()
        assert f"{row.top1:.2f} [{row.interval[0]:.2f}, {row.interval[1]:.2f}]" in table._repr_html_()


def test_several_nets_have_names_and_are_fused(weights, photographs, folder):
    asked = {"limit": 2, "store": folder / "python", "progress": False}
    both = {"one": str(weights), "other": bench.load_model(str(weights))}
    table = bench.evaluate(both, f"list:{photographs}", "centre@256,centre@288", fuse=True, **asked)
    assert [len(table), list(table.frame["net"])] == [6, ["one"] * 2 + ["other"] * 2 + ["fusion"] * 2]
    one, other, fusion = (table[name, "centre@288"].posteriors.probs for name in ("one", "other", "fusion"))
    assert np.array_equal(one, other)
    assert np.allclose(fusion, one, atol=1e-7)
    with pytest.raises(bench.UserError, match="no row;"):
        table["one", "centre@256", "more"]
    with pytest.raises(bench.UserError, match="several rows; give one of 'one', 'centre@256'; "):
        table["centre@256"]


def test_compare_is_mcnemar_on_the_same_images(table, weights, photographs, folder):
    one, other = table["centre@256"], table["dense@256"]
    found = bench.compare(one, other)
    wrong = [row.ranks >= 1 for row in (one, other)]
    assert found.only_first == (wrong[0] & ~wrong[1]).sum()
    assert found.difference[0] == pytest.approx((one.top1 - other.top1) / 100, abs=1e-6)
    assert bench.compare(one, one).p == 1
    fewer = bench.evaluate(
        str(weights), f"list:{photographs}", "centre@256", limit=5, store=folder / "python", progress=False
    )
    with pytest.raises(bench.UserError, match="not of the same images"):
        bench.compare(one, fewer[0])
    with pytest.raises(bench.UserError, match="give rows of tables"):
        bench.compare(table, table)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"net": "vgg99"}, "model 'vgg99': there are vgg11"),
        ({"net": 3}, "net of type int: give an nn.Module"),
        ({"net": {}}, "no net"),
        ({"net": "A,D", "weights": "builtin:A-256"}, "1 for 2 models"),
        ({"images": "nowhere"}, "data 'nowhere': give folder:DIR"),
        ({"protocols": "dens"}, "did you mean dense"),
        ({"protocols": []}, "no protocol"),
        ({"protocols": "centre@100"}, "give a Q of at least 224"),
        ({"limit": 0}, "--limit '0': give a whole number above 0"),
        ({"S": "x"}, "S 'x': give one scale"),
        ({"Q": "a"}, "Q 'a': give whole numbers"),
        ({"pixels": "x"}, "pixels 'x': give torchvision"),
        ({"dtype": "fp8"}, "--dtype 'fp8': give fp32, tf32, bf16 or fp16"),
        ({"map": "max"}, "--map 'max': give scores or posteriors"),
        ({"workers": -1}, "--workers '-1': give a whole number above 0"),
        ({"batch_size": 0}, "--batch-size '0': give a whole number above 0"),
        ({"protocols": 3}, "protocols 3: give a text such as 'dense,multicrop'"),
        ({"Q": 256.5}, "Q '256.5': give whole numbers of pixels"),
        ({"S": 256.5}, "S '256.5': give one scale"),
        ({"pixels": 5}, "pixels '5': give torchvision"),
        ({"store": 5}, "store 5: give a folder"),
        ({"limit": 2.5}, "--limit '2.5': give a whole number above 0"),
        ({"device": None}, "device 'None': give auto, cpu"),
        ({"weights": {"a": 1}}, "weights of type dict: give a text"),
        ({"weights_key": 3}, "weights_key of type int: give a text"),
        ({"identity": 3}, "identity of type int: give a text"),
        ({"identity": "mine"}, "it is for an nn.Module"),
        ({"classes": ["a", "b"]}, "name their own"),
        ({"net": {3: "vgg16"}}, "net 3: name nets by texts"),
        ({"device": "gpu"}, "device 'gpu': give auto, cpu"),
    ],
)
def test_mistakes_are_one_line(change, message, tmp_path):
    asked = {"net": "builtin:A-256", "images": "shapes", "limit": 2, "store": tmp_path, "progress": False} | change
    with pytest.raises(bench.UserError) as told:
        bench.evaluate(asked.pop("net"), asked.pop("images"), asked.pop("protocols", "centre@256"), **asked)
    assert message in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("key", [5, -4, (), ("a",), ("a", "b", "c"), 2.5, None])
def test_a_row_that_is_not_there_is_a_mistake(table, key):
    with pytest.raises(bench.UserError, match="no row; give one of"):
        table[key]


def test_numbers_and_devices_are_taken_as_torch_and_numpy_have_them(weights, photographs, folder):
    asked = {"limit": 2, "S": [256, 288], "Q": np.int64(256), "batch_size": np.int64(4), "store": folder / "python"}
    cpu = torch.device("cpu")
    table = bench.evaluate(str(weights), f"list:{photographs}", "centre", device=cpu, progress=False, **asked)
    assert table[np.int64(0)].protocol == "centre@256"


@pytest.mark.parametrize("told", [{"S": 256}, {"pixels": "caffe"}, {"side": 128}, {"classes": ["a"]}, {"weights": "x"}])
def test_what_a_loaded_model_would_not_hear_is_refused(weights, photographs, told):
    with pytest.raises(bench.UserError, match=r"is loaded; give \w+ to load_model"):
        bench.evaluate(bench.load_model(str(weights)), f"list:{photographs}", "centre@256", progress=False, **told)


def test_a_mistake_is_one_line_whatever_it_quotes():
    class Broken:
        def __len__(self) -> int:
            return 1

        def __getitem__(self, index: int) -> object:
            raise ValueError("two\nlines")

    with pytest.raises(bench.UserError, match="two lines"):
        bench.evaluate("builtin:A-256", Broken(), "centre@256", progress=False)


def test_a_row_of_images_in_python_can_be_pickled(folder):
    pairs = [(np.full((300, 260, 3), 9, np.uint8), 0)]
    row = bench.evaluate("builtin:A-256", pairs, "centre@256", store=folder / "python", progress=False)[0]
    assert pickle.loads(pickle.dumps(row)).ids == row.ids


def test_a_loaded_model_keeps_what_it_was_loaded_with(weights, photographs):
    model = bench.load_model(str(weights))
    with pytest.raises(bench.UserError, match="dtype 'bf16': model 'vgg16' was loaded with 'fp32'"):
        bench.evaluate(model, f"list:{photographs}", "centre@256", dtype="bf16", progress=False)


def test_images_opened_once_are_the_images_that_are_named(table, weights, photographs, folder):
    images = bench.open_images(f"list:{photographs}", limit=6)
    again = bench.evaluate(str(weights), images, PROTOCOLS, store=folder / "python", progress=False)
    assert [row.signature for row in again] == [row.signature for row in table]


def test_what_was_stored_and_is_gone_is_said_in_one_line(weights, photographs, tmp_path):
    asked = {"limit": 2, "store": tmp_path / "store", "progress": False}
    table = bench.evaluate(str(weights), f"list:{photographs}", "centre@256", **asked)
    shutil.rmtree(tmp_path / "store")
    assert table.save(tmp_path / "run") == tmp_path / "run"
    with pytest.raises(bench.UserError, match="was removed; run again what computed it"):
        _ = table[0].posteriors
    with pytest.raises(bench.UserError, match="was removed; run again what computed it"):
        table.save(tmp_path / "run", posteriors=True)


def test_a_loaded_model_that_was_trained_is_not_taken_for_what_was_loaded(weights, photographs, tmp_path):
    """Else its stored posteriors would be those of before."""
    asked = {"limit": 2, "store": tmp_path, "progress": False}
    model = bench.load_model(str(weights))
    before = bench.evaluate(model, f"list:{photographs}", "centre@256", **asked)[0]
    optimiser = torch.optim.SGD(model.net.parameters(), lr=1.0)
    model.net(torch.rand(1, 3, 224, 224)).sum().backward()
    optimiser.step()
    for call in (bench.evaluate, bench.predict):
        images = f"list:{photographs}" if call is bench.evaluate else [np.zeros((256, 256, 3), np.uint8)]
        with pytest.raises(bench.UserError, match="was trained or changed since its weights were read; give its net"):
            call(model, images, "centre@256", progress=False)
    after = bench.evaluate(model.net, f"list:{photographs}", "centre@256", pixels=model.pixels, **asked)[0]
    assert not np.array_equal(before.posteriors.probs, after.posteriors.probs)


def test_what_would_be_dropped_in_silence_is_refused(weights, photographs, tmp_path):
    named = tmp_path / "named.txt"
    named.write_text(f"{photographs.parent}/00.png cat\n{photographs.parent}/01.png dog\n")
    with pytest.raises(bench.UserError, match="classes: images that are named have theirs"):
        bench.open_images(f"list:{named}", classes=["a", "b"])
    with pytest.raises(bench.UserError, match="has label 6, but there are 2 names"):
        bench.open_images(f"list:{photographs}", classes=["a", "b"])
    model = bench.load_model(str(weights))
    with pytest.raises(bench.UserError, match="net 'other': it is model 'vgg16' a second time"):
        bench.evaluate({"one": model, "other": model}, f"list:{photographs}", progress=False)
