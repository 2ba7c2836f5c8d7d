"""Names as pictures can show them: on one line, what cannot be drawn replaced, and no longer than there is room."""

from collections.abc import Callable

from results.formatting import shortened


def caption(text: str, room: float, length: Callable[[str], float] = len) -> str:
    """The text on one line; where it is longer than there is room, its end and, twice as long, its beginning."""
    plain = "".join(letter if letter.isprintable() else "\ufffd" for letter in " ".join(text.split()))
    return shortened(plain, room, length)
