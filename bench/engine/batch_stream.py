"""Batches of several works under way at once: while the last ones of a work are computed, the next work begins."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar

import numpy as np

from bench.engine.attempts import NoRoom, attempt, too_large, unless_no_room, views_in
from bench.engine.capacity import Capacity
from bench.engine.lanes import Begun
from bench.engine.view_batches import ViewBatch
from bench.nets.model import Model

HELD = 1 << 28  # bytes of images under way beside which more are begun


class Work(Protocol):
    """Batches for one net, whose results it takes; `weight` is that of its images, in bytes."""

    model: Model
    batches: Sequence[ViewBatch]
    weight: int

    def take(self, batch: ViewBatch, posteriors: np.ndarray) -> None: ...


W = TypeVar("W", bound=Work)


@dataclass(frozen=True)
class Step(Generic[W]):
    """A batch of a work under way."""

    work: W
    batch: ViewBatch
    begun: Begun


@dataclass(frozen=True)
class End(Generic[W]):
    """Of a work: all its batches were begun before."""

    work: W


def finished(works: Iterable[W], capacity: Capacity) -> Iterator[W]:
    """Works in their order, each when it has taken all its results; what had no room comes again in smaller batches.

    As many batches are under way as the lane of `capacity` takes. Where `works` raises an error, those before come
    first. Raises UserError for a view that has no room by itself.
    """
    stream: _Stream[W] = _Stream(capacity)
    source, failure = iter(works), None
    while True:
        yield from stream.drained(lambda: stream.weight > HELD)
        try:
            work = next(source)
        except StopIteration:
            break
        except Exception as error:
            failure = error
            break
        for batch in work.batches:
            stream.begin(work, batch)
            yield from stream.drained(lambda: stream.count > capacity.lane.late)
        stream.end(work)
        del work  # what is finished its taker alone keeps
    yield from stream.drained(lambda: True)
    if failure:
        raise failure


class _Stream(Generic[W]):
    """Steps under way, the first begun first."""

    def __init__(self, capacity: Capacity) -> None:
        self.capacity = capacity
        self.steps: deque[Step[W] | End[W]] = deque()
        self.failed: list[ViewBatch] = []  # of the first work

    @property
    def count(self) -> int:
        """Batches under way."""
        return sum(isinstance(step, Step) for step in self.steps)

    @property
    def weight(self) -> int:
        """Bytes of the images of all works that are not finished."""
        return sum(step.work.weight for step in self.steps if isinstance(step, End))

    def begin(self, work: W, batch: ViewBatch) -> None:
        self.steps.append(self._begun(work, batch))

    def end(self, work: W) -> None:
        self.steps.append(End(work))

    def drained(self, more: Callable[[], bool]) -> Iterator[W]:
        """Take results as long as there are `more` to be taken; gives the works that end with them."""
        while self.steps and (isinstance(self.steps[0], End) or more()):
            step = self.steps.popleft()
            if isinstance(step, Step):
                self._take(step)
            else:
                self._again(step.work)
                yield step.work
            del step  # whoever takes a finished work keeps it as long as is wanted

    def _begun(self, work: W, batch: ViewBatch) -> Step[W]:
        return Step(work, batch, self.capacity.lane.begin(partial(attempt, work.model, self.capacity, batch)))

    def _take(self, step: Step[W], alone: bool = False) -> None:
        model, batch = step.work.model, step.batch
        result = unless_no_room(model, self.capacity, batch, step.begun.result)
        if not isinstance(result, NoRoom):
            step.work.take(batch, result)
        elif alone and batch.single:
            raise too_large(batch.views[0], result)
        else:
            self.failed.append(batch)

    def _again(self, work: W) -> None:
        """What had no room, in smaller batches; if that is a single view, nothing else is computed beside it."""
        lane = self.capacity.lane
        while self.failed:
            alone = any(batch.single for batch in self.failed)
            if alone:
                lane.settle()
            batches = self.capacity.divide(work.model, views_in(self.failed))
            self.failed = []
            begun: deque[Step[W]] = deque()
            for batch in batches:
                begun.append(self._begun(work, batch))
                if alone or len(begun) > lane.late:
                    self._take(begun.popleft(), alone)
            for step in begun:
                self._take(step)
