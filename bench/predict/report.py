"""Where predictions go: standard output for images that were named, a CSV for folders, and pictures."""

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Literal

from bench.command import say
from bench.engine.heat import heat_map
from bench.engine.rows import Row
from bench.engine.unlabelled import Prediction
from bench.errors import UserError
from bench.folders import dated, writable
from bench.images.pixels import size_of
from bench.pictures.prediction import plot_prediction
from bench.progress import above, note
from results.formatting import shown

BEST = 5  # classes that are reported


class Report(AbstractContextManager):
    """Writes predictions one by one, so that what is finished is kept. Raises UserError where it cannot.

    `images` are files, which are printed, and folders, for which there is a table: `table` (None: in a dated folder).
    `plots` is a folder for pictures, True for a dated one, None for none; `assumed` is what nobody stated of the nets,
    in words, and goes with every prediction.
    """

    def __init__(
        self,
        images: Sequence[str],
        row: Row,
        names: Sequence[str],
        table: Path | None = None,
        plots: Path | Literal[True] | None = None,
        assumed: str = "",
    ) -> None:
        self.assumed, self.mark = assumed, f" (assumed: {assumed})" if assumed else ""
        self.row, self.names = row, names
        self.named = {str(Path(each)) for each in images if not os.path.isdir(each)}
        untold = table is None and any(map(os.path.isdir, images))
        folder = dated(Path("runs")) if untold or plots is True else None
        self.out = folder / "predictions.csv" if untold and folder else table
        self.plots = folder if plots is True else plots
        self.count = 0
        self.files = ExitStack()

    def __enter__(self) -> "Report":
        if self.plots:
            writable("--plot", self.plots)
        if self.out:
            writable("--out", self.out.parent)
            with _writing("--out", self.out):
                # whole lines at once, so that a killed run leaves a readable table
                file = self.out.open("w", buffering=1, newline="", encoding="utf-8", errors="surrogateescape")
                self.table = csv.writer(self.files.enter_context(file))
                places = range(1, min(BEST, len(self.names)) + 1)
                columns = ["image", *(f"{what}{place}" for place in places for what in ("class", "p"))]
                self.table.writerow(columns + ["assumed"] * bool(self.assumed))
        return self

    def __exit__(self, *_: object) -> None:
        self.files.close()
        for what, place in (("image(s)", self.out), ("picture(s)", self.plots)):
            if place:
                note(f"{self.count} {what} in {shown(str(place))}")

    def add(self, prediction: Prediction) -> None:
        """Print, tabulate and draw a prediction, as far as that was asked for."""
        self.count += 1
        best = [(self.names[index], float(prediction.probs[index])) for index in prediction.best(BEST)]
        if prediction.id in self.named:
            with above():
                say("\n".join([shown(prediction.id) + self.mark, *(f"  {p:.6f}  {shown(name)}" for name, p in best)]))
        if self.out:
            self._tabulate(self.out, prediction.id, best)
        if self.plots:
            self._draw(self.plots, prediction, best)

    def _tabulate(self, place: Path, name: str, best: Sequence[tuple[str, float]]) -> None:
        with _writing("--out", place):
            cells = [name, *(cell for each, p in best for cell in (each, f"{p:.9g}"))]
            self.table.writerow(cells + [self.assumed] * bool(self.assumed))

    def _draw(self, folder: Path, prediction: Prediction, best: Sequence[tuple[str, float]]) -> None:
        picture = prediction.image.at[max(prediction.image.at, key=lambda each: (not each.square, each))]
        heat = heat_map(self.row, prediction.image, int(prediction.best(1)[0]), size_of(picture))
        name = Path(prediction.id).name
        made_by = " + ".join(f"{model.name} {protocol}" for model, protocol in self.row.nets)
        made_by += self.mark
        file = folder / f"{self.count:05d}-{name[:60]}.png"
        with _writing("--plot", file):
            plot_prediction(picture.permute(1, 2, 0).numpy(), heat, best, name, made_by, file)


@contextmanager
def _writing(option: str, place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"{option}: cannot write '{place}': {error.strerror or error}; give another place") from None
