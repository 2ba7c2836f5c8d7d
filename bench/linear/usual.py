"""What the paper's appendix B does with each of its sets, and what is done with others unless somebody says so."""

from dataclasses import dataclass

from bench.images.divided import DividedSet
from bench.linear.combinations import MEAN, STACK
from bench.nets.model import Model
from protocols.scales import in_proportion
from results.published_transfer import has_figures

SCALES = (256, 384, 512)  # for crops of 224 pixels
VOC_SCALES = (*SCALES, 640, 768)


@dataclass(frozen=True)
class Usual:
    """Test scales `Q` for crops of 224 pixels, and what becomes of several.

    `rule` is one of `results.average_precision`, None where recall judges. `train_per_class` images are drawn to learn
    from and at most `test_per_class` others to be judged on, None for all that there are.
    """

    Q: tuple[int, ...] = SCALES
    over: str = MEAN
    rule: str | None = None
    train_per_class: int | None = None
    test_per_class: int | None = None


PAPERS = {  # objects of Caltech's sets are of one size, so the paper stacks there
    "voc2007-cls": Usual(VOC_SCALES, rule="11 points"),
    "voc2012-cls": Usual(VOC_SCALES, rule="area"),
    "voc2012-action": Usual(VOC_SCALES, rule="area"),
    "caltech101": Usual(over=STACK, train_per_class=30, test_per_class=50),
    "caltech256": Usual(over=STACK, train_per_class=60),
}


def usual(divided: DividedSet) -> Usual:
    """Other sets with several labels an image are taken as VOC 2012's."""
    return PAPERS.get(divided.kind, PAPERS["voc2012-cls"] if divided.multi else Usual())


def usual_Q(divided: DividedSet, side: int) -> tuple[int, ...]:
    """In proportion to the side of a net's crops in pixels."""
    return tuple(in_proportion(Q, side) for Q in usual(divided).Q)


def S_matters(model: Model, divided: DividedSet) -> bool:
    """Whether the weights' S is to be said: where nobody stated it, it decides nothing but whether the paper's figure
    stands beside a row.
    """
    return "S" not in model.assumed or has_figures(divided.name, model.configuration)
