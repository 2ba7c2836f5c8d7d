"""Whether two rows are of the same images under the same labels; else in what they differ."""

from collections.abc import Sequence

import numpy as np

from results.compared_row import ComparedRow
from results.errors import ResultError
from results.formatting import shown

NAMED = 3  # images that a refusal names
OTHERWISE = "not of the same images"
ONE_SET = "evaluate both on one set, with the same --limit"


def check_same_images(first: ComparedRow, second: ComparedRow) -> list[str]:
    """Sentences about what else the comparison rests on.

    The same images have the same ids, the same labels by name, and the digest of ids, labels and contents that both
    signatures have. Digests are over labels as numbers and over images in order; where either differs they cannot be
    compared, which is one of the sentences. Raises ResultError, which says what differs.
    """
    _check_sources_of_labels(first, second)
    _check_ids(first, second)
    if "labels" not in first.words:
        _check_labels(first, second)
    return [*_contents(first, second), *_beside(first, second)]


def _contents(first: ComparedRow, second: ComparedRow) -> list[str]:
    """What is to be said of the files, where ids and labels agree."""
    one, other = (row.words.get("data", "–") for row in (first, second))
    if one == other:
        return []
    if not np.array_equal(first.ids, second.ids):
        why = "have the images in another order"
    elif list(first.classes) != list(second.classes) and not np.array_equal(*_labels(first, second)):
        why = "number their classes differently"
    else:
        raise _refusal(
            first, second, f"ids and labels agree, but other contents: data={shown(one)} and data={shown(other)}"
        )
    return [f"Ids and labels agree; whether the files do is not known, since the rows {why}"]


def _beside(first: ComparedRow, second: ComparedRow) -> list[str]:
    """What both have and may have otherwise."""
    notes = []
    if first.row.signature == second.row.signature:
        same = first.row.counts == second.row.counts
        but = "" if same else ", and came to other counts: machines, versions or files differ"
        notes.append(f"Both rows have one signature: they measured the same thing{but}")
    competing = [(row.words.get("classes", "–"), len(row.classes)) for row in (first, second)]
    other_names = _unnamed(first) == _unnamed(second) and set(first.classes) != set(second.classes)
    if competing[0] != competing[1] or other_names:
        said = [f"{shown(which)} of {count}" for which, count in competing]
        notes.append(f"Other classes compete: {said[0]} in {first.called}, {said[1]} in {second.called}")
    if first.has_top5 != second.has_top5:
        without = second if first.has_top5 else first
        notes.append(f"No top-5 difference: {without.called} has no top-5 error")
    if "labels" in first.words:
        notes.append(f"Several classes are right for an image: by class it stands where {first.called} has it")
    return notes


def _check_sources_of_labels(first: ComparedRow, second: ComparedRow) -> None:
    """ReaL's or the set's own."""
    one, other = (f"labels={row.words['labels']}" if "labels" in row.words else "own labels" for row in (first, second))
    if one != other:
        raise ResultError(
            f"{first.called} and {second.called} are not counted by the same labels: {shown(one)} and {shown(other)}; "
            "give both evaluations the same --labels, or none"
        )


def _check_ids(first: ComparedRow, second: ComparedRow) -> None:
    if np.array_equal(first.ids, second.ids):
        return
    only_first, only_second = _missing(first, second), _missing(second, first)
    if not only_first and not only_second:
        return
    told = [
        f"{len(ids)} only in {row.called} ({_named(ids)})"
        for row, ids in ((first, only_first), (second, only_second))
        if ids
    ]
    skipped = [f"{row.called} left out {row.words['skipped']} as corrupt" for row in (first, second) if _skipped(row)]
    raise _refusal(first, second, "; ".join([*told, *skipped]))


def _check_labels(first: ComparedRow, second: ComparedRow) -> None:
    """By name, since nets may number classes differently; as numbers where only one of them has names."""
    labels = _labels(first, second)
    if _unnamed(first) == _unnamed(second):
        names = (np.array(row.classes, dtype=object) for row in (first, second))
        one, other = (known[each] for known, each in zip(names, labels, strict=True))
    else:
        one, other = labels
    differ = np.flatnonzero(one != other)
    if len(differ):
        at = differ[0]
        said = f"labels of {len(differ)} images differ, first of {first.ids[at]}: {one[at]} and {other[at]}"
        raise _refusal(first, second, shown(said))


def _labels(first: ComparedRow, second: ComparedRow) -> tuple[np.ndarray, np.ndarray]:
    """As numbers, in the order of the first's images."""
    return first.images["label"].to_numpy(), second.in_order_of(first.ids)["label"].to_numpy()


def _unnamed(row: ComparedRow) -> bool:
    """Whether its classes are known by their numbers alone."""
    return list(row.classes) == [str(index) for index in range(len(row.classes))]


def _missing(row: ComparedRow, other: ComparedRow) -> list[str]:
    """Ids that only the first has, in its order."""
    there = set(other.ids)
    return [name for name in row.ids if name not in there]


def _skipped(row: ComparedRow) -> bool:
    return row.words.get("skipped", "0") != "0"


def _named(ids: Sequence[str]) -> str:
    more = ", ..." if len(ids) > NAMED else ""
    return ", ".join(shown(name) for name in ids[:NAMED]) + more


def _refusal(first: ComparedRow, second: ComparedRow, what: str) -> ResultError:
    (one, n), (other, m) = ((row.called, len(row.images)) for row in (first, second))
    return ResultError(f"{one} ({n} images) and {other} ({m}) are {OTHERWISE}: {what}; {ONE_SET}")
