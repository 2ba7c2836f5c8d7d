"""The recipe's numbers (section 3.1, in small); plain, so that the command line has them without torch."""

from collections.abc import Callable
from math import inf
from typing import Any

WIDTH = 1 / 16  # of the paper's nets
RATE = {"sgd": 0.04, "adam": 0.001}
WEIGHT_DECAY = {"sgd": 5e-4, "adam": 0.0}
MOMENTUM = 0.9
EPOCHS = (4, 1)  # the most at the first rate, and at a tenth of it
PATIENCE = 2  # epochs without improvement
BATCH = 32  # images per iteration
WARM_UP = 200  # iterations over which the rate rises to its value when training begins
WARM_SHARE = 0.2  # of all iterations, where that is less
VALIDATED = 500  # validation images, evenly spread, whose error is logged and steers the schedule
CLIP = 1.0  # the largest norm of the gradient over all parameters

AUGMENTS = ("paper", "none")
SCHEDULES = ("plateau", "step", "cosine")
TRAINED_IN = ("fp32", "tf32", "bf16")  # number formats whose range holds gradients as they are


def _whole(least: int) -> tuple[Callable[[Any], bool], str]:
    return lambda value: type(value) is int and value >= least, f"a whole number from {least}"


def _one_of(names: tuple[str, ...]) -> tuple[Callable[[Any], bool], str]:
    return lambda value: value in names, f"{', '.join(names[:-1])} or {names[-1]}"


# What each may be, and in words; None is always allowed where there is a default for it.
ALLOWED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "width": (lambda value: 0 < value < inf, "a number above 0"),
    "dropout": (lambda value: value == "own" or 0 <= value < 1, "a number from 0 to below 1, or own"),
    "rate": (lambda value: 0 < value < inf, "a number above 0"),
    "momentum": (lambda value: 0 <= value < 1, "a number from 0 to below 1"),
    "weight_decay": (lambda value: 0 <= value < inf, "a number from 0"),
    "epochs": (lambda value: value and all(map(_whole(1)[0], value)), "whole numbers from 1, such as 4,1"),
    "patience": _whole(1),
    "batch": _whole(1),
    "workers": _whole(0),
    "threads": _whole(1),
    "augment": _one_of(AUGMENTS),
    "optimiser": _one_of(tuple(RATE)),
    "schedule": _one_of(SCHEDULES),
    "dtype": (_one_of(TRAINED_IN)[0], f"{_one_of(TRAINED_IN)[1]}; fp16 would need its loss scaled"),
}
