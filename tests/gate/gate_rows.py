"""Rows to compare, and what a printed comparison says, for the tests of the gate."""

import re

from results.result import Result, signature

HERE = {"machine": "Linux x86_64, 2 cores", "device": "AMD EPYC, 1 threads", "python": "3.11.7", "torch": "2.15.0"}


def line(protocol, **more):
    return signature({"model": "vgg16", "weights": "29dd14eec833", "protocol": protocol, "dtype": "fp32", **more})


def result(protocol="dense@384", **given):
    fields = {
        "model": "vgg16",
        "configuration": "D",
        "weights": "local",
        "S": "[256;512]",
        "Q": "384",
        "protocol": protocol,
        "data": "shapes/val",
        "n": 200,
        "skipped": 0,
        "wrong1": 44,
        "wrong5": 4,
        "views": 2,
        "seconds": 20.0,
        "nets": (f"D/[256;512] {protocol}",),
        "signature": line(protocol),
        "provenance": HERE,
    }
    return Result(**{**fields, **given})


ROWS = [result("centre@256"), result("dense@384"), result("multicrop@256/384/512", wrong5=None)]
FIRST, DENSE, LAST = ROWS
KINDS = [("json", "json"), ("csv", "csv"), ("json", "csv"), ("csv", "json")]


def table(out):
    """The rows below the header, as lists of cells."""
    lines = [text for text in out.splitlines() if text.startswith("|")]
    rows = [[cell.strip() for cell in re.findall(r"\|((?:\\.|[^|\\])+)(?=\|)", text)] for text in lines]
    assert all(len(row) == 5 for row in rows)
    assert not rows or rows[0] == ["row (model, S, protocol)", "what", "baseline", "new", "change"]
    return rows[2:]


def whats(out):
    return [row[1] for row in table(out)]


def summary(out):
    (found,) = re.findall(r"^gate: (.*)$", out, re.MULTILINE)
    return found
