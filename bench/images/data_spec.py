"""Which images are asked for, and how they are to be read, in a value that checks itself."""

from dataclasses import dataclass

import numpy as np

from bench.choices import CLASS_ORDERS
from bench.errors import UserError
from bench.images.labels.real_labels import is_real

TABLES = ("list", "parquet", "hf")  # kinds whose columns may be named


@dataclass(frozen=True)
class DataSpec:
    """Which images, as the options say it: what `--data` takes, and how it is read.

    With `split` the parts are made here, that share of every class for validation, drawn by `seed`. `limit` images are
    taken, evenly spread, None for all. `class_order` sorts class names as "text" or by "number"; index labels begin at
    `labels_from`, 0 or 1; with `allow_duplicates` files that links show twice count twice. With `exif` the images'
    EXIF orientation is applied; with `verify` every file is read anew for the digest. `labels`, "real:FILE", are what
    images are counted by in place of their own. `class_map` is the file that says which of the net's classes each class
    is; `classes` are, or are in the file of, the names that labels which are bare numbers count in;
    `list_columns` the two columns of a table, "IMAGE,LABEL", that say these. Raises UserError for values that the
    options would refuse.
    """

    source: str
    split: float | None = None
    seed: int = 0
    limit: int | None = None
    class_order: str | None = None
    labels_from: int = 0
    allow_duplicates: bool = False
    exif: bool = False
    verify: bool = False
    labels: str | None = None
    class_map: str | None = None
    classes: str | tuple[str, ...] | None = None
    list_columns: str | None = None

    def __post_init__(self) -> None:
        share, limit, order, first, labels = self.split, self.limit, self.class_order, self.labels_from, self.labels
        checks = (
            ("--data", self.source, isinstance(self.source, str), "a set, such as folder:DIR"),
            ("--split", share, share is None or _within(share), "a number between 0 and 1, such as 0.2"),
            ("--seed", self.seed, _whole(self.seed, 0), "a whole number from 0"),
            ("--limit", limit, limit is None or _whole(limit, 1), "a whole number above 0"),
            ("--class-order", order, order is None or order in CLASS_ORDERS, " or ".join(CLASS_ORDERS)),
            ("--labels-from", first, _whole(first, 0) and first <= 1, "0 or 1"),
            ("--labels", labels, labels is None or is_real(labels), "real:FILE, ReaL's labels of ImageNet's images"),
        )
        for option, value, fine, allowed in checks:
            if not fine:
                raise UserError(f"{option} '{value}': give {allowed}")
        if self.list_columns is not None and (self.kind not in TABLES or self.columns is None):
            forms = ", ".join(f"{kind}:" for kind in TABLES)
            raise UserError(f"--list-columns '{self.list_columns}': give two, such as photo,species, with {forms}")
        if self.class_map is not None and (order or first or labels):
            raise UserError(
                f"--class-map '{self.class_map}': it says which class is which; leave --class-order, --labels-from and "
                "--labels out"
            )

    @property
    def kind(self) -> str:
        return self.source.partition(":")[0]

    @property
    def argument(self) -> str:
        return self.source.partition(":")[2]

    @property
    def columns(self) -> tuple[str, str] | None:
        """The two that `list_columns` names."""
        match [each.strip() for each in (self.list_columns or "").split(",")]:
            case [image, label] if image and label and image != label:
                return image, label
        return None


def _within(share: object) -> bool:
    return isinstance(share, int | float) and 0 < share < 1


def _whole(number: object, least: int) -> bool:
    return isinstance(number, int | np.integer) and not isinstance(number, bool) and int(number) >= least
