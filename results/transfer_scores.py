"""What classifiers said of test images: decision values and right answers, split by split, as `.npz`."""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from results.atomic_files import write_atomically
from results.errors import ResultError

AGAIN = "the same bench.transfer command writes it again"


@dataclass(frozen=True)
class SplitScores:
    """Of the n test images of a split: `values` (n, K) float32, the classes' decision values; `present` (n, K) bool.

    `difficult` (n, K) bool counts neither for nor against a class.
    """

    ids: tuple[str, ...]
    values: np.ndarray
    present: np.ndarray
    difficult: np.ndarray

    def __post_init__(self) -> None:
        """Raises ValueError for arrays that do not belong together."""
        if self.values.ndim != 2 or not len(self.ids) == len(self.values) or len(self.ids) == 0:
            raise ValueError("ids and decision values do not belong together")
        for name, array, kind in (
            ("values", self.values, "f"),
            ("present", self.present, "b"),
            ("difficult", self.difficult, "b"),
        ):
            if array.shape != self.values.shape or array.dtype.kind != kind:
                raise ValueError(f"{name} is no array (n, K) of its kind")
        if not np.isfinite(self.values).all():
            raise ValueError("decision values are not finite")
        if (self.present & self.difficult).any():
            raise ValueError("an example is a class's and difficult for it")


def write_scores(path: Path, splits: Sequence[SplitScores]) -> None:
    """Write `ids0`, `values0`, `present0`, `difficult0`, and so on for each split. Raises OSError."""
    arrays = {}
    for number, each in enumerate(splits):
        arrays[f"ids{number}"] = np.array(each.ids, dtype=np.str_)
        arrays[f"values{number}"] = each.values.astype(np.float32)
        arrays[f"present{number}"], arrays[f"difficult{number}"] = each.present, each.difficult
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]
    write_atomically(path, content.getbuffer())


def read_scores(path: Path) -> list[SplitScores]:
    """What `write_scores` wrote; nothing in it is trusted. Raises ResultError."""
    try:
        with np.load(path, allow_pickle=False) as file:
            count = sum(name.startswith("ids") for name in file.files)
            splits = [
                SplitScores(
                    tuple(map(str, file[f"ids{number}"])),
                    file[f"values{number}"],
                    file[f"present{number}"],
                    file[f"difficult{number}"],
                )
                for number in range(count)
            ]
    except FileNotFoundError:
        raise ResultError(f"'{path}' is not there; {AGAIN}") from None
    except OSError as error:
        raise ResultError(f"'{path}': {error.strerror or 'cannot be read'}; {AGAIN}") from None
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, NotImplementedError, MemoryError) as error:
        raise ResultError(f"'{path}' is damaged ({str(error)[:80]}); {AGAIN}") from None
    if not splits:
        raise ResultError(f"'{path}' holds no scores; {AGAIN}")
    return splits
