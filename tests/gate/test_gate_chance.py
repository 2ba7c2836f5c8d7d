"""Drops that may be chance: by the images where both rows' posteriors are at hand, else by counts."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from gate_rows import DENSE, FIRST, LAST, ROWS, result, summary, table, whats

from bench.gate.__main__ import main
from bench.gate.pairing import SAVED, pairing_of
from results.errors import ResultError
from results.gate import NOT_SAVED, Rules, compare_tables
from results.metrics import mcnemar
from results.posteriors import Posteriors
from results.result import signature_id
from results.table import write

CLASSES = 10


def posteriors(ranks, ids=None):
    """Of images whose own class, 0, has so many others above it."""
    order = (np.arange(CLASSES) + np.asarray(ranks)[:, None]) % CLASSES
    probs = (2.0 ** -np.arange(CLASSES))[order]
    ids = [f"{k}.png" for k in range(len(ranks))] if ids is None else ids
    probs = (probs / probs.sum(1, keepdims=True)).astype(np.float32)
    return Posteriors(probs, np.zeros(len(ranks), np.int64), np.array(ids))


def measured(folder, ranks, ids=None, **given):
    """A table of one row whose counts are those of its saved posteriors."""
    ranks = np.asarray(ranks)
    row = result(n=len(ranks), wrong1=int((ranks >= 1).sum()), wrong5=int((ranks >= 5).sum()), **given)
    write([row], folder)
    (folder / SAVED).mkdir()
    posteriors(ranks, ids).save(folder / SAVED / f"{signature_id(row.signature)}.npz")
    return folder / "results.json"


def compared(old, new, **rules):
    (row,) = compare_tables(old, new, Rules(**rules), pairing_of(old, new)).rows
    return row


BEFORE = [6] * 4 + [1] * 40 + [0] * 156  # of 200: 44 wrong at top-1, 4 at top-5
AFTER = [6] * 6 + [1] * 48 + [0] * 146  # 10 more, none of them right before


def test_saved_posteriors_pair_the_images_by_id(tmp_path):
    old = measured(tmp_path / "old", BEFORE)
    names = [f"{k}.png" for k in range(200)]
    new = measured(tmp_path / "new", AFTER[::-1], names[::-1])
    row = compared(old, new)
    assert (row.top1.images, row.top5.images) == (10, 2)
    assert (row.top1.pairs.only_first, row.top1.pairs.only_second) == (10, 0)
    assert (row.top1.p, row.top5.p) == (mcnemar(10, 0), mcnemar(2, 0))
    assert (row.verdict, row.by_counts) == ("worse", "")


def test_equal_counts_of_other_images_are_equal_and_the_images_are_counted(tmp_path):
    old, new = measured(tmp_path / "old", BEFORE), measured(tmp_path / "new", BEFORE[::-1])
    row = compared(old, new)
    assert (row.verdict, row.top1.images, row.top1.p) == ("equal", 0, 1)
    assert (row.top1.pairs.only_first, row.top1.pairs.only_second) == (44, 44)
    assert str(row.top1) == "0 (44 changed each way)"


def test_a_drop_fails_only_where_it_is_no_chance(tmp_path):
    old, new = measured(tmp_path / "old", BEFORE), measured(tmp_path / "new", AFTER)
    p = mcnemar(10, 0)
    assert compared(old, new, alpha=p * 1.01).verdict == "worse"
    assert compared(old, new, alpha=p).verdict == "within chance"
    assert compared(old, new, alpha=p / 2).passed


def test_either_error_can_fail_a_row(tmp_path):
    fifth = [6] * 20 + [1] * 24 + [0] * 156  # as many wrong at top-1, 16 more at top-5
    old, new = measured(tmp_path / "old", BEFORE), measured(tmp_path / "new", fifth)
    row = compared(old, new, alpha=0.01)
    assert (row.top1.images, row.top5.images, row.verdict) == (0, 16, "worse")


def test_the_store_never_stands_for_the_baseline(tmp_path):
    """Whatever its origin says: a later run may have computed it anew."""
    old, new = measured(tmp_path / "old", BEFORE), measured(tmp_path / "new", AFTER)
    next((tmp_path / "old" / SAVED).iterdir()).unlink()
    (tmp_path / "old" / "origin.json").write_text((tmp_path / "new" / "results.json").read_text())
    assert compared(old, new).by_counts == NOT_SAVED


@pytest.mark.parametrize("side", ["old", "new"])
def test_posteriors_of_other_counts_are_said_and_counts_decide(tmp_path, side):
    old, new = measured(tmp_path / "old", BEFORE), measured(tmp_path / "new", AFTER)
    (saved,) = (tmp_path / side / SAVED).iterdir()
    posteriors([0] * 200).save(saved)
    row = compared(old, new)
    assert row.top1.pairs is None
    assert row.by_counts.startswith({"old": "BASELINE", "new": "NEW"}[side] + ": the posteriors give wrong1 0")


def test_posteriors_of_other_images_are_not_paired(tmp_path):
    old = measured(tmp_path / "old", BEFORE)
    new = measured(tmp_path / "new", AFTER, [f"other {k}" for k in range(200)])
    row = compared(old, new)
    assert row.top1.pairs is None
    assert "other images" in row.by_counts


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", b"\x00" * 100])
def test_damaged_posteriors_are_said(tmp_path, damage):
    old, new = measured(tmp_path / "old", BEFORE), measured(tmp_path / "new", AFTER)
    (saved,) = (tmp_path / "old" / SAVED).iterdir()
    saved.write_bytes(damage)
    assert "damaged" in compared(old, new).by_counts


def test_counts_alone_give_a_bound_that_says_so(gate):
    worse = [FIRST, replace(DENSE, wrong1=50), LAST]
    code, out, _ = gate(ROWS, worse, "--alpha", "0.01")
    assert (code, whats(out)) == (0, ["within chance"])
    (said,) = re.findall(r"wrong1 \+6 \(top-1: p <= (.*)\)", table(out)[0][-1].replace("\\", ""))
    assert mcnemar(44, 50) <= float(said) < mcnemar(44, 50) + 0.001
    assert f"Where p is a bound:\n\n- {NOT_SAVED}\n" in out.replace("\\", "") + "\n"
    assert summary(out) == "2 rows equal, 1 within chance; passed"


def test_a_drop_too_large_for_any_pairing_fails_by_counts(gate):
    code, out, _ = gate(ROWS, [FIRST, replace(DENSE, wrong1=100), LAST], "--alpha", "0.01")
    assert (code, whats(out)) == (1, ["worse"])


def test_missing_rows_fail_whatever_alpha_is(gate):
    assert gate(ROWS, ROWS[1:], "--alpha", "0.01")[0] == 1


@pytest.mark.parametrize("alpha", ["0", "1", "-0.1", "1.5", "nan"])
def test_an_alpha_that_is_no_probability_is_one_line(gate, alpha):
    code, out, err = gate(ROWS, ROWS, f"--alpha={alpha}")
    assert (code, out) == (2, "")
    assert err.startswith("bench.gate: error: alpha ")
    assert err.count("\n") == 1


def test_a_tolerance_and_an_alpha_exclude_each_other(gate):
    code, _, err = gate(ROWS, ROWS, "--tolerance", "0", "--alpha", "0.1")
    assert (code, err.count("\n")) == (2, 1)
    with pytest.raises(ResultError, match="give one of"):
        Rules(tolerance=1, alpha=0.1)


def points_of(pairs):
    return {f"difference{end}": 100 * rate for end, rate in zip(("", "_low", "_high"), pairs.difference, strict=True)}


def test_json_and_markdown_say_what_the_values_say(tmp_path, capsys):
    old, new = measured(tmp_path / "old", BEFORE), measured(tmp_path / "new", AFTER)
    row = compared(old, new)
    assert main([str(old), str(new), "--json", "--summary", str(tmp_path / "page.md")]) == 1
    (said,) = json.loads(capsys.readouterr().out)["rows"]
    assert said["top1"] == {
        "images": row.top1.images,
        "p": row.top1.p,
        "p_is": "exact",
        "only_new_wrong": 10,
        "only_baseline_wrong": 0,
        **{name: pytest.approx(points, abs=1e-4) for name, points in points_of(row.top1.pairs).items()},
    }
    assert f"+10 (p = {row.top1.p:.3g})" in (tmp_path / "page.md").read_text()
