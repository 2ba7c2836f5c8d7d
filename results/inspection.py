"""A row looked into: its images one by one, its classes, its confusions and its calibration, as tables."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from results.atomic_files import write_text_atomically
from results.calibration import BINS, expected_calibration_error, reliability
from results.confusion import by_class, confusion, frequent_confusions, occurring
from results.errors import ResultError
from results.formatting import escaped, number
from results.per_image import per_image
from results.posteriors import Posteriors
from results.result import signature_id
from results.written_tables import WrittenRow

SEVERAL = "Several classes are right for an image: it stands here under the likeliest of them"
SHOWN = 5  # classes and confusions in the summary


@dataclass(frozen=True)
class Inspection:
    """What a row's posteriors say, image by image, as `per_image` tells it; `names` are of all classes, each once."""

    row: WrittenRow
    predictions: pd.DataFrame
    names: Sequence[str]
    competing: Sequence[int]

    @cached_property
    def matrix(self) -> pd.DataFrame:
        """The confusion matrix of the competing classes, by name."""
        counts = confusion(self.predictions["label"], self.predictions["predicted"], self.competing)
        names = dict(enumerate(self.names))
        return counts.rename(index=names, columns=names)

    @cached_property
    def reliability(self) -> pd.DataFrame:
        return reliability(self.predictions["confidence"].to_numpy(), (self.predictions["rank"] == 1).to_numpy())

    @property
    def calibration_error(self) -> float:
        return expected_calibration_error(self.reliability)

    @property
    def title(self) -> str:
        """What people know the row by, without its signature."""
        return f"{self.row['model']}, S={self.row['S']}, {self.row['protocol']}, {self.row['data']}"

    def mistakes(self, most: int) -> pd.DataFrame:
        """The wrong images that the net was surest of, the surest first."""
        return self._with_names(self.predictions[self.predictions["rank"] > 1].nlargest(most, "confidence"))

    def write(self, folder: Path) -> None:
        """Write the tables into a folder that is there."""
        _write_csv(self._with_names(self.predictions), folder / "predictions.csv")
        _write_csv(self.matrix, folder / "confusion.csv", "true \\ predicted")
        _write_csv(by_class(self.matrix), folder / "classes.csv", "class")
        _write_csv(self.reliability, folder / "calibration.csv")
        write_text_atomically(folder / "classes.md", self._classes())
        write_text_atomically(folder / "summary.md", self.summary())

    def summary(self) -> str:
        """Accuracy, calibration, the worst classes and the most frequent confusions, in Markdown."""
        n, wrong = len(self.predictions), int((self.predictions["rank"] > 1).sum())
        classes, confidence = by_class(self.matrix), self.predictions["confidence"].mean()
        pairs = frequent_confusions(self.matrix)
        worst = classes[classes["images"] > 0].sort_values(["f1", "images"], ascending=[True, False], kind="stable")
        means = ", ".join(f"{name} {_percent(classes[name].mean())}" for name in ("precision", "recall", "f1"))
        return "\n".join(
            [
                f"## {escaped(self.title)} `{signature_id(self.row.signature)}`",
                "",
                self._accuracy(n, wrong),
                *([f"- {SEVERAL}"] if " labels=" in self.row.signature else []),
                *([f"- Warnings of the table: {escaped(self.row.warnings)}"] if self.row.warnings else []),
                f"- Mean over classes, where defined, in %: {means}",
                f"- Expected calibration error {_percent(self.calibration_error)} % ({BINS} bins); "
                f"mean confidence {_percent(confidence)} %",
                "",
                f"Worst classes, by F1 ({min(SHOWN, len(worst))} of {len(worst)} with images; measures in %):",
                "",
                _markdown(worst.head(SHOWN).rename_axis("class").reset_index()),
                "",
                f"Most frequent confusions ({min(SHOWN, len(pairs))} of {len(pairs)}; share of the true class in %):",
                "",
                _markdown(pairs.head(SHOWN)),
                "",
            ]
        )

    def _accuracy(self, n: int, wrong: int) -> str:
        if not self.row.clean:
            return f"- No accuracy: ties decide more than 1 % of the {n} images; below each counts for its label"
        return f"- Accuracy {_percent(1 - wrong / n)} %: {n - wrong} of {n} right; wrong1 is the table's {wrong}"

    def _classes(self) -> str:
        """Precision, recall, F1 and counts of the classes that occur, in Markdown."""
        classes = by_class(occurring(self.matrix)).rename_axis("class").reset_index()
        absent = len(self.matrix) - len(classes)
        left_out = f"\n\n{absent} more classes have no image, and no image is taken for them." if absent else ""
        return f"# {escaped(self.title)}\n\nMeasures in %.\n\n{_markdown(classes)}{left_out}\n"

    def _with_names(self, predictions: pd.DataFrame) -> pd.DataFrame:
        """As people read it: names of classes instead of indices."""
        name = np.array(self.names, dtype=object)
        return pd.DataFrame(
            {
                "id": predictions["id"],
                "true": name[predictions["label"]],
                "predicted": name[predictions["predicted"]],
                "confidence": predictions["confidence"].round(6),
                "true_rank": predictions["rank"],
            }
        )


def inspect(
    row: WrittenRow, blocks: Iterable[Posteriors], classes: Sequence[str], competing: Sequence[int] | None
) -> Inspection:
    """Look into a row, from its posteriors block by block; `classes` are the names of what labels count in.

    Only the `competing` classes (indices) compete, None for all. Raises ResultError unless the row's own counts come
    out, to the image.
    """
    name = signature_id(row.signature)
    scored = None if competing is None else np.array(competing)
    try:
        predictions = pd.concat(
            [per_image(_of_classes(block, len(classes)), scored) for block in blocks], ignore_index=True
        )
    except (ValueError, IndexError) as error:
        raise ResultError(f"row {name}: its posteriors do not fit it ({error}); run bench.run again") from None
    if predictions["id"].duplicated().any():
        raise ResultError(f"row {name}: an image stands in two of its blocks; run bench.run again")
    check_counts(row, len(predictions), *(int((predictions["rank"] > top).sum()) for top in (1, 5)))
    return Inspection(row, predictions, distinct(classes), range(len(classes)) if competing is None else competing)


def check_counts(row: WrittenRow, n: int, wrong1: int, wrong5: int) -> None:
    """Raise ResultError unless so many of `n` images wrong is what a row's table says, at top-5 where it has that."""
    for name, wrong, told in (("wrong1", wrong1, row.counts.wrong1), ("wrong5", wrong5, row.counts.wrong5)):
        if told is not None and (n, wrong) != (row.counts.n, told):
            raise ResultError(
                f"row {signature_id(row.signature)}: the stored posteriors give {name} {wrong} of {n}, but its table "
                f"says {told} of {row.counts.n}: they were computed anew since, or the table was altered; run "
                "bench.run again"
            )


def _of_classes(block: Posteriors, classes: int) -> Posteriors:
    if block.probs.shape[1] != classes:
        raise ValueError(f"{block.probs.shape[1]} classes, not {classes}")
    return block


def distinct(names: Sequence[str]) -> list[str]:
    """Names in Unicode; those that several classes share, such as ImageNet's two cranes, get their index."""
    found = [name.encode(errors="backslashreplace").decode() for name in names]
    while len(counts := Counter(found)) < len(found):  # a name with its index may be another's
        found = [name if counts[name] == 1 else f"{name} [{index}]" for index, name in enumerate(found)]
    return found


def _write_csv(table: pd.DataFrame, path: Path, index: str | None = None) -> None:
    """Written with the table's index where that has a name."""
    text = table.to_csv(index=bool(index), index_label=index)
    write_text_atomically(path, text.encode(errors="backslashreplace").decode())  # file names may be no Unicode


def _markdown(table: pd.DataFrame) -> str:
    """Names escaped and to the left, shares in %, counts as they are."""
    if table.empty:
        return "None."
    forms: dict[str, Callable[..., str]] = {"i": str, "f": _percent}
    cells = table.apply(lambda column: column.map(forms.get(column.dtype.kind, escaped)))
    sides = ["right" if kind.kind in forms else "left" for kind in table.dtypes]
    return cells.to_markdown(index=False, disable_numparse=True, colalign=sides)


def _percent(share: float) -> str:
    return number(None if np.isnan(share) else 100 * share, ".2f")
