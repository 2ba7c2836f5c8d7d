"""A transfer from images to tables: the same numbers however it is asked for, and no net where descriptors are."""

import os
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from torch import nn

import bench
from bench.images.divided import open_divided
from bench.images.sources import DataSpec, open_data
from bench.linear.judging import judge, truth_of
from bench.linear.splits import division_of, splits_of
from bench.nets.reading import read_weights
from bench.nets.weights import save_weights
from bench.transfer.__main__ import main
from results.descriptors import averaged, normalised, stacked
from results.transfer_files import read_transfer
from results.transfer_scores import read_scores

pytest_plugins = ("transfer_command",)


def test_a_run_says_what_it_measured(transfer, tmp_path):
    code, out, err, (row,) = transfer()
    assert code == 0
    assert (row.trained, row.tested) == ("train", "test")
    assert (row.training, row.test, row.classes) == ((18,), (12,), ("dark", "dim", "light"))
    assert (row.nets, row.Q, row.over, row.dimension) == (("D x0.03125/[256;288]",), "256", "", 128)
    assert row.paper is None
    assert row.measures["recall"].value > 0.5  # brightness is easily told, by any net
    assert row.id in out
    assert "train 18, test 12" in err
    (scores,) = read_scores(tmp_path / "out" / row.scores)
    assert scores.values.shape == (12, 3)
    assert np.mean(scores.values.argmax(1) == scores.present.argmax(1)) == pytest.approx(row.measures["recall"].value)


def test_another_constant_or_split_needs_no_net(transfer, views):
    transfer()
    views.clear()
    first = transfer("--C", "1")[3]
    drawn = transfer("--train-per-class", "1,3", "--splits", "2")[3]
    again = transfer("--train-per-class", "1,3", "--splits", "2", "--seed", "1")[3]
    assert not views
    assert [row.chosen for row in (*first, *drawn)] == [False, False, True]  # of one image a class none validates
    assert [row.drawn.per_class for row in drawn] == [1, 3]
    assert [len(row.test) for row in drawn] == [2, 2]
    assert [row.training for row in drawn] == [(3, 3), (9, 9)]
    assert len({row.signature for row in (*first, *drawn, *again)}) == 5


def test_rows_by_way_over_Q_learn_from_these_vectors(transfer, weights, brightness, store, tmp_path):
    rows = transfer("--Q", "256/288", "--over", "mean,stack,each")[3]
    assert [(row.Q, row.over, row.dimension) for row in rows] == [
        ("256/288", "mean", 128),
        ("256/288", "stack", 256),
        ("256", "", 128),
        ("288", "", 128),
    ]
    table = bench.transfer("vgg16", f"folder:{brightness}", weights=str(weights), store=store, Q=(256, 288))
    both = [table.features(0, Q).vectors for Q in (256, 288)]
    divided = open_divided(DataSpec(f"folder:{brightness}"))
    (split,) = splits_of(divided, division_of(divided, None, None, None), 0)
    expected = []
    for row, vectors in zip(rows, (averaged(both), stacked(both), *map(normalised, both)), strict=True):
        assert vectors.shape == (30, row.dimension)
        expected.append(judge(vectors, truth_of(divided), split))
        (scores,) = read_scores(tmp_path / "out" / row.scores)
        np.testing.assert_allclose(scores.values, expected[-1].scores, atol=1e-5)
    assert len({each.scores.tobytes() for each in expected}) == 4
    assert table[0].result.record()["recall"] == rows[0].record()["recall"]


def test_nets_are_stacked(transfer, weights, tmp_path):
    again = shutil.copy(weights, tmp_path / "again.safetensors")
    rows = transfer("--model", "vgg16,vgg16", "--weights", f"{weights},{again}", "--fuse")[3]
    assert [row.dimension for row in rows] == [128, 128, 256]
    assert rows[2].nets == rows[0].nets * 2
    assert rows[0].measures == rows[1].measures == rows[2].measures  # the same twice says nothing new


def test_rows_of_another_run_that_are_replaced_are_said(transfer):
    first, again, other = (transfer("--C", C)[2] for C in ("1", "1", "4"))
    said = [[line for line in err.splitlines() if "replaced" in line] for err in (first, again, other)]
    assert [len(lines) for lines in said] == [0, 0, 1]
    assert re.search(r"transfer\.json, written \d{4}-\d\d-\d\d \d\d:\d\d, had 1 other row\(s\)", said[2][0])


def test_an_interval_without_width_is_said(transfer, monkeypatch):
    monkeypatch.setattr("bench.linear.measures.interval", lambda samples: (0.5, 0.5))
    assert transfer("--C", "1")[3][0].doubts[-1].startswith("every sample of the test images gives the same value")
    monkeypatch.setattr("bench.linear.measures.interval", lambda samples: (0.5, 0.6))
    assert not any("every sample" in each for each in transfer("--C", "1")[3][0].doubts)


def test_an_S_that_changes_nothing_is_not_said(transfer, weights, tmp_path):
    bare = tmp_path / "bare.safetensors"
    save_weights(bare, replace(read_weights(str(weights)), S=None, pixels=None), {})
    _, out, err, (row,) = transfer("--weights", str(bare), "--C", "1")
    assert (row.S, row.assumed, row.paper) == ("–", {"pixels"}, None)
    (assumed,) = [line for line in err.splitlines() if line.startswith("Assumed")]
    assert "pixels" in assumed
    for said in err, out, (tmp_path / "out/transfer.md").read_text():
        assert "[256;512]" not in said


def timeless(record):
    return {name: value for name, value in record.items() if name not in ("seconds", "command", "scores")}


def test_python_is_the_command(transfer, weights, brightness, store, tmp_path, views):
    (row,) = transfer()[3]
    views.clear()
    table = bench.transfer("vgg16", f"folder:{brightness}", weights=str(weights), store=store, Q=256, progress=False)
    assert timeless(table[0].result.record()) == timeless(row.record())
    assert not views
    place = table.save(tmp_path / "mine", features="npz")
    assert [timeless(each.record()) for each in read_transfer(place)] == [timeless(row.record())]
    assert table.classes == row.classes
    assert list(table[0].by_class) == list(row.classes)
    assert table[0].recall == pytest.approx(table.frame["recall"][0])
    assert (table[0].mAP, table[0].paper) == (None, None)
    assert str(table[0]).startswith("<vgg16 256: mean class recall")
    assert row.id in str(table)
    assert "<table" in table._repr_html_()
    for wrong in (1, "vgg16"):
        with pytest.raises(bench.UserError, match="give a number from 0 to 0"):
            table[wrong]


def test_python_takes_images_of_its_own(weights, brightness, store):
    def learn(images, **more):
        return bench.transfer("vgg16", images, weights=str(weights), store=store, **{"Q": 256, "C": 1, **more})

    train, test = (open_data(DataSpec(f"folder:{brightness}"), part) for part in ("train", "val"))
    pairs = tuple(list(zip(each.sources, each.labels.tolist(), strict=True)) for each in (train, test))
    named = learn(f"folder:{brightness}")[0]
    for given in (train, test), pairs:
        assert list(learn(given)[0].by_class.values()) == list(named.by_class.values())
        np.testing.assert_array_equal(learn(given)[0].scores[0].values, named.scores[0].values)
    assert learn(pairs[0], train_per_class=2, test_per_class=1, splits=2)[0].result.test == (3, 3)
    for wrong in ({"over": 3}, {"C": "x"}, {"train_per_class": 1.5}, {"Q": 128}, {"region": "image"}, {"seed": True}):
        with pytest.raises(bench.UserError):
            learn(f"folder:{brightness}", **wrong)


def test_numpys_numbers_are_numbers(weights, brightness, store, tmp_path):
    def learn(number, C):
        drawn = {"train_per_class": number(2), "test_per_class": number(1), "splits": number(2), "seed": number(3)}
        return bench.transfer(
            "vgg16", f"folder:{brightness}/val", weights=str(weights), store=store, Q=256, C=C, **drawn
        )

    table = learn(np.int64, np.array([0.5, 1], np.float32))
    (row,) = read_transfer(table.save(tmp_path, features=["npz"]))
    assert row.signature == learn(int, [0.5, 1])[0].signature
    with pytest.raises(bench.UserError, match="features 5: give 'npz'"):
        table.save(tmp_path, features=5)


def test_a_module_of_ones_own_gives_what_its_last_layer_sees(brightness, tmp_path):
    net = nn.Sequential(nn.Conv2d(3, 8, 7, stride=4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))
    nets = {"mine": net, "same": net}
    table = bench.transfer(
        nets, f"folder:{brightness}", pixels="torchvision", S=256, Q=64, side=64, store=tmp_path, fuse=True
    )
    assert [row.result.dimension for row in table] == [8, 8, 16]
    np.testing.assert_array_equal(table.features("mine").vectors, table.features("same").vectors)


def test_descriptors_are_saved_with_names_and_labels(transfer, brightness, tmp_path, weights, store):
    parquet = pytest.importorskip("pyarrow.parquet")
    transfer("--save-features")
    table = bench.transfer("vgg16", f"folder:{brightness}", weights=str(weights), store=store, Q=256)
    ids, vectors = table.features("vgg16", 256)
    with np.load(tmp_path / "out/features/vgg16.npz") as file:
        assert file["ids"].tolist() == list(ids)
        assert file["part"].tolist() == ["train"] * 18 + ["test"] * 12
        names = file["classes"][file["labels"]]
        np.testing.assert_array_equal(file["features@256"], vectors)
    rows = parquet.read_table(tmp_path / "out/features/vgg16.parquet").to_pydict()
    assert rows["id"] == list(ids)
    assert rows["label"] == names.tolist()
    np.testing.assert_array_equal(np.array(rows["features@256"], np.float32), vectors)
    with pytest.raises(bench.UserError, match="net 'x': give one of 'vgg16'"):
        table.features("x")
    with pytest.raises(bench.UserError, match="Q 512: give one of 256"):
        table.features(0, 512)


def test_test_images_that_are_training_images_are_said_whatever_they_are_called(transfer, brightness, tmp_path):
    root = tmp_path / "again"
    shutil.copytree(brightness, root)
    shutil.copy(root / "train/dark/0.png", root / "val/dark/copy.png")
    (root / "val/dim/link.png").symlink_to(root / "train/dim/1.png")
    (row,) = transfer(data=f"folder:{root}")[3]
    assert "2 of the test images are training images too" in row.doubts
    shutil.copytree(root / "train/dark", root / "pairs/dark")
    shutil.copytree(root / "train/dim", root / "pairs/dim")
    for file in [*(root / "pairs").glob("*/*.png")]:
        shutil.copy(file, file.with_stem(f"{file.stem} again"))
    (row,) = transfer("--train-per-class", "5", data=f"folder:{root}/pairs")[3]
    assert any(
        re.fullmatch(r"(up to )?\d+ of a split's test images are training images too", each) for each in row.doubts
    )
    (row,) = transfer()[3]
    assert not any("training images too" in each for each in row.doubts)


def test_names_that_are_no_unicode_are_written_as_their_bytes(transfer, brightness, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    for part in ("train", "val"):
        shutil.copytree(brightness / part, tmp_path / "odd" / part)
        try:
            os.rename(tmp_path / "odd" / part / "dim", os.fsencode(tmp_path / "odd" / part) + b"/d\xffm")
        except OSError:
            pytest.skip("names of files are Unicode here")
    assert transfer("--save-features", data=f"folder:{tmp_path}/odd")[0] == 0
    rows = parquet.read_table(tmp_path / "out/features/vgg16.parquet").to_pydict()
    with np.load(tmp_path / "out/features/vgg16.npz") as file:
        assert rows["label"] == file["classes"][file["labels"]].tolist()
        assert rows["id"] == file["ids"].tolist()
    assert "\udcff" not in "".join(rows["label"])


def test_constants_that_differ_little_have_signatures_of_their_own(transfer):
    (one,), (other,) = (transfer("--C", C)[3] for C in ("1", "1.0000001"))
    assert " C=1 " in one.signature
    assert " C=1.0000001 " in other.signature


def test_the_built_in_set_and_net_need_nothing_from_outside(tmp_path, capsys):
    words = ["--limit", "24", "--Q", "224", "--out", str(tmp_path / "out"), "--store", str(tmp_path / "store")]
    assert main([*words, "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "features@224" in said
    assert "0 of 1" in said
    assert main(words) == 0
    (row,) = read_transfer(tmp_path / "out")
    assert (row.data, row.whole, len(row.classes)) == ("shapes", False, 24)
    out, err = capsys.readouterr()
    assert "shapes" in out
    assert "describing train" in err
    assert "describing test" in err
    assert "evaluating" not in err
