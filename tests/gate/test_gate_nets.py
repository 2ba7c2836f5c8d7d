"""Another net's rows and a baseline's: which are of the same work, and what some of them make of the baseline."""

from dataclasses import replace

import pytest
from gate_rows import DENSE, FIRST, LAST, ROWS, line

from results.errors import ResultError
from results.gate import Rules
from results.gate_baseline import change_baseline
from results.gate_nets import compare_nets, extend_baseline
from results.table import write


def by(weights, row=DENSE, **more):
    """A row as another net gives it."""
    return replace(row, signature=line(row.protocol, weights=weights, **more))


@pytest.fixture
def table(tmp_path):
    def table(rows, name):
        write(rows, tmp_path / name)
        return tmp_path / name / "results.json"

    return table


def verdicts(report):
    return [(row.row["protocol"], row.verdict) for row in report.rows]


def test_the_net_alone_may_be_another(table):
    old = table(ROWS, "old")
    worse = replace(by("new"), wrong1=45)
    assert verdicts(compare_nets(old, table([by("new"), LAST], "same"), Rules())) == [
        (DENSE.protocol, "equal"),
        (LAST.protocol, "equal"),
    ]
    assert verdicts(compare_nets(old, table([worse], "worse"), Rules())) == [(DENSE.protocol, "worse")]
    other = table([by("new", dtype="bf16")], "other")
    assert verdicts(compare_nets(old, other, Rules())) == [(DENSE.protocol, "signature differs")]
    (row,) = compare_nets(old, other, Rules()).rows
    assert "dtype: fp32 -> bf16" in row.why


def test_the_same_net_is_compared_with_itself_and_no_other_is_guessed(table):
    old = table([by("a"), replace(by("b"), wrong1=40)], "old")
    assert verdicts(compare_nets(old, table([replace(by("b"), wrong1=40)], "b"), Rules())) == [
        (DENSE.protocol, "equal")
    ]
    with pytest.raises(ResultError, match="2 rows of the baseline are of this work"):
        compare_nets(old, table([by("c")], "c"), Rules())


def test_rows_take_the_place_of_those_of_the_same_work(table, tmp_path):
    base = tmp_path / "base.json"
    base.write_text(change_baseline(base, table(ROWS, "old"), "first").text)
    tables = [table([by("new"), by("new", dtype="bf16")], "some"), table([by("new", FIRST)], "more")]
    change = extend_baseline(base, tables, "second")
    signatures = [record["signature"] for record in change.records]
    kept = [by("new", FIRST), by("new"), LAST, by("new", dtype="bf16")]
    assert signatures == [row.signature for row in kept]
    assert [entry["why"] for entry in change.history] == ["second", "first"]
    base.write_text(change.text)
    assert extend_baseline(base, tables, "third") is None


def test_two_nets_of_one_name_extend_no_baseline(table, tmp_path):
    with pytest.raises(ResultError, match="this work was done 2 times"):
        extend_baseline(tmp_path / "base.json", [table([by("a")], "a"), table([by("b")], "b")], "why")
