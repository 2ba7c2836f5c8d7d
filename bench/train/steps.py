"""One epoch of learning: the optimiser's steps over the batches."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn

from bench.train.defaults import CLIP
from bench.train.recipe import Recipe


def make_optimiser(recipe: Recipe, parameters: Sequence[nn.Parameter]) -> torch.optim.Optimizer:
    """What `--optimiser` says; the rate is set before every step."""
    if recipe.optimiser == "adam":
        return torch.optim.Adam(parameters, recipe.rate, weight_decay=recipe.weight_decay)
    return torch.optim.SGD(parameters, recipe.rate, momentum=recipe.momentum, weight_decay=recipe.weight_decay)


def learning_in(dtype: str, device: torch.device) -> AbstractContextManager:
    """For a net's forward pass, and by it the backward pass: bf16 where that is the format, weights stay float32."""
    return torch.autocast(device.type, torch.bfloat16) if dtype == "bf16" else nullcontext()


def learn(
    net: nn.Module,
    optimiser: torch.optim.Optimizer,
    batches: Iterable[tuple[torch.Tensor, ...]],
    rate_of: Callable[[int], float],
    numbers: Callable[[], AbstractContextManager] = nullcontext,
) -> tuple[float, float]:
    """Take a step for each batch of inputs and labels, at the rate of its iteration, the net computing in `numbers`.

    Returns the mean loss, not a number where it diverged, and the error in %.
    """
    (group,) = optimiser.param_groups
    iterations = seen = 0
    loss_sum = wrong = torch.zeros(())
    for inputs, labels in batches:
        group["lr"] = rate_of(iterations)
        with numbers():
            scores = net(inputs).float()
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
