"""Another net's results against a baseline, or in it: rows of the same work, whatever the weights."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from results.errors import ResultError
from results.gate import GateReport, Pairing, Rules, compare_rows
from results.gate_baseline import BaselineChange, change_of, file_of
from results.gate_pairs import measured, paired_rows
from results.written_tables import ROW_NAMES, WrittenFile, WrittenRow, read_table

OF_THE_NET = ("width", "weights")  # what a signature says of the net itself, and of nothing else
NAMES = "nets with other weights each; give every net a name of its own, as in {'name': net}"


def compare_nets(baseline: Path, new: Path, rules: Rules, pairing: Pairing | None = None) -> GateReport:
    """Each row of NEW and the one of BASELINE of the same names and the same work: images, protocol, pixels, numbers.

    Rows of BASELINE that NEW lacks are left out. Raises ResultError, also where several rows of BASELINE differ in
    their weights alone, and none of them has NEW's.
    """
    olds, news = read_table(baseline), read_table(new)
    closest = {row.signature: old for old, row in paired_rows(olds, news) if row}
    pairs = [(_partner(row, olds) or closest[line], row) for line, row in news.items()]
    return GateReport(baseline, new, rules, [compare_rows(*pair, rules, pairing, OF_THE_NET) for pair in pairs])


def extend_baseline(baseline: Path, tables: Sequence[Path], why: str) -> BaselineChange | None:
    """A baseline with the rows of some tables, in place of those of the same work; its other rows stay as they are.

    None where nothing changed. Raises ResultError, also where two nets of one name did the same work.
    """
    file = file_of(baseline) if baseline.exists() else WrittenFile([], "JSON")
    olds = read_table(baseline) if baseline.exists() else {}
    news = {line: row for table in tables for line, row in read_table(table).items()}
    _refuse_one_name(news.values())
    written = {record["signature"]: record for table in tables for record in file_of(table).records}
    pairs = [(_partner(row, olds), row) for row in news.values()]
    records = {record["signature"]: record for record in file.records}
    in_place = {old.signature: row.signature for old, row in pairs if old}
    kept = [written[in_place[line]] if line in in_place else record for line, record in records.items()]
    return change_of(pairs, [*kept, *(written[row.signature] for old, row in pairs if not old)], why, file.history)


def work_of(row: WrittenRow) -> tuple[str, ...]:
    """What two rows share that differ in nothing but the net."""
    return (*(row[name] for name in ROW_NAMES), measured(row, OF_THE_NET))


def _partner(row: WrittenRow, olds: Mapping[str, WrittenRow]) -> WrittenRow | None:
    """That of the same signature, else that of the same work."""
    if row.signature in olds:
        return olds[row.signature]
    found = [old for old in olds.values() if work_of(old) == work_of(row)]
    if len(found) > 1:
        raise ResultError(f"{_names(row)}: {len(found)} rows of the baseline are of this work, by {NAMES}")
    return found[0] if found else None


def _refuse_one_name(rows: Collection[WrittenRow]) -> None:
    for work, count in Counter(map(work_of, rows)).items():
        if count > 1:
            raise ResultError(f"{', '.join(work[:-1])}: this work was done {count} times, by {NAMES}")


def _names(row: WrittenRow) -> str:
    return ", ".join(row[name] for name in ROW_NAMES)
