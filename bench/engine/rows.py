"""From what was asked to rows: which parts a row averages, where they are stored, and what its signature says."""

from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.engine.evaluate import Task, expected_of
from bench.images.dataset import Images
from bench.images.relabellings import relabellings
from bench.images.sources import anywhere
from bench.nets.model import Model
from bench.provenance import computing
from protocols.protocol import Part, Protocol
from results.doubts import label_doubts, refused
from results.formatting import shown
from results.origin import Origin
from results.posteriors import join
from results.result import Result, signature, signature_id
from results.store import BLOCK, Store
from results.tally import Net, Tally, row_blocks, tally

ADDED = ("vgg-protocols", "cpu_capability")  # columns behind those that tables had before
GEOMETRY = "1"  # raise it with every change of views, rescaling or averaging that alters a number


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


def part_key(model: Model, part: Part, images: Images) -> dict[str, str]:
    """Everything that changes the numbers of a part."""
    return {
        "model": model.name,
        "width": f"{model.weights.width:g}",
        "weights": model.weights.digest,
        **({} if model.drop is None else {"drop": str(model.drop)}),
        "data": images.digest,
        "part": str(part),
        "crop": str(model.side),
        "pixels": str(model.pixels),
        "rules": images.rules,
        "map": model.map_rule,
        "dtype": model.precision.said(model.device),
        "geometry": GEOMETRY,
        "block": str(BLOCK),
    }


Tasks = dict[tuple[Model, Part], Task]


def tasks_of(rows: Sequence[Row], images: Images, root: Path) -> Tasks:
    """The parts that all rows need, with their places in the store."""
    wanted = dict.fromkeys(each for row in rows for each in row.parts)
    return {(model, part): Task(model, part, Store(root, part_key(model, part, images))) for model, part in wanted}


def tallies_of(rows: Sequence[Row], tasks: Tasks, images: Images, scored: np.ndarray | None) -> dict[Row, Tally]:
    """Count rows from their stored parts; with `scored` only those classes compete."""
    others = relabellings(next(iter(tasks.values())).model.count)
    stored = [_stored(row, tasks) for row in rows]
    return dict(zip(rows, tally(stored, expected_of(images), scored, others), strict=True))


def save_posteriors(row: Row, tasks: Tasks, images: Images, path: Path) -> None:
    """Write a row's ids, labels and posteriors as one `.npz`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    join(list(row_blocks(_stored(row, tasks), expected_of(images)))).save(path)


def result_of(
    row: Row, counted: Tally, images: Images, restricted: bool, provenance: Mapping[str, str], folder: Path | None
) -> Result:
    """What the tables say of a counted row; `folder` is where its posteriors are saved, if they are."""
    nets, protocols = zip(*row.nets, strict=True)
    line = _signature(row, images, len(counted.corrupt), restricted)
    n, wrong1, ties1 = len(counted.ranks), counted.places.wrong(1), counted.places.ties(1)
    doubts = [] if refused(ties1, n) else label_doubts(n, wrong1, counted.classes, counted.trials)
    return Result(
        model=_joined(model.name for model in nets),
        configuration=_joined(model.configuration for model in nets),
        weights=_joined(shown(model.label) for model in nets),
        S=_joined(str(model.S) for model in nets),
        Q=_per_net("/".join(map(str, protocol.Q)) for protocol in protocols),
        protocol=_protocol(row),
        data=shown(images.name),
        n=n,
        skipped=len(counted.corrupt),
        wrong1=wrong1,
        wrong5=counted.places.wrong(5) if counted.top5 else None,
        views=sum(protocol.nominal_views for protocol in protocols),
        seconds=counted.seconds,
        nets=tuple(f"{model.configuration}/{model.S} {protocol}" for model, protocol in row.nets),
        signature=line,
        posteriors=str(folder / f"{signature_id(line)}.npz") if folder else None,
        provenance=_made(provenance, counted),
        ties1=ties1,
        ties5=counted.places.ties(5) if counted.top5 else 0,
        assumed=row.assumed | images.assumed,
        doubts=(*images.doubts, *doubts),
    )


def _made(provenance: Mapping[str, str], counted: Tally) -> dict[str, str]:
    """What computed the row's blocks, whenever that was, in place of what counts them."""
    made = {name: counted.makers(name) if name in computing() else now for name, now in provenance.items()}
    made["device"] = "; ".join(counted.devices)
    return dict(sorted(made.items(), key=lambda each: each[0] in ADDED))


def origin_of(
    rows: Mapping[str, Row], tasks: Tasks, images: Images, scored: np.ndarray | None, options: Namespace
) -> Origin:
    """Where rows come from, by their signature ids."""
    any_task = next(iter(tasks.values()))
    return Origin(
        data=anywhere(options.data),
        split=options.split,
        seed=options.seed,
        images=len(images),
        store=any_task.store.folder.parent.resolve(),
        classes=images.classes or tuple(map(str, range(any_task.model.count))),
        competing=None if scored is None else tuple(scored.tolist()),
        class_order=options.class_order,
        labels_from=options.labels_from,
        allow_duplicates=options.allow_duplicates,
        exif=images.exif,
        rows={
            line: [[(store.folder.name, share) for store, share in net] for net in _stored(row, tasks)]
            for line, row in rows.items()
        },
    )


def _stored(row: Row, tasks: Tasks) -> list[Net]:
    return [
        [(tasks[model, part].store, share) for part, share in protocol.weights.items()] for model, protocol in row.nets
    ]


def _joined(names: Iterable[str]) -> str:
    return " + ".join(names)


def _per_net(values: Iterable[str]) -> str:
    """What is equal for all fused nets is said once, else there is one value per net, in their order."""
    said = list(values)
    return said[0] if len(set(said)) == 1 else _joined(said)


def _protocol(row: Row) -> str:
    return _per_net(str(protocol) for _, protocol in row.nets)


def _competing(images: Images) -> str:
    """Classes of the whole set; how many, where a limit takes images of fewer."""
    few = len(np.unique(images.labels)) < len(images.present)
    return f"present:{len(images.present)}" if few else "present"


def _dropped(models: Sequence[Model]) -> dict[str, str]:
    """Which class of each net was left out, where one was."""
    drops = ["none" if model.drop is None else str(model.drop) for model in models]
    return {"drop": _joined(drops)} if set(drops) != {"none"} else {}


def _signature(row: Row, images: Images, skipped: int, restricted: bool) -> str:
    models = [model for model, _ in row.nets]
    first = models[0]
    return signature(
        {
            "model": _joined(model.name for model in models),
            "width": _per_net(f"{model.weights.width:g}" for model in models),
            "weights": _joined(model.weights.digest[:12] for model in models),
            **_dropped(models),
            "data": images.digest[:12],
            "n": f"{len(images) - skipped}/{images.total}",
            "skipped": str(skipped),
            "classes": _competing(images) if restricted else "all",
            "protocol": _protocol(row),
            "crop": _per_net(str(model.side) for model in models),
            "pixels": _per_net(str(model.pixels) for model in models),
            "rules": images.rules.replace(", ", ","),
            "map": first.map_rule,
            "dtype": first.precision.said(first.device),
            "geometry": GEOMETRY,
        }
    )
