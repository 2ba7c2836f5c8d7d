"""How values are written in Markdown tables."""

import re

from results.names import or_same

SIGNS = re.compile(r"[\\|`*<~&]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=[wW]{3})\.|(?<=\])\(")
MAIL = re.compile(r"(?<=[\w.+-])@(?=[^\s@]*\.\w)")


def shown(text: str) -> str:
    """Text for one line of a terminal or a table: characters that do not print, or turn the line, as their codes."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in or_same(text))


def escaped(text: str) -> str:
    """File names may hold what Markdown reads as markup, and addresses, which GitHub makes links."""
    plain = SIGNS.sub(r"\\\g<0>", shown(" ".join(text.split())))
    return MAIL.sub("@<!-- -->", plain)  # GitHub looks for mail where backslashes are gone


def code(text: str) -> str:
    """A code span; backticks inside it take a longer fence."""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"`{text}`" if fence == "`" else f"{fence} {text} {fence}"


def number(value: float | None, form: str = "") -> str:
    """A dash where there is none."""
    return "–" if value is None else format(value, form)


def interval(value: float | None, low: float, high: float, form: str = ".2f") -> str:
    """A value with its interval in brackets; a dash where there is none."""
    return "–" if value is None else f"{value:{form}} [{low:{form}}, {high:{form}}]"
