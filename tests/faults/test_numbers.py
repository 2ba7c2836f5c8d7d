"""Counts of wrong images from any scores: what the definition says, or an error; never a silent guess."""

import json
from fractions import Fraction

import numpy as np
import pytest
from conftest import make_image, make_weights
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.run.__main__ import main
from results.metrics import ranks
from results.posteriors import Posteriors, average, fuse
from results.store import Block, Expected, Store
from results.tally import tally

OFTEN = settings(max_examples=150, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LEVELS = (0.0, 0.125, 0.25, 0.5, 1.0)  # few, so that ties are frequent


def posteriors(scores: np.ndarray, labels: np.ndarray) -> Posteriors:
    """Rows that add up to 1; equal scores stay equal."""
    sums = scores.sum(1, keepdims=True)
    rows = np.where(sums > 0, scores / np.where(sums > 0, sums, 1), 1 / scores.shape[1])
    return Posteriors(rows.astype(np.float32), labels, np.array([f"{k}.jpg" for k in range(len(labels))]))


@st.composite
def judged(draw) -> Posteriors:
    """A few images over a few classes, with many ties, all-equal rows among them, and classes without an image."""
    count, images = draw(st.integers(1, 8)), draw(st.integers(1, 40))
    rows = st.lists(st.sampled_from(LEVELS), min_size=count, max_size=count)
    scores = draw(st.lists(rows, min_size=images, max_size=images))
    labels = draw(st.lists(st.integers(0, count - 1), min_size=images, max_size=images))
    return posteriors(np.array(scores), np.array(labels))


def by_definition(row: np.ndarray, label: int, k: int, competing: list[int]) -> bool:
    """Wrong@k: at least k of the competing classes score strictly above the image's own, or it has nothing at all."""
    nothing = row[label] == 0 and len(competing) > 1
    return bool(nothing or sum(bool(row[each] > row[label]) for each in competing) >= k)


@OFTEN
@given(found=judged(), restrict=st.booleans())
def test_counts_are_what_the_definition_says(tmp_path_factory, tried, found, restrict):
    scored = np.unique(found.labels) if restrict else None
    competing = list(range(found.probs.shape[1])) if scored is None else scored.tolist()
    store = Store(tmp_path_factory.mktemp("store"), {"part": "x"})
    blocks = []
    for number, start in enumerate(range(0, len(found), 16)):
        some = slice(start, start + 16)
        store.write(number, Block(Posteriors(found.probs[some], found.labels[some], found.ids[some]), 1, "cpu"))
        blocks.append(Expected(found.ids[some].tolist(), found.labels[some]))
    (counted,) = tally([[[(store, Fraction(1))]]], blocks, scored)
    pairs = list(zip(found.probs, found.labels, strict=True))
    for k in (1, 5):
        expected = sum(by_definition(row, label, k, competing) for row, label in pairs)
        assert counted.standings.wrong(k) == expected or len(competing) <= k
    assert counted.top5 == (len(competing) > 5)
    tried("numbers", "ties, all-equal scores, one class, fewer than five, classes without images", 1, "as defined")


@OFTEN
@given(found=judged(), data=st.data())
def test_what_is_not_finite_or_out_of_range_is_an_error(tried, found, data):
    image = data.draw(st.integers(0, len(found) - 1))
    probs, labels = found.probs.copy(), found.labels.copy()
    fault = data.draw(st.sampled_from(["nan", "inf", "-inf", "below", "above", "far above", "not competing"]))
    scored = None
    if fault in ("nan", "inf", "-inf"):
        probs[image, data.draw(st.integers(0, probs.shape[1] - 1))] = float(fault)
    elif fault == "not competing":
        scored = np.setdiff1d(np.arange(probs.shape[1]), labels[image : image + 1])
    else:
        labels[image] = {"below": -1, "above": probs.shape[1], "far above": 2**62}[fault]
    with pytest.raises(ValueError, match=r"are not finite|is not one of the scored classes"):
        ranks(Posteriors(probs, labels, found.ids), scored)
    tried("numbers", "NaN, infinities, labels out of range", 1, "an error that names the image")


@OFTEN
@given(found=judged(), data=st.data())
def test_a_stored_block_adds_up_or_is_neither_kept_nor_read(tmp_path_factory, tried, found, data):
    """Within 1e-4, row by row."""
    image = data.draw(st.integers(0, len(found) - 1))
    off = data.draw(st.sampled_from([2e-4, -2e-4, 0.5, -1.0, float("nan"), float("inf"), 5e-5, -5e-5, 0.0]))
    probs = found.probs.copy()
    probs[image, probs[image].argmax()] += np.float32(off)
    wrong = Posteriors(probs, found.labels, found.ids)
    store = Store(tmp_path_factory.mktemp("store"), {"part": "x"})
    if abs(off) < 1e-4:
        store.write(0, Block(wrong, 1, "cpu"))
        assert np.abs(store.read(0).rows.probs.sum(1) - 1).max() < 1e-4
    else:
        with pytest.raises(ValueError, match="do not add up to 1"):
            store.write(0, Block(wrong, 1, "cpu"))
        with pytest.MonkeyPatch.context() as patch:  # as if something else had written it
            patch.setattr(Posteriors, "check", lambda self: None)
            store.write(0, Block(wrong, 1, "cpu"))
        assert store.read(0) is None
    tried("numbers", "rows of a stored block that do not add up to 1 within 1e-4", 1, "neither kept nor read")


@OFTEN
@given(found=judged(), times=st.integers(1, 5))
def test_averages_add_up_too(tried, found, times):
    fused = fuse([found] * times)
    fused.check()
    assert np.array_equal(ranks(fused), ranks(found))
    average([found] * 2, [Fraction(1, 3), Fraction(2, 3)]).check()
    tried("numbers", "means and fusions of such rows", 1, "add up to 1 within 1e-4")


def test_an_image_that_stands_twice_in_a_block_is_not_kept(tmp_path, tried):
    found = posteriors(np.ones((2, 3)), np.zeros(2, int))
    twice = Posteriors(found.probs, found.labels, np.array(["a.jpg", "a.jpg"]))
    with pytest.raises(ValueError, match="stands twice"):
        Store(tmp_path, {}).write(0, Block(twice, 1, "cpu"))
    tried("numbers", "an image twice in a block", 1, "not kept")


@pytest.mark.parametrize("count", [1, 2, 5, 6])
def test_the_tables_say_where_there_is_no_top_5(tmp_path, tried, count):
    """A dash and null where five classes or fewer compete: nothing can be wrong there."""
    names = tuple(f"c{k}" for k in range(count))
    net = make_weights(tmp_path / "A.safetensors", "vgg11", classes=names)
    for k, name in enumerate(names):
        (tmp_path / "set" / name).mkdir(parents=True)
        make_image((40, 30), k).save(tmp_path / "set" / name / "1.png")
    words = f"--model vgg11 --weights {net} --protocol centre@224 --store {tmp_path}/store --out {tmp_path}/out"
    assert main([*words.split(), "--data", f"folder:{tmp_path}/set"]) == 0
    (row,) = json.loads((tmp_path / "out" / "results.json").read_text())
    assert (row["wrong5"] is None) == (row["top5"] is None) == (row["ties5"] is None) == (count < 6)
    assert row["wrong1"] == 0 or count > 1
    line = next(line for line in (tmp_path / "out" / "results.md").read_text().splitlines() if "vgg11  " in line)
    assert (line.split("|")[10].strip() == "–") == (count < 6)
    if count < 6:
        tried("numbers", "tables of five classes and fewer", 1, "a dash for top-5, and null")


def test_labels_that_the_net_does_not_know_are_an_error(tmp_path, tried, capsys):
    net = make_weights(tmp_path / "A.safetensors", "vgg11", classes=("a", "b"))
    make_image((40, 30), 0).save(tmp_path / "a.png")
    words = f"--model vgg11 --weights {net} --protocol centre@224 --store {tmp_path}/store --data list:{tmp_path}/l.txt"
    for label in ("2", "999999999", "-1", "c"):
        (tmp_path / "l.txt").write_text(f"a.png {label}\n")
        assert main([*words.split(), "--out", str(tmp_path / "out")]) == 2
        assert capsys.readouterr().err.splitlines()[-1].startswith("bench.run: error: data ")
    assert not (tmp_path / "out" / "results.json").exists()
    tried("numbers", "labels that the net does not know", 4, "refused before anything is computed")
