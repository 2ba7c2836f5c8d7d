"""The kinds of sets with several labels an image, which `bench.transfer` alone takes."""

from functools import partial

from bench.images.kind import Kind, at, path_of
from bench.images.sets.voc_tasks import (
    parts_of_action,
    parts_of_classification,
    read_action,
    read_classification,
    read_unlabelled_action,
    read_unlabelled_classification,
)


def _voc_classification(year: str) -> Kind:
    return Kind(
        at(partial(read_classification, year)),
        ":DIR",
        f"Pascal VOC {year}'s classes of whole photographs, in DIR/VOCdevkit/VOC{year}",
        several=lambda argument: parts_of_classification(year, path_of(argument)),
        read_unlabelled=lambda spec: read_unlabelled_classification(year, path_of(spec.argument)),
    )


SEVERAL = {
    "voc2007-cls": _voc_classification("2007"),
    "voc2012-cls": _voc_classification("2012"),
    "voc2012-action": Kind(
        at(read_action),
        ":DIR",
        "Pascal VOC 2012's persons and what they do, in DIR/VOCdevkit/VOC2012",
        several=lambda argument: parts_of_action(path_of(argument)),
        read_unlabelled=lambda spec: read_unlabelled_action(path_of(spec.argument)),
    ),
}
