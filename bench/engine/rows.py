"""What a row of a table is: a net, or several fused, each under its protocol."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.nets.model import Model
from protocols.protocol import Part, Protocol


@dataclass(frozen=True)
class Row:
    """One model, or several to be fused, each under its protocol."""

    nets: tuple[tuple[Model, Protocol], ...]

    @property
    def parts(self) -> list[tuple[Model, Part]]:
        """What has to be computed for the row."""
        return [(model, part) for model, protocol in self.nets for part in protocol.parts]

    @property
    def assumed(self) -> frozenset[str]:
        """What nobody stated of any of the models."""
        return frozenset().union(*(model.assumed for model, _ in self.nets))


def rows_of(models: Sequence[Model], protocols: Sequence[Sequence[Protocol]], fuse: bool) -> list[Row]:
    """Every model under each of its protocols, then the fusions; `protocols[m][p]` is item p as model m reads it."""
    rows = [Row(((model, each),)) for model, own in zip(models, protocols, strict=True) for each in own]
    if fuse:
        rows += [Row(tuple(zip(models, column, strict=True))) for column in zip(*protocols, strict=True)]
    return list(dict.fromkeys(rows))
