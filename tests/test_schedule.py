import pytest

from bench.schedule import level


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([], 0),
        ([50, 40, 30], 0),  # improving: the rate stays
        ([50, 50], 0),
        ([50, 50, 50], 1),  # two epochs without improvement: it falls
        ([50, 60, 55, 51], 1),
        ([50, 60, 55, 51, 52], 2),  # the best is that of all rates
        ([9, 8, 7, 6], 1),  # four epochs are the most at the first rate
        ([9, 8, 7, 6, 5], 1),
        ([9, 8, 7, 6, 5, 4], 2),
        ([9, 8, 7, 6, 5, 4, 3], None),
        ([50, 50, 50, 50, 50, 50], None),
    ],
)
def test_the_rate_falls_when_accuracy_stops_improving_and_at_the_latest_when_its_epochs_are_spent(errors, expected):
    assert level(errors, longest=(4, 2, 1), patience=2) == expected
