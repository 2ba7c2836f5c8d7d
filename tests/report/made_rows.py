"""Rows of a report made of random posteriors, without nets."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from bench.report.rows import ReportRow, shown_names
from bench.stored.run import StoredRun
from results.inspection import inspect
from results.metrics import ranks
from results.posteriors import Posteriors
from results.written_tables import Counts, WrittenRow

BLOCK = 2048
STRANGE = (
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "<a href='http://nowhere.invalid'>link</a>",
    "<img src=x onerror=alert(3)>",
    "%{x} {{ values }} $\\alpha$",
    "<b>&amp;</b><br>",
    "\u202eright to left",
    "שלום",
    "twin",
    "twin",
    "",
    "long " * 60,
)


def made_row(
    number: int,
    names: Sequence[str],
    n: int,
    seed: int = 0,
    sharpness: float = 6.0,
    competing: Sequence[int] | None = None,
    model: str = "net",
) -> ReportRow:
    """A row of n images, their classes in turn, that takes most for the right class or one that follows it."""
    blocks = list(_blocks(len(names), n, seed, sharpness))
    scored = None if competing is None else np.array(competing)
    above = np.concatenate([ranks(block, scored) for block in blocks])
    top5 = int((above > 4).sum()) if len(names if competing is None else competing) > 5 else None
    texts = {"model": model or "–", "S": "256", "protocol": f"centre@{number}", "data": "noise"}
    row = WrittenRow(f"model=net seed={seed} number={number}", Counts(n, int((above > 0).sum()), top5), 1.0, texts)
    return ReportRow(number, StoredRun(Path("run"), (row,)), inspect(row, blocks, shown_names(names), competing))


def _blocks(classes: int, n: int, seed: int, sharpness: float) -> Iterator[Posteriors]:
    random = np.random.default_rng(seed)
    for start in range(0, n, BLOCK):
        labels = np.arange(start, min(n, start + BLOCK)) % classes
        likely = (labels + random.geometric(0.8, len(labels)) - 1) % classes
        scores = random.normal(size=(len(labels), classes)).astype(np.float32)
        scores[np.arange(len(labels)), labels] += sharpness / 2
        scores[np.arange(len(labels)), likely] += sharpness / 2
        probs = np.exp(scores)
        probs /= probs.sum(1, keepdims=True)
        ids = np.array([f"{index}.jpg" for index in range(start, start + len(labels))])
        yield Posteriors(probs, labels, ids)
