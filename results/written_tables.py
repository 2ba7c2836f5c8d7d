"""Written tables, read back row by row; a file may come from anywhere, so nothing in it is trusted."""

import csv
import io
import json
import math
import re
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from results.doubts import refused
from results.errors import ResultError
from results.formatting import number
from results.result import error_rate, signature_id

NUMBERS = ("n", "wrong1", "wrong5", "images_per_second", "ties1", "ties5")
BESIDE = ("skipped", "views", "gflops", "paper_top1", "paper_top5", "published_top1", "published_top5")  # said by some
ROW_NAMES = ("model", "S", "protocol", "data")  # what people know a row by
MORE_NAMES = ("configuration", "weights", "Q")
VERSIONS = ("python", "torch", "torchvision", "numpy", "pillow", "vgg-protocols")
PROVENANCE = ("machine", "device", "cpu_capability", *VERSIONS)
UNKNOWN = ("–", "unknown")  # of provenance: not in the table, or not in the blocks that it was counted from
MOST = 1e12  # images, or images/s: anything above was never measured
MOST_ROWS = 1000  # each may be compared with each
MOST_BYTES = 1 << 26
MERGE_MARK = re.compile(r"^(<{7}|>{7})( |$)", re.MULTILINE)  # of git
WANTED = "give a results.json or results.csv as bench.run writes it"


class Counts(NamedTuple):
    n: int
    wrong1: int
    wrong5: int | None

    def __str__(self) -> str:
        return f"wrong1 {self.wrong1}, wrong5 {number(self.wrong5)}, n {self.n}"


@dataclass(frozen=True)
class WrittenRow:
    """What was measured and what came out; `speed` in images/s, NaN where unknown; `texts` are names and provenance.

    `ties` are the images that ties decide at top-1 and top-5, 0 where the table does not say; `warnings` and `assumed`
    as written; `beside` the other numbers (of BESIDE), None where the table does not say.
    """

    signature: str
    counts: Counts
    speed: float
    texts: Mapping[str, str]
    ties: tuple[int, int] = (0, 0)
    warnings: str = ""
    assumed: str = ""
    beside: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Eight digits that stand for the signature."""
        return signature_id(self.signature)

    @property
    def errors(self) -> dict[str, float | None]:
        """Top-1 and top-5 error in % with their 95 % intervals, from the counts, named as in tables."""
        n, wrong1, wrong5 = self.counts
        return {**error_rate("top1", wrong1, self.ties[0], n), **error_rate("top5", wrong5, self.ties[1], n)}

    @property
    def clean(self) -> bool:
        """Whether its counts mean something: ties decide neither."""
        return not any(refused(ties, self.counts.n) for ties in self.ties)

    def __getitem__(self, name: str) -> str:
        return self.texts[name]


class WrittenFile(NamedTuple):
    """A table's rows as they are written, in JSON or in CSV, and how a baseline came about, the newest change first."""

    records: Sequence[dict[str, Any]]
    form: Literal["JSON", "CSV"]
    history: Sequence[dict[str, Any]] = ()


def read_table(path: Path) -> dict[str, WrittenRow]:
    """The rows of a results.json or results.csv, or of a baseline, by signature. Raises ResultError."""
    rows: dict[str, WrittenRow] = {}
    for place, record in enumerate(read_file(path).records, 1):
        try:
            row = written_row(record)
        except ValueError as error:
            raise ResultError(f"'{path}', row {place}: {error}; {WANTED}") from None
        if rows.setdefault(row.signature, row).counts != row.counts:
            raise ResultError(f"'{path}', row {place}: its signature stands above with other counts; keep one of them")
    if not rows:
        raise ResultError(f"'{path}' holds no rows; {WANTED}")
    return rows


def content_of(path: Path) -> str:
    """A file's text in UTF-8. Raises OSError, and ValueError for what is none, or is longer than MOST_BYTES."""
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)  # a device may never end
    if len(content) > MOST_BYTES:
        raise ValueError("too long")
    return content.decode("utf-8-sig")


def read_file(path: Path) -> WrittenFile:
    """A table as it is written, its rows unchecked but for their number. Raises ResultError."""
    text = ""
    try:
        text = content_of(path)
        read = _json(text) if text.lstrip().startswith(("[", "{")) else WrittenFile(_csv(text), "CSV")
    except OSError as error:
        raise ResultError(f"'{path}': {error.strerror}; {WANTED}") from None
    except (ValueError, RecursionError, csv.Error):
        if MERGE_MARK.search(text):
            raise ResultError(
                f"'{path}' holds two versions that git could not merge; take one of them whole, as with "
                "git checkout --ours, and measure again what the other changed"
            ) from None
        raise ResultError(f"'{path}' is not a table of results; {WANTED}") from None
    if len(read.records) > MOST_ROWS:
        raise ResultError(f"'{path}' holds {len(read.records)} rows; give a table of at most {MOST_ROWS}")
    return read


def _json(text: str) -> WrittenFile:
    """A list of rows, or a baseline: an object of its `rows` and its `history`."""
    content = json.loads(text)
    json.dumps(content, ensure_ascii=False).encode()  # JSON can spell half a character, which cannot be printed
    if isinstance(content, list):
        content = {"rows": content, "history": []}
    if set(content) != {"rows", "history"}:
        raise ValueError("neither a list nor a baseline")
    for records in content.values():
        if not (isinstance(records, list) and all(isinstance(record, dict) for record in records)):
            raise ValueError("not a list of objects")
    return WrittenFile(content["rows"], "JSON", content["history"])


def _csv(text: str) -> list[dict[str, Any]]:
    lines = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    records: list[dict[str, Any]] = list(lines)
    if any(None in record or None in record.values() for record in records):
        raise ValueError("too few or too many cells")
    return [
        {name: _cell(text) if name in (*NUMBERS, *BESIDE) else text for name, text in record.items()}
        for record in records
    ]


def _cell(text: str) -> Any:
    """A number as JSON would hold it; what is none stays a text."""
    try:
        return json.loads(text or "null")
    except ValueError:
        return text


def written_row(record: Mapping[str, Any]) -> WrittenRow:
    """A row from what `Result.record` says of it. Raises ValueError, which says what is wrong in it."""
    line, n, wrong1, wrong5, speed, *ties = [record.get(name, None) for name in ("signature", *NUMBERS)]
    warnings = record.get("warnings") or ""
    if isinstance(warnings, list) and all(isinstance(each, str) for each in warnings):
        warnings = "; ".join(warnings)
    require("warnings", warnings, isinstance(warnings, str), "a list of texts")
    texts = {name: record.get(name) or "–" for name in (*ROW_NAMES, *MORE_NAMES, *PROVENANCE)}
    for name, text in (("signature", line), *texts.items()):
        require(name, text, isinstance(text, str) and bool(text.strip()), "a text")
    require("n", n, is_number(n), "a whole number")
    require("wrong1", wrong1, is_number(wrong1, n), "a whole number from 0 to n")
    require("wrong5", wrong5, wrong5 is None or is_number(wrong5, wrong1), "a whole number from 0 to wrong1")
    require("images_per_second", speed, speed is None or is_number(speed, whole=False), "a number from 0")
    for name, count in zip(NUMBERS[-2:], ties, strict=True):
        require(name, count, count is None or is_number(count, n), "a whole number from 0 to n")
    beside = {name: record.get(name) for name in BESIDE}
    for name, value in beside.items():
        most = 100 if "top" in name else MOST  # errors are in %
        require(name, value, value is None or is_number(value, most, whole=False), f"a number from 0 to {most:g}")
    assumed = record.get("assumed") or ""
    require("assumed", assumed, isinstance(assumed, str), "a text")
    counts = Counts(int(n), int(wrong1), None if wrong5 is None else int(wrong5))
    ties1, ties5 = (int(count or 0) for count in ties)
    rate = math.nan if speed is None else float(speed)
    return WrittenRow(line, counts, rate, texts, (ties1, ties5), warnings, assumed, beside)


def require(name: str, value: Any, fine: bool, wanted: str) -> None:
    """Raise ValueError, which says what came and what is `wanted`, unless it is `fine`."""
    if not fine:
        raise ValueError(f"{name} {reprlib.repr(value)} is not {wanted}")


def is_number(value: Any, most: float = MOST, whole: bool = True) -> bool:
    """Whole numbers may be floats: pandas writes 3.0 for 3 in a column with gaps."""
    return type(value) in (int, float) and 0 <= value <= most and (not whole or value % 1 == 0)
