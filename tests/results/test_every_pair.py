"""Rows compared each with each: the best first, p corrected for all pairs."""

import json

import numpy as np
import pytest
from compared import CLASSES, row

from results.comparison import compare_rows
from results.errors import ResultError
from results.every_pair import every_pair
from results.multiple_tests import holm


def drawn(count: int, n: int = 80):
    """Rows with more and more right."""
    draw = np.random.default_rng(0)
    shares = np.linspace(0.3, 0.8, count)
    return [
        row(np.where(draw.random(n) < share, 1, draw.integers(1, 9, n)), f"r:{k}") for k, share in enumerate(shares)
    ]


def test_rows_are_ranked_and_every_pair_is_a_comparison():
    rows = drawn(4)
    found = every_pair(rows)
    wrong = [each.row.counts.wrong1 for each in found.rows]
    assert wrong == sorted(wrong)
    assert [each.name for each in found.rows] == ["r:3", "r:2", "r:1", "r:0"]
    assert len(found.pairs) == 6
    for pair in found.pairs:
        assert pair == compare_rows(pair.first, pair.second)
        assert pair.difference[0] <= 0
    assert found.holm_p(1) == holm([pair.p for pair in found.pairs])
    assert found.holm_p(5) == holm([pair.top5.p for pair in found.pairs])


def test_table_and_record_say_the_same():
    found = every_pair(drawn(3))
    record = json.loads(json.dumps(found.record()))
    text = found.markdown(classes=2)
    assert list(record["rows"]) == ["A", "B", "C"]
    assert [(pair["first"], pair["second"]) for pair in record["pairs"]] == [("A", "B"), ("A", "C"), ("B", "C")]
    for pair, p in zip(record["pairs"], found.holm_p(1), strict=True):
        said = pair["top1"]
        assert said["holm_p"] == p
        assert pair["verdict"].startswith(f"{pair['first']} makes fewer errors")
        assert ("chance" in pair["verdict"]) == (p >= 0.05)
        line = next(line for line in text.splitlines() if f"| {pair['first']} less {pair['second']} " in line)
        assert f"{said['difference']:+.2f} [{said['difference_low']:+.2f}, {said['difference_high']:+.2f}]" in line
        assert f"| {p:.2g} |" in " ".join(line.split())
        assert f"| {pair['first'] if p < 0.05 else '–'} |" in " ".join(line.split())
        assert f"## {pair['first']} and {pair['second']}" in text
    assert "Holm's p is corrected for 3 pairs" in text
    apart = sum(p < 0.05 for p in found.holm_p(1))
    assert 0 < apart < 3
    assert text.splitlines()[0].endswith(f", the best first; {apart} of 3 pairs differ by more than chance")


def test_a_difference_that_is_none_after_correction_is_not_told_as_one():
    one, two = [1] * 20, [2] * 7 + [1] * 13
    found = every_pair([row(one, "r:1"), row(two, "r:2"), row(two, "r:3"), row(two, "r:4"), row(two, "r:5")])
    assert found.pairs[0].p < 0.05 < found.holm_p(1)[0]
    line = next(line for line in found.markdown().splitlines() if line.startswith("| A less B "))
    assert "| – " in line


def test_more_than_26_rows_have_letters():
    found = every_pair([row([1, 2], f"r:{k}") for k in range(28)])
    assert found.letters[-3:] == ["Z", "AA", "AB"]


def test_top5_needs_it_in_all_rows():
    found = every_pair([*drawn(2, 8), row([1] * 8, "few", ties=(0, 8))])
    assert found.holm_p(5) is None
    assert "top-5, in points" not in found.markdown()
    assert "No top-5 difference: few has no top-5 error" in " ".join(found.markdown().split())


def test_one_row_and_rows_of_other_images_are_refused():
    with pytest.raises(ResultError, match="1 row; give another"):
        every_pair(drawn(1))
    with pytest.raises(ResultError, match="not of the same images"):
        every_pair([*drawn(2), row([1, 2], "other")])


def test_by_class_pairs_are_called_by_their_letters():
    text = every_pair(drawn(3)).markdown(classes=None)
    assert "wrong B" in text
    assert "B less C" in text
    assert f"All {len(CLASSES)} classes with images" in text
