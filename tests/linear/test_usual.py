"""What is done with a set unless somebody says otherwise is what the paper's figures are of."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from divided_sets import of_parts, part, whole

from bench.linear.combinations import MEAN
from bench.linear.usual import PAPERS, SCALES, VOC_SCALES, S_matters, usual, usual_Q
from results.published_transfer import Drawn, published_transfers
from results.transfer_result import RULE_OF


@pytest.mark.parametrize("kind", PAPERS)
def test_the_papers_figures_are_of_the_usual_way(kind):
    figures = {found: figure for found, figure in published_transfers().items() if found.data == kind}
    own = PAPERS[kind]
    assert figures
    for found, figure in figures.items():
        assert (found.Q, found.over) == ("/".join(map(str, own.Q)), own.over)
        assert found.drawn == (Drawn(own.train_per_class, own.test_per_class) if own.train_per_class else None)
        assert RULE_OF.get(figure.measure) == own.rule


def test_every_set_of_the_paper_has_its_way():
    assert {found.data for found in published_transfers()} == set(PAPERS)


def test_other_sets_are_averaged_and_judged_by_recall_or_precision():
    one = whole([3, 3])
    several = replace(of_parts(part("train", [0, 1], 2), part("test", [0, 1], 2), multi=True), kind="images")
    assert (usual(one).Q, usual(one).over, usual(one).rule, usual(one).train_per_class) == (SCALES, MEAN, None, None)
    assert (usual(several).Q, usual(several).rule) == (VOC_SCALES, "area")


def test_scales_are_in_proportion_to_crops():
    assert usual_Q(whole([1]), 224) == (256, 384, 512)
    assert usual_Q(whole([1]), 448) == (512, 768, 1024)


@pytest.mark.parametrize(
    ("data", "configuration", "assumed", "matters"),
    [
        ("caltech101", "D", {"S"}, True),
        ("caltech101", "E", {"S", "pixels"}, True),
        ("caltech101", "A", {"S"}, False),
        ("flowers", "D", {"S"}, False),
        ("flowers", "A", {"pixels"}, True),  # stated
    ],
)
def test_an_assumed_S_matters_where_the_paper_has_figures(data, configuration, assumed, matters):
    model = SimpleNamespace(configuration=configuration, assumed=frozenset(assumed))
    assert S_matters(model, replace(whole([1]), name=data)) is matters
