"""Which sums of a row's stored parts say something: by part, by Q, by kind of view, with mirror images and without."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import Literal

from bench.stored.parts import StoredPart, stored_part
from protocols.methods import WITHOUT_FLIPS
from protocols.protocol import METHOD_ORDER, Part, Protocol
from results.tally import StoredNet

Flips = Literal["with", "without", "only"]  # mirror images among the views, none, nothing else
Share = tuple[StoredPart, Fraction]
Net = Sequence[Share]
Label = tuple[object, ...]
FLIPPED = {without: method for method, without in WITHOUT_FLIPS.items()}


@dataclass(frozen=True)
class Sum:
    """Parts of each net with their shares in the average; `protocols` are the parts, as with mirror images, a net."""

    nets: tuple[Net, ...]
    protocols: tuple[Protocol, ...]
    flips: Flips

    @property
    def stored(self) -> list[StoredNet]:
        return [[(part.blocks, share) for part, share in net] for net in self.nets]

    @property
    def same(self) -> tuple[frozenset, ...]:
        """Equal for sums of the same posteriors."""
        return tuple(frozenset((part.blocks.folder, share) for part, share in net) for net in self.nets)


def named(method: str) -> str:
    """What a method is called where mirror images are said beside it: `dense` for `dense-noflip`."""
    return FLIPPED.get(method, method)


def sums(nets: Sequence[StoredNet], blocks: int) -> Iterator[tuple[str, Label, Sum]]:
    """The sums of a row's parts, `blocks` of each, by how they are chosen and which of these they are.

    They are "part" by method, Q and flips; "so far", a method over its lowest Q, its two lowest and so on, by method,
    their number and flips; "Q", all methods at one Q, by Q and flips; "view", a method over all of its Q, by method
    and flips; and "whole", all of it, by flips. Fused nets are each judged by the same parts, but for the last two.
    Raises ResultError.
    """
    found = [[(stored_part(each), share) for each, share in net] for net in nets]
    straight = {part.blocks.folder: part.without_flips(blocks) for net in found for part, _ in net}
    for how, label, chosen in _choices(found):
        for each in _with_and_without(chosen, straight):
            yield how, (*label, each.flips), each


def _choices(nets: Sequence[Net]) -> Iterator[tuple[str, Label, list[list[Share]]]]:
    def choose(wanted: Collection[Part]) -> list[list[Share]]:
        return [_shared([part for part, _ in net if part.part in wanted]) for net in nets]

    own = [{part.part for part, _ in net} for net in nets]
    common = sorted(set.intersection(*own), key=lambda part: (METHOD_ORDER.index(part.method), part.Q))
    for method, group in groupby(common, key=lambda part: part.method):
        parts = list(group)
        for count, part in enumerate(parts, 1):
            yield "part", (named(method), part.Q), choose({part})
            yield "so far", (named(method), count), choose(parts[:count])
    for Q in sorted({part.Q for part in common}):
        at_Q = [{part for part in each if part.Q == Q} for each in own]
        if all(each == at_Q[0] for each in at_Q):
            yield "Q", (Q,), choose(at_Q[0])
    for method in METHOD_ORDER:
        over_Q = [{part for part in each if part.method == method} for each in own]
        if all(over_Q):
            yield "view", (named(method),), choose(set.union(*over_Q))
    yield "whole", (), [list(net) for net in nets]


def _shared(parts: Sequence[StoredPart]) -> list[Share]:
    """Parts with their shares where these are all of the protocol."""
    weights = _protocol(parts).weights
    return [(part, weights[part.part]) for part in parts]


def _protocol(parts: Sequence[StoredPart]) -> Protocol:
    methods = dict.fromkeys(part.part.method for part in parts)
    return Protocol(tuple(tuple(each.part for each in parts if each.part.method == method) for method in methods))


def _as_with_mirror_images(protocol: Protocol) -> Protocol:
    """Its parts by what their methods are called with mirror images."""
    return Protocol(tuple(tuple(Part(named(part.method), part.Q) for part in parts) for parts in protocol.methods))


def _with_and_without(nets: list[list[Share]], straight: Mapping[Path, StoredPart | None]) -> Iterator[Sum]:
    """A sum as it is, and if all of its mirror images can be told apart, without them, and of them alone."""
    parts = [part for net in nets for part, _ in net]
    protocols = tuple(_as_with_mirror_images(_protocol([part for part, _ in net])) for net in nets)
    flipped = [part for part in parts if part.part.flips]
    yield Sum(tuple(nets), protocols, "with" if flipped else "without")
    if not flipped or any(straight[part.blocks.folder] is None for part in flipped):
        return
    without = [[(straight[part.blocks.folder] or part, share) for part, share in net] for net in nets]
    yield Sum(tuple(without), protocols, "without")
    if len(flipped) == len(parts):
        alone = [
            [*((part, 2 * share) for part, share in net), *((part, -share) for part, share in less)]
            for net, less in zip(nets, without, strict=True)
        ]
        yield Sum(tuple(alone), protocols, "only")
