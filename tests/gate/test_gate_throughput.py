"""Which speeds the gate compares, and when a row is slower."""

from dataclasses import replace

import pytest
from gate_rows import DENSE, FIRST, HERE, KINDS, LAST, ROWS, line, summary, table, whats

SLOW = [replace(row, seconds=30.0) for row in ROWS]  # two thirds of the speed


@pytest.mark.parametrize(("share", "code"), [("0.8", 1), ("0.67", 1), ("0.66", 0), (None, 0)])
def test_a_row_below_its_share_of_the_speed_is_slower(gate, share, code):
    more = ["--throughput", share] if share else []
    found, out, _ = gate(ROWS, [FIRST, SLOW[1], LAST], *more)
    assert found == code
    assert [row[1:] for row in table(out)] == [["slower", "10 images/s", "6.67 images/s", "x0.667"]] * code


def test_the_same_speed_is_not_slower(gate):
    assert gate(ROWS, ROWS, "--throughput", "1")[0] == 0


def test_a_row_can_be_better_and_slower(gate):
    code, out, _ = gate(ROWS, [FIRST, replace(SLOW[1], wrong1=43), LAST], "--throughput", "0.8")
    assert (code, whats(out)) == (1, ["better", "slower"])
    assert summary(out) == "2 rows equal, 1 better, 1 slower; failed"


@pytest.mark.parametrize("name", ["device", "machine"])
def test_speeds_on_other_devices_are_not_compared(gate, name):
    new = [SLOW[0], *(replace(row, provenance={**HERE, name: "other"}) for row in SLOW[1:])]
    code, out, _ = gate(ROWS, new, "--throughput", "0.8")
    assert (code, whats(out)) == (1, ["slower"])
    assert summary(out) == "2 rows equal, 1 slower, 2 not compared: other device; failed"
    assert gate(ROWS, new[1:] + ROWS[:1], "--throughput", "0.8")[0] == 0


def test_speeds_of_other_signatures_are_not_spoken_of(gate):
    new = replace(DENSE, signature=line("dense@384", dtype="bf16"), provenance={**HERE, "device": "other"})
    _, out, _ = gate([DENSE], [new], "--throughput", "0.8")
    assert summary(out) == "0 rows equal, 1 signature differs; failed"


def test_speeds_on_unknown_devices_are_not_compared(gate):
    bare = [[replace(row, provenance={}) for row in rows] for rows in (ROWS, SLOW)]
    code, out, _ = gate(*bare, "--throughput", "0.8")
    assert (code, summary(out)) == (0, "3 rows equal, 3 not compared: unknown device; passed")


@pytest.mark.parametrize("seconds", [(0.0, 20.0), (20.0, 0.0)])
@pytest.mark.parametrize("kinds", KINDS)
def test_speeds_that_are_unknown_are_not_compared(gate, seconds, kinds):
    old, new = ([replace(DENSE, seconds=each)] for each in seconds)
    code, out, _ = gate(old, new, "--throughput", "0.8", kinds=kinds)
    assert (code, summary(out)) == (0, "1 row equal, 1 not compared: no speed; passed")
