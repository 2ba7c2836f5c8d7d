"""One row of a transfer's table: whose descriptors of which images, and how well linear classifiers tell them apart."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from results.names import unicode_of
from results.published_transfer import Conditions, Drawn, Figure, published_transfer
from results.result import assumed_text, signature_id

RULE_OF = {"mAP11": "11 points", "mAP": "area"}  # of average precision, of sets with several labels an image
MEASURES = {"mAP11": "mAP, 11 points", "mAP": "mAP, area", "recall": "mean class recall"}  # as tables call them

PAPERS_FORMATS = ("fp32", "tf32")  # whose descriptors are the paper's, but for rounding


class Measure(NamedTuple):
    """A share from 0 to 1 with its 95 % interval, if it has one.

    `deviation` is over the splits, None where there is one.
    `by_class` (K,) is the same of each class, None of a class without an example among the test images.
    """

    value: float
    low: float | None = None
    high: float | None = None
    deviation: float | None = None
    by_class: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class TransferResult:
    """What linear classifiers of one net's descriptors (or of several, stacked) do on one set of images.

    `nets` are `configuration/S`, one for each net; `over` is how the descriptors of several Q become one, "mean" or
    "stack", "" of one Q; `dimension` is of the vectors that are learnt from. `trained` and `tested` name the parts of
    the set; `training`, `test` and `C` are those of each split: images, and the classifiers' constant. `drawn` says how
    images were drawn, None where the set's parts were taken; `whole` whether all images of the set were there; `region`
    what was seen of them where there is a choice. `chosen` says whether validation images chose each C from several,
    `exif` whether images were turned as their EXIF says, `dtype` in which number format descriptors were computed.
    `measures` are by MEASURES, the set's own first. `seconds` is the time of learning and judging, `net_seconds` that
    of computing the descriptors, whenever that was. `skipped` images cannot be decoded; `assumed` is what nobody stated
    of the nets, `doubts` what speaks against the row, a sentence each. `provenance` (machine, versions) explains a
    difference and is no part of what was measured; `scores` is the path of the saved `.npz`.
    """

    model: str
    configuration: str
    weights: str
    S: str
    nets: tuple[str, ...]
    Q: str
    over: str
    dimension: int
    data: str
    classes: tuple[str, ...]
    trained: str
    tested: str
    training: tuple[int, ...]
    test: tuple[int, ...]
    C: tuple[float, ...]
    measures: Mapping[str, Measure]
    signature: str
    drawn: Drawn | None = None
    whole: bool = True
    region: str = ""
    chosen: bool = True
    exif: bool = False
    dtype: str = "fp32"
    skipped: int = 0
    seconds: float = 0.0
    net_seconds: float = 0.0
    assumed: frozenset[str] = frozenset()
    doubts: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    scores: str | None = None

    @property
    def id(self) -> str:
        """Eight digits that stand for the signature."""
        return signature_id(self.signature)

    @property
    def measure(self) -> str:
        """What rows of one set are compared by."""
        return next(iter(self.measures))

    @property
    def paper(self) -> Figure | None:
        """The paper's figure, where this row is exactly one of its rows."""
        nets = frozenset(self.nets)
        if self.skipped or not self.whole or "S" in self.assumed or len(nets) < len(self.nets):
            return None
        if not self.chosen or self.exif or self.dtype not in PAPERS_FORMATS:
            return None
        training, test = (counts[0] if len(set(counts)) == 1 else None for counts in (self.training, self.test))
        splits = len(self.test)
        seen = (self.trained, self.tested, self.drawn, splits, training, test)
        return published_transfer(Conditions(self.data, self.region, nets, self.Q, self.over, *seen))

    def record(self) -> dict[str, Any]:
        """Everything that is written to files; measures and their ends in %, lists by class in their order."""
        paper = self.paper
        measured = {
            "model": self.model,
            "configuration": self.configuration,
            "weights": self.weights,
            "S": self.S,
            "nets": list(self.nets),
            "Q": self.Q,
            "over": self.over,
            "dimension": self.dimension,
            "data": self.data,
            "region": self.region,
            "trained": self.trained,
            "tested": self.tested,
            "splits": len(self.test),
            "training": list(self.training),
            "test": list(self.test),
            "per_class": self.drawn.per_class if self.drawn else None,
            "test_per_class": self.drawn.test_per_class if self.drawn else None,
            "whole": self.whole,
            "skipped": self.skipped,
            "C": list(self.C),
            "chosen": self.chosen,
            "exif": self.exif,
            "dtype": self.dtype,
            "measure": self.measure,
            **self._measured(),
            "paper": paper.value if paper else None,
            "paper_deviation": paper.deviation if paper else None,
            "paper_measure": paper.measure if paper else None,
            "seconds": round(self.seconds, 3),
            "net_seconds": round(self.net_seconds, 3),
            "assumed": assumed_text(self.assumed),
            "warnings": list(self.doubts),
            "signature_id": self.id,
            "signature": self.signature,
            "scores": self.scores,
        }
        by_class = {name: [_percent(share) for share in found.by_class] for name, found in self.measures.items()}
        more = {"classes": list(self.classes), "by_class": by_class}
        record = measured | dict(self.provenance) | measured | more  # what was measured comes first and wins
        return {name: _written(value) for name, value in record.items()}

    def _measured(self) -> dict[str, float | None]:
        """A column for each measure, its ends and its deviation; empty of those that the set is not judged by."""
        columns: dict[str, float | None] = {}
        for name in MEASURES:
            found = self.measures.get(name)
            columns[name] = _percent(found and found.value)
            columns[f"{name}_low"] = _percent(found and found.low)
            columns[f"{name}_high"] = _percent(found and found.high)
            columns[f"{name}_deviation"] = _percent(found and found.deviation)
        return columns


def _percent(share: float | None) -> float | None:
    """NaN, which JSON does not know, is nothing."""
    return None if share is None or share != share else round(100 * share, 4)


def _written(value: Any) -> Any:
    """Names as they can be written."""
    if isinstance(value, str):
        return unicode_of(value)
    return list(map(_written, value)) if isinstance(value, list) else value
