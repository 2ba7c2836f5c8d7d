"""Names as pictures can show them: on one line, what cannot be drawn replaced, and no longer than there is room."""

from collections.abc import Callable

LONGEST = 100  # letters; no picture has room for more


def caption(text: str, room: float, length: Callable[[str], float] = len) -> str:
    """The text on one line; where it is longer than there is room, its end and, twice as long, its beginning."""
    plain = "".join(letter if letter.isprintable() else "\ufffd" for letter in " ".join(text.split()))
    if len(plain) <= LONGEST and length(plain) <= room:
        return plain
    shorter = (_cut(plain, kept) for kept in range(min(len(plain) - 1, LONGEST), 0, -1))
    return next((each for each in shorter if length(each) <= room), "…")


def _cut(text: str, kept: int) -> str:
    end = kept // 3
    return f"{text[: kept - end].rstrip()}…{text[len(text) - end :].lstrip()}"
