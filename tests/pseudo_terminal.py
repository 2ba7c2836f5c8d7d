"""A terminal for tests: what a command draws there, and what is left on its screen."""

import fcntl
import os
import pty
import re
import struct
import termios
import threading

from bench.progress import Meter

WIDTH = 80


class Terminal:
    """A pseudo-terminal in the place of both streams; `raw` is all that it was sent."""

    def __init__(self) -> None:
        self.leader, follower = pty.openpty()
        self.file = os.fdopen(follower, "w", encoding="utf-8")
        self.raw = b""
        self.reading = threading.Thread(target=self._read, daemon=True)
        self.resize(WIDTH)
        self.reading.start()

    def resize(self, width: int) -> None:
        fcntl.ioctl(self.file, termios.TIOCSWINSZ, struct.pack("4H", 24, width, 0, 0))

    def _read(self) -> None:
        while True:
            try:
                self.raw += os.read(self.leader, 1 << 16)
            except OSError:  # the other end is closed
                return

    def text(self) -> str:
        """All of it, once nothing more is written."""
        if not self.file.closed:
            self.file.close()
        self.reading.join(10)
        return self.raw.decode()

    def drawn(self) -> list[str]:
        """Each line as it was drawn, and drawn again."""
        return [line.rstrip() for line in re.split(r"[\r\n]+", re.sub(r"\x1b\[A", "\n", self.text())) if line.strip()]

    def screen(self) -> list[str]:
        """What is left to be read at the end."""
        lines, row, column = [""], 0, 0
        for order in re.findall(r"\x1b\[A|\r|\n|[^\x1b\r\n]+", self.text()):
            if order == "\x1b[A":
                row -= 1
            elif order == "\r":
                column = 0
            elif order == "\n":
                row += 1
                lines += [""] * (row == len(lines))
            else:
                lines[row] = f"{lines[row]:{column}}"[:column] + order + lines[row][column + len(order) :]
                column += len(order)
        return [line.rstrip() for line in lines]


def evaluate(clock: list[float], what: str = "vgg16 dense@384", seconds: float = 60.0) -> None:
    """Twenty images in two parts, which cost 1 and 3."""
    meter = Meter(80.0, "evaluating", 20, "image")
    for cost in (1.0, 3.0):
        meter.at(what)
        for _ in range(20):
            clock[0] += cost * seconds / 80
            meter.add(cost)
    meter.close()
