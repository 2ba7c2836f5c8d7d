"""Progress bars on a terminal, and lines in files and pipes."""

import fcntl
import gc
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import warnings
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from conftest import ROOT
from tqdm import tqdm

from bench import progress as module
from bench.command import finished
from bench.errors import BenchWarning, UserError
from bench.interrupt import heed, noted, ours_alone
from bench.progress import Meter, _notebook, above, called_from_python, downloading, progress, warn


@pytest.fixture(autouse=True)
def _heeded():
    """A shell's background jobs, which tests may be, ignore an interrupt."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def iterate(clock, seconds, count=600):
    """Work in equal steps that takes so long."""
    for _ in progress(range(count), count, "testing"):
        clock[0] += seconds / count


def measure(clock, seconds, count=600):
    meter = Meter(count * 1e9, "testing")
    for _ in range(count):
        clock[0] += seconds / count
        meter.add(1e9)
    meter.close()


@pytest.mark.parametrize("work", [iterate, measure])
def test_a_log_file_gets_a_line_a_minute_and_the_last(work, clock, capsys):
    work(clock, 3600.0)
    said = capsys.readouterr().err
    assert "\r" not in said
    assert "\x1b" not in said
    lines = said.splitlines()
    assert all(line.startswith("testing") for line in lines)
    assert 55 <= len(lines) <= 62
    shares = [int(re.search(r"(\d+)%", line)[1]) for line in lines]
    assert shares == sorted(shares)
    assert shares[-1] == 100
    assert shares.count(100) <= 2  # the last but one may be rounded up


def test_short_work_is_one_line_at_most(clock, capsys):
    iterate(clock, 0.9)
    assert capsys.readouterr().err == ""
    iterate(clock, 5.0)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert re.match(r"testing: 100% \| 600/600 \[00:0[45]<00:00, ", said)


def test_what_is_said_beside_a_bar_adds_no_line_of_its_own(clock, capsys):
    meter = Meter(10, "testing")
    for _ in range(10):
        warn("a warning")
        with above():
            print("a row")
        meter.add(1)
    meter.close()
    out, err = capsys.readouterr()
    assert out == "a row\n" * 10
    lines = err.splitlines()
    assert lines.count("a warning") == 10
    assert [line.split(",")[0] for line in lines if line != "a warning"] == ["testing   0%", "testing 100%"]


def test_work_that_is_broken_off_says_how_far_it_came(clock, capsys):
    steps = progress(range(100), 100, "testing")
    for _ in range(42):
        next(steps)
        clock[0] += 1
    steps.close()
    assert capsys.readouterr().err.splitlines()[-1].startswith("testing:  41% | 41/100")


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("drawn", [True, False])
def test_a_bar_that_is_left_half_made_says_nothing(drawn, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "drawn", lambda: drawn)
    monkeypatch.setattr("tqdm.std.DisableOnWriteError", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Meter(1, "testing")
    gc.collect()
    assert capsys.readouterr() == ("", "")


def test_workers_but_the_first_say_nothing(clock, capsys, monkeypatch):
    monkeypatch.setattr(module, "FIRST", False)
    iterate(clock, 3600.0)
    measure(clock, 3600.0)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("work", [iterate, measure])
def test_a_terminal_is_shown_a_bar_that_is_drawn_again(work, clock, monkeypatch):
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    with os.fdopen(follower, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        work(clock, 60.0, count=20)
        warn("a warning")
        terminal.flush()
        said = b""
        while not said.endswith(b"a warning\r\n"):
            said += os.read(leader, 1 << 16)
    os.close(leader)
    assert said.count(b"\rtesting") >= 20
    assert b"100%|" in said


class Swallowing:
    """Python ignores what a destructor raises."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("step", [heed, lambda: list(progress([1], 1, "x")), lambda: Meter(1, "x").add(1)])
def test_a_swallowed_interrupt_is_raised_again_at_the_next_step(step):
    steps = []

    def work():
        with noted():
            step()
            Swallowing()
            steps.append("swallowed")
            step()
            steps.append("not reached")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert steps == ["swallowed"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    heed()  # it was heeded once


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_swallowed_interrupt_is_said_when_the_work_is_done(capsys):
    assert finished("bench.x", lambda: 0) == 0
    assert finished("bench.x", lambda: [0, Swallowing()][0]) == 130
    assert (
        capsys.readouterr().err == "bench.x: stopped; what is finished is kept, the same command goes on from there\n"
    )


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_what_ends_a_process_is_said_too_unless_it_is_ignored(name, clock, capsys):
    number = getattr(signal, name)
    before = signal.signal(number, signal.SIG_DFL)

    def work() -> int:
        for _ in progress(range(2), 2, "testing"):
            clock[0] += 5
            signal.raise_signal(number)
        return 0

    try:
        assert finished("bench.x", work, "nothing was written") == 128 + number
        assert signal.getsignal(number) == signal.SIG_DFL
        bar, last = capsys.readouterr().err.splitlines()
        assert bar.startswith("testing:   0%")
        assert last == f"bench.x: stopped by {name}; nothing was written"
        signal.signal(number, signal.SIG_IGN)  # as nohup does
        assert finished("bench.x", work) == 0
    finally:
        signal.signal(number, before)


def test_a_command_ends_with_its_code_where_nobody_reads(monkeypatch):
    reader, writer = os.pipe()
    os.close(reader)

    def work() -> int:
        raise UserError("no room")

    with os.fdopen(writer, "w") as gone:
        monkeypatch.setattr(sys, "stderr", gone)
        assert finished("bench.x", work) == 2


def test_an_interrupt_within_an_exec_leaves_the_exit_code(tmp_path):
    """As where a dataclass is made: Python then ends itself by the signal, whatever the code, in the end of `-m`."""
    interrupted = "lambda: exec('raise KeyboardInterrupt')"
    code = f"import sys; from bench.command import finished; sys.exit(finished('bench.x', {interrupted}))"
    (tmp_path / "interrupted.py").write_text(code)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    done = subprocess.run([sys.executable, "-m", "interrupted"], env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr[:18]) == (130, b"bench.x: stopped; ")


@pytest.mark.parametrize(("raised", "code"), [(KeyboardInterrupt, 130), (UserError, 2)])
def test_how_a_command_ended_is_its_last_line(raised, code, clock, capsys):
    def work():
        steps = progress(range(100), 100, "testing")  # what was raised keeps it for a while
        for each in steps:
            clock[0] += 1
            if each == 42:
                raise raised("no room")

    assert finished("bench.x", work) == code
    bar, last = capsys.readouterr().err.splitlines()
    assert bar.startswith("testing:  42% | 42/100")
    assert last.startswith("bench.x: ")


def test_an_interrupt_that_is_ignored_stays_so():
    """A shell's background jobs ignore it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with noted():
            signal.raise_signal(signal.SIGINT)
            heed()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_interrupt_while_processes_start_comes_after():
    steps = []

    def work():
        with ours_alone():
            signal.raise_signal(signal.SIGINT)
            steps.append("started")
        steps.append("not reached")

    assert finished("bench.x", work) == 130
    assert steps == ["started"]


def test_a_library_s_download_draws_no_bar_in_a_log_file_and_says_nothing_on_standard_output(capsys):
    with downloading():
        print("Downloading a file")
        with tqdm(total=100, mininterval=0) as bar:
            for _ in range(100):
                bar.update(1)
    assert capsys.readouterr() == ("", "Downloading a file\n")


class Widget(tqdm):
    """In the place of tqdm's own for notebooks."""

    made: ClassVar[list["Widget"]] = []

    def __init__(self, **options: Any) -> None:
        super().__init__(file=StringIO(), **options)
        self.made.append(self)


def test_a_call_in_a_notebook_shows_tqdms_widget_and_a_command_does_not(monkeypatch, capsys):
    monkeypatch.setattr("bench.progress._notebook", lambda: Widget)
    Widget.made.clear()
    with called_from_python(bars=True):
        meter = Meter(10, "evaluating")
        meter.add(10)
        meter.close()
        assert list(progress(range(3), 3, "reading")) == [0, 1, 2]
    assert [(bar.desc, bar.n, bar.total) for bar in Widget.made] == [("evaluating", 10, 10), ("reading", 3, 3)]
    with called_from_python(bars=False):
        assert list(progress(range(3), 3, "reading")) == [0, 1, 2]
    assert list(progress(range(3), 3, "reading")) == [0, 1, 2]
    assert len(Widget.made) == 2


def test_without_a_notebook_there_is_no_widget(monkeypatch):
    assert _notebook() is None
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace(config={})))
    assert _notebook() is None


def test_what_a_command_says_a_call_warns_of(capsys):
    warn("to a terminal")
    with called_from_python(bars=True), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for _ in range(2):
            warn("to a caller")
    assert [(each.category, str(each.message)) for each in warned] == [(BenchWarning, "to a caller")]
    assert [Path(each.filename) for each in warned] == [Path(__file__)]
    assert capsys.readouterr().err == "to a terminal\n"
