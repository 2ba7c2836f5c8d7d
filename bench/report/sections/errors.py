"""The table of rows, as results.md has it, and its errors as points with intervals."""

from collections.abc import Mapping, Sequence

from bench.report.figures import Figure, axis, colour, hover, mark, whiskers
from bench.report.listed_points import listed
from bench.report.rows import ReportRow
from bench.report.section import Section
from results.formatting import number
from results.table import PLAIN, PUBLISHED, error_cell, wide_cells

TEXTS = (*PLAIN, "assumed")
FIRST = ("model", "protocol", "S")  # the other names come after the numbers
RARE = ("assumed", PUBLISHED)
SPARE = ("configuration", "weights", "Q", "data")  # paper has no room for them, and signatures say them
REFERENCES = {"paper": "the paper", "published": "the weights' makers"}


def section(rows: Sequence[ReportRow]) -> Section:
    """A figure for top-1 and one for top-5, where there is one, of each set of images."""
    figures = {
        f"errors-top{k}-{place}": _figure(members, k)
        for place, members in enumerate(_by_images(rows), 1)
        for k in (1, 5)
        if any(_error(row, k) is not None for row in members)
    }
    cells = [_cells(row) for row in rows]
    columns = [name for name in _ordered(cells[0]) if name not in RARE or any(row[name] for row in cells)]
    values = {"rows": list(zip(rows, cells, strict=True)), "columns": columns, "texts": TEXTS, "spare": SPARE}
    return Section("errors", "Error by protocol", "errors.html.j2", {**values, "figures": list(figures)}, figures)


def _by_images(rows: Sequence[ReportRow]) -> list[list[ReportRow]]:
    """Rows of the same images: others' errors are of something else, and stand in a figure of their own."""
    sets: dict[tuple[str, ...], list[ReportRow]] = {}
    for row in rows:
        sets.setdefault(row.images, []).append(row)
    return list(sets.values())


def _cells(row: ReportRow) -> dict[str, str]:
    """The row's cells of results.md, with names as they are and views where an old table lacks them."""
    cells = wide_cells(row.record)
    names = {name: row.row[name] for name in PLAIN}
    return {**cells, **names, "views": number(row.row.beside["views"])}


def _ordered(cells: Mapping[str, str]) -> list[str]:
    """The columns with what people look for first."""
    numbers = [name for name in cells if name not in TEXTS]
    return [*FIRST, *numbers, *(name for name in TEXTS if name not in FIRST)]


def _error(row: ReportRow, k: int) -> float | None:
    return row.row.errors[f"top{k}"]


def _figure(rows: Sequence[ReportRow], k: int) -> Figure:
    """Rows one below another, grouped by net; `k` is 1 or 5."""
    nets = list(dict.fromkeys(row.net for row in rows))
    shown = [(net, [row for row in rows if row.net == net and _error(row, k) is not None]) for net in nets]
    groups = [(net, members) for net, members in shown if members]
    places = listed([(net, [(row.key, row.row["protocol"]) for row in members]) for net, members in groups])
    heights = places.heights
    traces = [_points(members, heights, k, nets.index(net)) for net, members in groups]
    traces += [trace for kind in REFERENCES if (trace := _references(rows, heights, k, kind))]
    drawn = [row for _, members in groups for row in members]
    layout = {
        "xaxis": axis(f"top-{k} error, %", rangemode="tozero"),
        "yaxis": places.axis,
        "showlegend": len(traces) > len(groups),
    }
    best = min(drawn, key=lambda row: _error(row, k) or 0)
    return Figure(
        traces,
        layout,
        f"Top-{k} error of {len(drawn)} row{'s' * (len(drawn) != 1)} with 95 % intervals, grouped by net, "
        f"on {best.row.counts.n} image{'s' * (best.row.counts.n != 1)} of {best.row['data']}.",
        f"The lowest is {error_cell(best.record, f'top{k}')} % in {best.in_words}.",
        ("row", "net", "protocol", f"top-{k} error % [95 %]"),
        [(str(row.number), row.net, row.row["protocol"], error_cell(row.record, f"top{k}")) for row in drawn],
        height=places.height,
    )


def _points(rows: Sequence[ReportRow], heights: dict[str, float], k: int, index: int) -> dict[str, object]:
    errors = [row.row.errors for row in rows]
    values = [each[f"top{k}"] or 0.0 for each in errors]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "measured here",
        "showlegend": index == 0,
        "x": values,
        "y": [heights[row.key] for row in rows],
        "error_x": whiskers(errors, k, index, thickness=2),
        "marker": {"color": colour(index), "symbol": mark(index), "size": 10},
        "cliponaxis": False,  # a point at 0 is seen whole
        "customdata": [row.key for row in rows],
        **hover([f"{row.label}: {error_cell(row.record, f'top{k}')} %" for row in rows]),
    }


def _references(rows: Sequence[ReportRow], heights: dict[str, float], k: int, kind: str) -> dict[str, object] | None:
    """What others report for the same, where they do; `kind` is of REFERENCES."""
    known = [(row, row.row.beside[f"{kind}_top{k}"]) for row in rows if row.key in heights]
    found = [(row, value) for row, value in known if value is not None]
    if not found:
        return None
    return {
        "type": "scatter",
        "mode": "markers",
        "name": REFERENCES[kind],
        "x": [value for _, value in found],
        "y": [heights[row.key] for row, _ in found],
        "marker": {"color": "--ink", "symbol": "line-ns-open" if kind == "paper" else "x-thin-open", "size": 14},
        **hover([f"{row.label}: {REFERENCES[kind]} {value} %" for row, value in found]),
    }
