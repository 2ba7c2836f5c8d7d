import pytest
import torch

from bench.train.schedule import level, rate_share


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


def rates(scheduler: torch.optim.lr_scheduler.LRScheduler, epochs: int) -> list[float]:
    """What one of torch's schedules gives, epoch by epoch, from a rate of 1."""
    found = []
    for _ in range(epochs):
        found.append(scheduler.get_last_lr()[0])
        scheduler.optimizer.step()
        scheduler.step()
    return found


@pytest.mark.parametrize("schedule", ["step", "cosine"])
def test_step_and_cosine_are_torchs_and_end_after_the_sum_of_epochs(schedule):
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1)
    theirs = {
        "step": lambda: torch.optim.lr_scheduler.MultiStepLR(optimiser, [3, 5], gamma=0.1),
        "cosine": lambda: torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 9),
    }[schedule]()
    ours = [rate_share(schedule, [50.0] * done, (3, 2, 4), patience=1) for done in range(10)]
    assert ours[:9] == pytest.approx(rates(theirs, 9))
    assert ours[9] is None


def test_plateau_falls_early_where_step_does_not():
    stale = [50.0, 50.0]
    assert rate_share("plateau", stale, (3, 2), patience=1) == pytest.approx(0.1)
    assert rate_share("step", stale, (3, 2), patience=1) == 1
