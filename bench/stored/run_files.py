"""The files in a run's folder, whatever made the run: its tables, where they are from, what is kept of images."""

from collections.abc import Iterator
from pathlib import Path

from bench.stored.run import SAVED
from results import origin, score_maps, transfer_files

KINDS = (".csv", ".json", ".md")
FILES = (origin.NAME, *(f"{name}{kind}" for name in ("results", "transfer") for kind in KINDS))
FOLDERS = (SAVED, score_maps.FOLDER, transfer_files.SCORES)


def run_files(place: Path) -> Iterator[Path]:
    """Of a run's folder, or of its table's with that table, whatever its name; some of them may not be there."""
    yield place
    folder = place if place.is_dir() else place.parent
    yield from (folder / name for name in FILES)
    for name in FOLDERS:
        yield from (folder / name).glob("*")
