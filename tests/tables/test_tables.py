"""All 32 rows of the paper's tables from twelve small random nets, through the command line."""

import json
import os
import shutil
import subprocess
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import CLASSES, PIXELS, WIDTH, make_image, make_weights
from mishaps import take_threads
from victims import run as in_processes

from bench.errors import UserError
from bench.nets.reading import builtin_names, read_weights
from bench.nets.weights import Weights, save_weights
from bench.nets.zoo import canonical
from bench.run.__main__ import main as run
from bench.stored.run import open_run
from bench.tables.__main__ import main
from bench.tables.measure import BY_NAME, sources
from bench.train.paper_nets import NETS
from protocols.scales import parse_S
from results.claims import claims
from results.paper import paper_rows

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def nets(tmp_path_factory) -> Path:
    """A folder with weights for all twelve."""
    folder = tmp_path_factory.mktemp("nets")
    for seed, net in enumerate(NETS):
        path = make_weights(folder / "any.safetensors", canonical(net.configuration), seed)
        state = read_weights(str(path)).state
        weights = Weights("", state, canonical(net.configuration), WIDTH, parse_S(net.S), PIXELS, CLASSES)
        save_weights(folder / f"{net.name}.safetensors", weights, {})
    return folder


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("images")
    for k in range(3):
        make_image((240, 230), k).save(folder / f"{k}.png")
    (folder / "labels.txt").write_text("".join(f"{k}.png {k}\n" for k in range(3)))
    return f"list:{folder}/labels.txt"


@pytest.fixture(scope="module")
def tables(nets, images, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("tables")
    assert main(words(nets, images, out)) == 0
    return out


def words(nets, images, out) -> list[str]:
    return f"--data {images} --weights {nets} --out {out} --store {nets}/store".split()


def test_all_32_rows_and_all_claims_are_written(tables):
    for table, count in ((3, 12), (4, 10), (5, 6), (6, 4)):
        rows = pd.read_csv(tables / f"table{table}.csv")
        assert len(rows) == count
        assert rows["n"].eq(3).all()
        published = [(row.top1, row.top5) for row in paper_rows() if row.table == table]
        assert list(zip(rows["paper_top1"], rows["paper_top5"], strict=True)) == published
        text = (tables / f"table{table}.md").read_text()
        assert text.count("\n| ") == count + 1
        assert "list:" in text or "labels.txt" in text
    assert len(pd.read_csv(tables / "claims.csv")) == len(claims())


def test_all_rows_can_be_looked_into_as_a_run(tables):
    """The same counts, each row once: Tables 4 and 5 share rows with others."""
    run = open_run(tables / "run")
    written = pd.concat([pd.read_csv(tables / f"table{table}.csv") for table in (3, 4, 5, 6)])
    counted = {row.signature: row.counts.wrong1 for row in run.rows}
    assert counted == dict(zip(written["signature"], written["wrong1"], strict=True))
    assert all(run.inspected(row).row is row for row in run.rows)


def test_a_row_equals_bench_run_on_the_same_nets(tables, nets, images, tmp_path):
    both = f"{nets}/D-256-512.safetensors,{nets}/E-256-512.safetensors"
    asked = f"--model D,E --weights {both} --data {images} --protocol dense+multicrop --fuse --out {tmp_path}"
    assert run([*asked.split(), "--store", str(tmp_path / "store")]) == 0
    single, _, fused = json.loads((tmp_path / "results.json").read_text())
    rows = pd.concat([pd.read_csv(tables / "table5.csv"), pd.read_csv(tables / "table6.csv")])
    for expected in (single, fused):
        (found,) = [row for _, row in rows.iterrows() if row["signature"] == expected["signature"]]
        assert (found["wrong1"], found["wrong5"]) == (expected["wrong1"], expected["wrong5"])


def test_claims_agree_with_the_tables_rows(tables):
    rows = pd.concat([pd.read_csv(tables / f"table{table}.csv") for table in (3, 4, 5, 6)])
    wrong = {row.nets: top1 for row, top1 in zip(paper_rows(), rows["top1"], strict=True)}
    for _, claim in pd.read_csv(tables / "claims.csv").iterrows():
        first, second = (wrong[tuple(claim[side].split("; "))] for side in ("first", "second"))
        assert (claim["top1_first"], claim["top1_second"]) == (first, second)
        share = (claim["only_first_wrong"] - claim["only_second_wrong"]) / claim["n"]
        assert 100 * share == pytest.approx(first - second, abs=1e-3)


def test_only_a_deleted_block_is_computed_again(tables, nets, images, tmp_path):
    blocks = sorted((nets / "store").rglob("*.npz"))
    written = {path: path.stat().st_mtime_ns for path in blocks}
    gone = blocks[len(blocks) // 2]
    contents = dict(np.load(gone))
    gone.unlink()
    assert main(words(nets, images, tmp_path)) == 0
    again = {path: path.stat().st_mtime_ns for path in sorted((nets / "store").rglob("*.npz"))}
    assert again.keys() == written.keys()
    assert [path for path in again if again[path] != written[path]] == [gone]
    found = dict(np.load(gone))
    assert np.array_equal(found["probs"], contents["probs"])
    for name in ("table3.md", "table6.md", "claims.csv"):
        assert (tmp_path / name).read_text() == (tables / name).read_text()


def test_weights_that_do_not_say_their_S_take_it_from_the_nets_name(nets, images, tmp_path):
    whole = read_weights(f"{nets}/C-384.safetensors")
    save_weights(tmp_path / "unsaid.safetensors", replace(whole, S=None), {})
    asked = words(f"C-384={tmp_path}/unsaid.safetensors", images, tmp_path)
    assert main([*asked[:-1], str(tmp_path / "store")]) == 0
    assert pd.read_csv(tmp_path / "table4.csv")["S"].tolist() == [384]


def test_two_workers_write_the_same_tables_once(tables, nets, images, tmp_path):
    asked = [*words(nets, images, tmp_path / "out")[:-1], str(tmp_path / "store")]
    alike = partial(take_threads, torch.get_num_threads())
    ended = in_processes(asked, 2, dict.fromkeys((0, 1), alike), command="bench.tables")
    assert [each.code for each in ended] == [0, 0], ended
    assert "".join(each.said for each in ended).count("written to ") == 1
    for name in ("table3.md", "table4.md", "table5.md", "table6.md", "claims.csv"):
        assert (tmp_path / "out" / name).read_text() == (tables / name).read_text()


def test_rows_without_weights_are_left_out_and_said(nets, images, tmp_path):
    asked = words(f"D-256={nets}/D-256.safetensors", images, tmp_path)
    asked[-1] = str(nets / "store")
    assert main(asked) == 0
    assert len(pd.read_csv(tmp_path / "table3.csv")) == len(pd.read_csv(tmp_path / "table4.csv")) == 1
    assert "30 of 32 rows are left out" in (tmp_path / "table3.md").read_text()


def test_rows_that_ties_decide_have_a_dash_and_are_judged_by_no_claim(nets, images, tmp_path, capsys):
    """A net whose head is all zeros: each image ties with every class."""
    whole = read_weights(f"{nets}/D-256.safetensors")
    state = {name: value * 0 if name.startswith("classifier.6.") else value for name, value in whole.state.items()}
    save_weights(tmp_path / "zero.safetensors", replace(whole, state=state), {})
    assert main([*words(f"D-256={tmp_path}/zero.safetensors", images, tmp_path)[:-1], str(tmp_path / "store")]) == 0
    rows = pd.read_csv(tmp_path / "table3.csv")
    assert rows["top1"].isna().all()
    assert rows["wrong1_against"].tolist() == [3]
    reason = "ties decide 3 of 3 images at top-1: 0 are wrong if a tie counts for the label, 3 if against it"
    assert reason in (tmp_path / "table3.md").read_text()
    assert f"warning: all rows: {reason}" in capsys.readouterr().err
    assert not (tmp_path / "claims.csv").read_text().strip()
    assert "not judged, since ties decide a row that they compare: 1\n" in (tmp_path / "claims.md").read_text()


def test_tables_of_more_images_are_not_replaced_unasked(nets, images, tmp_path, capsys):
    asked = [*words(f"D-256={nets}/D-256.safetensors", images, tmp_path / "out")[:-1], str(nets / "store")]
    fewer = [*asked, "--limit", "2"]
    assert main(asked) == 0
    whole = (tmp_path / "out/table3.csv").read_text()
    assert main(fewer) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert "table3.csv' was made from 3 images, and this would be from 2; give another --out DIR, or --replace" in said
    assert (tmp_path / "out/table3.csv").read_text() == whole
    assert main([*fewer, "--dry-run"]) == 0
    assert main([*fewer, "--replace"]) == 0
    assert pd.read_csv(tmp_path / "out/table3.csv")["n"].eq(2).all()
    assert main(asked) == 0


@pytest.mark.parametrize(
    ("asked", "out"), [("", "results/tables"), ("--quick", "runs/quick"), ("--limit 9", "results/tables")]
)
def test_quick_tables_go_elsewhere(tmp_path, asked, out):
    """`run_all.sh` with a `python` that says what it is asked."""
    shutil.copy(ROOT / "run_all.sh", tmp_path)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/python").write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / ".venv/bin/python").chmod(0o755)
    (tmp_path / ".venv/installed").touch()
    os.utime(tmp_path / "pyproject.toml", (0, 0))
    ended = subprocess.run([tmp_path / "run_all.sh", *asked.split()], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == f"-m bench.tables --out {out} {asked}".strip()


def test_sources(nets, tmp_path):
    assert sources("auto", "shapes") == {name: f"builtin:{name}" for name in builtin_names()}
    assert sources(str(nets), "x") == {name: f"{nets}/{name}.safetensors" for name in BY_NAME}
    for suffix in (".pth", ".pt"):
        (tmp_path / f"B-256{suffix}").touch()
        assert sources(str(tmp_path), "x") == {"B-256": f"{tmp_path}/B-256{suffix}"}
        (tmp_path / f"B-256{suffix}").unlink()
    assert sources("D-384=a.pth, A-256=torchvision:B", "x") == {"D-384": "a.pth", "A-256": "torchvision:B"}


@pytest.mark.parametrize(("spec", "data"), [("auto", "folder:x"), ("Z-9=a.pth", "shapes"), ("D-384", "shapes")])
def test_sources_that_cannot_be(spec, data):
    with pytest.raises(UserError):
        sources(spec, data)


def test_a_folder_without_weights_is_an_error(tmp_path, capsys):
    assert main(["--weights", str(tmp_path)]) == 2
    assert "D-256-512.safetensors" in capsys.readouterr().err
