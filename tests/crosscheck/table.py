"""`results/tables/crosscheck.md`: a row for everything that was compared with another framework's own answer."""

from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from tabulate import tabulate

from results.atomic_files import write_atomically

TABLE = Path(__file__).resolve().parents[2] / "results" / "tables" / "crosscheck.md"
COLUMNS = ("what", "against", "images", "worst difference", "allowed")
HEAD = """# Against the frameworks themselves

Posteriors of one net as a framework computes them and as this package does: the worst difference over all images and
classes, and what is allowed. Weights are random, in files that the framework wrote (Caffe's are written by the test,
and read by both). ONNX Runtime has the built-in nets, exported. timm's rows have its own transform on one side and
`published` on the other. `pytest tests/crosscheck` makes this table.

"""


class Row(NamedTuple):
    """One comparison; `against` says which framework in which version."""

    what: str
    against: str
    images: str
    worst: str
    allowed: str


def versions(*packages: str) -> str:
    """Packages with their versions: `keras 3.15.1, tensorflow-cpu 2.21.0`."""
    return ", ".join(f"{name} {version(name)}" for name in (*packages, "torch"))


def record(what: str, against: str, images: str, worst: float, allowed: float, path: Path = TABLE) -> None:
    """Put a row into the table, in place of an older one of the same comparison."""
    row = Row(what, against, images, f"{worst:.1e}", f"{allowed:.0e}")
    rows = {each.what: each for each in [*rows_of(path), row]}
    text = tabulate(sorted(rows.values()), COLUMNS, tablefmt="pipe", disable_numparse=True)
    write_atomically(path, f"{HEAD}{text}\n".encode())


def rows_of(path: Path) -> list[Row]:
    """The rows of a table that was written."""
    lines = path.read_text().splitlines() if path.is_file() else []
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [Row(*each) for each in cells[2:]]
