"""Two rows on the same images, as one value: both errors, the difference, and the classes and images behind it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from results.compared_row import ComparedRow
from results.comparison_tables import SHOWN, comparison_markdown
from results.metrics import mcnemar
from results.multiple_tests import holm
from results.paired import PairedErrors, paired
from results.same_images import check_same_images


@dataclass(frozen=True, kw_only=True)
class Comparison(PairedErrors):
    """Two rows on the same images; A is the first, B the second, and differences are A's less B's.

    Its own numbers are those of top-1; `top5` those of top-5, None where not both have such an error. `notes` are
    sentences about what else it rests on.
    """

    first: ComparedRow = field(repr=False)
    second: ComparedRow = field(repr=False)
    top5: PairedErrors | None
    notes: Sequence[str] = field(default=(), compare=False)

    def top(self, k: int) -> PairedErrors | None:
        """The two errors at top-1 or top-5; None where there is none."""
        return self if k == 1 else self.top5

    @property
    def verdict(self) -> str:
        """Which row makes fewer top-1 errors, by McNemar's test at 5 %, in words."""
        return self.judged()

    @cached_property
    def images(self) -> pd.DataFrame:
        """A line per image, in A's order: `id`, `label` (a name), `rank_first` and `rank_second` from 1.

        Where rows say what they predicted, also `predicted_first` and `predicted_second`, by name.
        """
        both = {"first": (self.first, self.first.images), "second": (self.second, self._second)}
        names = np.array(self.first.classes, dtype=object)
        columns = {"id": pd.Series(self.first.ids, dtype=object), "label": names[self.first.images["label"]]}
        columns |= {f"rank_{which}": images["rank"].to_numpy() for which, (_, images) in both.items()}
        for which, (row, images) in both.items():
            if "predicted" in images:
                columns[f"predicted_{which}"] = np.array(row.classes, dtype=object)[images["predicted"]]
        return pd.DataFrame(columns)

    @property
    def only_first_wrong(self) -> pd.DataFrame:
        """The lines of `images` that only A has wrong at top-1."""
        return self.images[(self.images["rank_first"] > 1) & (self.images["rank_second"] == 1)]

    @property
    def only_second_wrong(self) -> pd.DataFrame:
        """The lines of `images` that only B has wrong at top-1."""
        return self.images[(self.images["rank_second"] > 1) & (self.images["rank_first"] == 1)]

    @cached_property
    def classes(self) -> pd.DataFrame:
        """Per class that has images, the classes that changed most first: top-1, in images.

        `class`, `images`, `wrong_first`, `wrong_second`, `only_first_wrong`, `only_second_wrong`, `difference`
        (wrong of A less wrong of B), `mcnemar_p`, and `holm_p`: that p corrected for all of these classes.
        """
        wrong = {"first": self.images["rank_first"] > 1, "second": self.images["rank_second"] > 1}
        counted = pd.DataFrame(
            {
                "images": 1,
                **{f"wrong_{which}": is_wrong for which, is_wrong in wrong.items()},
                "only_first_wrong": wrong["first"] & ~wrong["second"],
                "only_second_wrong": wrong["second"] & ~wrong["first"],
            }
        ).astype("int64")
        table = counted.groupby(self.first.images["label"].to_numpy()).sum()
        table.insert(0, "class", np.array(self.first.classes, dtype=object)[table.index])
        table["difference"] = table["wrong_first"] - table["wrong_second"]
        only = table[["only_first_wrong", "only_second_wrong"]].itertuples(index=False)
        table["mcnemar_p"] = [mcnemar(int(one), int(other)) for one, other in only]
        table["holm_p"] = holm(table["mcnemar_p"].tolist())
        order = np.lexsort((table["mcnemar_p"], -table["difference"].abs()))  # equal ones as classes are numbered
        return table.iloc[order].reset_index(drop=True)

    def markdown(self, classes: int | None = SHOWN) -> str:
        """As people read it, in a terminal too, with so many of the classes that changed most; None are all."""
        return comparison_markdown(self, classes)

    def _repr_markdown_(self) -> str:
        """In a notebook."""
        return self.markdown()

    def record(self) -> dict[str, Any]:
        """Everything, for JSON: errors and differences in %, of classes in images, and the ids that tell them apart."""
        return {
            "first": self.first.record(),
            "second": self.second.record(),
            "n": self.n,
            "verdict": self.verdict,
            "top1": difference_record(self),
            "top5": difference_record(self.top5) if self.top5 else None,
            "classes": self.classes.to_dict("records"),
            "only_first_wrong": self.only_first_wrong["id"].tolist(),
            "only_second_wrong": self.only_second_wrong["id"].tolist(),
            "notes": list(self.notes),
        }

    @cached_property
    def _second(self) -> pd.DataFrame:
        return self.second.in_order_of(self.first.ids)


def compare_rows(first: ComparedRow, second: ComparedRow) -> Comparison:
    """Compare two rows. Raises ResultError where they are not of the same images under the same labels."""
    notes = check_same_images(first, second)
    found = {}
    for k in (1, 5) if first.has_top5 and second.has_top5 else (1,):
        found[k] = paired(first.wrong(k), second.in_order_of(first.ids)["rank"].to_numpy() > k)
    return Comparison(**vars(found[1]), first=first, second=second, top5=found.get(5), notes=tuple(notes))


def difference_record(errors: PairedErrors) -> dict[str, Any]:
    """A difference with its test, and how many images show one like it."""
    return {**errors.fields, "images_needed": errors.images_needed}


def corrected(pairs: Sequence[Comparison], k: int) -> list[float] | None:
    """McNemar's p of each pair at top-k, corrected for all of them (Holm); None where one has no such error."""
    found = [pair.top(k) for pair in pairs]
    ps = [errors.p for errors in found if errors is not None]
    return holm(ps) if len(ps) == len(pairs) else None


def corrected_record(pair: Comparison, ps: dict[int, float], letters: tuple[str, str] = ("A", "B")) -> dict[str, Any]:
    """One of several pairs, as a comparison has it, with its verdict and its differences by the corrected p by k."""
    record = {**pair.record(), "verdict": pair.judged(letters, ps[1])}
    for k, p in ps.items():
        record[f"top{k}"]["holm_p"] = p
    return record
