"""A transfer's signature: one line that says what was learnt from what, and nothing that only says how."""

import hashlib

from bench.engine.keys import DESCRIPTORS, GEOMETRY, rules_of
from bench.engine.signatures import joined, per_net
from bench.images.divided import DividedSet
from bench.images.labels.multi_labels import MultiLabels
from bench.linear.combinations import Combination
from bench.linear.job import TransferJob
from bench.linear.splits import Division
from protocols.methods import FEATURES
from protocols.protocol import Part
from results.result import signature


def transfer_signature(job: TransferJob, row: Combination, division: Division, solver: str, skipped: int) -> str:
    """Of a row whose classifiers are `solver`'s, with `skipped` images left out as corrupt."""
    models = [job.models[net] for net in row.nets]
    looks, learning = job.descriptors.looks, job.request.learning
    rules = [
        rules_of(images, model, Part(FEATURES, Q)).replace(", ", ",")
        for model, own in zip(models, row.scales, strict=True)
        for Q in own
        for images in looks
    ]
    first = models[0]
    return signature(
        {
            "model": joined(model.name for model in models),
            "width": per_net(f"{model.weights.width:g}" for model in models),
            "weights": joined(model.weights.digest[:12] for model in models),
            "data": digest_of(job.divided)[:12],
            "n": f"{sum(map(len, looks))}/{sum(images.total for images in looks)}",
            "skipped": str(skipped),
            "part": per_net(f"{FEATURES}@{Q}" for Q in row.Q),
            "over": row.over or "none",
            "division": division.text(job.divided),
            "splits": str(division.splits),
            "seed": str(learning.seed),
            "C": "/".join(str(float(C)).removesuffix(".0") for C in learning.C),
            "solver": solver,
            "crop": per_net(str(model.side) for model in models),
            "pixels": per_net(str(model.pixels) for model in models),
            "rules": joined(dict.fromkeys(rules)),
            "dtype": first.precision.said(first.device),
            "geometry": GEOMETRY,
            "descriptors": DESCRIPTORS,
        }
    )


def digest_of(divided: DividedSet) -> str:
    """SHA-256 over the parts: ids and labels of their examples, and ids, contents and boxes of what is seen of them."""
    found = hashlib.sha256()
    for part in divided.parts:
        labels = MultiLabels(part.present, part.difficult).lines
        lines = [f"{part.name}\n", *(f"{name}{own}\n" for name, own in zip(part.ids, labels, strict=True))]
        lines += [f"{look.images.digest}\n" for look in part.looks]
        found.update("".join(lines).encode("utf-8", "surrogateescape"))
    return found.hexdigest()
