"""Rows one below another in a figure, under headings: where each stands, and the axis that says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.report.figures import axis, label

LETTERS = 28  # of a label, so that a narrow page has room for points
ROOM, BETWEEN = 30, 60  # pixels of a row, and of what stands around them


@dataclass(frozen=True)
class Listed:
    """`heights` of rows by key, the axis, and how high the figure is in pixels."""

    heights: dict[str, float]
    axis: dict[str, Any]
    height: int


def listed(groups: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> Listed:
    """Of headings, each with its rows: their keys and what they are called."""
    heights: dict[str, float] = {}
    ticks: list[tuple[float, str]] = []
    place = 0.0
    for heading, rows in groups:
        ticks.append((place, f"<b>{label(heading, LETTERS)}</b>"))
        for key, text in rows:
            place += 1
            heights[key] = place
            ticks.append((place, label(text, LETTERS)))
        place += 1
    places, texts = map(list, zip(*ticks, strict=True))
    drawn = axis("", tickvals=places, ticktext=texts, range=[place - 0.4, -0.6], showgrid=False, ticks="")
    return Listed(heights, drawn, round(BETWEEN + ROOM * (place + 1)))
