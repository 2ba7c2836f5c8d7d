"""Folders as bench.transfer writes them, of classifiers that are made up: random scores, measures counted from them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from results.average_precision import by_class, mean_over_classes
from results.class_recall import mean_and_deviation, recall_by_class
from results.published_transfer import Drawn
from results.transfer_files import write_transfer
from results.transfer_result import Measure, TransferResult
from results.transfer_scores import SplitScores

RULE_OF = {"mAP11": "11 points", "mAP": "area"}
Q = "256/384/512/640/768"
Made = tuple[TransferResult, Sequence[SplitScores]]


def voc(names: Sequence[str], n: int = 120, seed: int = 0, **more: Any) -> Made:
    """Several labels an image, some of them difficult; the last class has no image if `without` is given."""
    random = np.random.default_rng(seed)
    present = random.random((n, len(names))) < 0.2
    present[:, -1] &= not more.pop("without", False)
    difficult = ~present & (random.random(present.shape) < 0.1)
    values = (random.normal(size=present.shape) + more.pop("sure", 1.5) * present).astype(np.float32)
    scores = SplitScores(_ids(n, more.pop("letters", "image")), values, present, difficult)
    measures = {}
    for name, rule in RULE_OF.items():
        found = by_class(present, difficult, values, rule)
        measures[name] = _measure(float(mean_over_classes(found)[0]), found[:, 0])
    return _result(names, measures, [scores], data="voc2007-cls", trained="train+val", tested="test", **more), [scores]


def caltech(names: Sequence[str], per_class: int, splits: int = 3, seed: int = 0, **more: Any) -> Made:
    """One label an image, drawn `splits` times."""
    sure = more.pop("sure", 1.5 + 0.5 * np.log2(per_class))
    scores, recalls = [], []
    for split in range(splits):
        random = np.random.default_rng([seed, split])
        labels = np.repeat(np.arange(len(names)), 12 + np.arange(len(names)) % 5)
        present = np.eye(len(names), dtype=bool)[labels]
        values = (random.normal(size=present.shape) + sure * present).astype(np.float32)
        scores.append(SplitScores(_ids(len(labels), f"split{split}"), values, present, np.zeros_like(present)))
        recalls.append(recall_by_class(labels, values.argmax(axis=1), len(names))[:, 0])
    mean, deviation = mean_and_deviation(np.array([each.mean() for each in recalls]))
    measures = {"recall": _measure(mean, np.mean(recalls, axis=0), deviation if splits > 1 else None)}
    drawn = Drawn(per_class, 50)
    more = {"data": "caltech101", "trained": "drawn", "tested": "drawn", "over": "stack", **more}
    return _result(names, measures, scores, drawn=drawn, **more), scores


def written(folder: Path, made: Sequence[Made]) -> Path:
    """The folder, with its tables and scores."""
    write_transfer(folder, *zip(*made, strict=True))
    return folder


def _ids(n: int, letters: str) -> tuple[str, ...]:
    return tuple(f"{letters}{index}" for index in range(n))


def _measure(value: float, shares: np.ndarray, deviation: float | None = None) -> Measure:
    by_class = tuple(None if np.isnan(share) else float(share) for share in shares)
    return Measure(value, max(0, value - 0.02), min(1, value + 0.02), deviation, by_class)


def _result(
    names: Sequence[str], measures: dict[str, Measure], scores: Sequence[SplitScores], **more: Any
) -> TransferResult:
    """The row of the paper's net D, but for what is said of it otherwise."""
    values = {
        "model": "vgg16",
        "configuration": "D",
        "weights": "made",
        "S": "[256;512]",
        "nets": ("D/[256;512]",),
        "Q": Q,
        "over": "mean",
        "dimension": 4096,
        "training": (5011,) * len(scores),
        "C": (1.0,) * len(scores),
        "provenance": {"machine": "<i>a machine", "scikit-learn": "1.5"},
        **more,
    }
    said = "".join(
        f" {name}={values[name]}" for name in ("model", "weights", "Q", "over", "data", "drawn") if name in values
    )
    tests = tuple(len(each.ids) for each in scores)
    return TransferResult(
        classes=tuple(names), test=tests, measures=measures, signature=said.strip().replace(", ", ","), **values
    )
