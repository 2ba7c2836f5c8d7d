"""What accuracy costs: error against operations and time an image, and the rows that nothing beats."""

from collections.abc import Callable, Iterator, Sequence

from bench.report.figures import Figure, axis, colour, hover, label, log_axis, mark, whiskers
from bench.report.rows import ReportRow
from bench.report.same_images import SameImages
from bench.report.section import Section
from results.comparison_tables import difference_cell
from results.formatting import number
from results.front import front
from results.paired import PairedErrors
from results.power import ALPHA
from results.table import error_cell
from results.written_tables import UNKNOWN

Cost = Callable[[ReportRow], float | None]


def section(groups: Sequence[SameImages]) -> Section:
    """A figure or two for each group of rows on the same images."""
    figures: dict[str, Figure] = {}
    said: list[str] = []
    for index, group in enumerate(groups, 1):
        for name, cost, title, more_is_less in (
            ("gflops", _gflops, "GFLOPs an image", False),
            ("speed", _speed, "images/s", True),
        ):
            rows = [row for row in group.rows if cost(row) is not None]
            if name == "speed" and len({(row.row["machine"], row.row["device"]) for row in rows}) > 1:
                said.append(f"{group}: rows come from several machines or devices, so images/s are not compared.")
            elif rows:
                figures[f"cost-{name}-{index}"] = _figure(group, rows, cost, title, more_is_less)
        said += _crops_over_dense(group)
        said += _uncounted(group)
    values = {"figures": list(figures), "said": said}
    return Section("cost", "What accuracy costs", "cost.html.j2", values, figures)


def _gflops(row: ReportRow) -> float | None:
    return row.row.beside["gflops"] or None


def _speed(row: ReportRow) -> float | None:
    """Images/s, where it is known on what."""
    known = row.row["machine"] not in UNKNOWN and row.row["device"] not in UNKNOWN
    return row.record["images_per_second"] or None if known else None


def _figure(group: SameImages, rows: Sequence[ReportRow], cost: Cost, title: str, more_is_less: bool) -> Figure:
    """Top-1 error against a cost; `more_is_less` where a larger number is cheaper."""
    points = [(cost(row) or 0.0, row.row.errors["top1"] or 0.0) for row in rows]
    prices = [(1 / value if more_is_less else value, error) for value, error in points]
    best = front(prices)
    nets = list(dict.fromkeys(row.net for row in rows))
    line = {
        "type": "scatter",
        "mode": "lines",
        "name": "nothing beats these",
        "x": [points[index][0] for index in best],
        "y": [points[index][1] for index in best],
        "line": {"color": "--edge", "dash": "dot", "shape": "hv"},
        "hoverinfo": "skip",
    }
    unit = title.split()[0]
    listed = "; ".join(
        f"{rows[index].in_words} ({points[index][1]:.2f} % at {_cell(points[index][0])} {unit})" for index in best
    )
    return Figure(
        [line, *(_points(net, index, rows, points, best, title) for index, net in enumerate(nets))],
        {"xaxis": log_axis(title, [value for value, _ in points]), "yaxis": axis("top-1 error, %")},
        f"Top-1 error against {title}, with 95 % intervals, on the {group}; numbers are those of the rows.",
        f"Filled are the rows that none beats, the cheapest first: {listed}.",
        ("row", "protocol", title, "top-1 error % [95 %]", "beaten by none"),
        [
            (row.label, row.row["protocol"], _cell(value), error_cell(row.record, "top1"), "yes" * (index in best))
            for index, (row, (value, _)) in enumerate(zip(rows, points, strict=True))
        ],
        height=420 + 19 * len(nets),  # the legend may be a list
    )


def _points(
    net: str,
    series: int,
    rows: Sequence[ReportRow],
    points: Sequence[tuple[float, float]],
    best: Sequence[int],
    title: str,
) -> dict[str, object]:
    """A net's rows; those of the front are filled."""
    places = [index for index, row in enumerate(rows) if row.net == net]
    errors = [rows[index].row.errors for index in places]
    return {
        "type": "scatter",
        "mode": "markers+text",
        "name": label(net, 40),
        "x": [points[index][0] for index in places],
        "y": [points[index][1] for index in places],
        "text": [str(rows[index].number) for index in places],
        "textposition": "top right",
        "error_y": whiskers(errors, 1, series),
        "marker": {
            "color": colour(series),
            "size": 11,
            "symbol": [mark(series) + "-open" * (index not in best) for index in places],
        },
        "customdata": [rows[index].key for index in places],
        **hover(
            [
                f"{rows[index].label}: {error_cell(rows[index].record, 'top1')} % at {_cell(points[index][0])} {title}"
                for index in places
            ]
        ),
    }


def _crops_over_dense(group: SameImages) -> Iterator[str]:
    """What multi-crop costs and brings over dense evaluation of the same net at the same scales."""
    places = {(row.computed_by, row.row["protocol"]): index for index, row in enumerate(group.rows)}
    for (net, protocol), crops in places.items():
        dense = places.get((net, protocol.replace("multicrop", "dense")))
        if "dense" in protocol or "multicrop" not in protocol or dense is None:
            continue
        errors = group.pair(crops, dense, 1)
        assert errors is not None  # there is always a top-1
        first, second = group.rows[crops], group.rows[dense]
        flops, theirs = _gflops(first), _gflops(second)
        times, so = (f"{flops / theirs:.3g} times the GFLOPs of ", " and") if flops and theirs else ("", ",")
        yield (
            f"{first.net}: {protocol} (row {first.number}, {number(first.row.beside['views'])} views) "
            f"{f'costs {times}' if times else 'compared with '}{second.row['protocol']} (row {second.number}){so} "
            f"{verdict(errors)}: {difference_cell(errors)} points of top-1 error, McNemar's p {errors.p:.2g}."
        )


def verdict(errors: PairedErrors) -> str:
    """Whether what costs more is better, in words."""
    if errors.p >= ALPHA:
        return "is not better by more than chance"
    return "makes fewer errors" if errors.difference[0] < 0 else "makes more errors"


def _uncounted(group: SameImages) -> Iterator[str]:
    missing = [str(row.number) for row in group.rows if _gflops(row) is None]
    if missing:
        yield (
            f"Rows {', '.join(missing)} say no GFLOPs: an earlier version wrote their table, or their net's operations "
            "cannot be counted. The same bench.run command writes the table anew from stored posteriors."
        )


def _cell(value: float) -> str:
    return f"{value:.3g}"
