"""Two runs as wholes: which row goes with which."""

import json

import numpy as np
import pytest
from compared import row

from results.comparison import compare_rows
from results.multiple_tests import holm
from results.paired_runs import PairedRuns, matched
from results.written_tables import WrittenRow


def named(*names: tuple[str, ...]) -> list[WrittenRow]:
    """Rows of model, S, protocol and, where given, a word of the signature."""
    return [
        row([1], "-".join(each), texts=dict(zip(("model", "S", "protocol"), each, strict=False))).row for each in names
    ]


D, E = ("D", "256", "dense@256"), ("D", "256", "centre@256")


@pytest.mark.parametrize(
    ("first", "second", "pairs", "alone"),
    [
        ([D, E], [E, D], [(0, 1, "signature"), (1, 0, "signature")], ((), ())),
        ([(*D, "a"), (*E, "a")], [(*E, "b"), (*D, "b")], [(0, 1, "names"), (1, 0, "names")], ((), ())),
        (
            [D, E],
            [("D", "384", "dense@256"), ("R", "–", "centre@256")],
            [(0, 0, "model"), (1, 1, "protocol")],
            ((), ()),
        ),
        ([D, E], [("R", "–", "dense@256")], [(0, 0, "protocol")], ((1,), ())),
        ([D, ("F", "256", "dense@256")], [("R", "–", "dense@256"), ("N", "–", "dense@256")], [], ((0, 1), (0, 1))),
        ([(*D, "a"), (*D, "b")], [(*D, "c")], [], ((0, 1), (0,))),
        ([(*D, "a"), (*D, "b")], [(*D, "a"), (*D, "c")], [(0, 0, "signature"), (1, 1, "names")], ((), ())),
        ([D], [("R", "–", "multicrop@288")], [(0, 0, "the only rows")], ((), ())),
        ([D, E], [("R", "–", "multicrop@288")], [], ((0, 1), (0,))),
    ],
)
def test_rows_are_paired_by_what_they_have_in_common_and_never_guessed(first, second, pairs, alone):
    said = {"names": "model, S and protocol", "model": "model and protocol"}
    found = matched(named(*first), named(*second))
    assert found.pairs == tuple((i, j, said.get(common, common)) for i, j, common in pairs)
    assert found.alone == alone


@pytest.fixture
def found() -> PairedRuns:
    draw = np.random.default_rng(1)
    rows = {name: row(draw.integers(1, 9, 40), name) for name in ("a:1", "a:2", "b:1", "b:2")}
    pairs = (compare_rows(rows["a:1"], rows["b:1"]), compare_rows(rows["a:2"], rows["b:2"]))
    return PairedRuns(pairs, ("protocol", "protocol"), ("a:3",))


def test_table_and_record_say_the_same_and_what_stayed_alone(found):
    record, text = json.loads(json.dumps(found.record())), found.markdown()
    assert record["alone"] == ["a:3"]
    assert "- Not paired: a:3" in text
    assert "- Paired by protocol: 2" in text
    assert text.startswith("2 pairs of rows on the same 40 images of photographs: ")
    assert [pair["top1"]["holm_p"] for pair in record["pairs"]] == holm([pair.p for pair in found.pairs])
    for pair, one in zip(record["pairs"], found.pairs, strict=True):
        assert pair["paired_by"] == "protocol"
        line = " ".join(
            next(line for line in text.splitlines() if line.startswith(f"| {pair['first']['name']} ")).split()
        )
        assert f"| {pair['first']['top1']:.2f} | {pair['second']['top1']:.2f} |" in line
        assert f"{pair['top1']['difference']:+.2f} [{pair['top1']['difference_low']:+.2f}," in line
        p = pair["top1"]["holm_p"]
        assert f"| {p:.2g} | {one.better(p=p) or '–'} |" in line


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([(9, 0), (9, 0)], "2 pairs of rows on the same 20 images of photographs: A makes fewer errors in 2"),
        ([(9, 0), (0, 9), (3, 2)], "A makes fewer errors in 1, B makes fewer errors in 1, 1 may be chance"),
        ([(9, 0), (0, 0)], ": A makes fewer errors in 1, 1 may be chance"),
        ([(2, 0)], "1 pair of rows on the same 20 images of photographs: all differences may be chance"),
    ],
)
def test_in_how_many_pairs_which_run_is_better_stands_first(wrong, said):
    """`wrong` are images that only B and only A have wrong."""
    pairs = [compare_rows(row([1] * b + [2] * a + [1] * (20 - a - b)), row([2] * b + [1] * (20 - b))) for b, a in wrong]
    text = PairedRuns(tuple(pairs), ("protocol",) * len(pairs), ()).markdown()
    assert text.splitlines()[0].endswith(said)


def test_classes_of_each_pair_are_told_where_wanted(found):
    assert "## " not in found.markdown()
    assert found.markdown(classes=3).count("## ") == 2
