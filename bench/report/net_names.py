"""What a page calls its rows' nets."""

from collections import defaultdict
from collections.abc import Sequence

UNSAID = "–"  # in a table, of an S that changes nothing


def net_name(model: str, S: str, weights: str | None) -> str:
    """The net with S where its row says one, and with its weights where they are given."""
    return ", ".join([model, *([] if S == UNSAID else [f"S={S}"]), *([weights] if weights else [])])


def known_by_weights(nets: Sequence[tuple[str, str, str]]) -> list[bool]:
    """Of each net's model, S and weights: whether others have the same model and S, so that weights tell it apart."""
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    for model, S, weights in nets:
        seen[model, S].add(weights)
    return [len(seen[model, S]) > 1 for model, S, _ in nets]
