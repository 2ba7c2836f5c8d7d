"""Sums of stored parts are the rows that the same protocols have, and nothing but stored blocks is needed for them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import make_weights

from bench.run.__main__ import main
from bench.stored.part_rows import PartRow, PartRows, part_rows
from bench.stored.run import StoredRun, open_run
from results.errors import ResultError
from results.metrics import ranks
from results.posteriors import Posteriors, join
from results.result import error_rate
from results.store import BLOCK, Blocks, StoreError

WHOLE = "tencrop@256+dense@224/256"
PIECES = ["dense@224", "dense@256", "dense@224/256", "tencrop@256", "tencrop@256+dense@256"]
STRAIGHT = ["dense-noflip@224", "dense-noflip@256", "dense-noflip@224/256"]


def evaluated(folder: Path, photographs: Path, weights: list[Path], protocols: list[str], *more: str) -> Path:
    words = ["--model", ",".join(["vgg11"] * len(weights)), "--weights", ",".join(map(str, weights)), "--limit", "6"]
    where = ["--data", f"list:{photographs}", "--store", str(folder.parent / "store"), "--out", str(folder)]
    assert main([*words, *where, "--protocol", ",".join(protocols), *more]) == 0
    return folder


@pytest.fixture(scope="module")
def nets(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("weights")
    return [make_weights(folder / f"{seed}.safetensors", "vgg11", seed) for seed in (1, 2)]


@pytest.fixture(scope="module")
def plain(nets, photographs, tmp_path_factory) -> Path:
    """Two nets, and their fusion."""
    return evaluated(tmp_path_factory.mktemp("plain") / "run", photographs, nets, [WHOLE, *PIECES], "--fuse")


@pytest.fixture(scope="module")
def straight(plain, nets, photographs, tmp_path_factory) -> Path:
    """The first net, and in another run of the same store its parts without mirror images."""
    folder = shutil.copytree(plain.parent, tmp_path_factory.mktemp("straight") / "runs") / "run"
    evaluated(folder.parent / "noflip", photographs, nets[:1], STRAIGHT)
    return evaluated(folder, photographs, nets[:1], [WHOLE])


def by_protocol(run: StoredRun, model: str = "vgg11") -> dict:
    """The rows of the first of its nets, or of their fusion."""
    return {row["protocol"]: row for row in reversed(run.rows) if row["model"] == model}


def same(found: PartRow, run: StoredRun, row) -> bool:
    predictions = run.inspected(row).predictions
    return found.ids.tolist() == predictions["id"].tolist() and np.array_equal(found.ranks + 1, predictions["rank"])


@pytest.mark.parametrize("model", ["vgg11", "vgg11 + vgg11"])
def test_every_sum_is_the_row_of_its_protocol(plain, model):
    run = open_run(plain)
    rows = by_protocol(run, model)
    whole = rows[WHOLE]
    made = part_rows(run, [whole])
    found = {each.protocol: each for each in made.rows}
    assert set(found) == {WHOLE, *PIECES}
    for protocol, each in found.items():
        assert (each.n, each.wrong1, each.wrong5) == rows[protocol].counts
        assert each.errors == rows[protocol].errors
        assert same(each, run, rows[protocol])
        assert (each.net, each.S) == (whole["model"], whole["S"])
        assert each.whole == ((whole.id,) if protocol == WHOLE else ())
    dense, both = ("dense@224", "dense@256"), "tencrop@256+dense@256"
    asked = {
        "parts": {("dense", 224): dense[0], ("dense", 256): dense[1], ("tencrop", 256): "tencrop@256"},
        "so_far": {("dense", 1): dense[0], ("dense", 2): "dense@224/256", ("tencrop", 1): "tencrop@256"},
        "by_Q": {(224,): dense[0], (256,): both},
        "by_view": {("dense",): "dense@224/256", ("tencrop",): "tencrop@256"},
        "whole": {(): WHOLE},
    }
    for how, expected in asked.items():
        answer = getattr(made, how)(whole)
        assert {label: each.protocol for label, each in answer.items()} == {
            (*label, "with"): protocol for label, protocol in expected.items()
        }


def test_of_all_rows_each_sum_is_there_once_with_the_rows_that_it_is(plain):
    run = open_run(plain)
    made = part_rows(run)
    assert len(made.rows) == 3 * (1 + len(PIECES))  # two nets and their fusion
    assert {name for each in made.rows for name in each.whole} == {row.id for row in run.rows}
    for row in run.rows:
        (whole,) = made.whole(row).values()
        assert row.id in whole.whole
        assert (whole.methods, whole.Q) == (
            tuple(dict.fromkeys(word.split("@")[0] for word in row["protocol"].split("+"))),
            tuple(map(int, row["Q"].split("/"))),
        )


def test_mirror_images_are_told_apart_where_the_store_has_parts_without_them(straight):
    run, other = open_run(straight), open_run(straight.parent / "noflip")
    (row,) = run.rows
    made = part_rows(run)
    without = by_protocol(other)
    found = made.by_view(row)
    assert set(found) == {("dense", flips) for flips in ("with", "without", "only")} | {("tencrop", "with")}
    assert same(found["dense", "without"], other, without["dense-noflip@224/256"])
    assert {(each.protocol, each.methods) for label, each in found.items() if label[0] == "dense"} == {
        ("dense@224/256", ("dense",))
    }
    for label, each in made.parts(row).items():
        if label[2] == "without":
            assert same(each, other, without[f"dense-noflip@{label[1]}"])
    assert set(made.by_Q(row)) == {(224, "with"), (224, "without"), (224, "only"), (256, "with")}
    assert set(made.whole(row)) == {("with",)}


def test_mirror_images_alone_are_twice_both_less_the_straight_ones(straight, plain):
    run, other = open_run(straight), open_run(straight.parent / "noflip")
    both = open_run(plain)
    flipped = join(list(both.posteriors(by_protocol(both)["dense@224/256"])))
    unflipped = join(list(other.posteriors(by_protocol(other)["dense-noflip@224/256"])))
    mirrored = Posteriors(2 * flipped.probs - unflipped.probs, flipped.labels, flipped.ids)
    assert mirrored.probs.min() > -1e-6
    assert np.allclose(mirrored.probs.sum(1), 1, atol=1e-5)
    found = part_rows(run).by_view(run.rows[0])["dense", "only"]
    assert found.ranks.tolist() == ranks(mirrored).tolist()


def test_every_block_is_read_once(plain, monkeypatch):
    places: list = []
    read = Blocks.read
    monkeypatch.setattr(Blocks, "read", lambda self, number: places.append(self.path(number)) or read(self, number))
    run = open_run(plain)
    part_rows(run)
    assert len(places) == len(set(places)) == 2 * 3 * -(-run.origin.images // BLOCK)


def test_errors_are_none_where_ties_decide(plain):
    run = open_run(plain)
    each = part_rows(run, run.rows[:1]).rows[0]
    assert each.errors["top1"] == error_rate("top1", each.wrong1, each.ties1, each.n)["top1"] is not None
    tied = PartRow(**{**vars(each), "ties1": each.n})
    assert tied.errors["top1"] is None


@pytest.fixture
def copied(plain, tmp_path) -> StoredRun:
    """A run that may be damaged; its store is beside it."""
    shutil.copytree(plain.parent, tmp_path / "copy")
    return open_run(tmp_path / "copy" / "run", tmp_path / "copy" / "store")


def folder_of(run: StoredRun) -> Path:
    """Of a part of the first row."""
    return run.origin.nets(run.rows[0].id, run.store)[0][0][0].folder


@pytest.mark.parametrize(
    "damage",
    [
        lambda key: key.unlink(),
        lambda key: key.write_text("{"),
        lambda key: key.write_text("[" * 100_000),
        lambda key: key.write_text('["part"]'),
        lambda key: key.write_bytes(b"\xff\xfe"),
        lambda key: key.write_text(key.read_text().replace("dense", "tencrop").replace("224", "256")),
    ],
    ids=["gone", "cut", "deep", "a list", "no text", "another part's"],
)
def test_a_folder_that_does_not_say_what_it_is_is_an_error(copied, damage):
    damage(folder_of(copied) / "key.json")
    with pytest.raises(ResultError, match=r"key.json': .*; run bench.run again with --fresh$"):
        part_rows(copied, copied.rows[:1])


@pytest.mark.parametrize("damage", [Path.unlink, lambda block: block.write_bytes(b"no block")], ids=["gone", "damaged"])
def test_a_block_that_is_lost_is_an_error(copied, damage):
    damage(folder_of(copied) / "000000.npz")
    with pytest.raises(StoreError, match="is damaged or was removed"):
        part_rows(copied, copied.rows[:1])


def test_a_table_of_other_counts_is_an_error(copied):
    table = copied.folder / "results.json"
    records = json.loads(table.read_text())
    records[0]["wrong1"] = records[0]["wrong1"] - 1 if records[0]["wrong1"] else 1
    table.write_text(json.dumps(records))
    altered = open_run(copied.folder, copied.store)
    with pytest.raises(ResultError, match="the stored posteriors give wrong1"):
        part_rows(altered, altered.rows[:1])


def test_rows_of_nets_that_are_not_kept_are_left_out(copied):
    said = copied.folder / "origin.json"
    origin = json.loads(said.read_text())
    gone = copied.rows[0]
    del origin["rows"][gone.id]
    said.write_text(json.dumps(origin))
    made = part_rows(open_run(copied.folder, copied.store), copied.rows[:2])
    assert not made.whole(gone)
    assert made.whole(copied.rows[1])
    assert part_rows(open_run(copied.folder, copied.store), [gone]) == PartRows((), {})


def test_straight_parts_that_are_not_whole_are_not_taken(straight, tmp_path):
    shutil.copytree(straight.parent, tmp_path / "copy")
    run = open_run(tmp_path / "copy" / "run", tmp_path / "copy" / "store")
    other = open_run(tmp_path / "copy" / "noflip", tmp_path / "copy" / "store")
    (folder_of(other) / "000000.npz").unlink()  # dense-noflip@224
    assert set(part_rows(run).by_Q(run.rows[0])) == {(224, "with"), (256, "with")}
