"""Where a run's rows come from: stored parts, classes and data, written beside the tables for `bench.inspect`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from results.atomic_files import write_text_atomically
from results.errors import ResultError
from results.store import reopen
from results.tally import StoredNet

NAME = "origin.json"
MOST = 10**9  # images: any number above was never asked for
AGAIN = "the same bench.run command writes it again, without running the net for what is stored"


@dataclass(frozen=True)
class Origin:
    """What a run's rows have in common, and the stored parts of each.

    `data`, `split`, `seed`, `class_order`, `labels_from`, `allow_duplicates`, `exif`, `labels` and `list_columns`
    are what those options take, from any working folder; `data` is None where only the process that evaluated them had
    the images. `images` is how many were asked for; `classes` the names, which labels count in; `competing` the indices
    of those that compete, None for all; `rows` by signature id, for each net the names of its parts' folders in `store`
    with their shares; `said` what the run said of nets and images, in sentences.
    """

    data: str | None
    split: float | None
    seed: int
    images: int
    store: Path
    classes: tuple[str, ...]
    competing: tuple[int, ...] | None
    rows: Mapping[str, Sequence[Sequence[tuple[str, Fraction]]]]
    class_order: str | None = None
    labels_from: int = 0
    allow_duplicates: bool = False
    exif: bool = False
    labels: str | None = None
    list_columns: str | None = None
    said: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...] | None:
        """The classes' names; None where they were only numbered."""
        return None if self.classes == tuple(map(str, range(len(self.classes)))) else self.classes

    def nets(self, row: str, store: Path | None = None) -> list[StoredNet]:
        """The stored parts of a row, by its signature id; in `store` if they were moved there. Raises StoreError."""
        root = store or self.store
        return [[(reopen(root / name), share) for name, share in net] for net in self.rows[row]]

    def write(self, folder: Path) -> None:
        said = {
            **vars(self),
            "store": str(self.store),
            "rows": {row: _as_json(nets) for row, nets in self.rows.items()},
        }
        write_text_atomically(folder / NAME, json.dumps(said, indent=1) + "\n")


def has_origin(folder: Path) -> bool:
    """Whether there is something to read, whatever it is."""
    return (folder / NAME).exists()


def read_origin(folder: Path) -> Origin:
    """What `Origin.write` wrote beside the tables. Raises ResultError."""
    path = folder / NAME
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        competing = said["competing"]
        rows = {row: _nets(nets) for row, nets in said["rows"].items()}
        images = int(said["images"])
        if not 0 <= images <= MOST:
            raise ValueError("not so many images")
        return Origin(
            data=None if said["data"] is None else str(said["data"]),
            split=None if said["split"] is None else float(said["split"]),
            seed=int(said["seed"]),
            images=images,
            store=Path(said["store"]),
            classes=tuple(map(str, said["classes"])),
            competing=None if competing is None else tuple(map(int, competing)),
            rows=rows,
            # earlier versions did not write these
            class_order=said.get("class_order"),
            labels_from=int(said.get("labels_from", 0)),
            allow_duplicates=bool(said.get("allow_duplicates", False)),
            exif=bool(said.get("exif", False)),
            labels=None if said.get("labels") is None else str(said["labels"]),
            list_columns=None if said.get("list_columns") is None else str(said["list_columns"]),
            said=tuple(map(str, said.get("said", ()))),
        )
    except OSError as error:
        raise ResultError(f"'{path}': {error.strerror}; it says where a run's posteriors are; {AGAIN}") from None
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError):
        raise ResultError(f"'{path}' is damaged; {AGAIN}") from None


def _nets(nets: Sequence[Sequence[tuple[str, str]]]) -> list[list[tuple[str, Fraction]]]:
    """Of a row. Raises ValueError where there are none, or one is no mean."""
    if not nets:
        raise ValueError("a row of no net")
    return [_of_json(net) for net in nets]


def _of_json(net: Sequence[tuple[str, str]]) -> list[tuple[str, Fraction]]:
    """A net's parts with their shares. Raises ValueError where these are not a mean."""
    parts = [(str(name), Fraction(share)) for name, share in net]
    shares = [share for _, share in parts]
    if min(shares) <= 0 or sum(shares) != 1:
        raise ValueError("shares that do not add up to 1")
    return parts


def _as_json(nets: Sequence[Sequence[tuple[str, Fraction]]]) -> list[list[list[str]]]:
    return [[[name, str(share)] for name, share in net] for net in nets]
