"""What a page is made of: sections, each with a template, and data for the page's scripts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.report.figures import Figure

PICTURES = 200  # of mistakes, on a page: about a megabyte


@dataclass(frozen=True)
class Lead:
    """What a page says first: a sentence around a number, which shows the signature of the row that it is of."""

    before: str
    row: Any
    number: str
    after: str


@dataclass(frozen=True)
class Section:
    """A part of the page under a heading, `name` being its anchor and that of its files.

    `template` is a file in templates/ that gets `values` (escaped there); `figures` are by the name that the template
    puts them into the page by, `{{ figure("NAME") }}`; `data` goes to the page's scripts, as JSON. `leads` stand at the
    page's head, and `rows` are those whose signatures are at its end.
    """

    name: str
    title: str
    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Figure] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    leads: Sequence[Lead] = ()
    rows: Sequence[Any] = ()
