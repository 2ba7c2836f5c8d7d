"""Tables of results that may come from anywhere: read whole, or refused in one line."""

import json

import pytest

from results.errors import ResultError
from results.written_tables import Counts, read_table

GOOD = {"model": "vgg16", "n": 200, "wrong1": 44, "wrong5": 4, "signature": "a=b"}
CELLS = ",".join(GOOD) + "\nvgg16,200,44,4,a=b"
NO_RESULTS = {
    "nothing": "",
    "blanks": " \n\n",
    "no rows": "[]",
    "a header only": ",".join(GOOD),
    "prose": "hello,\nworld",
    "an object": json.dumps(GOOD),
    "a list of lists": "[[1, 2]]",
    "a baseline without rows": json.dumps({"rows": [], "history": []}),
    "a baseline of one row": json.dumps({"rows": GOOD, "history": []}),
    "rows without a history": json.dumps({"rows": [GOOD]}),
    "a history of texts": json.dumps({"rows": [GOOD], "history": ["why"]}),
    "a history that is none": json.dumps({"rows": [GOOD], "history": None}),
    "more than a baseline": json.dumps({"rows": [GOOD], "history": [], "more": 1}),
    "a baseline with half a character": json.dumps({"rows": [GOOD], "history": [{"why": "\ud800"}]}),
    "half of a list": json.dumps([GOOD])[:-9],
    "two lists": json.dumps([GOOD]) * 2,
    "depth": "[" * 100_000,
    "a number of many digits": f'[{{"n": {"9" * 5000}}}]',
    "another separator": CELLS.replace(",", ";"),
    "a line cut short": CELLS[:-4],
    "a line without its last cell": CELLS.replace("\n", ",device\n"),
    "a line too long": CELLS + ",x",
    "an open quote": CELLS + '\nvgg16,200,44,4,"a=c',
    "a huge cell": CELLS + "b" * 200_000,
    "UTF-16": json.dumps([GOOD]).encode("utf-16"),
    "Latin-1": CELLS.replace("vgg16", "é").encode("latin-1"),
    "an archive": b"PK\x03\x04\x00\xff\xfe",
    "zeros": bytes(100),
    "half a character": json.dumps([{**GOOD, "model": "\ud800"}]),
}
NAN, INF, HUGE = float("nan"), float("inf"), 10**400
NO_VALUES = {
    "n": [None, -1, 1.5, "200", True, NAN, INF, HUGE, [], {}, 43],
    "wrong1": [None, -1, 0.5, "44", True, NAN, INF, HUGE, 201, [44], {"a": 1}],
    "wrong5": [-1, 0.5, "", "4", True, NAN, 201, 45, [], {"a": [{}]}],
    "images_per_second": [-1, "fast", True, NAN, INF, HUGE, [1]],
    "signature": [None, "", "  ", 7, ["a=b"], {"a": "b"}],
    "model": [7, ["vgg16"], {"a": 1}],
    "device": [7, True, ["cpu"]],
    "ties1": [-1, 0.5, "4", True, NAN, 201, [1]],
    "ties5": [-1, 0.5, "", HUGE, 201],
    "gflops": [-1, "many", True, NAN, INF, HUGE, [1]],
    "paper_top1": [-1, 100.5, "low", NAN, {}],
    "assumed": [7, True, ["S"]],
    "warnings": [7, True, [7], ["a", None], {"a": "b"}],
}
NO_CELLS = ["", "-1", "44x", "nan", "inf", "1e400", "201", "0x2c", "[1]", "null"]
JUNK = [
    *(pytest.param(content, id=name) for name, content in NO_RESULTS.items()),
    *(
        pytest.param(json.dumps([{**GOOD, name: value}]), id=f"{name} {value!r:.20}")
        for name, values in NO_VALUES.items()
        for value in values
    ),
    *(pytest.param(CELLS.replace("44", cell), id=f"cell {cell}") for cell in NO_CELLS),
]


BASELINE = json.dumps({"history": [{"why": "it is better", "more": [1]}], "rows": [GOOD]})


@pytest.mark.parametrize("content", [json.dumps([GOOD]), CELLS, BASELINE])
def test_the_row_that_is_broken_below_is_good(tmp_path, content):
    (tmp_path / "file").write_text(content)
    (row,) = read_table(tmp_path / "file").values()
    assert (row.signature, row.counts, row["model"], row["device"]) == ("a=b", Counts(200, 44, 4), "vgg16", "–")


@pytest.mark.parametrize("content", JUNK)
def test_what_is_no_table_of_results_is_refused(tmp_path, content):
    junk = tmp_path / "junk"
    junk.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ResultError, match=r"junk'.*; give ") as raised:
        read_table(junk)
    assert len(str(raised.value)) < 400


LINES = json.dumps([GOOD], indent=1).splitlines()
MARKED = ["<<<<<<< HEAD", *LINES[2:3], "=======", *LINES[2:3], ">>>>>>> a branch"]


@pytest.mark.parametrize("lines", [[*LINES[:2], *MARKED, *LINES[3:]], [*CELLS.splitlines(), *MARKED]])
def test_what_git_could_not_merge_is_said(tmp_path, lines):
    (tmp_path / "table").write_text("\n".join(lines))
    with pytest.raises(ResultError, match="table' holds two versions that git could not merge; take one of them"):
        read_table(tmp_path / "table")
