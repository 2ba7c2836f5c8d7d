"""One row of a table: what was measured, on what, and how many images were wrong."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from results.corruption import CorruptionErrors
from results.detection import Detection
from results.doubts import refused, tie_doubts
from results.metrics import wilson
from results.names import unicode_of
from results.paper import IMAGES, VALIDATION, reference

ASSUMED = ("pixels", "side", "class order", "S")  # what weights and data may leave unsaid, as it is told


@dataclass(frozen=True)
class Result:
    """Counts for one model (or fusion) under one protocol on one set of images.

    `nets` are `configuration/S protocol`, one per fused net, as in the paper's tables; `wrong5` is None where five
    classes or fewer compete; `seconds` is the time that the row's parts took; `posteriors` the path of the saved
    `.npz`. `provenance` (machine, versions, commit) explains a difference and is no part of what was measured.
    `ties1` and `ties5` are the images that would be wrong too if ties counted against the label; `assumed` is what
    nobody stated (of ASSUMED), `doubts` what else speaks against the labels, a sentence each. `makers` are the errors
    in % that the weights' makers publish, where the protocol is theirs; `corruptions` ImageNet-C's errors by group,
    `detection` how well images of no class are told from others. `gflops` is what an image costs in 1e9
    floating-point operations, twice the multiply-adds of all views of all parts of all nets; None where nobody counted.
    """

    model: str
    configuration: str
    weights: str
    S: str
    Q: str
    protocol: str
    data: str
    n: int
    skipped: int
    wrong1: int
    wrong5: int | None
    views: int
    seconds: float
    nets: tuple[str, ...]
    signature: str
    posteriors: str | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    ties1: int = 0
    ties5: int = 0
    assumed: frozenset[str] = frozenset()
    doubts: tuple[str, ...] = ()
    makers: tuple[float | None, float | None] | None = None
    corruptions: CorruptionErrors | None = None
    detection: Detection | None = None
    gflops: float | None = None

    @property
    def images_per_second(self) -> float | None:
        return self.n / self.seconds if self.seconds > 0 else None

    @property
    def paper(self) -> tuple[float, float] | None:
        """The paper's top-1 and top-5 error in %, where this row is exactly one of its rows."""
        return None if self.skipped or "S" in self.assumed else reference(self.nets, self.data, self.n)

    @property
    def published(self) -> tuple[float | None, float | None]:
        """What the weights' makers publish, where this row is their evaluation on all of ImageNet's validation set."""
        theirs = self.data == VALIDATION and self.n == IMAGES and not self.skipped
        return self.makers if self.makers and theirs else (None, None)

    @property
    def clean(self) -> bool:
        """Whether its top-1 error means something: ties do not decide it."""
        return not refused(self.ties1, self.n)

    @property
    def warnings(self) -> list[str]:
        """What speaks against the row, a sentence each; why it has no clean number, first."""
        ties5 = [] if self.wrong5 is None else tie_doubts(5, self.wrong5, self.ties5, self.n)
        return [*tie_doubts(1, self.wrong1, self.ties1, self.n), *ties5, *self.doubts]

    def record(self) -> dict[str, Any]:
        """Everything that is written to files: counts, the rates and intervals derived from them, provenance."""
        paper1, paper5 = self.paper or (None, None)
        published1, published5 = self.published
        speed = self.images_per_second
        measured = {
            "model": self.model,
            "configuration": self.configuration,
            "weights": self.weights,
            "S": self.S,
            "Q": self.Q,
            "protocol": self.protocol,
            "data": self.data,
            "n": self.n,
            "skipped": self.skipped,
            **error_rate("top1", self.wrong1, self.ties1, self.n),
            **error_rate("top5", self.wrong5, self.ties5, self.n),
            "wrong1": self.wrong1,
            "wrong5": self.wrong5,
            "views": self.views,
            "images_per_second": None if speed is None else round(speed, 3),
            "paper_top1": paper1,
            "paper_top5": paper5,
            "signature_id": signature_id(self.signature),
            "signature": self.signature,
            "posteriors": self.posteriors,
        }
        said = {
            "ties1": self.ties1,
            "ties5": None if self.wrong5 is None else self.ties5,
            "wrong1_against": self.wrong1 + self.ties1,
            "wrong5_against": None if self.wrong5 is None else self.wrong5 + self.ties5,
            "assumed": assumed_text(self.assumed),
            "warnings": list(map(unicode_of, self.warnings)),
            "published_top1": published1,
            "published_top5": published5,
        }
        by_group = self.corruptions.record() if self.corruptions else {}
        by_group |= self.detection.record() if self.detection else {}
        record = measured | dict(self.provenance) | measured | said | by_group  # what was measured comes first and wins
        record["gflops"] = None if self.gflops is None else float(f"{self.gflops:.6g}")
        return {name: unicode_of(value) if isinstance(value, str) else value for name, value in record.items()}


def assumed_text(assumed: Collection[str]) -> str:
    """What is assumed as one text; empty where nothing is."""
    return ", ".join(each for each in ASSUMED if each in assumed)


def error_rate(name: str, wrong: int | None, ties: int, n: int) -> dict[str, float | None]:
    """Error in % with its 95 % Wilson interval, as `name`, `name_low` and `name_high`; none where ties decide it."""
    if wrong is None or refused(ties, n):
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    low, high = wilson(wrong, n)
    return {name: round(100 * wrong / n, 4), f"{name}_low": round(100 * low, 4), f"{name}_high": round(100 * high, 4)}


def signature(fields: Mapping[str, str]) -> str:
    """One line of `key=value` words that says what was measured; values lose their blanks."""
    return " ".join(f"{key}={''.join(str(value).split())}" for key, value in fields.items())


def signature_id(text: str) -> str:
    """Eight hexadecimal digits that stand for a signature in a narrow table."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]
