"""What a transfer's table says of a row that was learnt and judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.engine.signatures import joined, per_net
from bench.extras import needed
from bench.images.divided import DividedSet
from bench.linear.combinations import Combination
from bench.linear.descriptors import Described
from bench.linear.job import TransferJob
from bench.linear.judging import Judged, truth_of
from bench.linear.learnt_before import learnt_before
from bench.linear.machines import MOST_IN_KERNEL
from bench.linear.signatures import transfer_signature
from bench.linear.splits import Division, Split
from bench.linear.usual import S_matters
from bench.nets.model import Model
from bench.provenance import computing, provenance
from results.formatting import shown
from results.tally import made_by
from results.transfer_result import Measure, TransferResult
from results.transfer_scores import SplitScores

NONE = "–"  # as of a net without a letter


@dataclass(frozen=True)
class Learnt:
    """What came of a row: its splits and what each came to, and what is measured; it took `seconds`.

    `dimension` is of the vectors that were learnt from.
    """

    dimension: int
    splits: Sequence[Split]
    judged: Sequence[Judged]
    measures: Mapping[str, Measure]
    seconds: float

    @property
    def solver(self) -> str:
        """The machines and what learnt them, for signatures."""
        most = max(len(split.train) for split in self.splits)
        return f"hinge,{'libsvm' if most <= MOST_IN_KERNEL else 'sgd'}"

    def scores(self, divided: DividedSet) -> list[SplitScores]:
        """What was said of each split's test images, beside what is right."""
        ids = [name for part in divided.parts for name in part.ids]
        truth, found = truth_of(divided), []
        for split, judged in zip(self.splits, self.judged, strict=True):
            own = truth.take(split.test)
            found.append(SplitScores(tuple(ids[i] for i in split.test), judged.scores, own.present, own.difficult))
        return found


def result_of(
    job: TransferJob, found: Described, row: Combination, division: Division, learnt: Learnt
) -> TransferResult:
    """What the tables say of a row."""
    models, divided = [job.models[net] for net in row.nets], job.divided
    trained, tested = division.roles(divided)
    before = learnt_before(found.divided, learnt.splits)
    said = [note for judged in learnt.judged for note in judged.notes]
    return TransferResult(
        model=joined(model.name for model in models),
        configuration=joined(model.configuration for model in models),
        weights=joined(shown(model.weights.label) for model in models),
        S=joined(str(model.S) if S_matters(model, divided) else NONE for model in models),
        nets=tuple(f"{model.configuration}/{model.S}" for model in models),
        Q=per_net(row.Q),
        over=row.over,
        dimension=learnt.dimension,
        data=shown(divided.name),
        classes=divided.classes,
        trained=trained,
        tested=tested,
        training=tuple(len(split.train) for split in learnt.splits),
        test=tuple(len(split.test) for split in learnt.splits),
        C=tuple(judged.C for judged in learnt.judged),
        measures=learnt.measures,
        signature=transfer_signature(job, row, division, learnt.solver, found.skipped),
        drawn=division.drawn,
        whole=divided.whole,
        region=divided.region,
        chosen=all(judged.tried for judged in learnt.judged),
        exif=any(images.exif for images in job.descriptors.looks),
        dtype=models[0].precision.name,
        skipped=found.skipped,
        seconds=learnt.seconds,
        net_seconds=found.seconds,
        assumed=frozenset().union(*(_assumed(model, divided) for model in models)),
        doubts=tuple(dict.fromkeys((*divided.doubts, *before, *said, *_without_width(learnt.measures)))),
        provenance=_made(found),
    )


def _without_width(measures: Mapping[str, Measure]) -> list[str]:
    """Where all images are judged right, or all wrong, resampling them cannot say what others would give."""
    if any(each.low is not None and each.low == each.high for each in measures.values()):
        return ["every sample of the test images gives the same value: its interval says nothing of other images"]
    return []


def _assumed(model: Model, divided: DividedSet) -> frozenset[str]:
    return model.assumed if S_matters(model, divided) else model.assumed - {"S"}


def _made(found: Described) -> dict[str, str]:
    """What computed the descriptors, whenever that was, and the library that learnt from them."""
    now = provenance()
    made = {name: made_by(found.made, name) if name in computing() else value for name, value in now.items()}
    made["device"] = "; ".join(sorted(found.devices))
    made["scikit-learn"] = needed("sklearn", "transfer").__version__
    return made
