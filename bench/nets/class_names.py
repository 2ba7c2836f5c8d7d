"""Names of a net's classes from a file: `--classes`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.errors import UserError
from bench.images.classes import wnids
from results.names import mended

FORMS = 'one name a line, a JSON list, {"0": "name"}, {"name": 0}, or {"0": ["n01440764", "tench"]}'


def read_class_names(place: str) -> tuple[str, ...]:
    """The names in the order of a net's scores. Raises UserError for a file that is none of FORMS."""
    try:
        text = Path(place).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--classes '{place}': cannot be read ({error}); give a file with {FORMS}") from None
    try:
        names = _of_json(json.loads(text)) if text.lstrip()[:1] in ("[", "{") else _of_lines(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"--classes '{place}': {error}; give {FORMS}") from None
    if not names:
        raise UserError(f"--classes '{place}': there is no name in it; give {FORMS}")
    return tuple(map(mended, names))


def _of_lines(text: str) -> list[str]:
    names = [line.strip() for line in text.rstrip().splitlines()]
    if "" in names:
        raise ValueError(f"line {names.index('') + 1} is empty")
    return names


def _of_json(content: Any) -> list[str]:
    if isinstance(content, Mapping):
        content = _in_order(content)
    pairs = [each for each in content if isinstance(each, list) and len(each) == 2]
    if content and len(pairs) == len(content):  # [WordNet id, noun], as Keras and PyTorch's courses have them
        ids = [each[0] for each in pairs]
        content = ids if set(ids) <= set(wnids()) else [each[1] for each in pairs]
    if not all(isinstance(each, str) for each in content):
        raise ValueError("it holds more than names")
    return list(content)


def _in_order(content: Mapping[str, Any]) -> list[Any]:
    """The values by their numbers; where the numbers are the values, the names by these."""
    numbered = {str(key): value for key, value in content.items()}
    if numbered and all(isinstance(value, int) and not isinstance(value, bool) for value in numbered.values()):
        numbered = {str(value): key for key, value in content.items()}
    wanted = [str(index) for index in range(len(content))]
    if set(numbered) != set(wanted):
        raise ValueError(f"its numbers are not 0 to {len(content) - 1}, each once")
    return [numbered[index] for index in wanted]
