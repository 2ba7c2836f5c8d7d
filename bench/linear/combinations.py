"""Which vectors a row learns from: descriptors of a net, or of several, at one Q or at several as one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.choices import OVER
from results.descriptors import averaged, normalised, stacked

MEAN, STACK, EACH = OVER


@dataclass(frozen=True)
class Combination:
    """Nets by their numbers, each with its Q; `over` is MEAN or STACK, "" where each has one Q."""

    nets: tuple[int, ...]
    scales: tuple[tuple[int, ...], ...]
    over: str

    @property
    def Q(self) -> list[str]:
        """Each net's, as tables say them."""
        return ["/".join(map(str, own)) for own in self.scales]

    def vectors(self, found: Mapping[tuple[int, int], np.ndarray]) -> np.ndarray:
        """(N, D) float32 of length 1, from the descriptors by net and Q."""
        join = averaged if self.over == MEAN else stacked
        members = [join([found[net, Q] for Q in own]) for net, own in zip(self.nets, self.scales, strict=True)]
        return stacked(members) if len(members) > 1 else normalised(members[0])


def combinations_of(scales: Sequence[tuple[int, ...]], over: Sequence[str], fuse: bool) -> list[Combination]:
    """Every net in each of the ways, then all of them together; `scales` are as many of each net."""
    members: list[tuple[int, ...]] = [(net,) for net in range(len(scales))]
    if fuse:
        members.append(tuple(range(len(scales))))
    rows = []
    for nets in members:
        own = tuple(scales[net] for net in nets)
        for way in over:
            if way == EACH:
                rows += [Combination(nets, tuple((Q,) for Q in at), "") for at in zip(*own, strict=True)]
            else:
                rows.append(Combination(nets, own, way if len(own[0]) > 1 else ""))
    return list(dict.fromkeys(rows))
