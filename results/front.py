"""What accuracy costs: which of several nets or protocols nothing beats at its price."""

from collections.abc import Sequence


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """The indices of the (cost, error) points that no other beats, by cost: the Pareto front.

    One beats another if it is no worse in both and better in one. Points that are equal do not beat each other, so
    either all of them are there, in the given order, or none. Raises ValueError for a cost or error that is NaN.
    """
    if any(cost != cost or error != error for cost, error in points):
        raise ValueError("a cost or an error is NaN; leave such points out")
    kept: list[int] = []
    for index in sorted(range(len(points)), key=lambda index: points[index]):
        if not kept or points[index][1] < points[kept[-1]][1] or points[index] == points[kept[-1]]:
            kept.append(index)
    return kept
