"""Error by test scale Q, of single parts and of their sums, with mirror images and without."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from bench.report.figures import Figure, axis, colour, hover, label, mark, whiskers
from bench.report.rows import ReportRow
from bench.report.section import Section
from bench.stored.part_rows import PartRow, PartRows, part_rows
from results.errors import ResultError
from results.table import error_cell

FLIPS = {"with": "", "without": " without mirror images", "only": " of mirror images alone"}
DRAWN = ("with", "without")
STYLES = {"with": ("solid", ""), "without": ("dot", "-open")}  # of a line, and what is added to a mark's name


def section(rows: Sequence[ReportRow]) -> Section:
    """A figure for each net that was seen at several scales."""
    figures: dict[str, Figure] = {}
    said: list[str] = []
    for run in {id(row.run): row.run for row in rows}.values():
        own = [row for row in rows if row.run is run]
        try:
            found = part_rows(run, [row.row for row in own])
        except ResultError as error:
            said.append(f"Run {run.folder.name}: its parts cannot be read one by one: {error}.")
            continue
        nets: dict[str, list[ReportRow]] = {}
        for row in own:
            nets.setdefault(row.net, []).append(row)
        for members in nets.values():
            parts, sums = _parts(members, found), _sums(members, found)
            if len({part.Q for part in parts}) > 1:
                figures[f"scales-{len(figures) + 1}"] = _figure(members[0], parts, sums)
        said += [text for row in own for text in _without_flips(row, found)]
    values = {"figures": list(figures), "said": said}
    return Section("scales", "Error by test scale", "scales.html.j2", values, figures)


def _parts(rows: Sequence[ReportRow], found: PartRows) -> list[PartRow]:
    """The single parts of a net's rows, each once, by method, flips and Q."""
    parts = {key: part for row in rows for key, part in found.parts(row.row).items()}
    ordered = sorted(parts.items(), key=lambda item: (item[0][0], item[0][2] != "with", item[0][1]))
    return [part for _, part in ordered if _error(part) is not None]


def _sums(rows: Sequence[ReportRow], found: PartRows) -> list[PartRow]:
    """What the rows sum up over several parts, each once."""
    wholes = [part for row in rows for part in found.whole(row.row).values()]
    several = [part for part in wholes if len(part.Q) * len(part.methods) > 1 and _error(part) is not None]
    return list({(part.protocol, part.flips): part for part in several}.values())


def _error(part: PartRow) -> float | None:
    return part.errors["top1"]


def _figure(row: ReportRow, parts: Sequence[PartRow], sums: Sequence[PartRow]) -> Figure:
    """Of the net that a row is of."""
    kinds = list(dict.fromkeys(methods for part in (*parts, *sums) for methods in [part.methods]))
    lines = list(dict.fromkeys((part.methods, part.flips) for part in parts if part.flips in DRAWN))
    traces = [
        _line([part for part in parts if (part.methods, part.flips) == line], kinds.index(line[0])) for line in lines
    ]
    traces += [_level(part, kinds.index(part.methods)) for part in sums if part.flips in DRAWN]
    scales = sorted({Q for part in parts for Q in part.Q})
    return Figure(
        traces,
        {"xaxis": axis("test scale Q, pixels", tickvals=scales), "yaxis": axis("top-1 error, %"), **_trained_at(row)},
        f"Top-1 error of {row.net} by test scale on {row.row['data']}.{_marked(row)}",
        " ".join([_best("single part", parts), *([_best("sum", sums)] if sums else [])]),
        ("parts", "top-1 error % [95 %]", "top-5 error % [95 %]"),
        [(_named(each), *(error_cell(each.errors, f"top{k}") for k in (1, 5))) for each in (*parts, *sums)],
        height=320 + 19 * len(traces),  # the legend may be a list
    )


def _best(kind: str, parts: Sequence[PartRow]) -> str:
    best = min((part for part in parts if part.flips in DRAWN), key=lambda part: _error(part) or 0)
    return f"The best {kind} is {_named(best)} with {error_cell(best.errors, 'top1')} %."


def _named(part: PartRow) -> str:
    """What a part or sum is, in words."""
    return part.protocol + (FLIPS[part.flips] if part.flips == "only" or _has_flips(part) else "")


def _has_flips(part: PartRow) -> bool:
    """Whether it is one that could have mirror images: a centre crop never has."""
    return part.methods != ("centre",)


def _line(parts: Sequence[PartRow], series: int) -> dict[str, Any]:
    """A method at each Q."""
    errors = [part.errors for part in parts]
    dash, added = STYLES[parts[0].flips]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": label("+".join(parts[0].methods) + (FLIPS[parts[0].flips] if _has_flips(parts[0]) else "")),
        "x": [part.Q[0] for part in parts],
        "y": [each["top1"] for each in errors],
        "error_y": whiskers(errors, 1, series),
        "line": {"color": colour(series), "dash": dash},
        "marker": {"color": colour(series), "symbol": mark(series) + added, "size": 9},
        **hover([f"{_named(part)}: {error_cell(part.errors, 'top1')} %" for part in parts]),
    }


def _level(part: PartRow, series: int) -> dict[str, Any]:
    """A sum, as a line from its lowest Q to its highest."""
    ends = [part.Q[0], part.Q[-1]] if len(part.Q) > 1 else [part.Q[0] - 6, part.Q[0] + 6]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": label(f"sum: {_named(part)}"),
        "x": ends,
        "y": [_error(part)] * 2,
        "line": {"color": colour(series), "dash": "dashdot" if part.flips == "without" else "dash", "width": 2},
        **hover([f"{_named(part)}: {error_cell(part.errors, 'top1')} %"] * 2),
    }


def _trained(row: ReportRow) -> list[int]:
    """The net's S: one number, or the ends of a range; none of fused nets, or where it is not known."""
    return [int(each) for each in re.findall(r"\d+", row.row["S"])] if "+" not in row.row["S"] else []


def _trained_at(row: ReportRow) -> dict[str, Any]:
    """S in the figure: a line, or a band of its range."""
    scales = _trained(row)
    if not scales:
        return {}
    ends = {"xref": "x", "yref": "paper", "x0": scales[0], "x1": scales[-1], "y0": 0, "y1": 1, "layer": "below"}
    drawn = {"type": "rect", "fillcolor": "--grid", "opacity": 0.5} if len(scales) > 1 else {"type": "line"}
    name = {"text": "<b>S</b>", "showarrow": False, "xref": "x", "yref": "paper", "x": scales[0], "y": 1}
    return {
        "shapes": [{**ends, **drawn, "line": {"color": "--edge", "dash": "dot", "width": 1}}],
        "annotations": [{**name, "xanchor": "left", "yanchor": "top", "font": {"color": "--faint"}}],
    }


def _marked(row: ReportRow) -> str:
    scales = _trained(row)
    if not scales:
        return ""
    return f" S is the {'band' if len(scales) > 1 else 'dotted line'}."


def _without_flips(row: ReportRow, found: PartRows) -> Iterator[str]:
    """What mirror images bring to a row, where the store tells."""
    kinds = {part.flips: part for part in found.whole(row.row).values()}
    if {"with", "without"} <= kinds.keys():
        yield (
            f"{row.label} without its mirror images: top-1 error {error_cell(kinds['without'].errors, 'top1')} % "
            f"instead of {error_cell(kinds['with'].errors, 'top1')} %."
        )
