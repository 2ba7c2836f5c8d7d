import numpy as np
import pytest

from results.claims import Claim, claims, judge
from results.paper import published

BETTER = claims()[1]
NO_BETTER = claims()[0]


def judged(claim: Claim, only_first: int, only_second: int, both: int = 10, neither: int = 100):
    first = np.repeat([True, False, True, False], [only_first, only_second, both, neither])
    second = np.repeat([False, True, True, False], [only_first, only_second, both, neither])
    return judge(claim, first, second)


def test_every_claim_compares_two_rows_of_the_papers_tables():
    assert len(claims()) == len({(claim.first, claim.second) for claim in claims()}) >= 30
    for claim in claims():
        assert claim.kind in ("better", "no better")
        assert {frozenset(claim.first), frozenset(claim.second)} <= published().keys()
        assert claim.section in ("4.1", "4.2", "4.3", "4.4")


def test_the_papers_own_numbers_do_not_contradict_its_claims():
    for claim in claims():
        first, second = (published()[frozenset(nets)][0] for nets in (claim.first, claim.second))
        assert (first < second) == (claim.kind == "better")


@pytest.mark.parametrize(
    ("claim", "only_first", "only_second", "verdict"),
    [
        (BETTER, 5, 25, "holds"),
        (BETTER, 25, 5, "reversed"),
        (BETTER, 5, 10, "undecided"),
        (BETTER, 0, 0, "undecided"),
        (NO_BETTER, 25, 5, "holds"),
        (NO_BETTER, 5, 25, "reversed"),
        (NO_BETTER, 5, 10, "undecided"),
    ],
)
def test_the_verdict_follows_mcnemars_test(claim, only_first, only_second, verdict):
    assert judged(claim, only_first, only_second).verdict == verdict


def test_no_better_holds_where_an_improvement_of_a_point_can_be_ruled_out():
    assert judged(NO_BETTER, 5, 5, neither=5000).verdict == "holds"
    assert judged(NO_BETTER, 5, 5, neither=50).verdict == "undecided"


def test_the_record_counts_images():
    record = judged(BETTER, 5, 25, both=10, neither=60).record()
    assert (record["n"], record["only_first_wrong"], record["only_second_wrong"]) == (100, 5, 25)
    assert (record["top1_first"], record["top1_second"], record["difference"]) == (15, 35, -20)
    assert record["difference_low"] < -20 < record["difference_high"] < 0
    assert record["paper_difference"] == -0.9
