"""Rows of transfers compared: what comes out is the difference of their own measures, on the same images."""

from dataclasses import replace

import numpy as np
import pytest

from results.average_precision import by_class, mean_over_classes
from results.errors import ResultError
from results.transfer_pairs import ScoredRow, compare_transfers
from results.transfer_result import Measure, TransferResult
from results.transfer_scores import SplitScores

CLASSES = ("cat", "dog", "hen")


def scored(name: str, noise: float, splits: int = 1, multi: bool = False, seed: int = 0) -> ScoredRow:
    """Sixty images in three classes, the same for every row; the more noise, the worse the row."""
    found = []
    for split in range(splits):
        truth = np.random.default_rng(split)
        labels = truth.integers(3, size=60)
        present = truth.random((60, 3)) < 0.4 if multi else labels[:, None] == np.arange(3)
        difficult = (truth.random((60, 3)) < 0.1) & ~present & multi
        values = present + noise * np.random.default_rng((seed, split)).standard_normal((60, 3))
        ids = tuple(f"{split}/{k}" for k in range(60))
        found.append(SplitScores(ids, values.astype(np.float32), present, difficult))
    measures = {name: Measure(0.5, 0.4, 0.6) for name in (("mAP", "mAP11") if multi else ("recall",))}
    data = "voc2012-cls" if multi else "flowers"
    result = TransferResult(
        *("vgg16", "D", "d.safetensors", "[256;512]", ("D/[256;512]",), "256", "", 8, data, CLASSES, "train", "test"),
        training=(90,) * splits, test=(60,) * splits, C=(1.0,) * splits, measures=measures, signature=f"{seed} {name}",
    )  # fmt: skip
    return ScoredRow(name, result, found)


def recall(row: ScoredRow) -> float:
    of_splits = []
    for split in row.scores:
        right = split.values.argmax(1) == split.present.argmax(1)
        of_splits.append(np.mean([right[split.present[:, k]].mean() for k in range(3)]))
    return float(np.mean(of_splits))


def test_printed_it_is_a_line_a_pair_and_in_a_notebook_its_tables():
    found = compare_transfers([scored(name, noise, seed=k) for k, (name, noise) in enumerate([("a", 1.5), ("b", 0.5)])])
    ((_, _, pair),) = found.pairs
    assert f"b less a {pair.value:+.2f} [{pair.low:+.2f}, {pair.high:+.2f}] points" in str(found)
    assert "\n" not in str(found)
    assert found._repr_markdown_() == found.markdown()
    assert len(repr(found)) < 100


@pytest.mark.parametrize("splits", [1, 3])
def test_the_difference_is_that_of_the_mean_class_recalls(splits):
    worse, better = scored("a", 1.5, splits), scored("b", 0.5, splits, seed=1)
    found = compare_transfers([worse, better])
    assert [row.name for row in found.rows] == ["b", "a"]
    ((_, _, difference),) = found.pairs
    assert difference.value == pytest.approx(100 * (recall(better) - recall(worse)))
    assert difference.low < difference.value < difference.high
    assert (difference.deviation is None) == (splits == 1)
    assert np.nanmean(difference.by_class) == pytest.approx(difference.value)


def test_with_several_labels_it_is_that_of_the_mean_average_precisions():
    rows = [scored("a", 1.5, multi=True), scored("b", 0.5, multi=True, seed=1)]
    expected = []
    for row in rows:
        (split,) = row.scores
        expected.append(mean_over_classes(by_class(split.present, split.difficult, split.values, "area"))[0])
    ((_, _, difference),) = compare_transfers(rows).pairs
    assert difference.value == pytest.approx(100 * (expected[1] - expected[0]))


def test_a_row_and_its_twin_differ_by_nothing_and_pairs_are_narrower_than_rows():
    one = scored("a", 1.0)
    twin = replace(one, name="b")
    ((_, _, same),) = compare_transfers([one, twin]).pairs
    assert (same.value, same.low, same.high, same.beyond_chance) == (0, 0, 0, False)
    near = replace(twin, scores=[replace(split, values=split.values * 1.0001) for split in one.scores])
    found = compare_transfers([one, near])
    assert np.ptp(found.samples[0]) > 5 * np.ptp(found.samples[0] - found.samples[1])


def test_every_pair_once_and_what_is_better_comes_first():
    rows = [scored("a", 3), scored("b", 0.3, seed=1), scored("c", 1, seed=2)]
    found = compare_transfers(rows)
    assert [(one, other) for one, other, _ in found.pairs] == [("A", "B"), ("A", "C"), ("B", "C")]
    assert all(difference.value >= 0 for *_, difference in found.pairs)
    assert len(found.record()["pairs"]) == 3
    assert "not told apart" in found.markdown() or "| A " in found.markdown()


@pytest.mark.parametrize("what", ["ids", "present", "splits", "classes"])
def test_rows_of_other_images_are_not_compared(what):
    one, other = scored("a", 1), scored("b", 1, seed=1)
    (split,) = other.scores
    if what == "splits":
        other = scored("b", 1, splits=2)
    elif what == "classes":
        other = replace(other, result=replace(other.result, classes=("cat", "dog", "owl")))
    else:
        value = split.ids[::-1] if what == "ids" else np.roll(split.present, 1, axis=1)
        other = replace(other, scores=[replace(split, **{what: value})])
    with pytest.raises(ResultError, match=r"^a and b cannot be compared: .*; give rows of the same set"):
        compare_transfers([one, other])
