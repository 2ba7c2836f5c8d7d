"""How well classes were learnt: the table of rows, its measures as points, and what more training images bring."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.report.figures import Figure, around, axis, colour, hover, label, mark
from bench.report.listed_points import listed
from bench.report.section import Lead, Section
from bench.report.transfers import ReportedTransfer, by_images
from results.transfer_result import MEASURES, Measure
from results.transfer_table import measure_cell, paper_cell

TEXTS = ("model", "Q", "over", "S", "weights", "assumed")
NUMBERS = ("row", "net", "descriptor", "training images")


def section(rows: Sequence[ReportedTransfer]) -> Section:
    """A figure for each measure of each set, and one by training images where their number differs."""
    figures = {}
    for place, members in enumerate(by_images(rows), 1):
        for name in MEASURES:
            if any(name in row.row.measures for row in members):
                figures[f"transfer-{name}-{place}"] = _points_of(members, name)
        if len({row.row.drawn.per_class for row in members if row.row.drawn}) > 1:
            figures[f"transfer-images-{place}"] = _by_training_images(members)
    values = {"tables": [_table(of) for of in by_images(rows)], "texts": TEXTS, "figures": list(figures)}
    leads = [_lead(of) for of in by_images(rows)]
    title = "How well classes are learnt"
    return Section("transfer-points", title, "transfer_points.html.j2", values, figures, leads=leads)


def _lead(rows: Sequence[ReportedTransfer]) -> Lead:
    """Which row of a set is best, by its own measure."""
    name = rows[0].row.measure
    best = max(rows, key=lambda row: row.row.measures[name].value)
    before = f"The {'highest ' * (len(rows) > 1)}{MEASURES[name]} on {best.set} is"
    return Lead(before, best, f"{_told(best, name)} %", f"in {best.in_words}.")


def _table(rows: Sequence[ReportedTransfer]) -> dict[str, Any]:
    """The rows of one set; columns that are empty in all are left out."""
    cells = [_cells(row) for row in rows]
    columns = [name for name in cells[0] if any(row[name] for row in cells)]
    return {"title": rows[0].set, "columns": columns, "rows": list(zip(rows, cells, strict=True))}


def _cells(row: ReportedTransfer) -> dict[str, str]:
    """What the table says of a row: what people look for comes first."""
    record = row.row.record()
    measures = {
        f"{head} % [95 %]": "" if record[name] is None else measure_cell(record, name)
        for name, head in MEASURES.items()
    }
    return {
        "model": record["model"],
        "Q": record["Q"],
        "over": record["over"],
        "a class": "" if record["per_class"] is None else str(record["per_class"]),
        **measures,
        "paper": paper_cell(record) if record["paper"] is not None else "",
        "S": record["S"],
        "training images": _counts(record["training"]),
        "test images": _counts(record["test"]),
        "splits": str(record["splits"]),
        "C": "/".join(f"{C:g}" for C in dict.fromkeys(record["C"])),
        "numbers an image": str(record["dimension"]),
        "weights": record["weights"],
        "assumed": record["assumed"],
    }


def _counts(counts: Sequence[int]) -> str:
    return "/".join(map(str, dict.fromkeys(counts)))


def _points_of(rows: Sequence[ReportedTransfer], name: str) -> Figure:
    """Rows one below another, grouped by net and training images of a class; `name` is of MEASURES."""
    having = [row for row in rows if name in row.row.measures]
    groups: dict[str, list[ReportedTransfer]] = {}
    nets = list(dict.fromkeys(row.net for row in having))
    for row in having:  # where there is one net, and images of each class are drawn, the caption names it
        named = [row.net] if len(nets) > 1 or not row.per_class else []
        groups.setdefault(", ".join([*named, *filter(None, [row.per_class])]), []).append(row)
    places = listed([(head, [(row.key, row.descriptor) for row in of]) for head, of in groups.items()])
    traces = [_points(of, places.heights, name, nets.index(of[0].net)) for of in groups.values()]
    for each in traces[1:]:
        each["showlegend"] = False
    known = [(row, row.row.paper) for row in having]
    papers = [(row, paper.value) for row, paper in known if paper is not None and paper.measure == name]
    if papers:
        traces.append(_papers(papers, places.heights))
    best = max(having, key=lambda row: row.row.measures[name].value)
    by = [
        "net" if len(nets) > 1 else f"descriptor of {nets[0]}",
        *["training images of a class"] * bool(best.per_class),
    ]
    several = len(best.row.test) > 1
    return Figure(
        traces,
        {"xaxis": axis(f"{MEASURES[name]}, %"), "yaxis": places.axis, "showlegend": bool(papers)},
        f"{_capital(MEASURES[name])}, of {len(having)} row{'s' * (len(having) != 1)} with 95 % intervals over test "
        f"images, on {best.set}, by {' and '.join(by)}."
        + (f" Each is the mean of {len(best.row.test)} splits; ± is their deviation." if several else ""),
        f"The highest is {_told(best, name)} % in {best.in_words}.",
        (*NUMBERS, f"{MEASURES[name]} % [95 %]", "paper"),
        [(*_facts(row), _told(row, name), _paper(row, name)) for row in having],
        height=places.height,
    )


def _facts(row: ReportedTransfer) -> tuple[str, ...]:
    return (str(row.number), row.net, row.descriptor, row.per_class or _counts(row.row.training))


def _told(row: ReportedTransfer, name: str) -> str:
    return measure_cell(row.row.record(), name)


def _paper(row: ReportedTransfer, name: str) -> str:
    paper = row.row.paper
    return str(paper) if paper is not None and paper.measure == name else "–"


def _points(rows: Sequence[ReportedTransfer], heights: Mapping[str, float], name: str, index: int) -> dict[str, Any]:
    measures = [row.row.measures[name] for row in rows]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "measured here",
        "x": [_percent(each.value) for each in measures],
        "y": [heights[row.key] for row in rows],
        "error_x": _intervals(measures, index, 2),
        "marker": {"color": colour(index), "symbol": mark(index), "size": 10},
        "cliponaxis": False,  # a point at 100 is seen whole
        **_said(rows, name),
    }


def _papers(papers: Sequence[tuple[ReportedTransfer, float]], heights: Mapping[str, float]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "the paper",
        "x": [value for _, value in papers],
        "y": [heights[row.key] for row, _ in papers],
        "marker": {"color": "--ink", "symbol": "line-ns-open", "size": 14},
        **hover([f"{row.label}: the paper {value} %" for row, value in papers]),
    }


def _by_training_images(rows: Sequence[ReportedTransfer]) -> Figure:
    """A line for each net and descriptor."""
    drawn = [row for row in rows if row.row.drawn]
    name = drawn[0].row.measure
    lines: dict[tuple[str, str], list[ReportedTransfer]] = {}
    for row in sorted(drawn, key=_per_class):
        lines.setdefault((row.net, row.descriptor), []).append(row)
    several = len({net for net, _ in lines}) > 1
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": label(f"{net}: {descriptor}" if several else descriptor),
            "x": [_per_class(row) for row in of],
            "y": [_percent(row.row.measures[name].value) for row in of],
            "error_y": _intervals([row.row.measures[name] for row in of], index),
            "line": {"color": colour(index)},
            "marker": {"color": colour(index), "symbol": mark(index), "size": 9},
            **_said(of, name),
        }
        for index, ((net, descriptor), of) in enumerate(lines.items())
    ]
    counts = sorted({_per_class(row) for row in drawn})
    most, least = ([row for row in drawn if _per_class(row) == count] for count in (counts[-1], counts[0]))
    ends = [max(_percent(row.row.measures[name].value) for row in of) for of in (least, most)]
    return Figure(
        traces,
        {
            "xaxis": axis("training images of a class", type="log", tickvals=counts, ticktext=list(map(str, counts))),
            "yaxis": axis(f"{MEASURES[name]}, %"),
        },
        f"{_capital(MEASURES[name])} by training images of a class on {drawn[0].set}, with 95 % intervals over test "
        "images.",
        f"The best row of {counts[0]} a class has {ends[0]:.2f} %, the best of {counts[-1]} a class {ends[1]:.2f} %.",
        ("net", "descriptor", "training images of a class", f"{MEASURES[name]} % [95 %]"),
        [
            (net, descriptor, str(_per_class(row)), _told(row, name))
            for (net, descriptor), of in lines.items()
            for row in of
        ],
        height=380 + 19 * len(traces),  # the legend may be a list
    )


def _per_class(row: ReportedTransfer) -> int:
    """Of a row whose images were drawn."""
    return row.row.drawn.per_class if row.row.drawn else 0


def _said(rows: Sequence[ReportedTransfer], name: str) -> dict[str, Any]:
    """The signatures and texts of points."""
    return {"customdata": [row.key for row in rows], **hover([f"{row.label}: {_told(row, name)} %" for row in rows])}


def _intervals(measures: Sequence[Measure], index: int, thickness: int = 1) -> dict[str, Any]:
    """Around points; of no length where there is none."""
    middle, low, high = (
        [_percent(each.value if end is None else end) for each, end in zip(measures, ends, strict=True)]
        for ends in (*([getattr(each, name) for each in measures] for name in ("value", "low", "high")),)
    )
    return around(middle, low, high, index, thickness)


def _percent(share: float) -> float:
    """As transfer.json has it."""
    return round(100 * share, 4)


def _capital(text: str) -> str:
    return text if text.startswith("mAP") else text.capitalize()
