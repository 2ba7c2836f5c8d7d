"""What is seen of work that takes long in a step, or has none that can be counted, and where nobody looks on."""

import os
import re
import sys
import time
import warnings
from collections.abc import Callable

import pytest
from pseudo_terminal import evaluate

from bench import bars
from bench.command import finished
from bench.progress import Meter, busy, downloading, note, progress, warn

pytest_plugins = ("opened_terminal",)


def test_time_goes_on_in_a_step_that_takes_long(clock, open_terminal):
    terminal = open_terminal()
    steps = progress(range(2), 2, "reading")
    next(steps)
    bar = _only_bar()
    for _ in range(5):
        clock[0] += 10.0
        bar.beat()
        bar.beat()
    steps.close()
    spent = [int(found[1]) for line in terminal.drawn() if (found := re.search(r"\[00:(\d\d)<", line))]
    assert sorted(set(spent)) == [10, 20, 30, 40, 50]
    (line, end) = terminal.screen()
    assert line.startswith("reading:   0%|")
    assert end == ""


def test_work_without_steps_has_a_clock_and_leaves_nothing(clock, open_terminal):
    terminal = open_terminal()
    for seconds in (1.0, 5.0):
        with busy("loading libraries"):
            _pass(clock, seconds, 5)
            warn(f"after {seconds:g} s")
    assert {line for line in terminal.drawn() if "libraries" in line} == {
        f"loading libraries, 00:0{seconds} so far" for seconds in (3, 4, 5)
    }
    assert list(filter(None, terminal.screen())) == ["after 1 s", "after 5 s"]


def test_what_is_said_after_work_without_steps_begins_its_line(clock, open_terminal):
    terminal = open_terminal()
    with busy("loading libraries"):
        _pass(clock, 5, 1)
    note("written")
    assert terminal.screen() == ["written", ""]


@pytest.mark.parametrize("seconds", [1.0, 4.0])  # a step of the three: the clock is not seen yet at the end, or is
def test_steps_within_work_without_steps_leave_their_bar_alone(seconds, clock, open_terminal):
    terminal = open_terminal()
    with busy("making a page"):
        bar = _only_bar()
        for name in ("one", "two"):
            for _ in progress(range(3), 3, f"reading {name}"):
                clock[0] += seconds / 2
                bar.beat()
            clock[0] += 0.1
            bar.beat()
    note("written")
    one, two, written, end = terminal.screen()
    assert one.startswith("reading one: 100%|")
    assert two.startswith("reading two: 100%|")
    assert (written, end) == ("written", "")


def test_work_without_steps_is_a_line_a_minute_in_a_log_file(clock, capsys):
    for seconds in (50, 150):
        with busy("loading libraries"):
            _pass(clock, seconds, seconds)
    said = capsys.readouterr().err.splitlines()
    assert said == ["loading libraries, 01:00 so far", "loading libraries, 02:00 so far"]


def test_a_log_file_has_its_first_line_after_a_minute_however_long_a_step_takes(clock, capsys):
    steps = progress(range(2), 2, "reading")
    next(steps)
    _pass(clock, 600, 600)
    assert len(capsys.readouterr().err.splitlines()) == 10
    steps.close()


def _pass(clock: list[float], seconds: float, beats: int) -> None:
    """While the only bar there is looked at so often."""
    bar = _only_bar()
    for _ in range(beats):
        clock[0] += seconds / beats
        bar.beat()


def _only_bar() -> bars.Bar:
    (bar,) = (each for each in bars._watched if not each.disable)
    return bar


@pytest.mark.parametrize("slow", [lambda: Meter(1, "testing"), lambda: progress([1], 1, "testing")])
def test_the_clock_looks_at_bars(slow: Callable[[], object], monkeypatch, capsys):
    monkeypatch.setattr(bars, "BEAT", 0.01)
    monkeypatch.setattr(bars, "SPARSE", 0.02)
    made = slow()
    if not isinstance(made, Meter):
        next(made)  # type: ignore[call-overload]
    late, said = time.monotonic() + 20, ""
    while said.count("testing") < 3:
        assert time.monotonic() < late
        time.sleep(0.01)
        said += capsys.readouterr().err
    made.close()  # type: ignore[attr-defined]


def test_what_libraries_say_stands_above_a_bar(clock, open_terminal):
    terminal = open_terminal()

    def work() -> int:
        with busy("opening a net"):
            clock[0] += 3.0
            _only_bar().beat()
            warnings.warn("of a library", stacklevel=1)
            with downloading():
                print("Downloading", "a file")
        return 0

    before = warnings.showwarning
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert finished("bench.x", work) == 0
    assert warnings.showwarning is before
    first, *_, last = filter(None, terminal.screen())
    assert first.endswith("UserWarning: of a library")
    assert last == "Downloading a file"
    assert not any("opening" in line for line in terminal.screen())


def test_work_goes_on_where_the_reader_of_a_pipe_went_away(clock, monkeypatch):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as gone:
        monkeypatch.setattr(sys, "stderr", gone)
        evaluate(clock, seconds=6000.0)
        note("written")
        warn("a warning")
        evaluate(clock)


def test_work_goes_on_in_a_python_that_has_no_standard_error(clock, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", None)
    evaluate(clock, seconds=6000.0)
    note("written")
    warn("a warning")
    assert capsys.readouterr() == ("", "")


def test_work_goes_on_where_the_terminal_was_closed(clock, open_terminal):
    terminal = open_terminal()
    os.close(terminal.leader)
    evaluate(clock)
    note("written")
    terminal.leader = os.open(os.devnull, os.O_RDONLY)
