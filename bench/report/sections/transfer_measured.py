"""What was learnt of whose descriptors: what nobody stated first, then warnings, sentences, machines and signatures."""

from collections.abc import Iterator, Sequence

from bench.report.section import Section
from bench.report.sections.measured import ASSUMED
from bench.report.transfers import ReportedTransfer
from results.published_transfer import DRAWN
from results.table import warnings_of
from results.transfer_result import TransferResult

HOW = "Classifiers are linear, each class against the rest; the table of rows has their C."
OVER = {"mean": "averaged over Q", "stack": "stacked over Q"}


def section(rows: Sequence[ReportedTransfer]) -> Section:
    """In the template of runs of nets, whose values have the same names here."""
    folders = list(dict.fromkeys(row.folder for row in rows))
    said = [(folder.name, _sentences([row for row in rows if row.folder == folder])) for folder in folders]
    warnings = [{"warnings": list(row.row.doubts), "signature_id": f"row {row.number}"} for row in rows]
    return Section(
        "transfer-measured",
        "What was learnt",
        "measured.html.j2",
        {
            "assumed": _assumed(rows),
            "warnings": list(warnings_of(warnings).items()),
            "runs": said,
            "machines": _machines(rows),
        },
        rows=rows,
    )


def _assumed(rows: Sequence[ReportedTransfer]) -> list[str]:
    """A sentence for what nobody stated, with the rows that it is of."""
    numbers: dict[str, list[str]] = {}
    for row in rows:
        if said := row.row.record()["assumed"]:
            numbers.setdefault(said, []).append(str(row.number))
    return [
        f"{ASSUMED} in row{'s' * (len(of) != 1)} {', '.join(of)}, since nobody stated it: {said}."
        for said, of in numbers.items()
    ]


def _sentences(rows: Sequence[ReportedTransfer]) -> list[str]:
    """Of one folder, each once."""
    nets: dict[tuple[str, str], list[ReportedTransfer]] = {}
    for row in rows:
        nets.setdefault((row.net, row.row.weights), []).append(row)
    alike: dict[tuple[object, ...], list[TransferResult]] = {}
    for row in rows:
        alike.setdefault(_all_but_counts(row), []).append(row.row)
    learning = dict.fromkeys(text for of in alike.values() for text in _learning(of))
    time = (
        f"Computing all descriptors took {_seconds(max(row.row.net_seconds for row in rows))}, learning and judging "
        f"{_seconds(sum(row.row.seconds for row in rows))} for all rows."
    )
    return [*map(_descriptors, nets.values()), *learning, f"{HOW} {time}"]


def _seconds(value: float) -> str:
    return f"{value:,.0f} s" if value >= 100 else f"{value:.3g} s"


def _descriptors(rows: Sequence[ReportedTransfer]) -> str:
    """Of one net, or of several that are stacked."""
    first = rows[0]
    several = "+" in first.row.model
    found = dict.fromkeys(_vector(row.row) for row in rows)
    layers = "last layers" if several else "last layer"
    return (
        f"Descriptors are what the {layers} of {first.net} ({first.row.weights}) get{'' if several else 's'}, averaged "
        f"over positions and with the mirror image's{', those of the nets stacked' if several else ''}: at "
        f"{'; at '.join(found)}."
    )


def _vector(row: TransferResult) -> str:
    how = f", {OVER.get(row.over, row.over)}" if row.over else ""
    return f"Q {row.Q}{how} ({row.dimension} numbers an image)"


def _all_but_counts(row: ReportedTransfer) -> tuple[object, ...]:
    """What rows have in common that are told of in one sentence: all but how many images were drawn."""
    found = row.row
    return (row.images, found.trained, found.drawn is None, len(found.test), found.whole, found.skipped)


def _learning(rows: Sequence[TransferResult]) -> Iterator[str]:
    """From which images, and on which the classifiers were judged."""
    row = rows[0]
    data = row.data + (f" ({row.region})" if row.region else "")
    classes = f"{len(row.classes)} class{'es' * (len(row.classes) != 1)}"
    training, test = _counts([each.training for each in rows]), _counts([each.test for each in rows])
    if row.drawn is None:
        yield (
            f"Classifiers of {classes} of {data} learnt from {row.trained} ({training}) and were judged on "
            f"{row.tested} ({test})."
        )
    else:
        apart = (row.trained, row.tested) == DRAWN
        most = row.drawn.test_per_class
        others = "all the others" if most is None else f"at most {most} of the others"
        per_class = "/".join(dict.fromkeys(str(each.drawn.per_class) for each in rows if each.drawn))
        drawn = f"{per_class} {'image was' if per_class == '1' else 'images were'} drawn of each of {classes}"
        source = data if apart else f"{row.trained} of {data}"
        yield (
            f"To learn from, {drawn} of {source}{_times(len(row.test))} ({training}); what was learnt was judged on "
            f"{others if apart else row.tested} ({test})."
        )
    if not row.whole:
        yield f"Not all images of {data} were there or asked for."
    if row.skipped:
        yield f"{row.skipped} images of {data} cannot be decoded and were left out."


def _times(splits: int) -> str:
    return f" {splits} times" if splits > 1 else ""


def _counts(rows: Sequence[Sequence[int]]) -> str:
    """Images, of all splits and rows that differ."""
    distinct = "/".join(dict.fromkeys(str(count) for counts in rows for count in counts))
    return f"{distinct} image{'s' * (distinct != '1')}"


def _machines(rows: Sequence[ReportedTransfer]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Rows that say the same of machine and versions, and what they say."""
    numbers: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for row in rows:
        said = tuple((str(name), str(value)) for name, value in row.row.provenance.items())
        numbers.setdefault(said, []).append(row.number)
    everyone = len(numbers) == 1
    return [("All rows" if everyone else f"Rows {', '.join(map(str, of))}", list(said)) for said, of in numbers.items()]
