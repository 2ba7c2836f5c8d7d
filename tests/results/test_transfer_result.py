"""A transfer's row: the paper's figure on an exact match alone, and files that say the same when they are read."""

import json
from dataclasses import replace

import numpy as np
import pytest

from results.errors import ResultError
from results.published_transfer import Drawn, published_transfers
from results.transfer_files import read_transfer, write_transfer
from results.transfer_result import Measure, TransferResult
from results.transfer_scores import SplitScores, read_scores, write_scores
from results.transfer_table import terminal_transfer, transfer_markdown

MAPS = {"mAP11": Measure(0.893, 0.88, 0.905, None, (0.9, None)), "mAP": Measure(0.91, 0.9, 0.92, None, (0.95, 0.87))}
VOC = TransferResult(
    model="vgg16",
    configuration="D",
    weights="torchvision:X",
    S="[256;512]",
    nets=("D/[256;512]",),
    Q="256/384/512/640/768",
    over="mean",
    dimension=4096,
    data="voc2007-cls",
    classes=("aeroplane", "bicycle"),
    trained="train+val",
    tested="test",
    training=(5011,),
    test=(4952,),
    C=(1.0,),
    measures=MAPS,
    signature="model=vgg16 C=1",
    provenance={"scikit-learn": "1.5"},
)
CALTECH = replace(
    VOC,
    Q="256/384/512",
    over="stack",
    dimension=12288,
    data="caltech101",
    trained="drawn",
    tested="drawn",
    training=(3060, 3060, 3060),
    test=(4310, 4310, 4310),
    C=(1.0, 10.0, 1.0),
    measures={"recall": Measure(0.918, 0.91, 0.925, 0.01, (0.9, 0.936))},
    drawn=Drawn(30, 50),
    signature="model=vgg16 data=caltech",
)


def scores(seed, n=5):
    draw = np.random.default_rng(seed)
    present = draw.random((n, 2)) < 0.4
    difficult = ~present & (draw.random((n, 2)) < 0.3)
    return SplitScores(
        tuple(f"i{k}" for k in range(n)), draw.normal(size=(n, 2)).astype(np.float32), present, difficult
    )


def test_there_are_the_papers_fourteen_figures():
    figures = published_transfers()
    assert len(figures) == 14
    assert sorted(str(figure) for conditions, figure in figures.items() if conditions.data == "caltech256") == [
        "85.0 ± 0.2",
        "85.1 ± 0.3",
        "86.2 ± 0.3",
    ]


def test_the_papers_figure_stands_beside_its_row():
    assert str(VOC.paper) == "89.3"
    both = replace(VOC, nets=("E/[256;512]", "D/[256;512]"))
    assert str(both.paper) == "89.7"
    assert str(CALTECH.paper) == "91.8 ± 1.0"
    assert str(replace(VOC, dtype="tf32").paper) == "89.3"
    assert str(replace(VOC, data="voc2012-cls", training=(11540,), test=(1,)).paper) == "89.0"
    action = replace(both, data="voc2012-action", region="image", training=(1,), test=(2,))
    assert str(action.paper) == "79.2"
    assert str(replace(action, region="image+box").paper) == "84.0"


@pytest.mark.parametrize(
    "other",
    [
        {"nets": ("D/256",)},
        {"nets": ("D x0.0625/[256;512]",)},
        {"nets": ("D/[256;512]", "D/[256;512]")},
        {"Q": "256/384/512"},
        {"over": "stack"},
        {"data": "voc2007"},
        {"trained": "train", "tested": "val"},
        {"test": (4951,)},
        {"training": (2501,)},
        {"data": "voc2012-cls"},
        {"whole": False},
        {"skipped": 1},
        {"assumed": frozenset({"S"})},
        {"chosen": False},
        {"exif": True},
        {"dtype": "bf16"},
        {"dtype": "fp16"},
        {"drawn": Drawn(30, 50)},
    ],
)
def test_another_row_than_the_papers_has_no_figure(other):
    assert replace(VOC, **other).paper is None


@pytest.mark.parametrize(
    "other",
    [
        {"drawn": Drawn(15, 50)},
        {"drawn": Drawn(30)},
        {"training": (3060,), "test": (4310,), "C": (1.0,)},
        {"training": (3060, 3060, 3059)},
        {"over": "mean"},
    ],
)
def test_other_splits_than_the_papers_have_no_figure(other):
    assert replace(CALTECH, **other).paper is None


def test_files_say_the_same_when_they_are_read(tmp_path):
    by_area = {name: VOC.measures[name] for name in ("mAP", "mAP11")}
    other = {"data": "voc2012-cls", "chosen": False, "exif": True, "dtype": "bf16"}
    rows = [VOC, replace(VOC, measures=by_area, signature="model=vgg16 data=2012", **other), CALTECH]
    split = [[scores(0)], [scores(1)], [scores(k) for k in range(3)]]
    written = write_transfer(tmp_path, rows, split, ["- a header"])
    found = read_transfer(tmp_path)
    assert [each.record() for each in found] == [each.record() for each in written]
    assert [each.paper for each in found] == [each.paper for each in rows]
    assert [each.measure for each in found] == ["mAP11", "mAP", "recall"]
    for row, own in zip(found, split, strict=True):
        for ours, theirs in zip(read_scores(tmp_path / row.scores), own, strict=True):
            assert ours.ids == theirs.ids
            for name in ("values", "present", "difficult"):
                np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    text = (tmp_path / "transfer.md").read_text()
    assert text.startswith("- a header\n")
    assert "| bicycle" in text
    assert len((tmp_path / "transfer.csv").read_text().splitlines()) == 4


def test_json_has_no_nan(tmp_path):
    row = replace(VOC, measures={"mAP": Measure(0.5, float("nan"), float("nan"), None, (float("nan"), 0.5))})
    write_transfer(tmp_path, [row], [[scores(0)]])
    (record,) = json.loads((tmp_path / "transfer.json").read_text(), parse_constant=pytest.fail)
    assert record["by_class"]["mAP"] == [None, 50.0]


def broken(text):
    records = json.loads(text)
    yield "not json"
    yield "[]"
    yield "[1]"
    for name, value in (("C", [1.0, 2.0]), ("classes", []), ("mAP", 120), ("mAP", "x"), ("scores", "../x.npz")):
        yield json.dumps([records[0] | {name: value}])
    yield from (json.dumps([records[0] | {"measure": value}]) for value in ("mean", "recall", []))
    yield json.dumps([{name: value for name, value in records[0].items() if name != "nets"}])


def test_damage_is_one_line(tmp_path):
    (row,) = write_transfer(tmp_path, [VOC], [[scores(0)]])
    path = tmp_path / "transfer.json"
    for text in list(broken(path.read_text())):
        path.write_text(text)
        with pytest.raises(ResultError, match=r"transfer\.json.*bench\.transfer"):
            read_transfer(tmp_path)
    path.unlink()
    with pytest.raises(ResultError, match="No such file"):
        read_transfer(tmp_path)
    place = tmp_path / row.scores
    whole = place.read_bytes()
    for content in (b"", whole[:100], whole[:-30], b"PK" + whole[2:100]):
        place.write_bytes(content)
        with pytest.raises(ResultError, match=r"\.npz.*bench\.transfer"):
            read_scores(place)
    with pytest.raises(ResultError, match="not there"):
        read_scores(tmp_path / "none.npz")


def test_scores_that_do_not_belong_together_are_refused(tmp_path):
    whole = scores(0)
    for wrong in ({"present": whole.present[1:]}, {"values": whole.values * np.nan}, {"difficult": whole.values}):
        with pytest.raises(ValueError, match=r"values|present|difficult"):
            replace(whole, **wrong)
    write_scores(tmp_path / "x.npz", [])
    with pytest.raises(ResultError, match="no scores"):
        read_scores(tmp_path / "x.npz")


def test_tables_show_what_was_measured():
    short = terminal_transfer([VOC, replace(VOC, over="stack", signature="model=vgg16 over=stack")])
    assert "89.3 [88.0, 90.5]" in short
    assert "data voc2007-cls" in short  # above, once
    assert short.count("voc2007-cls") == 1
    assert "91.80 ± 1.00 [91.00, 92.50]" in transfer_markdown([CALTECH])
