"""Names of classes from a file, `--classes`: of a net's, and of the data's whose labels are bare numbers."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.labels.class_lines import names_of_lines, refuse_twins
from bench.images.labels.imagenet_names import wnids
from bench.images.labels.numbered_classes import whole_numbers
from results.names import mended

FORMS = (
    'one name a line ("0,name" and "n01440764 tench" too), a JSON list, {"0": "name"}, {"name": 0}, or '
    '{"0": ["n01440764", "tench"]}'
)


def read_class_names(place: str) -> tuple[str, ...]:
    """The names in the order of a net's scores. Raises UserError for a file that is none of FORMS."""
    try:
        text = Path(place).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--classes '{place}': cannot be read ({error}); give a file with {FORMS}") from None
    try:
        names = _of_json(json.loads(text)) if text.lstrip()[:1] in ("[", "{") else names_of_lines(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"--classes '{place}': {error}; give {FORMS}") from None
    if not names:
        raise UserError(f"--classes '{place}': there is no name in it; give {FORMS}")
    return tuple(map(mended, names))


def named(images: Images, names: tuple[str, ...]) -> Images:
    """The images with names for classes that have numbers alone; names that are numbers say nothing more.

    Raises UserError for a label beyond the names.
    """
    if images.classes is not None or whole_numbers(names):
        return images
    last = int(images.present[-1])
    if last >= len(names):
        from_one = last == len(names) and images.present[0] > 0
        hint = "give --labels-from 1 if they count from 1" if from_one else "give all names, in the labels' order"
        raise UserError(
            f"--classes: data {images.name!r} has label {last}, but there are {len(names)} names, 0 to "
            f"{len(names) - 1}; {hint}"
        )
    return replace(images, classes=names, named=True)


def _of_json(content: Any) -> list[str]:
    if isinstance(content, Mapping):
        content = _in_order(content)
    pairs = [each for each in content if isinstance(each, list) and len(each) == 2]
    if content and len(pairs) == len(content):  # [WordNet id, noun], as Keras and PyTorch's courses have them
        ids = [each[0] for each in pairs]
        content = ids if set(ids) <= set(wnids()) else [each[1] for each in pairs]
    if not all(isinstance(each, str) for each in content):
        raise ValueError("it holds more than names")
    refuse_twins(list(content), "as ", 0)
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
