"""Class score maps of some images, kept in a file until someone looks at them."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np

from results.atomic_files import write_atomically
from results.errors import ResultError

FOLDER = "maps"  # in a run's
SIDE = 64  # values along the longer side of an image
MOST_BYTES = 1 << 26  # of a file's arrays together, unpacked


@dataclass(frozen=True)
class ScoreMap:
    """Where in an image a row sees two classes, by their indices: the `predicted` one and the true one (`label`).

    `maps` (2, h, w) float16 are posteriors by position over the whole image, of the predicted and of the true class.
    """

    id: str
    predicted: int
    label: int
    maps: np.ndarray


def save_score_maps(found: Sequence[ScoreMap], path: Path) -> None:
    """Write them as a compressed `.npz` of plain arrays, maps of different shapes one behind the other."""
    file = BytesIO()
    np.savez_compressed(
        file,
        ids=np.array([each.id for each in found], dtype=str),
        classes=np.array([(each.predicted, each.label) for each in found], dtype=np.int64).reshape(-1, 2),
        shapes=np.array([each.maps.shape[1:] for each in found], dtype=np.int64).reshape(-1, 2),
        values=np.concatenate([np.zeros(0, np.float16), *(each.maps.ravel() for each in found)]),
    )
    write_atomically(path, file.getbuffer())


def load_score_maps(path: Path) -> list[ScoreMap]:
    """What `save_score_maps` wrote. Raises ResultError for anything else."""
    try:
        with ZipFile(path) as archive:  # a small file may claim to unpack to any size
            if sum(each.file_size for each in archive.infolist()) > MOST_BYTES:
                raise ValueError("too large")
        with np.load(path, allow_pickle=False) as arrays:
            ids, classes, shapes, values = (arrays[name] for name in ("ids", "classes", "shapes", "values"))
        return _checked(ids, classes, shapes, values)
    except Exception:  # damage shows as nearly any type
        raise ResultError(f"score maps '{path}' are damaged; remove them, or run bench.run --maps again") from None


def _checked(ids: np.ndarray, classes: np.ndarray, shapes: np.ndarray, values: np.ndarray) -> list[ScoreMap]:
    """Raises ValueError where the arrays are not such maps."""
    n = len(ids)
    kinds = [array.dtype.kind for array in (ids, classes, shapes)] + [str(values.dtype)]
    if kinds != ["U", "i", "i", "float16"] or ids.ndim != 1 or not classes.shape == shapes.shape == (n, 2):
        raise ValueError("other arrays")
    if n and not (shapes.min() >= 1 and shapes.max() <= SIDE):
        raise ValueError("other sizes")
    if values.shape != (2 * shapes.prod(1).sum(),) or not ((values >= 0) & (values <= 1)).all():
        raise ValueError("other values")
    parts = np.split(values, np.cumsum(2 * shapes.prod(1))[:-1]) if n else []
    lines = zip(ids.tolist(), classes.tolist(), shapes.tolist(), parts, strict=True)
    return [
        ScoreMap(name, predicted, label, part.reshape(2, *shape)) for name, (predicted, label), shape, part in lines
    ]
