"""A new baseline: whole, with its reason, only where something changed, and with no posteriors of other counts."""

import json
from dataclasses import replace

import pytest
from gate_rows import DENSE, FIRST, HERE, LAST, ROWS, line, result
from test_gate_chance import AFTER, BEFORE, measured

from bench.gate.__main__ import main
from bench.gate.pairing import SAVED, saved_posteriors
from bench.speed.benchmark_file import statistics_of
from results.atomic_files import write_text_atomically
from results.result import signature_id
from results.table import write
from results.written_tables import read_table

MADE = {**HERE, "vgg-protocols": "1.2.3", "commit": "abcdef"}


@pytest.fixture
def files(tmp_path, capsys):
    """Write NEW, run `--update`: exit code, standard output, standard error; the baseline is `base.json`."""

    def update(rows, *more, why="a better net", kind="json", base="base.json"):
        write(rows, tmp_path / "new")
        words = [str(tmp_path / base), str(tmp_path / f"new/results.{kind}"), "--update", *more]
        code = main([*words, *(["--why", why] if why is not None else [])])
        return code, *capsys.readouterr()

    return update


def said(tmp_path):
    return json.loads((tmp_path / "base.json").read_text())


def test_the_first_baseline_begins_its_history_and_passes(files, tmp_path, capsys):
    rows = [replace(row, provenance=MADE) for row in ROWS]
    assert files(rows)[0] == 0
    (first,) = said(tmp_path)["history"]
    assert (first["why"], first["version"], first["commit"]) == ("a better net", "1.2.3", "abcdef")
    assert [(row["id"], row["old"]) for row in first["rows"]] == [(signature_id(row.signature), None) for row in ROWS]
    assert main([str(tmp_path / "base.json"), str(tmp_path / "new/results.json")]) == 0
    assert capsys.readouterr().out == "gate: 3 rows equal; passed\n"


def test_each_change_comes_first_in_the_history_with_its_counts(files, tmp_path):
    files(ROWS, why="first")
    code, out, _ = files([FIRST, replace(DENSE, wrong1=45), LAST], why="  lower\n precision ")
    assert code == 0
    assert "wrong1 44, wrong5 4, n 200 -> wrong1 45, wrong5 4, n 200" in out
    newest, first = said(tmp_path)["history"]
    assert (newest["why"], first["why"]) == ("lower precision", "first")
    (row,) = newest["rows"]
    assert row == {
        "id": signature_id(DENSE.signature),
        "row": "vgg16, [256;512], dense@384",
        "old": {"n": 200, "wrong1": 44, "wrong5": 4},
        "new": {"n": 200, "wrong1": 45, "wrong5": 4},
    }
    assert read_table(tmp_path / "base.json")[DENSE.signature].counts.wrong1 == 45


def test_where_no_count_changed_the_file_is_not_touched(files, tmp_path):
    files(ROWS)
    before = (tmp_path / "base.json").stat()
    code, out, _ = files([replace(row, seconds=1.0) for row in ROWS[::-1]])
    assert (code, out.count("\n")) == (0, 1)
    assert out.startswith("nothing changed: ")
    assert (tmp_path / "base.json").stat().st_mtime_ns == before.st_mtime_ns


def test_a_plain_list_gets_a_history(files, tmp_path):
    write(ROWS, tmp_path / "old")
    (tmp_path / "base.json").write_bytes((tmp_path / "old/results.json").read_bytes())
    files([FIRST, replace(DENSE, wrong1=40), LAST])
    assert len(said(tmp_path)["history"]) == 1
    assert len(said(tmp_path)["rows"]) == 3


def test_rows_that_new_lacks_stay_unless_they_are_dropped(files, tmp_path):
    files(ROWS)
    before = (tmp_path / "base.json").read_bytes()
    code, out, err = files(ROWS[1:])
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert signature_id(FIRST.signature) in err
    assert (tmp_path / "base.json").read_bytes() == before
    assert files(ROWS[1:], "--drop-missing")[0] == 0
    assert said(tmp_path)["history"][0]["rows"][0]["new"] is None
    assert list(read_table(tmp_path / "base.json")) == [row.signature for row in ROWS[1:]]


def test_a_row_measured_otherwise_takes_the_place_of_the_old_one(files, tmp_path):
    files(ROWS)
    other = replace(DENSE, signature=line("dense@384", weights="new"))
    assert files([LAST, other, FIRST])[0] == 0
    (row,) = said(tmp_path)["history"][0]["rows"]
    assert (row["id"], row["was"]) == (signature_id(other.signature), signature_id(DENSE.signature))
    assert list(read_table(tmp_path / "base.json")) == [FIRST.signature, other.signature, LAST.signature]


@pytest.mark.parametrize(
    ("rows", "more"),
    [
        (ROWS, {"why": None}),
        (ROWS, {"why": " \n"}),
        (ROWS, {"kind": "csv"}),
        (ROWS, {"base": "."}),
        ([replace(DENSE, ties1=50)], {}),
    ],
)
def test_what_makes_no_baseline_is_one_line(files, tmp_path, rows, more):
    code, out, err = files(rows, **more)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("bench.gate: error: ")
    assert not (tmp_path / "base.json").exists()


def test_a_csv_baseline_is_refused_and_stays(files, tmp_path):
    write(ROWS, tmp_path / "old")
    csv = tmp_path / "old/results.csv"
    before = csv.read_bytes()
    code, _, err = files([DENSE], base="old/results.csv")
    assert (code, err.count("\n"), csv.read_bytes()) == (2, 1, before)
    assert "is CSV, which has no room for a history" in err


@pytest.mark.parametrize("more", [["--json"], ["--alpha", "0.1"], ["--tolerance", "0"], ["--summary", "x"]])
def test_options_of_judging_are_refused(files, more):
    code, _, err = files(ROWS, *more)
    assert (code, err.count("\n")) == (2, 1)
    assert more[0] in err


def test_options_of_updating_are_refused_without_it(gate):
    assert gate(ROWS, ROWS, "--why", "x")[0] == 2
    assert gate(ROWS, ROWS, "--drop-missing")[0] == 2


def test_a_failed_writing_leaves_the_old_baseline(files, tmp_path, monkeypatch):
    files(ROWS)
    before = (tmp_path / "base.json").read_bytes()

    def full(path, text):
        write_text_atomically(path.with_suffix(".half"), text[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bench.gate.update.write_named_text", full)
    code, _, err = files([FIRST, replace(DENSE, wrong1=40), LAST])
    assert (code, err.count("\n")) == (2, 1)
    assert (tmp_path / "base.json").read_bytes() == before


@pytest.mark.parametrize("why", ["]]> ::error:: | ##[x]", "\udcff", "naïve ☃", "\x1b[31m"])
def test_any_reason_reads_back(files, tmp_path, why):
    assert files(ROWS, why=why)[0] == 0
    assert len(read_table(tmp_path / "base.json")) == 3
    assert files([FIRST, replace(DENSE, wrong1=40), LAST], why=why)[0] == 0


def posteriors_beside(tmp_path, base):
    return sorted(path.stem for path in (base.parent / SAVED).glob("*"))


def test_posteriors_go_with_the_counts_that_they_give(tmp_path, capsys):
    old, new = measured(tmp_path / "old", BEFORE), measured(tmp_path / "new", AFTER)
    base = tmp_path / "base" / "shapes.json"
    assert main([str(base), str(old), "--update", "--why", "first", "--save-posteriors"]) == 0
    (name,) = posteriors_beside(tmp_path, base)
    assert main([str(base), str(new), "--update", "--why", "second"]) == 0
    assert posteriors_beside(tmp_path, base) == [name]
    saved = (base.parent / SAVED / f"{name}.npz").read_bytes()
    assert saved == (tmp_path / "new" / SAVED / f"{name}.npz").read_bytes()
    capsys.readouterr()
    assert main([str(base), str(new), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"][0]["top1"]["p_is"] == "exact"


def test_posteriors_of_other_counts_do_not_stay(tmp_path, capsys):
    base, new = measured(tmp_path / "old", BEFORE), measured(tmp_path / "new", AFTER)
    (row,) = read_table(new).values()
    saved_posteriors(new, row).unlink()
    assert main([str(base), str(new), "--update", "--why", "they are lost"]) == 0
    assert posteriors_beside(tmp_path, base) == []
    assert "no posteriors of" in capsys.readouterr().err


def test_without_any_beside_the_baseline_none_are_written(tmp_path):
    new = measured(tmp_path / "new", AFTER)
    base = tmp_path / "base" / "shapes.json"
    assert main([str(base), str(new), "--update", "--why", "first"]) == 0
    assert [path.name for path in base.parent.iterdir()] == ["shapes.json"]


def test_a_baseline_in_the_run_s_own_folder_leaves_the_run_s_posteriors(tmp_path):
    new = measured(tmp_path / "new", AFTER)
    base = new.parent / "base.json"
    write([result(n=200, wrong1=44, wrong5=4)], tmp_path / "old")
    base.write_bytes((tmp_path / "old/results.json").read_bytes())
    assert main([str(base), str(new), "--update", "--why", "beside"]) == 0
    assert len(posteriors_beside(tmp_path, base)) == 1


def test_posteriors_may_come_later_and_lie_as_they_are_then(tmp_path, capsys):
    new, base = measured(tmp_path / "new", AFTER), tmp_path / "base" / "shapes.json"
    words = [str(base), str(new), "--update", "--why", "later"]
    main(words)
    before = base.read_bytes()
    capsys.readouterr()
    assert main([*words, "--save-posteriors"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("nothing changed: ")
    assert out.endswith("posteriors that lay not yet beside it: 1\n")
    (saved,) = (base.parent / SAVED).iterdir()
    written = saved.stat().st_mtime_ns
    assert main(words) == 0
    assert (base.read_bytes(), saved.stat().st_mtime_ns) == (before, written)
    saved.unlink()
    assert main(words) == 0  # the folder alone says that they are wanted
    assert saved.exists()


def test_timings_have_no_history(tmp_path, capsys):
    timings = tmp_path / "benchmark.json"
    timings.write_text(json.dumps({"benchmarks": [{"fullname": "a", "stats": statistics_of([0.1])}]}))
    assert main([str(tmp_path / "base.json"), str(timings), "--update", "--why", "faster"]) == 2
    assert f"holds timings, which have no history; copy it to '{tmp_path}/base.json'\n" in capsys.readouterr().err


def test_an_update_that_was_stopped_does_not_say_that_nothing_was_written(tmp_path, capsys, monkeypatch):
    new, base = measured(tmp_path / "new", AFTER), tmp_path / "base.json"
    words = [str(base), str(new), "--update", "--why", "first", "--save-posteriors"]
    with monkeypatch.context() as stopped:
        stopped.setattr("bench.gate.update._save", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        assert main(words) == 130
    assert base.exists()
    assert capsys.readouterr().err == (
        "bench.gate: stopped; what is finished is kept, the same command goes on from there\n"
    )
    assert main(words) == 0
    assert len(list((base.parent / SAVED).iterdir())) == 1
