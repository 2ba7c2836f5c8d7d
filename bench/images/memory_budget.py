"""Room for what takes much memory: large things one after another, small ones beside each other."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class Room:
    """So much of something, shared by threads; who needs more than all of it gets it alone."""

    def __init__(self, most: int) -> None:
        self.most = self.left = most
        self.changed = Condition()

    @contextmanager
    def taken(self, amount: int) -> Iterator[None]:
        """Wait until so much is left, and have it until the end."""
        amount = min(amount, self.most)
        with self.changed:
            self.changed.wait_for(lambda: amount <= self.left)
            self.left -= amount
        try:
            yield
        finally:
            with self.changed:
                self.left += amount
                self.changed.notify_all()
