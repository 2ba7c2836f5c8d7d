"""What the gate lets pass and what it stops, on files as `results.table.write` makes them."""

import os
import re
import subprocess
import sys
from dataclasses import replace

import pandas as pd
import pytest
from conftest import ROOT
from gate_rows import DENSE, FIRST, HERE, KINDS, LAST, ROWS, line, result, summary, table, whats

from results.result import signature_id
from results.table import write


@pytest.mark.parametrize("kinds", KINDS)
def test_the_same_results_pass_in_any_order_and_either_format(gate, kinds):
    assert gate(ROWS, ROWS[::-1], kinds=kinds) == (0, "gate: 3 rows equal; passed\n", "")


@pytest.mark.parametrize("kinds", KINDS)
def test_one_more_wrong_image_fails(gate, kinds):
    code, out, _ = gate(ROWS, [FIRST, replace(DENSE, wrong1=45), LAST], kinds=kinds)
    assert code == 1
    assert table(out) == [
        [
            f"vgg16, [256;512], dense@384 `{signature_id(DENSE.signature)}`",
            "worse",
            "wrong1 44, wrong5 4, n 200",
            "wrong1 45, wrong5 4, n 200",
            "wrong1 +1",
        ]
    ]
    assert summary(out) == "2 rows equal, 1 worse; failed"


def test_one_more_wrong_at_5_fails_though_top_1_is_better(gate):
    code, out, _ = gate(ROWS, [FIRST, replace(DENSE, wrong1=40, wrong5=5), LAST])
    assert (code, whats(out)) == (1, ["worse"])
    assert table(out)[0][-1] == "wrong1 -4, wrong5 +1"


def test_better_passes_and_is_reported(gate):
    code, out, _ = gate(ROWS, [FIRST, replace(DENSE, wrong1=43), LAST])
    assert (code, whats(out)) == (0, ["better"])
    assert summary(out) == "2 rows equal, 1 better; passed"


@pytest.mark.parametrize(
    ("tolerance", "code", "what"), [("1", 1, "worse"), ("2", 0, "within tolerance"), ("3", 0, "within tolerance")]
)
def test_the_tolerance_is_in_images(gate, tolerance, code, what):
    found, out, _ = gate(ROWS, [FIRST, replace(DENSE, wrong1=46), LAST], "--tolerance", tolerance)
    assert (found, whats(out)) == (code, [what])


def test_a_row_missing_in_the_new_file_fails(gate):
    code, out, _ = gate(ROWS, ROWS[1:])
    assert code == 1
    assert [row[1:] for row in table(out)] == [["missing", "wrong1 44, wrong5 4, n 200", "–", "missing in NEW"]]
    assert summary(out) == "2 rows equal, 1 missing; failed"


def test_a_row_missing_in_the_baseline_fails(gate):
    code, out, _ = gate(ROWS[:2], ROWS)
    assert code == 1
    assert [row[1:] for row in table(out)] == [["new", "–", "wrong1 44, wrong5 –, n 200", "not in BASELINE"]]
    assert summary(out) == "2 rows equal, 1 new; failed"


def test_a_signature_that_differs_fails_and_its_fields_are_named(gate):
    other = replace(DENSE, wrong1=4, signature=line("dense@384", dtype="bf16", weights="a0a954a2d073", geometry="2"))
    code, out, _ = gate(ROWS, [FIRST, other, LAST], "--tolerance", "200")
    assert (code, whats(out)) == (1, ["signature differs"])
    change = "weights: 29dd14eec833 -> a0a954a2d073, dtype: fp32 -> bf16, geometry: – -> 2"
    assert table(out)[0][-1] == change


def test_the_same_fields_in_another_order_are_another_signature(gate):
    other = replace(DENSE, signature=" ".join(reversed(DENSE.signature.split())))
    code, out, _ = gate([DENSE], [other])
    assert (code, table(out)[0][-1]) == (1, "order of the fields")


@pytest.mark.parametrize("name", ["model", "S", "protocol", "data"])
def test_rows_of_other_names_are_not_taken_for_one(gate, name):
    code, out, _ = gate([DENSE], [replace(DENSE, **{name: "other"}, signature="protocol=other")])
    assert (code, whats(out)) == (1, ["missing", "new"])


def test_of_rows_with_the_same_names_the_closest_signatures_are_paired(gate):
    old = [result(signature=line("dense@384", dtype=dtype)) for dtype in ("fp16", "fp32", "bf16")]
    new = [result(signature=line("dense@384", dtype=dtype, weights="new")) for dtype in ("bf16", "fp32")]
    code, out, _ = gate(old, new)
    assert (code, sorted(whats(out))) == (1, ["missing", "signature differs", "signature differs"])
    assert {row[-1] for row in table(out)} == {"missing in NEW", "weights: 29dd14eec833 -> new"}
    assert signature_id(old[0].signature) in table(out)[0][0]


def test_a_row_is_paired_once(gate):
    others = [result(signature=line("dense@384", dtype=dtype)) for dtype in ("fp16", "bf16")]
    code, out, _ = gate([DENSE], others)
    assert (code, whats(out)) == (1, ["signature differs", "new"])


@pytest.mark.parametrize(("old", "new"), [(None, 4), (4, None), (None, 0), (0, None)])
def test_top_5_on_one_side_only_fails(gate, old, new):
    code, out, _ = gate([replace(DENSE, wrong5=old)], [replace(DENSE, wrong5=new)], "--tolerance", "200")
    assert (code, whats(out)) == (1, ["not comparable"])


def test_counts_of_other_numbers_of_images_fail(gate):
    code, out, _ = gate([DENSE], [replace(DENSE, n=199)], "--tolerance", "200")
    assert (code, whats(out), table(out)[0][-1]) == (1, ["not comparable"], "n -1")


def test_a_row_may_stand_twice_with_equal_counts(gate):
    assert gate([*ROWS, replace(DENSE, seconds=1.0)], ROWS) == (0, "gate: 3 rows equal; passed\n", "")


@pytest.mark.parametrize("other", [{"wrong1": 45}, {"wrong5": 5}, {"wrong5": None}, {"n": 201}])
def test_a_row_that_stands_twice_with_other_counts_is_an_error(gate, other):
    code, _, err = gate(ROWS, [*ROWS, replace(DENSE, **other)])
    assert code == 2
    assert "row 4: its signature stands above with other counts" in err


def test_another_machine_passes_and_is_reported_once(gate):
    there = {**HERE, "machine": "Linux aarch64, 64 cores", "torch": "2.16.0", "commit": "abc"}
    code, out, _ = gate(ROWS, [replace(row, provenance=there) for row in ROWS])
    assert code == 0
    assert summary(out) == "3 rows equal; passed"
    beside = ["- machine: Linux x86_64, 2 cores -> Linux aarch64, 64 cores", "- torch: 2.15.0 -> 2.16.0"]
    assert [text for text in out.splitlines() if text.startswith("- ")] == beside


def test_what_was_not_recorded_is_reported_as_a_dash(gate):
    code, out, _ = gate([DENSE], [replace(DENSE, provenance={**HERE, "torch": None})], kinds=("csv", "json"))
    assert code == 0
    assert "- torch: 2.15.0 -> –\n" in out


@pytest.mark.parametrize("name", ["a|b*<i>[x](javascript:1)", "`code`", "a\nb", "__init__", "| --- |", "naïve ☃"])
def test_a_name_never_becomes_markup(gate, name):
    old = result(name, model=name, S=name)
    new = replace(old, signature=line(name, weights=name), provenance={**HERE, "device": name})
    code, out, _ = gate([old], [new], kinds=("json", "csv"))
    (row,) = table(out)
    (beside,) = [text for text in out.splitlines() if text.startswith("- ")]
    plain, blankless = " ".join(name.split()), "".join(name.split())
    for text, names in ((row[0], 3 * [plain]), (row[-1], [blankless]), (beside, [plain])):
        for each in names:
            assert each in re.sub(r"\\(.)", r"\1", text)
        bare = re.sub(r"\\.|`\w{8}`$", "", text)
        assert not re.search(r"[|*<`~&]|\]\(|\b_|_\b", bare)
    assert (code, row[1]) == (1, "signature differs")


def test_counts_that_pandas_made_floats_are_still_counts(gate, tmp_path):
    write(ROWS, tmp_path)
    frame = pd.read_csv(tmp_path / "results.csv")
    assert frame.wrong5.dtype == float
    frame.to_csv(tmp_path / "again.csv", index=False)
    assert gate(ROWS, tmp_path / "again.csv")[:2] == (0, "gate: 3 rows equal; passed\n")


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(gate, tmp_path):
    write(ROWS, tmp_path)
    for kind in ("csv", "json"):
        path = tmp_path / f"results.{kind}"
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
        assert gate(ROWS, path) == (0, "gate: 3 rows equal; passed\n", "")


@pytest.mark.parametrize("name", ["missing.json", "missing/results.csv", ".", "new\nline"])
def test_what_is_no_file_is_one_line_on_either_side(gate, tmp_path, name):
    for files in ((tmp_path / name, ROWS), (ROWS, tmp_path / name)):
        code, out, err = gate(*files)
        assert (code, out) == (2, "")
        assert re.fullmatch(r"bench\.gate: error: .*; give .*\n", err)


@pytest.mark.parametrize(
    "more", [["--tolerance", "-1"], *(["--throughput", share] for share in ("0", "-0.5", "nan", "inf"))]
)
def test_a_tolerance_or_share_without_sense_is_one_line(gate, more):
    code, out, err = gate(ROWS, ROWS, *more)
    assert (code, out) == (2, "")
    assert re.fullmatch(r"bench\.gate: error: .*: give .*\n", err)


def test_the_command_exits_with_the_verdict_and_never_imports_torch(tmp_path):
    for name, rows in {"a": ROWS, "b": ROWS[1:]}.items():
        write(rows, tmp_path / name)
    code = "import runpy, sys; runpy.run_module('bench.gate', run_name='__main__', alter_sys=True)"
    watch = f"import atexit, sys; atexit.register(lambda: print('torch' in sys.modules, file=sys.stderr)); {code}"
    for names, expected in {"aa": 0, "ab": 1, "ac": 2}.items():
        files = [str(tmp_path / name / "results.json") for name in names]
        done = subprocess.run([sys.executable, "-c", watch, *files], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == expected
        assert done.stderr.splitlines()[-1] == "False"


@pytest.mark.parametrize(("names", "code"), [("aa", 0), ("ab", 1)])
def test_a_closed_pipe_does_not_change_the_verdict(tmp_path, names, code):
    for name, rows in {"a": ROWS, "b": ROWS[1:]}.items():
        write(rows, tmp_path / name)
    files = [str(tmp_path / name / "results.json") for name in names]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "bench.gate", *files]
    done = subprocess.run(command, cwd=ROOT, env=buffered, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (done.returncode, done.stderr) == (code, "")
