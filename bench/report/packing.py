"""Whole numbers in little room, for the page's scripts."""

from base64 import b64encode
from typing import Any

import numpy as np


def packed(numbers: np.ndarray) -> dict[str, Any]:
    """Whole numbers from 0 as the narrowest bytes that hold them, which `report.unpacked` of page.js reads."""
    highest = int(numbers.max(initial=0))
    kind = next(kind for kind in ("<u1", "<u2", "<u4") if highest <= np.iinfo(kind).max)
    return {"bytes": int(kind[-1]), "base64": b64encode(numbers.astype(kind).tobytes()).decode()}
