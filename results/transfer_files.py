"""A transfer's rows as files of a run's folder: `transfer.csv`, `.json`, `.md` and the scores of each, and back."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from results.atomic_files import write_text_atomically
from results.average_precision import mean_over_classes
from results.errors import ResultError
from results.measured_classes import measured_by_class
from results.published_transfer import Drawn
from results.result import ASSUMED
from results.transfer_result import MEASURES, RULE_OF, Measure, TransferResult
from results.transfer_scores import AGAIN, SplitScores, read_scores, write_scores
from results.transfer_table import transfer_csv, transfer_markdown
from results.written_tables import content_of

NAME = "transfer.json"
SCORES = "scores"  # the folder of the `.npz`
NEAR = 1e-5  # of a measure: tables round it


def write_transfer(
    folder: Path,
    results: Sequence[TransferResult],
    scores: Sequence[Sequence[SplitScores]],
    header: Sequence[str] = (),
) -> list[TransferResult]:
    """Write what a run says and its scores; the results come back with the paths of these. Raises OSError."""
    (folder / SCORES).mkdir(parents=True, exist_ok=True)
    placed = []
    for result, splits in zip(results, scores, strict=True):
        path = Path(SCORES) / f"{result.id}.npz"
        write_scores(folder / path, splits)
        placed.append(replace(result, scores=path.as_posix()))
    write_text_atomically(folder / "transfer.csv", transfer_csv(placed))
    records = [result.record() for result in placed]
    write_text_atomically(folder / NAME, json.dumps(records, indent=1, allow_nan=False) + "\n")
    write_text_atomically(folder / "transfer.md", transfer_markdown(placed, header))
    return placed


def read_transfer(folder: Path) -> list[TransferResult]:
    """The rows of a run's folder; shares are those that were written, rounded. Raises ResultError."""
    path = folder / NAME
    try:
        records = json.loads(content_of(path))
        found = [_result(record) for record in records]
    except OSError as error:
        raise ResultError(f"'{path}': {error.strerror}; give a folder that bench.transfer wrote") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ResultError(f"'{path}' is damaged; {AGAIN}") from None
    if not found:
        raise ResultError(f"'{path}' holds no rows; {AGAIN}")
    return found


def is_transfer(place: Path) -> bool:
    """Whether bench.transfer wrote into a folder, or a file is its table."""
    return place.name == NAME or os.path.isfile(place / NAME)  # False for names that no file can have


def scores_of(folder: Path, result: TransferResult) -> list[SplitScores]:
    """What was said of each split's test images of a row that was read from a run's folder.

    Raises ResultError, also where the row's measures do not come out.
    """
    if result.scores is None:
        raise ResultError(f"'{folder}': the scores of row {result.id} were not written; {AGAIN}")
    splits = read_scores(folder / result.scores)
    if [each.values.shape for each in splits] != [(n, len(result.classes)) for n in result.test]:
        raise ResultError(f"'{folder / result.scores}' is of another run than the table; {AGAIN}")
    for name, told in result.measures.items():
        shares = [measured_by_class(each.present, each.difficult, each.values, RULE_OF.get(name)) for each in splits]
        found = float(np.mean([mean_over_classes(each) for each in shares]))
        if not abs(found - told.value) < NEAR:
            raise ResultError(
                f"'{folder / result.scores}' gives {MEASURES[name]} {100 * found:.2f} %, but the table says "
                f"{100 * told.value:.2f} %: one of them was altered; {AGAIN}"
            )
    return splits


def _result(record: Mapping[str, Any]) -> TransferResult:
    """A row from its record. Raises ValueError and its like."""
    classes, C = tuple(map(str, record["classes"])), tuple(map(float, record["C"]))
    training, test = (tuple(map(int, record[name])) for name in ("training", "test"))
    if not classes or not test or not len(training) == len(test) == len(C):
        raise ValueError("its splits do not belong together")
    measures = {name: _measure(record, name, len(classes)) for name in MEASURES if record[name] is not None}
    measures = {record["measure"]: measures[record["measure"]], **measures}  # the set's own first
    texts = ("model", "configuration", "weights", "S", "Q", "over", "data", "trained", "tested", "region", "signature")
    return TransferResult(
        **{name: _text(record[name]) for name in texts},
        nets=tuple(map(_text, record["nets"])),
        dimension=int(record["dimension"]),
        classes=classes,
        training=training,
        test=test,
        C=C,
        measures=measures,
        drawn=None
        if record["per_class"] is None
        else Drawn(int(record["per_class"]), _whole(record["test_per_class"])),
        whole=record["whole"] is True,
        chosen=record["chosen"] is True,
        exif=record["exif"] is not False,
        dtype=_text(record["dtype"]),
        skipped=int(record["skipped"]),
        seconds=float(record["seconds"]),
        net_seconds=float(record["net_seconds"]),
        assumed=frozenset(each for each in _text(record["assumed"]).split(", ") if each in ASSUMED),
        doubts=tuple(map(_text, record["warnings"])),
        provenance={name: value for name, value in record.items() if name not in _OWN},
        scores=None if record["scores"] is None else _below(_text(record["scores"])),
    )


def _measure(record: Mapping[str, Any], name: str, classes: int) -> Measure:
    value = _share(record[name])
    low, high, deviation = (_share_if_any(record[f"{name}_{end}"]) for end in ("low", "high", "deviation"))
    by_class = tuple(map(_share_if_any, record["by_class"][name]))
    if len(by_class) != classes or (low is None) != (high is None):
        raise ValueError("not a share for each class, or half an interval")
    return Measure(value, low, high, deviation, by_class)


def _share_if_any(percent: Any) -> float | None:
    return None if percent is None else _share(percent)


def _share(percent: Any) -> float:
    if type(percent) not in (int, float) or not 0 <= percent <= 100:
        raise ValueError(f"{percent!r} is not a share in %")
    return percent / 100


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _below(path: str) -> str:
    """A file of the run's own folder of scores. Raises ValueError for any other."""
    if Path(path).parts[:-1] != (SCORES,):
        raise ValueError("scores elsewhere")
    return path


_OWN = frozenset(
    TransferResult("", "", "", "", (), "", "", 0, "", ("",), "", "", (0,), (0,), (0.0,), {"": Measure(0)}, "").record()
)  # what a record says of the row itself; the rest is provenance
