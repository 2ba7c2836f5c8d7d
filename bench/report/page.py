"""Sections in one HTML file that needs nothing else: text, numbers, scripts, styles and the plotting library."""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from bench.extras import needed
from bench.report.figures import Figure
from bench.report.section import Section
from bench.version import __version__
from results.formatting import shortened, shown
from results.names import unicode_of

if TYPE_CHECKING:
    from jinja2 import Environment

OURS = files("bench.report")
HEADING = 32  # letters of a name above a column
FIRST = ("page.js", "sorted_table.js")  # the others build on them
IN_SCRIPTS = str.maketrans({letter: f"\\u{ord(letter):04x}" for letter in "<>&"})


def page(title: str, sections: Sequence[Section]) -> str:
    """The whole page. What comes from runs is escaped in it, in text and in scripts."""
    figures = {name: figure for section in sections for name, figure in section.figures.items()}
    data = {section.name: section.data for section in sections}
    environment = _environment()
    environment.globals["figure"] = _figures(environment, figures)
    text = environment.get_template("page.html.j2").render(
        title=title,
        sections=sections,
        style=_static("page.css"),
        library=needed("plotly.offline", "report").get_plotlyjs() if figures else "",
        data=script_json({"data": data, "figures": {name: figure.plot for name, figure in figures.items()}}),
        scripts=[_static(name) for name in _scripts()],
        version=__version__,
    )
    return unicode_of(text)


def script_json(value: Any) -> str:
    """JSON in ASCII that can stand in a <script>: nothing in it ends one or begins a comment.

    Raises ValueError for NaN.
    """
    return json.dumps(value, allow_nan=False, separators=(",", ":")).translate(IN_SCRIPTS)


def _environment() -> "Environment":
    jinja2, markupsafe = needed("jinja2", "report"), needed("markupsafe", "report")
    environment: Environment = jinja2.Environment(
        loader=jinja2.PackageLoader("bench.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: _plain(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["short"] = lambda text: shortened(text, HEADING)
    environment.filters["breakable"] = lambda text: (
        markupsafe.escape(_plain(text))
        .replace("/", markupsafe.Markup("/<wbr>"))
        .replace("+", markupsafe.Markup("+<wbr>"))
    )
    return environment


def _plain(text: str) -> str:
    """Text whose letters all print, in lines: what turns or hides the text beside it stands as its code."""
    return "\n".join(map(shown, text.split("\n")))


def _figures(environment: "Environment", figures: Mapping[str, Figure]) -> Any:
    """What templates call to put a figure into the page: figure("name")."""
    draw: Any = environment.get_template("figure.html.j2").module
    return lambda name: draw.figure(name, figures[name])


def _static(name: str) -> str:
    return (OURS / "static" / name).read_text(encoding="utf-8")


def _scripts() -> list[str]:
    names = {file.name for file in (OURS / "static").iterdir() if file.name.endswith(".js")}
    return [*FIRST, *sorted(names - {*FIRST})]
