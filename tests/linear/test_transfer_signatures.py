from dataclasses import replace

import numpy as np
import pytest
from divided_sets import of_parts, part

from bench.linear.signatures import digest_of

TRAIN, TEST = part("train", [0, 1, 1], 2), part("test", [1, 0], 2)


def test_the_digest_is_of_what_is_there():
    assert digest_of(of_parts(TRAIN, TEST)) == digest_of(of_parts(part("train", [0, 1, 1], 2), TEST))


@pytest.mark.parametrize(
    "other",
    [
        replace(TRAIN, present=TRAIN.present[::-1]),
        replace(TRAIN, difficult=~TRAIN.present),
        replace(TRAIN, ids=TRAIN.ids[::-1]),
        replace(TRAIN, name="val"),
        replace(TRAIN, ids=TRAIN.ids[:2], present=TRAIN.present[:2], difficult=np.zeros((2, 2), bool)),
    ],
)
def test_other_examples_labels_or_parts_have_another_digest(other):
    """Also where the images that are seen say no labels, as whole images of several persons."""
    assert digest_of(of_parts(other, TEST)) != digest_of(of_parts(TRAIN, TEST))
