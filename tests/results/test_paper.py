import csv
from importlib.resources import files

import pytest

from protocols.protocol import parse
from protocols.scales import parse_S
from results.paper import IMAGES, paper_rows, published, reference

J = "[256;512]"
TABLE_3 = [  # net, S, Q, top-1, top-5
    ("A", "256", "256", 29.6, 10.4),
    ("A-LRN", "256", "256", 29.7, 10.5),
    ("B", "256", "256", 28.7, 9.9),
    ("C", "256", "256", 28.1, 9.4),
    ("C", "384", "384", 28.1, 9.3),
    ("C", J, "384", 27.3, 8.8),
    ("D", "256", "256", 27.0, 8.8),
    ("D", "384", "384", 26.8, 8.7),
    ("D", J, "384", 25.6, 8.1),
    ("E", "256", "256", 27.3, 9.0),
    ("E", "384", "384", 26.9, 8.7),
    ("E", J, "384", 25.5, 8.0),
]
TABLE_4 = [
    ("B", "256", "224/256/288", 28.2, 9.6),
    ("C", "256", "224/256/288", 27.7, 9.2),
    ("C", "384", "352/384/416", 27.8, 9.2),
    ("C", J, "256/384/512", 26.3, 8.2),
    ("D", "256", "224/256/288", 26.6, 8.6),
    ("D", "384", "352/384/416", 26.5, 8.6),
    ("D", J, "256/384/512", 24.8, 7.5),
    ("E", "256", "224/256/288", 26.9, 8.7),
    ("E", "384", "352/384/416", 26.7, 8.6),
    ("E", J, "256/384/512", 24.8, 7.5),
]
DENSE, CROPS = "dense@256/384/512", "multicrop@256/384/512"
BOTH = f"{DENSE}+{CROPS}"
TABLE_5 = [  # net, protocol, top-1, top-5; all for S in [256;512]
    ("D", DENSE, 24.8, 7.5),
    ("D", CROPS, 24.6, 7.5),
    ("D", BOTH, 24.4, 7.2),
    ("E", DENSE, 24.8, 7.5),
    ("E", CROPS, 24.6, 7.4),
    ("E", BOTH, 24.4, 7.1),
]
SEVEN = [("D", "256"), ("D", "384"), ("D", J), ("C", "256"), ("C", "384"), ("E", "256"), ("E", "384")]
MULTI_SCALE = {"256": "dense@224/256/288", "384": "dense@352/384/416", J: DENSE}
TABLE_6 = [  # nets, top-1, top-5 on the validation set
    ([f"{net}/{S} {MULTI_SCALE[S]}" for net, S in SEVEN], 24.7, 7.5),
    ([f"D/{J} {DENSE}", f"E/{J} {DENSE}"], 24.0, 7.1),
    ([f"D/{J} {CROPS}", f"E/{J} {CROPS}"], 23.9, 7.2),
    ([f"D/{J} {BOTH}", f"E/{J} {BOTH}"], 23.7, 6.8),
]
ROWS = [
    *(([f"{net}/{S} dense@{Q}"], top1, top5) for net, S, Q, top1, top5 in TABLE_3 + TABLE_4),
    *(([f"{net}/{J} {protocol}"], top1, top5) for net, protocol, top1, top5 in TABLE_5),
    *TABLE_6,
]


def file_rows():
    with files("results").joinpath("paper.csv").open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize(("nets", "top1", "top5"), ROWS)
def test_the_figures_are_those_of_tables_3_to_6(nets, top1, top5):
    assert reference(nets, "imagenet/val", 50_000) == (top1, top5)
    assert reference(tuple(reversed(nets)), "imagenet/val", IMAGES) == (top1, top5)


def test_the_file_holds_nothing_else():
    assert set(published()) == {frozenset(nets) for nets, _, _ in ROWS}


def test_all_32_rows_by_table_of_which_table_5_repeats_two():
    tables = [row.table for row in paper_rows()]
    assert {table: tables.count(table) for table in tables} == {3: 12, 4: 10, 5: 6, 6: 4}
    assert len(published()) == 30
    for row in paper_rows():
        assert published()[frozenset(row.nets)] == (row.top1, row.top5)


@pytest.mark.parametrize("row", file_rows(), ids=lambda row: row["nets"])
def test_each_protocol_parses_and_prints_back(row):
    for net in row["nets"].split("; "):
        trained, protocol = net.split(" ")
        configuration, S = trained.split("/")
        assert configuration in {"A", "A-LRN", "B", "C", "D", "E"}
        assert str(parse_S(S)) == S
        assert str(parse(protocol)) == protocol


@pytest.mark.parametrize(("table", "rule"), [("3", "single-scale"), ("4", "multi-scale")])
def test_tables_3_and_4_follow_the_rules_for_Q(table, rule):
    for row in (row for row in file_rows() if row["table"] == table):
        trained, protocol = row["nets"].split(" ")
        assert str(parse(rule, parse_S(trained.split("/")[1]))) == protocol


D = f"D/{J} {DENSE}"


@pytest.mark.parametrize(
    ("nets", "data", "n"),
    [
        ([D], "imagenet/val", 49_999),
        ([D], "imagenet/val", 0),
        ([D], "imagenet/train", 50_000),
        ([D], "shapes", 50_000),
        ([D.replace("D/", "A/")], "imagenet/val", 50_000),
        ([D.replace("[256;512]", "256")], "imagenet/val", 50_000),
        ([D.replace("256/384/512", "256/384")], "imagenet/val", 50_000),
        ([D.replace("dense", "tencrop")], "imagenet/val", 50_000),
        ([D, D], "imagenet/val", 50_000),  # two nets of one kind are a fusion that the paper does not have
        ([D, f"E/{J} {CROPS}"], "imagenet/val", 50_000),
        ([D, f"E/{J} {DENSE}", f"C/{J} {DENSE}"], "imagenet/val", 50_000),
        ([], "imagenet/val", 50_000),
    ],
)
def test_anything_else_has_no_reference(nets, data, n):
    assert reference([D], "imagenet/val", 50_000) is not None
    assert reference(nets, data, n) is None
