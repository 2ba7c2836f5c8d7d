import csv
import json
import re
from dataclasses import replace

import pandas as pd
import pytest

from results.errors import ResultError
from results.result import Result, signature, signature_id
from results.table import PLAIN, markdown, write
from results.terminal_table import WIDTH, check_columns, terminal_table

NASTY = "a|b*<i>[x](javascript:1)"


def result(**given):
    fields = {
        "model": "vgg16",
        "configuration": "D",
        "weights": "local",
        "S": "[256;512]",
        "Q": "256/384/512",
        "protocol": "dense@256/384/512+multicrop@256/384/512",
        "data": "imagenet/val",
        "n": 50_000,
        "skipped": 0,
        "wrong1": 12_345,
        "wrong5": 3_601,
        "views": 156,
        "seconds": 400.0,
        "nets": ("D/[256;512] dense@256/384/512+multicrop@256/384/512",),
        "signature": signature({"model": "vgg16", **{name: str(value) for name, value in given.items()}}),
    }
    return Result(**{**fields, **given})


ROWS = [
    result(),
    result(wrong5=None, data="shapes", n=300, wrong1=7, seconds=0.0),
    result(skipped=3, n=49_997),
    result(model=NASTY, weights="tab\there", provenance={"commit": "abc"}),
]


def table_lines(text):
    return [line for line in text.splitlines() if line.startswith("|")]


def cells(line):
    """The cells of a Markdown row: a pipe after a backslash does not part them, two backslashes are one."""
    return [cell.strip() for cell in re.findall(r"\|((?:\\.|[^|\\])+)(?=\|)", line)]


def column(text, name):
    header, _, *rows = table_lines(text)
    place = cells(header).index(name)
    return [cells(row)[place] for row in rows]


def shown(cell):
    return re.sub(r"\\(.)", r"\1", cell)


def test_markdown_has_as_many_columns_in_each_row():
    lines = table_lines(markdown(ROWS))
    assert len(lines) == 2 + len(ROWS)
    assert {len(cells(line)) for line in lines} == {16}


MARKUP = ["|", "a\\|b", "a\\", "\\", "`code`", "**bold**", "~~out~~", "![x](y)", "<script>", "&lt;b&gt;", "a\nb"]


@pytest.mark.parametrize("name", [NASTY, *MARKUP, "_slanted_", "__init__", "a __b__ _c"])
def test_a_name_never_becomes_markup(name):
    header, _, row = table_lines(markdown([result(**dict.fromkeys(PLAIN, name))]))
    assert len(cells(row)) == len(cells(header)) == 16
    for cell in cells(row)[: len(PLAIN)]:
        assert shown(cell) == " ".join(name.split())
        bare = re.sub(r"\\.", "", cell)
        assert not set(bare) & set("|*<`~&\\")
        assert "](" not in bare
        assert not re.search(r"\b_|_\b", bare)


def test_the_nasty_name_is_written_so():
    assert r"| a\|b\*\<i>[x]\(javascript:1) " in markdown([result(model=NASTY)])


@pytest.mark.parametrize(("value", "code"), [("a|b*<i>", "`model=a|b*<i>`"), ("a`<i>`b", "`` model=a`<i>`b ``")])
def test_a_signature_stays_inside_its_code_span(value, code):
    line = signature({"model": value})
    assert markdown([result(signature=line)]).endswith(f"\n- `{signature_id(line)}`: {code}\n")


def test_what_is_unknown_is_a_dash():
    text = markdown([result(wrong5=None, seconds=0.0, data="shapes")])
    for name in ("top-5 error % [95 %]", "wrong5", "images/s"):
        assert column(text, name) == ["–"]
    assert column(text, "paper top-1 / top-5") == ["– / –"]


def test_what_is_known_is_printed():
    text = markdown([result(wrong1=12_200, wrong5=3_600)])
    assert column(text, "top-1 error % [95 %]") == ["24.40 [24.03, 24.78]"]
    assert column(text, "wrong1") == ["12200"]
    assert column(text, "wrong5") == ["3600"]
    assert column(text, "images/s") == ["125"]
    assert column(text, "paper top-1 / top-5") == ["24.4 / 7.2"]


def test_images_left_out_stand_beside_n():
    assert column(markdown(ROWS), "n") == ["50000", "300", "49997 (3 corrupt left out)", "50000"]


def test_each_row_names_a_signature_that_stands_below_once():
    text = markdown([*ROWS, ROWS[0]])
    below = re.findall(r"^- (`\w{8}`): `", text, re.MULTILINE)
    assert len(below) == len(set(below)) == len(ROWS)
    assert set(below) == set(column(text, "signature"))


def test_header_lines_come_first():
    assert markdown(ROWS, ["one", "two"]).startswith("one\ntwo\n\n| model")
    assert markdown(ROWS).startswith("| model")


def test_json_reads_back_to_the_same_records(tmp_path):
    write(ROWS, tmp_path)
    assert json.loads((tmp_path / "results.json").read_text(encoding="utf-8")) == [row.record() for row in ROWS]


def test_csv_reads_back_to_the_same_counts(tmp_path):
    write(ROWS, tmp_path)
    with (tmp_path / "results.csv").open(encoding="utf-8", newline="") as lines:
        read = list(csv.DictReader(lines))
    for name in ("n", "skipped", "wrong1", "wrong5", "views"):
        expected = [getattr(row, name) for row in ROWS]
        assert [row[name] for row in read] == ["" if count is None else str(count) for count in expected]
    assert [row["model"] for row in read] == [row.model for row in ROWS]
    assert [row["commit"] for row in read] == ["", "", "", "abc"]


def test_csv_read_by_pandas_gives_the_rates(tmp_path):
    write(ROWS, tmp_path)
    frame = pd.read_csv(tmp_path / "results.csv")
    assert (100 * frame.wrong1 / frame.n).tolist() == pytest.approx(frame.top1.tolist(), abs=1e-4)
    assert frame.top5.isna().tolist() == [False, True, False, False]


def test_write_makes_the_folder_and_the_three_files(tmp_path):
    folder = tmp_path / "new" / "folder"
    write(ROWS, folder, ["header"])
    assert (folder / "results.md").read_text(encoding="utf-8") == markdown(ROWS, ["header"])
    assert sorted(path.name for path in folder.iterdir()) == ["results.csv", "results.json", "results.md"]


@pytest.mark.parametrize("name", ["vgg16_bn", "val/n01440764_10026.JPEG", "dense@256/384/512", "A-LRN", "[256;512]"])
def test_an_ordinary_name_is_written_as_it_is(name):
    assert column(markdown([result(model=name)]), "model") == [name]


BOTH = "dense@256/384/512+multicrop@256/384/512"
USUAL = ("dense@256/384/512", "multicrop@256/384/512", BOTH)


def usual(model="vgg16", protocols=USUAL, **given):
    words = {"model": model, "crop": "224", "pixels": "RGB/255/1,1,1/1,1,1", "map": "scores", "dtype": "fp32"}
    rows = [result(model=model, protocol=protocol, **given) for protocol in protocols]
    return [replace(row, signature=signature(words | {"protocol": row.protocol})) for row in rows]


@pytest.mark.parametrize("name", ["vgg16", "vgg11-lrn", "vgg16-1x1", "alexnet", "a_name_that_nobody_expects_of_a_net"])
@pytest.mark.parametrize(("n", "wrong"), [(200, (97, 31)), (2000, (970, 310)), (50_000, (21_740, 10_456))])
def test_the_rows_of_one_net_fit_a_terminal(name, n, wrong):
    text = terminal_table(usual(name, n=n, wrong1=wrong[0], wrong5=wrong[1], assumed=frozenset({"S", "pixels"})))
    assert max(map(len, text.splitlines())) <= WIDTH == 100
    assert column(text, "protocol") == ["dense", "multicrop", "dense+multicrop"]
    assert column(text, "n") == [str(n)] * 3
    (model,) = set(column(text, "model"))
    assert name.startswith(model.partition("…")[0])
    assert name.endswith(model.partition("…")[2])


def test_what_all_rows_have_in_common_stands_above_once():
    above, _, below = terminal_table(usual()).partition("|")
    for said in ("model vgg16", "weights local", "S [256;512]", "Q 256/384/512", "data imagenet/val", "crop 224"):
        assert " ".join(above.split()).count(said) == 1
    assert "local" not in below
    assert "@" not in below


def test_every_row_of_the_terminal_names_the_signature_that_results_md_has():
    rows = usual()
    assert column(terminal_table(rows), "signature") == [row.record()["signature_id"] for row in rows]


def test_test_scales_that_differ_stay_with_their_protocols():
    rows = [*usual(protocols=["centre@384"], Q="384"), *usual(protocols=["dense@256"], Q="256")]
    assert column(terminal_table(rows), "protocol") == ["centre@384", "dense@256"]
    mixed = terminal_table([*usual(protocols=["centre@384"], Q="384"), *usual()])
    assert column(mixed, "protocol") == ["centre@384", "dense", "multicrop", "dense+multicrop"]
    assert "Q 256/384/512, where a protocol names none" in mixed


def test_what_is_assumed_of_all_rows_is_said_first_and_of_some_in_their_rows():
    (one,) = usual(protocols=[BOTH], assumed=frozenset({"S", "pixels"}))
    text = terminal_table([one])
    assert text.startswith("- **assumed**, since nobody stated it: pixels, S\n")
    assert "S [256;512] (assumed)" in text
    assert column(terminal_table([one, *usual("vgg19")]), "assumed") == ["pixels, S", *[""] * 3]


def test_a_terminal_says_what_was_left_out_and_what_was_refused():
    assert "- 2 corrupt left out" in terminal_table(usual(skipped=2))
    text = terminal_table(
        [*usual(protocols=USUAL[:1], skipped=2), *usual(protocols=USUAL[1:], n=1000, wrong1=99, wrong5=9, ties1=11)]
    )
    assert column(text, "n") == ["50000 (2 corrupt left out)", "1000", "1000"]
    assert column(text, "top-1 error %")[1:] == ["–", "–"]
    assert "ties decide 11 of 1000 images" in text


def test_rows_of_nets_that_share_a_name_are_told_apart():
    rows = [*usual(weights="a.pth"), *usual(weights="b.pth", S="384")]
    text = terminal_table(rows)
    assert column(text, "weights") == ["a.pth"] * 3 + ["b.pth"] * 3
    assert column(text, "S") == ["[256;512]"] * 3 + ["384"] * 3
    assert "- weights a.pth; S [256;512]\n- weights b.pth; S 384\n" in text


def test_names_that_are_cut_stay_different():
    names = [f"{'x' * 40}{k}{'y' * 40}" for k in range(3)]
    models = column(terminal_table([row for name in names for row in usual(name)]), "model")
    assert len(set(models)) == 3


@pytest.mark.parametrize("name", [NASTY, *MARKUP])
def test_a_name_becomes_no_markup_on_a_terminal_either(name):
    header, rule, row = table_lines(terminal_table(usual(name, protocols=[name], weights=name, data=name)))
    assert len(cells(row)) == len(cells(header)) == len(cells(rule)) == 7


def test_columns_can_be_chosen_by_the_names_of_the_tables_and_of_the_csv():
    (row,) = rows = usual(protocols=[BOTH], provenance={"machine": "mine"})
    assert terminal_table(rows, "all") == markdown(rows)
    text = terminal_table(rows, "machine, wrong1,signature,top-1 error % [95 %],images_per_second")
    assert column(text, "machine") == ["mine"]
    assert column(text, "wrong1") == ["12345"]
    assert column(text, "signature") == [row.signature]
    assert column(text, "images_per_second") == ["125.0"]


def test_an_unknown_column_is_one_line_with_what_there_is():
    with pytest.raises(ResultError, match=r"^columns 'machnie': give all, or some of: model, .*, warnings, .*machine$"):
        check_columns("n,machnie", ["machine"])
    check_columns("n,machine", ["machine"])
    check_columns("all")
    check_columns(None)
