"""A terminal in the place of standard error, of a usual kind."""

import os
import sys
from collections.abc import Callable, Iterator

import pytest
from pseudo_terminal import Terminal


@pytest.fixture
def open_terminal(monkeypatch) -> Iterator[Callable[[], Terminal]]:
    """Called in the test: pytest has its own standard error in the place of a fixture's."""
    opened = []

    def open_terminal() -> Terminal:
        opened.append(Terminal())
        monkeypatch.setattr(sys, "stderr", opened[-1].file)
        return opened[-1]

    for name in ("LANG", "LC_ALL", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    yield open_terminal
    for each in opened:
        each.text()
        os.close(each.leader)
