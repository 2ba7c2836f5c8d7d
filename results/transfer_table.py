"""A transfer's rows as Markdown and CSV: as the paper's tables, and each class's precision as VOC's."""

from collections.abc import Sequence

import pandas as pd

from results.formatting import escaped, interval, number
from results.table import Record, markdown_of, signature_lines, warning_lines
from results.terminal_table import wrapped
from results.transfer_result import MEASURES, TransferResult

TEXTS = ("model", "configuration", "weights", "S", "Q", "over", "data", "trained on", "tested on", "C", "class")
MOST_CLASSES = 40  # of which a table has room for each


def transfer_markdown(results: Sequence[TransferResult], header: Sequence[str] = ()) -> str:
    """The whole table: header lines, a row per result, each class's average precision, and the signatures."""
    records = [result.record() for result in results]
    lines = [*header, ""] if header else []
    below = [*class_lines(results), *warning_lines(records), *signature_lines(records)]
    return "\n".join([*lines, markdown_of(list(map(_wide, records)), TEXTS), "", *below])


def terminal_transfer(results: Sequence[TransferResult]) -> str:
    """What a terminal has room for: what all rows have in common stands above, once."""
    records = [result.record() for result in results]
    facts, cells = list(map(_facts, records)), list(map(_narrow, records))
    if all(record["paper"] is None for record in records):
        cells = [{name: cell for name, cell in row.items() if name != "paper"} for row in cells]
    shared = {name: said for name, said in facts[0].items() if len({each[name] for each in facts}) == 1}
    rows = [
        {**{name: said for name, said in own.items() if name not in shared}, **row}
        for own, row in zip(facts, cells, strict=True)
    ]
    said = "; ".join(f"{name} {text}" for name, text in shared.items() if text)
    assumed = ", ".join(dict.fromkeys(record["assumed"] for record in records if record["assumed"]))
    above = [f"**assumed**, since nobody stated it: {assumed}"] * bool(assumed) + [said] * bool(said)
    lines = [part for line in above for part in wrapped(line)]
    return "\n".join([*lines, "- in %, with 95 % intervals", "", markdown_of(rows, TEXTS), "", *warning_lines(records)])


def _facts(record: Record) -> dict[str, str]:
    """What rows often have in common."""
    return {
        "model": escaped(record["model"]),
        "weights": escaped(record["weights"]),
        "S": "" if record["S"] == "–" else record["S"],
        "data": _data(record),
        "trained on": record["trained"],
        "tested on": record["tested"],
        "splits": str(record["splits"]) if record["splits"] > 1 else "",
        "training images": _training(record),
        "test images": _count(record["test"]),
    }


def _narrow(record: Record) -> dict[str, str]:
    return {
        "Q": record["Q"],
        "over": record["over"] or "–",
        "C": _constants(record),
        **_measures(record, ".1f"),
        "paper": paper_cell(record),
        "signature": record["signature_id"],
    }


def compared_cells(record: Record, measure: str) -> dict[str, str]:
    """What tells rows of the same test images apart, and their measure."""
    return {
        "model": escaped(record["model"]),
        "Q": record["Q"],
        "over": record["over"] or "–",
        "training images": _training(record),
        f"{MEASURES[measure]} % [95 %]": measure_cell(record, measure),
    }


def _wide(record: Record) -> dict[str, str]:
    """The row of `transfer.md`."""
    return {
        "model": escaped(record["model"]),
        "configuration": escaped(record["configuration"]),
        "weights": escaped(record["weights"]),
        "S": record["S"],
        "assumed": record["assumed"],
        "Q": record["Q"],
        "over": record["over"] or "–",
        "dimension": str(record["dimension"]),
        "data": _data(record),
        "trained on": record["trained"],
        "tested on": record["tested"],
        "splits": str(record["splits"]),
        "training images": _training(record),
        "test images": _count(record["test"])
        + (f" ({record['skipped']} corrupt left out)" if record["skipped"] else ""),
        "C": _constants(record),
        **_measures(record, ".2f"),
        "paper": paper_cell(record),
        "seconds": f"{record['seconds']:.3g}",
        "signature": f"`{record['signature_id']}`",
    }


def measure_cell(record: Record, name: str, form: str = ".2f") -> str:
    """A measure with its interval, and over several splits with its deviation."""
    low, high = record[f"{name}_low"], record[f"{name}_high"]
    found = number(record[name], form) if low is None else interval(record[name], low, high, form)
    deviation = record[f"{name}_deviation"]
    middle, bracket, ends = found.partition(" [")
    return middle + ("" if deviation is None else f" ± {deviation:{form}}") + bracket + ends


def paper_cell(record: Record) -> str:
    """The paper's figure where the row is its row, else a dash."""
    deviation = record["paper_deviation"]
    return number(record["paper"], ".1f") + ("" if deviation is None else f" ± {deviation:.1f}")


def class_lines(results: Sequence[TransferResult]) -> list[str]:
    """Of sets with several labels an image: each class's average precision in %, a column per row, in Markdown."""
    lines: list[str] = []
    for name in ("mAP11", "mAP"):
        rows = [result for result in results if name in result.measures and len(result.classes) <= MOST_CLASSES]
        if rows:
            cells = [
                {"class": escaped(label), **{f"`{row.id}`": _share(row, name, index) for row in rows}}
                for index, label in enumerate(rows[0].classes)
            ]
            lines += [f"Average precision in %, by {MEASURES[name].removeprefix('mAP, ')}:", ""]
            lines += [markdown_of(cells, TEXTS), ""]
    return lines


def transfer_csv(results: Sequence[TransferResult]) -> str:
    """A line per row; what there is of each split stands in one cell, and classes are left to the JSON."""
    return pd.DataFrame([flat_transfer(result) for result in results], dtype=object).to_csv(index=False)


def flat_transfer(result: TransferResult) -> Record:
    """What fits into the cells of a row."""
    record = {name: value for name, value in result.record().items() if name not in ("classes", "by_class")}
    return {name: "; ".join(map(str, value)) if isinstance(value, list) else value for name, value in record.items()}


def _share(result: TransferResult, name: str, index: int) -> str:
    share = result.measures[name].by_class[index]
    return "–" if share is None or share != share else f"{100 * share:.1f}"


def _measures(record: Record, form: str) -> dict[str, str]:
    return {
        f"{head} % [95 %]": measure_cell(record, name, form)
        for name, head in MEASURES.items()
        if record[name] is not None
    }


def _data(record: Record) -> str:
    return escaped(record["data"] + (f", {record['region']}" if record["region"] else ""))


def _training(record: Record) -> str:
    drawn = record["per_class"]
    return _count(record["training"]) + ("" if drawn is None else f" ({drawn} a class)")


def _count(counts: list[int]) -> str:
    """Of each split; once where all are alike."""
    return "/".join(map(str, dict.fromkeys(counts)))


def _constants(record: Record) -> str:
    return "/".join(f"{C:g}" for C in (dict.fromkeys(record["C"])))
