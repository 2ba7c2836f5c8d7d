"""One epoch of learning: the optimiser's steps over the batches."""

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import nn

from bench.train.defaults import CLIP
from bench.train.recipe import Recipe


def make_optimiser(recipe: Recipe, parameters: Sequence[nn.Parameter]) -> torch.optim.Optimizer:
    """What `--optimiser` says; the rate is set before every step."""
    if recipe.optimiser == "adam":
        return torch.optim.Adam(parameters, recipe.rate, weight_decay=recipe.weight_decay)
    return torch.optim.SGD(parameters, recipe.rate, momentum=recipe.momentum, weight_decay=recipe.weight_decay)


def learn(
    net: nn.Module,
    optimiser: torch.optim.Optimizer,
    batches: Iterable[tuple[torch.Tensor, ...]],
    rate_of: Callable[[int], float],
) -> tuple[float, float]:
    """Take a step for each batch of inputs and labels, at the rate of its iteration.

    Returns the mean loss, not a number where it diverged, and the error in %.
    """
    (group,) = optimiser.param_groups
    iterations = seen = 0
    loss_sum = wrong = torch.zeros(())
    for inputs, labels in batches:
        group["lr"] = rate_of(iterations)
        scores = net(inputs)
        loss = nn.functional.cross_entropy(scores, labels)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(group["params"], CLIP)
        optimiser.step()
        # added up on the device: reading a value would wait for it
        loss_sum = loss.detach() + loss_sum.to(loss.device)
        wrong = (scores.detach().argmax(1) != labels).sum() + wrong.to(loss.device)
        iterations += 1
        seen += len(labels)
    return loss_sum.item() / iterations, 100 * wrong.item() / seen
