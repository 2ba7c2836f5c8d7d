"""How sure rows are and how right: reliability, risk by coverage, and the error for every k."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bench.report.figures import SERIES, Figure, axis, colour, label, log_axis, mark
from bench.report.rows import ReportRow
from bench.report.section import Section
from results.calibration import BINS
from results.curves import thinned
from results.formatting import interval, number
from results.selective import area_under_risk_coverage, risk_coverage
from results.top_k import top_k_errors

TOGETHER = 4  # rows that a figure shows before somebody chooses
COVERAGES = (0.5, 0.8)  # of which the table of rows says the error
TENTHS = tuple(np.arange(1, 11) / 10)
ALL_K, MORE_K = 10, 40  # the first of the top-k curve, and how many of those after them
TOLD_K = (1, 2, 3, 4, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
SMALLEST, LARGER = 4, 9  # pixels of a bin's mark: of the smallest, and how much more those of the largest have
MARKED = 20  # points of a curve that bear the row's mark, of some 200
SIGNS = "●■◆▲▼✚✖★"  # the marks of figures.py as letters
DASHES = ("solid", "dash", "dot", "dashdot")


def section(rows: Sequence[ReportRow]) -> Section:
    """Figures of all rows, each of which scripts show and hide, and a table of one line a row."""
    curves, errors = [_risk(row) for row in rows], [_top_k(row) for row in rows]
    figures = {"confidence-reliability": _reliability(rows), "confidence-risk": _risk_coverage(rows, curves)}
    if any(len(each) > 1 for each in errors):
        figures["confidence-top-k"] = _every_k(rows, errors)
    values = {
        "bins": BINS,
        "coverages": [f"{each:.0%}".replace("%", " %") for each in COVERAGES],
        "lines": [_line(row, curve) for row, curve in zip(rows, curves, strict=True)],
        "unclean": [row.number for row in rows if not row.row.clean],
        "figures": list(figures),
    }
    signs = [{"colour": colour(index), "mark": SIGNS[(index + index // SERIES) % SERIES]} for index in range(len(rows))]
    shown = [{"key": row.key, "label": row.label} | sign for row, sign in zip(rows, signs, strict=True)]
    data = {"rows": shown, "figures": list(figures)}
    return Section("confidence", "Confidence", "confidence.html.j2", values, figures, data)


def _right(row: ReportRow) -> np.ndarray:
    return (row.inspection.predictions["rank"] == 1).to_numpy()


def _risk(row: ReportRow) -> pd.DataFrame:
    return risk_coverage(row.inspection.predictions["confidence"].to_numpy(), _right(row))


def _top_k(row: ReportRow) -> pd.DataFrame:
    """The errors for every k at which there is one: not where k is the number of classes."""
    classes = len(row.inspection.competing)
    return top_k_errors(row.inspection.predictions["rank"].to_numpy() - 1, classes).head(max(1, classes - 1))


def _line(row: ReportRow, curve: pd.DataFrame) -> list[str]:
    """What the table of rows says of one."""
    confidence = row.inspection.predictions["confidence"].mean()
    shares = (_right(row).mean(), confidence, row.inspection.calibration_error, area_under_risk_coverage(curve))
    return [row.label, *map(_percent, shares), *(_risk_at(curve, coverage) for coverage in COVERAGES)]


def _at(curve: pd.DataFrame, coverage: float) -> pd.Series:
    """The line that keeps so many images, or the next that keeps more."""
    return curve.iloc[min(int(np.searchsorted(curve["coverage"], coverage - 1e-9)), len(curve) - 1)]


def _risk_at(curve: pd.DataFrame, coverage: float) -> str:
    """The error there, and the coverage where ties of confidence leave none that is near."""
    found = _at(curve, coverage)
    near = found["coverage"] < coverage + 0.005
    return _percent(found["risk"]) + ("" if near else f" (at {_percent(found['coverage'])} %)")


def _reliability(rows: Sequence[ReportRow]) -> Figure:
    """Accuracy by confidence above, how many images are in each bin below."""
    ideal = {"x": [0, 100], "y": [0, 100], "mode": "lines", "hoverinfo": "skip"}
    traces: list[dict[str, Any]] = [{"type": "scatter", **ideal, "line": {"color": "--edge", "dash": "dot"}}]
    for index, row in enumerate(rows):
        table = row.inspection.reliability
        filled = table[table["images"] > 0]
        said = "%{fullData.name}: of %{customdata} images, sure of %{x:.1f} % in the mean, %{y:.1f} % are right"
        trace = _trace(row, index)
        sizes = SMALLEST + LARGER * np.sqrt(filled["images"] / filled["images"].max())
        points = {"x": _rounded(filled["confidence"]), "y": _rounded(filled["accuracy"])}
        counts = {"customdata": filled["images"].tolist(), "hovertemplate": f"{said}<extra></extra>"}
        traces.append(trace | points | counts | {"marker": trace["marker"] | {"size": sizes.round(1).tolist()}})
        traces.append(
            trace
            | {"type": "bar", "x": _rounded((table["low"] + table["high"]) / 2), "y": table["images"].tolist()}
            | {"yaxis": "y2", "marker": {"color": colour(index)}}
            | {"hovertemplate": "%{fullData.name}: %{y} images<extra></extra>"}
        )
    return Figure(
        traces,
        {
            "xaxis": axis("mean confidence in a bin, %", range=[0, 100], anchor="y2"),
            "yaxis": axis("right, %", range=[0, 100], domain=[0.34, 1]),
            "yaxis2": axis("images", domain=[0, 0.22], rangemode="tozero"),
            "barmode": "group",
            "showlegend": False,
        },
        f"Reliability: how many are right of the images of a confidence, in {BINS} bins, the larger the mark the more. "
        "Under the dotted line a row is surer than it is right.",
        _least("ECE", rows, [row.inspection.calibration_error for row in rows]),
        ("row", "confidence %", "images", "mean confidence %", "right %"),
        [line for row in rows for line in _bins(row)],
        520,
    )


def _bins(row: ReportRow) -> Iterator[list[str]]:
    table = row.inspection.reliability
    means = table[["confidence", "accuracy"]].to_numpy()
    for low, high, images, line in zip(table["low"], table["high"], table["images"], means, strict=True):
        yield [row.label, f"{100 * low:.1f} to {100 * high:.1f}", str(images), *map(_percent, line)]


def _risk_coverage(rows: Sequence[ReportRow], curves: Sequence[pd.DataFrame]) -> Figure:
    traces = [
        _trace(row, index)
        | {"x": _rounded(few["coverage"]), "y": _rounded(few["risk"])}
        | {"customdata": _rounded(few["confidence"])}
        | {
            "hovertemplate": "%{fullData.name}: of the %{x:.1f} % that it is surest of (%{customdata:.1f} % and more), "
            "%{y:.2f} % are wrong<extra></extra>"
        }
        for index, (row, few) in enumerate(zip(rows, map(thinned, curves), strict=True))
    ]
    areas = [area_under_risk_coverage(curve) for curve in curves]
    return Figure(
        traces,
        {
            "xaxis": axis("coverage: the surest images, %", range=[0, 100]),
            "yaxis": axis("error among them, %", rangemode="tozero"),
            "showlegend": False,
        },
        "Risk by coverage: the top-1 error among the images that a row is surest of.",
        _least("area under the curve", rows, areas),
        ("row", "coverage %", "confidence % from", "error %"),
        [
            [row.label, *map(_percent, (line["coverage"], line["confidence"], line["risk"]))]
            for row, curve in zip(rows, curves, strict=True)
            for line in (_at(curve, coverage) for coverage in TENTHS)
        ],
    )


def _every_k(rows: Sequence[ReportRow], errors: Sequence[pd.DataFrame]) -> Figure:
    traces, cells = [], []
    for index, (row, table) in enumerate(zip(rows, errors, strict=True)):
        few = table[table["k"].isin(_few(len(table)))]
        said = "%{fullData.name}: top-%{x} error %{y:.2f} %<extra></extra>"
        points = {"x": few["k"].tolist(), "y": _rounded(few["error"]), "hovertemplate": said}
        traces.append(_trace(row, index) | points)
        cells += [[row.label, *_told(line)] for line in table[table["k"].isin(TOLD_K)].itertuples()]
    most = max(map(len, errors))
    every_k = log_axis("k", [1, most]) if most > 2 * ALL_K else axis("k", dtick=max(1, most // 10))
    return Figure(
        traces,
        {"xaxis": every_k, "yaxis": axis("top-k error, %", rangemode="tozero"), "showlegend": False},
        "Top-k error: images whose class is not among the k likeliest.",
        next((_halved(row, table) for row, table in zip(rows, errors, strict=True) if row.row.clean), ""),
        ("row", "k", "wrong", "error % [95 %]"),
        cells,
    )


def _few(most: int) -> set[int]:
    """Which k up to `most` are drawn: the first, then ever fewer."""
    return {*range(1, ALL_K + 1), *(int(k) for k in np.geomspace(1, most, MORE_K).round())}


def _told(line: Any) -> list[str]:
    return [str(line.k), str(line.wrong), interval(100 * line.error, 100 * line.low, 100 * line.high)]


def _halved(row: ReportRow, table: pd.DataFrame) -> str:
    """What the curve of a row says in words."""
    first = table["error"].iloc[0]
    enough = table[table["error"] <= first / 2]
    if first == 0 or enough.empty:
        return f"In {row.in_words}, {_percent(first)} % are wrong at k = 1."
    return f"In {row.in_words}, {_percent(first)} % are wrong at k = 1; k = {enough['k'].iloc[0]} halves that."


def _trace(row: ReportRow, index: int) -> dict[str, Any]:
    """A row in a figure; `meta` is its key, by which scripts find it."""
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": label(row.label, 40),
        "meta": row.key,
        "cliponaxis": False,  # a mark at 0 or 100 is seen whole
        "visible": index < TOGETHER,
        "line": {"color": colour(index), "dash": DASHES[index // SERIES % len(DASHES)]},
        "marker": {"color": colour(index), "symbol": mark(index + index // SERIES), "maxdisplayed": MARKED},
    }


def _rounded(shares: pd.Series) -> list[float]:
    """In %, with as many digits as a figure shows."""
    rounded: list[float] = (100 * shares).round(3).tolist()
    return rounded


def _percent(share: float) -> str:
    return number(None if np.isnan(share) else 100 * share, ".2f")


def _least(what: str, rows: Sequence[ReportRow], values: Sequence[float]) -> str:
    """Which row has the least; nothing where rows are of other images, or where ties decide one."""
    if len({row.images for row in rows}) > 1 or not all(row.row.clean for row in rows):
        return ""
    best = int(np.argmin(values))
    return f"The least {what}, {_percent(values[best])} %, is that of {rows[best].in_words}."
