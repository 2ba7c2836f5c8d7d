"""JSON files that describe a set, from whoever wrote them."""

import json
from pathlib import Path
from typing import Any


def read_json(file: Path, most: int) -> Any:
    """What a file of at most so many bytes holds, None where it is larger or no JSON. Raises OSError."""
    with file.open("rb") as opened:
        content = opened.read(most + 1)
    try:
        return json.loads(content) if len(content) <= most else None
    except (ValueError, RecursionError):
        return None
