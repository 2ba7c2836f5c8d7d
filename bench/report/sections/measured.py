"""What was measured: what nobody stated first, then warnings, sentences, machines and signatures."""

from collections.abc import Iterator, Sequence

from bench.report.rows import ReportRow
from bench.report.section import Section
from bench.stored.run import StoredRun
from results.table import warnings_of
from results.written_tables import PROVENANCE

ASSUMED = "Assumed"  # how sentences of a run begin that say what nobody stated


def section(rows: Sequence[ReportRow]) -> Section:
    """Its values are lines of text, but for the machines with what each row says of them."""
    runs = list({id(row.run): row.run for row in rows}.values())
    return Section(
        "measured",
        "What was measured",
        "measured.html.j2",
        {
            "assumed": _assumed(rows),
            "warnings": _warnings(rows),
            "runs": [(run.folder.name, _said(run, [row for row in rows if row.run is run])) for run in runs],
            "machines": _machines(rows),
        },
        rows=rows,
    )


def _assumed(rows: Sequence[ReportRow]) -> list[str]:
    """The runs' own sentences, else what the rows say."""
    runs: list[StoredRun] = list({id(row.run): row.run for row in rows}.values())
    said = [text for run in runs for text in run.origin.said if _assumes(text)]
    silent = [row for row in rows if row.row.assumed and not any(map(_assumes, row.run.origin.said))]
    said += [f"{ASSUMED} in row {row.number}, since nobody stated it: {row.row.assumed}." for row in silent]
    return list(dict.fromkeys(said))


def _said(run: StoredRun, rows: Sequence[ReportRow]) -> list[str]:
    """The run's sentences; how many images were left out it did not know before."""
    said = [text for text in run.origin.said if not _assumes(text)]
    skipped = max(row.row.beside["skipped"] or 0 for row in rows)
    were = "image cannot be decoded and was" if skipped == 1 else "images cannot be decoded and were"
    return [*said, f"{skipped} {were} left out."] if skipped else said


def _assumes(text: str) -> bool:
    return text.startswith(ASSUMED)


def _warnings(rows: Sequence[ReportRow]) -> list[tuple[str, str]]:
    """Each warning with the rows that it is of."""
    said = [
        {"warnings": [row.row.warnings] if row.row.warnings else [], "signature_id": f"row {row.number}"}
        for row in rows
    ]
    return [*warnings_of(said).items(), *_two_numbers(rows)]


def _two_numbers(rows: Sequence[ReportRow]) -> Iterator[tuple[str, str]]:
    """Rows of one signature whose counts differ, though nothing that was measured does."""
    alike: dict[str, list[ReportRow]] = {}
    for row in rows:
        alike.setdefault(row.row.signature, []).append(row)
    for several in alike.values():
        if len(several) > 1:
            counts = " against ".join(str(row.row.counts) for row in several)
            yield (
                f"rows {', '.join(str(row.number) for row in several)}",
                f"one signature and other counts ({counts}): machine, versions or stored posteriors differ",
            )


def _machines(rows: Sequence[ReportRow]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Rows that say the same of machine and versions, and what they say."""
    numbers: dict[tuple[str, ...], list[int]] = {}
    for row in rows:
        numbers.setdefault(tuple(row.row[name] for name in PROVENANCE), []).append(row.number)
    everyone = len(numbers) == 1
    return [
        ("All rows" if everyone else f"Rows {', '.join(map(str, of))}", list(zip(PROVENANCE, said, strict=True)))
        for said, of in numbers.items()
    ]
