"""Parts of a set as classes are learnt from them and tried on them, where several labels an image are taken, too."""

from bench.errors import UserError
from bench.images.data_spec import DataSpec
from bench.images.dataset import Images
from bench.images.kinds import KINDS
from bench.images.sources import has_parts, kind_of, opened, readable, refuse_training, split_refused, unseen

WHOLE = "all"  # what the one part of a set without parts is called


def parts_to_learn(spec: DataSpec) -> tuple[str, ...]:
    """The parts that a set is handed out in: train, val, and test of some sets; WHOLE of a set without. Raises
    UserError, also where no net is trained on such a set.
    """
    kind = kind_of(spec)
    if kind.evaluation_only:
        refuse_training(kind, spec, "train")
    if kind.several:
        if spec.split is not None:
            raise split_refused(spec)
        with readable(spec):
            return tuple(kind.several(spec.argument))
    parted = spec.split is not None or has_parts(spec.source, spec.columns)
    return ("train", "val") if parted else (WHOLE,)


def open_to_learn(spec: DataSpec, part: str) -> Images:
    """A part, of those that `parts_to_learn` names, as classes are learnt from it. Raises UserError."""
    kind = kind_of(spec)
    read = kind.read_to_learn or kind.read_all
    if part == WHOLE and read:
        kind = kind._replace(read=lambda spec, _: read(spec))
    images = opened(kind, spec, "val" if part == WHOLE else part)
    return unseen(images) if part == WHOLE else images


def open_unlabelled(spec: DataSpec) -> Images:
    """The test images of a set whose labels a server keeps back, in no class. Raises UserError where they are known."""
    kind = kind_of(spec)
    if kind.read_unlabelled is None:
        known = " or ".join(name for name, each in KINDS.items() if each.read_unlabelled)
        raise UserError(
            f"data {spec.source!r}: no server judges its test images; leave --submission out, or give {known}"
        )
    if "test" in parts_to_learn(spec):
        raise UserError(
            f"data {spec.source!r}: its test images have labels, and are judged here; leave --submission out"
        )
    read = kind.read_unlabelled
    return opened(kind._replace(read=lambda spec, _: read(spec)), spec, "test")
