"""Figures as Plotly takes them, with what is said of them in words and their numbers as a table.

Colours are names of CSS variables (`--series-1`), which the page's script replaces, so that light, dark and print have
their own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any

from results.formatting import shortened, shown

DIGITS = (range(1, 10), (1, 2, 5), (1,))
MOST_TICKS = 10  # of a logarithmic axis, on a narrow page too
SERIES = 8  # colours that are told apart, and as many marks
MARKS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "cross", "x", "star")
IN_LABELS = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"})  # $ would begin TeX
Trace = Mapping[str, Any]


@dataclass(frozen=True)
class Figure:
    """A figure with its caption.

    `finding` says in words what it shows, for those who do not see it; `columns` and `cells` are its numbers; `height`
    in pixels. Of a trace, `customdata` are keys of rows, one a point: a click on it shows the row's signature.
    """

    traces: Sequence[Trace]
    layout: Mapping[str, Any]
    caption: str
    finding: str
    columns: Sequence[str]
    cells: Sequence[Sequence[str]]
    height: int = 420

    @property
    def plot(self) -> dict[str, Any]:
        """What Plotly draws."""
        return {"data": list(self.traces), "layout": _laid_out(self.layout), "height": self.height}


def label(text: str, room: int = 60) -> str:
    """A name in a figure, where Plotly reads markup: escaped, and shortened to `room` letters."""
    return shortened(shown(text), room).translate(IN_LABELS)


def colour(index: int) -> str:
    """The colour of the series of this index."""
    return f"--series-{index % SERIES + 1}"


def mark(index: int) -> str:
    """The mark of the series of this index, since colour alone tells too few people apart."""
    return MARKS[index % len(MARKS)]


def hover(texts: Sequence[str]) -> dict[str, Any]:
    """What points say under the pointer, a text each, which is escaped here."""
    return {"hovertext": [label(text, 200) for text in texts], "hovertemplate": "%{hovertext}<extra></extra>"}


def axis(title: str, **more: Any) -> dict[str, Any]:
    """An axis under a title (with its unit)."""
    return {
        "title": {"text": title, "standoff": 12},
        "automargin": True,
        "gridcolor": "--grid",
        "linecolor": "--edge",
        "zeroline": False,
        "ticks": "outside",
        "tickcolor": "--edge",
        **more,
    }


def log_axis(title: str, values: Sequence[float]) -> dict[str, Any]:
    """A logarithmic axis of these values, with ticks at all first digits, at 1, 2 and 5, or at 1, as there is room."""
    low, high = min(values), max(values)
    powers = range(floor(log10(low)) - 1, ceil(log10(high)) + 1)
    several = [[digit * 10.0**power for power in powers for digit in digits] for digits in DIGITS]
    around = [[tick for tick in ticks if low / 2 < tick < high * 2] for ticks in several]
    ticks = next((each for each in around if len(each) <= MOST_TICKS), around[-1])
    if not any(low <= tick <= high for tick in ticks):
        return axis(title, type="log")
    return axis(title, type="log", tickvals=ticks, ticktext=[f"{tick:g}" for tick in ticks])


def _laid_out(layout: Mapping[str, Any]) -> dict[str, Any]:
    """What all figures have in common."""
    return {
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": "--ink"},
        "paper_bgcolor": "--ground",
        "plot_bgcolor": "--ground",
        "margin": {"l": 10, "r": 20, "t": 10, "b": 10},  # half a number stands out to the right
        "hoverlabel": {"bgcolor": "--raised", "bordercolor": "--edge", "font": {"color": "--ink"}},
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
        "dragmode": False,
        **layout,
    }


def whiskers(errors: Sequence[Mapping[str, float | None]], k: int, series: int, thickness: int = 1) -> dict[str, Any]:
    """The 95 % intervals of top-k errors around them; `errors` name them as tables do."""
    middle, low, high = ([each[f"top{k}{end}"] or 0.0 for each in errors] for end in ("", "_low", "_high"))
    return around(middle, low, high, series, thickness)


def around(
    middle: Sequence[float], low: Sequence[float], high: Sequence[float], series: int, thickness: int = 1
) -> dict[str, Any]:
    """Intervals around points, as Plotly takes them."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [end - value for value, end in zip(middle, high, strict=True)],
        "arrayminus": [value - end for value, end in zip(middle, low, strict=True)],
        "color": colour(series),
        "thickness": thickness,
        "width": 2 * thickness + 1,
    }
