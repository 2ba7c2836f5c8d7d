"""Rows counted from their stored parts: ranks, results, saved posteriors, and where they came from."""

from collections.abc import Mapping

import numpy as np

from bench.engine.fill import expected_of
from bench.engine.header import sentences
from bench.engine.job import Job
from bench.engine.rows import Row
from bench.engine.signatures import joined, per_net, protocols_text, row_signature
from bench.images.dataset import Images
from bench.images.kinds import anywhere
from bench.images.labels.groups import CORRUPTION, DETECTION, OUTSIDE
from bench.images.labels.relabellings import relabellings
from bench.progress import progress
from bench.provenance import computing, provenance
from results.corruption import CorruptionErrors, corruption_errors
from results.detection import Detection, detection
from results.doubts import label_doubts, refused
from results.formatting import shown
from results.origin import Origin
from results.per_image import per_image
from results.posteriors import Posteriors, join
from results.result import Result
from results.tally import StoredNet, Tally, row_blocks, tally

ADDED = ("vgg-protocols", "cpu_capability")  # columns behind those that tables had before


def tallies_of(job: Job) -> dict[Row, Tally]:
    """Count the rows from their stored parts. Raises StoreError, and ResultError where no image is left."""
    others = [] if job.images.right else relabellings(job.models[0].count)
    stored = [stored_nets(job, row) for row in job.rows]
    blocks = expected_of(job.images)
    counting = progress(blocks, len(blocks), "counting", "block")
    return dict(zip(job.rows, tally(stored, counting, job.competing, others), strict=True))


def posteriors_of(job: Job, row: Row) -> Posteriors:
    """A row's ids, labels and posteriors, all images at once. Raises StoreError."""
    return join(list(row_blocks(stored_nets(job, row), expected_of(job.images))))


def result_of(job: Job, row: Row, counted: Tally, gflops: float | None = None) -> Result:
    """What the tables say of a counted row, and of what an image costs."""
    nets, protocols = zip(*row.nets, strict=True)
    images = job.images
    n, wrong1, ties1 = len(counted.ranks), counted.standings.wrong(1), counted.standings.ties(1)
    doubts = [] if refused(ties1, n) else label_doubts(n, wrong1, counted.classes, counted.trials)
    return Result(
        model=joined(model.name for model in nets),
        configuration=joined(model.configuration for model in nets),
        weights=joined(shown(model.label) for model in nets),
        S=joined(str(model.S) for model in nets),
        Q=per_net("/".join(map(str, protocol.Q)) for protocol in protocols),
        protocol=protocols_text(row),
        data=shown(images.name),
        n=n,
        skipped=len(counted.corrupt),
        wrong1=wrong1,
        wrong5=counted.standings.wrong(5) if counted.top5 else None,
        views=sum(protocol.nominal_views for protocol in protocols),
        seconds=counted.seconds,
        nets=tuple(f"{model.configuration}/{model.S} {protocol}" for model, protocol in row.nets),
        signature=row_signature(row, images, n, len(counted.corrupt), job.competing is not None),
        provenance=_made(counted),
        ties1=ties1,
        ties5=counted.standings.ties(5) if counted.top5 else 0,
        assumed=row.assumed | images.assumed,
        doubts=(*images.doubts, *doubts),
        makers=_makers(job, row),
        corruptions=None if refused(ties1, n) else _corruptions(images, counted),
        detection=_detection(job, row, counted),
        gflops=gflops,
    )


def counted_images(images: Images, counted: Tally) -> list[int]:
    """Which of the images a row counted, by index: those that can be decoded and have a label."""
    corrupt, right = set(counted.corrupt), images.right.classes if images.right else [True] * len(images)
    return [i for i, name in enumerate(images.ids) if name not in corrupt and right[i]]


def _corruptions(images: Images, counted: Tally) -> CorruptionErrors | None:
    """The errors by corruption, where the images are in such groups."""
    if images.groups is None or images.groups.measure != CORRUPTION:
        return None
    names, corrupt = images.groups.names, set(counted.corrupt)
    skipped = [group for name, group in zip(images.ids, names, strict=True) if name in corrupt]
    groups = [names[i] for i in counted_images(images, counted)]
    return corruption_errors(groups, counted.ranks >= 1, images.groups.lacking, skipped)


def _detection(job: Job, row: Row, counted: Tally) -> Detection | None:
    """How well images of no class are told from others, where there are such. Raises StoreError."""
    images, corrupt = job.images, set(counted.corrupt)
    if images.groups is None or images.groups.measure != DETECTION:
        return None
    kinds = zip(images.ids, images.groups.names, strict=True)
    outside = np.array([kind == OUTSIDE for name, kind in kinds if name not in corrupt])
    if not outside.any():
        return None
    blocks = row_blocks(stored_nets(job, row), expected_of(images))
    return detection(outside, np.concatenate([per_image(block, job.competing)["confidence"] for block in blocks]))


def _makers(job: Job, row: Row) -> tuple[float | None, float | None] | None:
    """The errors that the makers of a row's weights publish; None where it is not their evaluation."""
    (model, protocol), *others = row.nets
    recipe = model.weights.recipe
    theirs = [part.published for part in protocol.parts] == [True]
    if others or not theirs or recipe is None or model.drop is not None or job.competing is not None:
        return None
    return recipe.top1, recipe.top5


def _made(counted: Tally) -> dict[str, str]:
    """What computed the row's blocks, whenever that was, in place of what counts them."""
    now = provenance()
    made = {name: counted.makers(name) if name in computing() else value for name, value in now.items()}
    made["device"] = "; ".join(counted.devices)
    if any("engine" in each for each in counted.made):
        made["engine"] = "; ".join(sorted({each.get("engine", "torch") for each in counted.made}))
    return dict(sorted(made.items(), key=lambda each: each[0] in ADDED))


def class_names(job: Job) -> tuple[str, ...]:
    """What labels count in; numbers where nobody knows the classes' names."""
    return job.images.classes or tuple(map(str, range(job.models[0].count)))


def origin_of(job: Job, rows: Mapping[str, Row]) -> Origin:
    """Where rows come from, by their signature ids; those of nets that are not kept are not there."""
    images, data = job.images, job.data
    kept = {line: row for line, row in rows.items() if all(model.kept for model, _ in row.nets)}
    return Origin(
        data=anywhere(data.source) if data else None,
        split=data.split if data else None,
        seed=data.seed if data else 0,
        images=len(images),
        store=job.root.resolve(),
        classes=class_names(job),
        competing=None if job.competing is None else tuple(job.competing.tolist()),
        class_order=data.class_order if data else None,
        labels_from=data.labels_from if data else 0,
        allow_duplicates=data.allow_duplicates if data else False,
        exif=images.exif,
        list_columns=data.list_columns if data else None,
        labels=anywhere(data.labels) if data and data.labels else None,
        said=tuple(sentences(job.models, images)),
        rows={
            line: [[(store.folder.name, share) for store, share in net] for net in stored_nets(job, row)]
            for line, row in kept.items()
        },
    )


def stored_nets(job: Job, row: Row) -> list[StoredNet]:
    """The stored parts of each of a row's nets, with their shares."""
    return [
        [(job.tasks[model, part].store, share) for part, share in protocol.weights.items()]
        for model, protocol in row.nets
    ]
