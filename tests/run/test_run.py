"""The command line as a user meets it: tables, and what is kept."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import CLASSES, PIXELS, make_weights
from devices import chosen

from bench.images.pixels import Pixels
from bench.nets import zoo
from bench.nets.device import Precision
from bench.nets.model import Model
from bench.nets.reading import read_weights
from bench.nets.weights import Weights, save_weights
from bench.run.__main__ import main
from protocols.scales import JITTERED

pytest_plugins = ("run_command",)
ROOT = Path(__file__).resolve().parents[2]


def test_tables_say_the_same(run, tmp_path):
    code, out, err, rows = run("--protocol", "centre,dense@256,multicrop@224")
    assert code == 0
    assert "\n| model " in out
    for row in rows:
        assert f"| {row['protocol']} " in out
        assert f"| {row['signature_id']}  |" in out
        assert f"{row['top1']:.2f} [{row['top1_low']:.1f}, {row['top1_high']:.1f}]" in out
    assert "6 of the 34 images of list:labels.txt are evaluated, evenly spread" in err
    frame = pd.read_csv(tmp_path / "out/results.csv")
    assert frame["wrong1"].tolist() == [row["wrong1"] for row in rows]
    assert [row["protocol"] for row in rows] == ["centre@256", "dense@256", "multicrop@224"]
    assert [row["views"] for row in rows] == [1, 2, 50]
    assert all(row["n"] == 6 and row["images_per_second"] > 0 and row["paper_top1"] is None for row in rows)
    for row in rows:
        assert row["top1"] == pytest.approx(100 * row["wrong1"] / 6, abs=1e-3)
        assert f"protocol={row['protocol']}" in row["signature"]
        assert row["commit"]


def test_columns_of_the_printed_table(run, tmp_path):
    everything = run("--columns", "all")[1]
    assert everything.strip() in (tmp_path / "out/results.md").read_text()
    _, out, _, (row,) = run("--columns", "wrong1,commit")
    assert f"| {row['commit']}" in out
    assert "images/s" not in out


def test_usual_rows_of_a_built_in_net_fit_a_terminal(run, tmp_path):
    usual = "--weights builtin:A-LRN-256 --model A-LRN --limit 2 --protocol dense,multicrop,dense+multicrop"
    out = run(*usual.split(), data="shapes")[1]
    assert max(map(len, out.splitlines())) <= 100
    rows = [line.split(" | ")[1].strip() for line in out.splitlines() if line.startswith("| vgg")]
    assert rows == ["dense", "multicrop", "dense+multicrop"]


def test_a_second_run_computes_nothing(run, monkeypatch):
    first = run()[3]
    monkeypatch.setattr("bench.nets.model.Model.posteriors", lambda *_: pytest.fail("the net was run"))
    monkeypatch.setattr("bench.images.loader.opened", lambda *_: pytest.fail("an image was decoded"))
    assert run()[3] == first


def test_equal_protocols_under_other_names_share_what_is_stored(run, tmp_path):
    rows = run("--protocol", "dense,multi-scale,dense@256/272/288,single-scale,dense@272")[3]
    assert [row["protocol"] for row in rows] == ["dense@256/272/288", "dense@272"]
    assert len(list((tmp_path / "store").iterdir())) == 3


def test_fresh_ignores_what_is_stored(run, tmp_path):
    run()
    (block,) = (tmp_path / "store").glob("*/*.npz")
    before = block.stat().st_mtime_ns
    run("--fresh")
    assert block.stat().st_mtime_ns > before


def test_a_damaged_block_is_named_and_computed_again(run, tmp_path):
    first = run()[3]
    (block,) = (tmp_path / "store").glob("*/*.npz")
    content = bytearray(block.read_bytes())
    content[len(content) // 2] ^= 1
    block.write_bytes(content)
    _, _, err, rows = run()
    assert "damaged" in err
    assert rows[0]["wrong1"] == first[0]["wrong1"]


def test_rows_of_another_run_that_are_replaced_are_said(run):
    said = []
    for protocol in ("centre@256", "centre@256,dense@256", "dense@256"):
        err = run("--protocol", protocol)[2]
        said.append([line for line in err.splitlines() if "replaced" in line])
    assert [len(lines) for lines in said] == [0, 0, 1]
    assert re.search(r"results\.json, written \d{4}-\d\d-\d\d \d\d:\d\d, had 1 other row\(s\)", said[2][0])


def test_fusion_is_the_mean_of_the_nets(run, weights, tmp_path):
    other = make_weights(tmp_path / "other.safetensors", seed=5)
    both = f"{weights},{other}"
    rows = run("--model", "D,D", "--weights", both, "--fuse", "--save-posteriors", "--protocol", "dense@256")[3]
    one, two, fused = (np.load(row["posteriors"])["posteriors"] for row in rows)
    assert np.allclose(fused, (one + two) / 2, atol=1e-7)
    assert np.abs(one - two).max() > 1e-2
    assert rows[2]["model"] == "vgg16 + vgg16"


def test_nets_that_differ_in_pixels_alone_are_not_confused(run, weights, tmp_path):
    found = read_weights(str(weights))
    save_weights(tmp_path / "grey.safetensors", replace(found, pixels=Pixels("RGB", 1, (0.5,) * 3, (0.3,) * 3)), {})
    both = f"{weights},{tmp_path}/grey.safetensors"
    rows = run("--model", "D,D", "--weights", both, "--save-posteriors")[3]
    one, two = (np.load(row["posteriors"])["posteriors"] for row in rows)
    assert np.abs(one - two).max() > 1e-3


def test_nets_that_order_their_classes_differently_are_not_fused(run, weights, tmp_path):
    found = read_weights(str(weights))
    save_weights(tmp_path / "other.safetensors", replace(found, classes=CLASSES[::-1]), {})
    both = f"{weights},{tmp_path}/other.safetensors"
    code, _, err, _ = run("--model", "D,D", "--weights", both, "--fuse")
    assert code == 2
    assert "order their classes differently" in err


def test_saved_posteriors_give_the_table_again(run):
    (row,) = run("--save-posteriors")[3]
    archive = np.load(row["posteriors"])
    assert archive["posteriors"].dtype == np.float32
    assert archive["posteriors"].shape == (6, len(CLASSES))
    wrong = (archive["posteriors"].argmax(1) != archive["labels"]).sum()
    assert wrong == row["wrong1"]


def test_a_perfect_classifier_has_error_0(run, tmp_path, photographs):
    """Label every image with what the net says of it."""
    (row,) = run("--save-posteriors")[3]
    archive = np.load(row["posteriors"])
    best = archive["posteriors"].argmax(1)
    lines = [f"{photographs.parent / str(name)} {label}\n" for name, label in zip(archive["ids"], best, strict=True)]
    (tmp_path / "answers.txt").write_text("".join(lines))
    (row,) = run(data=f"list:{tmp_path}/answers.txt")[3]
    assert (row["wrong1"], row["wrong5"], row["top1"]) == (0, 0, 0)


def test_restricted_classes_compete_alone(run, tmp_path, photographs):
    (row,) = run("--save-posteriors")[3]
    archive = np.load(row["posteriors"])
    lines = [f"{photographs.parent / str(name)} {k % 2 * 3}\n" for k, name in enumerate(archive["ids"])]
    (tmp_path / "two.txt").write_text("".join(lines))
    (row,) = run("--restrict-classes", data=f"list:{tmp_path}/two.txt")[3]
    wrong = sum((probs[3] > probs[0]) != (k % 2 == 1) for k, probs in enumerate(archive["posteriors"]))
    assert row["wrong1"] == wrong
    assert row["wrong5"] is None  # two classes cannot miss the best five
    assert " classes=present " in row["signature"]


def test_a_limit_leaves_the_classes_of_the_whole_set_in_the_competition(run, tmp_path, photographs):
    """All six of the sample have label 0, every other image of the set label 3."""
    names = sorted(photographs.parent.glob("*.png"))[:12]
    (tmp_path / "half.txt").write_text("".join(f"{name} {k % 2 * 3}\n" for k, name in enumerate(names)))
    (row,) = run("--restrict-classes", "--save-posteriors", data=f"list:{tmp_path}/half.txt")[3]
    archive = np.load(row["posteriors"])
    assert not archive["labels"].any()
    assert row["wrong1"] == sum(probs[3] > probs[0] for probs in archive["posteriors"])
    assert " classes=present:2 " in row["signature"]


@pytest.mark.parametrize("dtype", ["bf16", "fp16"])
def test_lower_precision_is_named_and_close(run, dtype):
    exact, close = (run("--dtype", each, "--protocol", "dense@256", "--save-posteriors")[3] for each in ("fp32", dtype))
    assert f"dtype={Precision(dtype).said(chosen())} " in close[0]["signature"]
    assert "dtype=fp32 " in exact[0]["signature"]
    one, other = (np.load(rows[0]["posteriors"])["posteriors"] for rows in (exact, close))
    assert 0 < np.abs(one - other).max() < 0.05


def test_dry_run_says_what_is_stored_and_what_the_rest_costs(run, tmp_path):
    run("--protocol", "multicrop@224")
    out = run("--protocol", "multicrop@224,dense@224", "--dry-run")[1]
    multicrop, dense = out.splitlines()[2:]
    assert re.search(r"multicrop@224 .* 1 of 1", multicrop)
    assert re.search(r"dense@224 .* 0 of 1 .* 12 ", dense)
    assert len(list((tmp_path / "store").glob("*/*.npz"))) == 1


@pytest.mark.parametrize("whole", [False, True])
def test_full_size_flops_are_the_papers(whole):
    """VGG-16 at 224: 15.5 G multiply-adds, 30.9 GFLOP; the converted net costs the same there."""
    net = zoo.build("vgg16", 1000)
    empty = Weights("none", {}, "vgg16")
    model = Model("vgg16", empty, net, 1000, PIXELS, JITTERED, torch.device("meta"), Precision("fp32"))
    assert model.flops(224, 224, whole) / 1e9 == pytest.approx(30.9, abs=0.1)


def test_help_answers_at_once_and_without_torch():
    code = "import sys, bench.run.__main__ as run; run.parser().format_help(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
    help_text = subprocess.run(
        [sys.executable, "-m", "bench.run", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "--protocol" in help_text.stdout


@pytest.mark.parametrize("what", ["models", "protocols", "data", "weights"])
def test_lists(what, capsys):
    assert main(["--list", what]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 3
