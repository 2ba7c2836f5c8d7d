"""How values are written in tables, and names where there is little room."""

import re
from collections.abc import Callable, Iterable

from results.names import or_same

# the last is what GitHub's logs obey, ##[command]
SIGNS = re.compile(r"[\\|`*<~&]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=[wW]{3})\.|(?<=\])\(|(?<=#)#(?=\[)")
MAIL = re.compile(r"(?<=[\w.+-])@(?=[^\s@]*\.\w)")
LONGEST = 100  # letters of a name; no table and no picture has room for more


def shown(text: str) -> str:
    """Text for one line of a terminal or a table: characters that do not print, or turn the line, as their codes."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in or_same(text))


def shown_lines(text: str) -> str:
    """Text for several lines of a terminal, each as it is shown."""
    return "\n".join(map(shown, text.split("\n")))


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


def interval(value: float | None, low: float, high: float, form: str = ".2f", ends: str | None = None) -> str:
    """A value with its interval in brackets; a dash where there is none."""
    ends = ends or form
    return "–" if value is None else f"{value:{form}} [{low:{ends}}, {high:{ends}}]"


def shortened(text: str, room: float, length: Callable[[str], float] = len) -> str:
    """The text; where it is longer than there is room, its end and, twice as long, its beginning."""
    if len(text) <= LONGEST and length(text) <= room:
        return text
    shorter = (_without_middle(text, kept) for kept in range(min(len(text) - 1, LONGEST), 0, -1))
    return next((each for each in shorter if length(each) <= room), "…")


def all_shortened(texts: Iterable[str], room: int) -> dict[str, str]:
    """Each text as there is room for it; where two would look the same, all get as much more as tells them apart."""
    different = set(texts)
    longest = max(map(len, different), default=0)
    rooms = ({text: shortened(text, more) for text in different} for more in range(room, longest))
    return next((cut for cut in rooms if len(set(cut.values())) == len(different)), {text: text for text in different})


def _without_middle(text: str, kept: int) -> str:
    end = kept // 3
    return f"{text[: kept - end].rstrip()}…{text[len(text) - end :].lstrip()}"
