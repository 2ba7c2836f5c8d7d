"""Ends a worker when another has ended: a run that cannot be finished must not wait for days."""

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

from torch.distributed import Store

BEAT = 2.0  # seconds between two signs of life
SILENCE = 44.0  # seconds without one after which a worker counts as dead: noticed within a minute, by all
LEFT = 1 << 40  # beats that nobody gives: a worker that is done


class Watch:
    """Gives signs of life and looks for those of others: the first worker for everybody's, the others for the first's.

    `torchrun` ends the workers of one machine when one of them dies; those of other machines would go on, and then wait
    for the dead one.
    """

    def __init__(self, store: Store, rank: int, world: int) -> None:
        self.store, self.rank = store, rank
        self.quiet = dict.fromkeys(range(1, world) if rank == 0 else (0,), 0)
        self.over = threading.Event()
        self.leaving = False
        self.counts: dict[int, int] = {}
        for do in (self._ask, self._judge):
            threading.Thread(target=self._every_beat, args=[do], daemon=True).start()

    def failed(self) -> bool:
        """Whether a worker said that it ends with an error."""
        with suppress(RuntimeError):  # the place of the signs is gone
            return self.store.add("failed", 0) > 0
        return False

    def stop(self, failed: bool) -> None:
        """Take leave of the others; judged until that is done, since it may wait for an answer that never comes."""
        self.leaving = True
        with suppress(RuntimeError):  # nobody is there any more to be told
            self.store.add("failed", int(failed))
            self.store.add(f"beats of {self.rank}", LEFT)
        self.over.set()

    def _every_beat(self, do: Callable[[], None]) -> None:
        while not self.over.wait(BEAT):
            do()

    def _ask(self) -> None:
        try:
            self.store.add(f"beats of {self.rank}", 1)
            for other in self.quiet:
                count = self.store.add(f"beats of {other}", 0)
                if count != self.counts.get(other) or count >= LEFT:
                    self.quiet[other] = 0
                self.counts[other] = count
            if self.failed() and not self.leaving:
                self._end()  # who failed has said why
        except RuntimeError:  # the machine of the first worker is gone, and with it the place of the signs
            self._end("the first worker's machine does not answer")

    def _judge(self) -> None:
        """In a thread of its own, since the other one may wait for an answer that never comes.

        Beats are counted, not seconds: all workers may have been stopped together for a while.
        """
        for other in self.quiet:
            self.quiet[other] += 1
            if self.quiet[other] * BEAT > SILENCE:
                self._end(f"worker {other} gives no sign of life")

    def _end(self, why: str = "") -> None:
        """At once, whatever the main thread waits for: no block is lost that is written, and none is left half."""
        if self.over.is_set():
            return
        if why:
            print(f"error: {why}; what is finished is kept, the same command goes on from there", file=sys.stderr)
            telling = threading.Thread(target=self.stop, args=[True], daemon=True)
            telling.start()
            telling.join(BEAT)
        sys.stderr.flush()
        os._exit(2)
