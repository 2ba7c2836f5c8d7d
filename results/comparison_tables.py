"""A comparison of two rows as people read it: Markdown that a terminal shows as well."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from results.formatting import all_shortened, escaped, interval, number
from results.paired import PairedErrors
from results.table import error_cell, markdown_of

if TYPE_CHECKING:
    from results.comparison import Comparison

SHOWN = 10  # classes
WIDTH = 100
NAMED = 5  # images
ROOM = 60  # letters of an image's or a class's name
READ = (
    "Differences are in points, with 95 % intervals: below 0 the first makes fewer errors",
    "McNemar p: how often two rows that are equally good would be so far apart by chance",
)
NEEDED = "Images needed: on about so many, such a difference has p < 0.05 in 4 of 5 cases; here are {n:,}"
ROW_TEXTS = ("", "row", "model", "S", "protocol")


def comparison_markdown(found: "Comparison", classes: int | None = SHOWN) -> str:
    """Both rows, what differs and whether that is more than chance, and so many of the classes that changed most.

    None are all classes.
    """
    rows = {"A": found.first.record(), "B": found.second.record()}
    return "\n".join(
        [
            f"{found.n} images of {escaped(found.first.row['data'])}: {found.verdict}",
            "",
            markdown_of([row_cells(letter, record) for letter, record in rows.items()], ROW_TEXTS),
            "",
            markdown_of([_top_cells(k, errors) for k in (1, 5) if (errors := found.top(k))], ("",)),
            "",
            *_images_lines(found),
            *listed(found.n, _notes(found, rows)),
            "",
            *class_lines(found, classes),
        ]
    ).rstrip("\n")


def row_cells(letter: str, record: dict[str, Any]) -> dict[str, str]:
    """What a row is, and its errors."""
    return {
        "": letter,
        "row": escaped(record["name"]) or f"`{record['signature_id']}`",
        **{name: escaped(record[name]) for name in ("model", "S", "protocol")},
        "top-1 error %": error_cell(record, "top1"),
        "top-5 error %": error_cell(record, "top5"),
    }


def difference_cell(errors: PairedErrors) -> str:
    """The difference in points with its interval, as the JSON has it."""
    fields = errors.fields
    return interval(fields["difference"], fields["difference_low"], fields["difference_high"], "+.2f")


def difference_cells(errors: PairedErrors, letters: tuple[str, str], holm_p: float | None = None) -> dict[str, str]:
    """A difference with its test, in a line of a table; with the p corrected for more tests where there are more."""
    a, b = letters
    return {
        f"{a} less {b}": difference_cell(errors),
        f"only {a} / only {b} wrong": f"{errors.only_first} / {errors.only_second}",
        "McNemar p": f"{errors.p:.2g}",
        **({} if holm_p is None else {"p, Holm": f"{holm_p:.2g}"}),
    }


def needed_cell(errors: PairedErrors) -> str:
    """About how many images show such a difference."""
    return number(errors.images_needed, ",")


def wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def listed(n: int, notes: Iterable[str]) -> list[str]:
    """Notes below tables of differences, each once, then how these are read."""
    told = [escaped(note) for note in dict.fromkeys(notes)]
    return [line for text in (*told, *READ, NEEDED.format(n=n)) for line in wrapped(f"- {text}")]


def _top_cells(k: int, errors: PairedErrors) -> dict[str, str]:
    return {"": f"top-{k}", **difference_cells(errors, ("A", "B")), "images needed": needed_cell(errors)}


def _images_lines(found: "Comparison") -> list[str]:
    sides = {"A": found.only_first_wrong["id"].tolist(), "B": found.only_second_wrong["id"].tolist()}
    told = [f"- Only {letter} is wrong: {_named(ids)}" for letter, ids in sides.items() if ids]
    return [line for text in told for line in wrapped(text)]


def _named(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
    names = all_shortened(ids[:NAMED], ROOM)
    return ", ".join(escaped(names[name]) for name in ids[:NAMED]) + more


def _notes(found: "Comparison", rows: dict[str, dict[str, Any]]) -> Iterator[str]:
    yield from found.notes
    yield from (f"{letter}: {record['warnings']}" for letter, record in rows.items() if record["warnings"])


def class_lines(found: "Comparison", most: int | None, letters: tuple[str, str] = ("A", "B")) -> list[str]:
    """A table of classes; where not all are wanted, of those that changed."""
    table = found.classes
    changed = table if most is None else table[table["only_first_wrong"] + table["only_second_wrong"] > 0]
    shown = changed if most is None else changed.head(most)
    if most == 0:
        return []
    if shown.empty:
        return ["No class changed."]
    a, b = letters
    names = all_shortened(shown["class"], ROOM)
    cells = [
        {
            "class": escaped(names[row["class"]]),
            "images": str(row["images"]),
            f"wrong {a}": str(row["wrong_first"]),
            f"wrong {b}": str(row["wrong_second"]),
            f"{a} less {b}": f"{row['difference']:+d}" if row["difference"] else "0",
            f"only {a} / only {b} wrong": f"{row['only_first_wrong']} / {row['only_second_wrong']}",
            "McNemar p": f"{row['mcnemar_p']:.2g}",
            "p, Holm": f"{row['holm_p']:.2g}",
        }
        for row in shown.to_dict("records")
    ]
    said = (
        f"All {len(table)} classes with images"
        if most is None
        else f"Classes that changed most: {len(shown)} of {len(changed)} that changed, of {len(table)} with images"
    )
    said += f"; top-1, in images; Holm's p is corrected for {len(table)} classes:"
    return [*wrapped(said), "", markdown_of(cells, ("class",))]
