"""What classifiers say of test images whose labels a server keeps back, in the files that Pascal VOC's server takes.

Names of files and lines are those of its development kit, as VOCinit.m, example_classifier.m and example_action.m have
them. The competitions are 2 and 10: those of classification and action that allow other data in training, as nets have
seen it.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.doubts import warn_of
from bench.linear.descriptors import Described, described
from bench.linear.job import TransferJob
from bench.linear.judging import Judged, decide, learnings, truth_of
from bench.linear.splits import Division, splits_of
from bench.progress import Meter
from results.atomic_files import write_text_atomically
from results.transfer_result import TransferResult

FILES = {  # by kind of --data; a class's name comes behind
    "voc2007-cls": "results/VOC2007/Main/comp2_cls_test_",
    "voc2012-cls": "results/VOC2012/Main/comp2_cls_test_",
    "voc2012-action": "results/VOC2012/Action/comp10_action_test_",
}


@dataclass(frozen=True)
class Submitted:
    """The test images by their ids, `skipped` that cannot be decoded left out, and what each row says of them.

    `limited` says that not all of the set's test images were asked for.
    `judged` is as many as there are rows: classifiers of train and val, whose C the second chose.
    """

    kind: str
    classes: tuple[str, ...]
    ids: tuple[str, ...]
    skipped: int
    limited: bool
    judged: Sequence[Judged]

    def warn(self, rows: Sequence[TransferResult]) -> None:
        """Say on standard error what speaks against what is submitted of these."""
        every = [f"{self.skipped} test image(s) cannot be decoded and are not in the submission"] * bool(self.skipped)
        every += ["--limit leaves test images out of the submission, which a server takes whole alone"] * self.limited
        said = [[*every, *(f"submitted: {note}" for note in judged.notes)] for judged in self.judged]
        warn_of([{"signature_id": row.id, "warnings": own} for row, own in zip(rows, said, strict=True)])


def submitted(job: TransferJob, found: Described) -> Submitted:
    """Learn from train and val, whose descriptors were found, for the test images. Raises UserError and its like."""
    assert job.submitted is not None
    test = described(job.submitted)
    divided = replace(found.divided, parts=(*found.divided.parts, *test.divided.parts))
    vectors = {key: np.concatenate([own, test.vectors[key]]) for key, own in found.vectors.items()}
    (split,) = splits_of(divided, Division(), job.request.learning.seed)
    truth, Cs = truth_of(divided), job.request.learning.C
    learnt = len(job.rows) * learnings(split, Cs) * len(divided.classes)
    with closing(Meter(learnt, "learning for the server", unit="class", delay=1)) as meter:
        judged = [decide(row.vectors(vectors), truth, split, Cs, lambda: meter.add(1)) for row in job.rows]
    limited = not test.divided.whole
    return Submitted(divided.kind, divided.classes, test.divided.parts[0].ids, test.skipped, limited, judged)


def write_submitted(folder: Path, said: Submitted, rows: Sequence[TransferResult]) -> list[Path]:
    """Write `results/` for the server, and return where it is; of several rows in a folder each, called by its id.

    Raises OSError.
    """
    places = [folder / row.id if len(rows) > 1 else folder for row in rows]
    for place, judged in zip(places, said.judged, strict=True):
        for label, name in enumerate(said.classes):
            path = place / f"{FILES[said.kind]}{name}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = zip(said.ids, judged.scores[:, label].tolist(), strict=True)
            write_text_atomically(path, "".join(f"{_example(each)} {value:.9g}\n" for each, value in lines))
    return places


def _example(name: str) -> str:
    """An image, or an image and the number of a person: `2010_006215#1` is `2010_006215 1`."""
    return name.replace("#", " ")
