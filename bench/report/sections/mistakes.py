"""The mistakes: a gallery that shows any of them, by row, by class, and where only one of two rows is wrong."""

from collections.abc import Sequence
from typing import Any

from bench.pictures.heat_colours import OPACITY
from bench.report.mistakes import ImageSet, RowMistakes, image_sets
from bench.report.packing import packed
from bench.report.rows import ReportRow
from bench.report.same_images import SameImages
from bench.report.score_maps import score_maps
from bench.report.section import PICTURES, Section
from bench.report.thumbnails import thumbnails


def section(rows: Sequence[ReportRow], groups: Sequence[SameImages], pictures: int = PICTURES) -> Section:
    """All mistakes are in its data, and pictures of so many images; `groups` are the rows of the same images."""
    sets = image_sets(rows, groups)
    made = thumbnails(sets, pictures)
    maps, remarks = score_maps(sets, made.pictures)
    records: list[dict[str, Any]] = [{**each.record(), "pictures": {}, "maps": {}} for each in sets]
    for (number, place), text in made.pictures.items():
        records[number]["pictures"][place] = text
    for (number, place), of_rows in maps.items():
        records[number]["maps"][place] = of_rows
    return Section(
        "mistakes",
        "Mistakes",
        "mistakes.html.j2",
        {
            "rows": rows,
            "wrong": sum(len(each.ids) for each in sets),
            "pictures": len(made.pictures),
            "maps": len(maps),
            "opacity": OPACITY,
            "remarks": [*_undecided(rows), *made.remarks, *remarks],
        },
        data={"sets": records, "rows": _rows(rows, sets)},
    )


def _undecided(rows: Sequence[ReportRow]) -> list[str]:
    """Of which rows mistakes are told as if each tie were for its label."""
    numbers = [str(row.number) for row in rows if not row.row.clean]
    named = f"row{'s' * (len(numbers) != 1)} {', '.join(numbers)}"
    return [f"Ties decide more than 1 % of the images of {named}; a tie is not told as a mistake."] if numbers else []


def _rows(rows: Sequence[ReportRow], sets: Sequence[ImageSet]) -> list[dict[str, Any]]:
    """What scripts need of each row, in the rows' order."""
    found = {each.row.key: _row(number, each) for number, of in enumerate(sets) for each in of.mistakes}
    return [found[row.key] for row in rows]


def _row(number: int, mistakes: RowMistakes) -> dict[str, Any]:
    """`set` is the number of its images' set; `truths` are there where the set's labels are not the row's."""
    row = mistakes.row
    return {
        "key": row.key,
        "label": row.label,
        "set": number,
        "n": row.row.counts.n,
        "places": packed(mistakes.places),
        "predicted": packed(mistakes.predicted),
        "confidence": packed(mistakes.confidence),
        "rank": packed(mistakes.rank),
        **({"truths": packed(mistakes.truths)} if mistakes.own_truths else {}),
    }
