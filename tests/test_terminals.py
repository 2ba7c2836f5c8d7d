"""What a terminal shows of bars, whatever it is: narrow, resized, dumb, without letters, gone."""

import os
import re
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator

import pytest
from conftest import environment
from pseudo_terminal import Terminal
from tqdm.utils import disp_len

from bench import bars
from bench.__main__ import COMMANDS, main
from bench.command import finished
from bench.progress import Meter, busy, downloading, note, progress, warn


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


def evaluate(clock: list[float], what: str = "vgg16 dense@384", seconds: float = 60.0) -> None:
    """Twenty images in two parts, which cost 1 and 3."""
    meter = Meter(80.0, "evaluating", 20, "image")
    for cost in (1.0, 3.0):
        meter.at(what)
        for _ in range(20):
            clock[0] += cost * seconds / 80
            meter.add(cost)
    meter.close()


FACTS = re.compile(r"evaluating vgg16 dense@384 +(\d+)%[|,].* (\d+):(\d\d) so far, (\d+):(\d\d) left, +(\S+)s/image")


def check_facts(lines: list[str], seconds: float) -> None:
    for line in lines:
        match = FACTS.fullmatch(line)
        assert match, line
        share, minutes, spent, minutes_left, left, rate = map(float, match.groups())
        assert 60 * minutes + spent == pytest.approx(share / 100 * seconds, abs=1 + seconds / 150)
        assert 60 * (minutes + minutes_left) + spent + left == pytest.approx(seconds, abs=2)
        assert rate == pytest.approx(seconds / 20, abs=0.01)  # for a whole image, through both parts


def test_a_bar_says_what_is_at_work_how_far_it_is_and_how_fast(clock, open_terminal):
    terminal = open_terminal()
    evaluate(clock)
    begin, begun, *others = terminal.drawn()
    assert begin.startswith("evaluating   0%|")
    assert len(others) == 40
    check_facts([begun, *others[:-2]], 60.0)
    (last,) = filter(None, terminal.screen())
    assert re.fullmatch(r"evaluating 100%\|.*\| 01:00 so far, 00:00 left,  3.00s/image", last)


def test_lines_that_are_still_held_take_no_place_on_a_terminal(clock, open_terminal, capsys):
    held = Meter(2.0, "reading", 2, "image")  # in a log, such as before standard error was a terminal
    held.close()
    terminal = open_terminal()
    evaluate(clock)
    assert len(list(filter(None, terminal.screen()))) == 1
    assert held.left == 2.0


def test_a_log_file_has_the_same_facts(clock, capsys):
    evaluate(clock, seconds=600.0)
    said = capsys.readouterr().err
    assert not {"\r", "\x1b"} & set(said)
    begin, *others, end = said.splitlines()
    assert begin == "evaluating   0%, 00:00 so far, ? left, ?image/s"
    assert 8 <= len(others) <= 10
    check_facts(others, 600.0)
    assert end == "evaluating 100%, 10:00 so far, 00:00 left, 30.00s/image"


@pytest.mark.parametrize("width", [100, 60, 40, 24])
@pytest.mark.parametrize("name", ["vgg16 dense@384", "名前の長いネットワーク dense@384", "a" * 300])
def test_a_line_is_never_wider_than_the_terminal(width, name, clock, open_terminal):
    terminal = open_terminal()
    terminal.resize(width)
    evaluate(clock, name)
    for line in terminal.drawn():
        assert disp_len(line) <= width
        assert "left" in line
        assert "%" in line
    assert len(terminal.screen()) == 2


def test_a_terminal_that_becomes_narrow_gets_narrow_lines(clock, open_terminal):
    terminal = open_terminal()
    for number, _ in enumerate(progress(range(100), 100, "checking all images")):
        clock[0] += 0.5
        if number == 50:
            terminal.file.write("@")
            terminal.resize(40)
    before, after = ([disp_len(line.rstrip()) for line in half.split("\r")] for half in terminal.text().split("@"))
    assert max(before) > 40
    assert 20 < max(after) <= 40


def test_a_name_gives_no_orders(clock, open_terminal):
    terminal = open_terminal()
    name = "\x1b]0;title\x07\x1b[2J\r\n\u202egnp.tar"
    evaluate(clock, name)
    for _ in progress(range(3), 3, name):
        clock[0] += 2.0
    said = terminal.text()
    assert not {"\x1b", "\x07", "\u202e"} & set(said)
    assert "x1b" in said
    assert len(terminal.screen()) == 3


@pytest.mark.parametrize(("variable", "ascii"), [("LANG", True), ("LC_ALL", True), ("LC_CTYPE", False)])
def test_a_locale_without_letters_has_bars_of_ascii(variable, ascii, clock, open_terminal, monkeypatch):
    terminal = open_terminal()
    monkeypatch.setenv(variable, "C")
    evaluate(clock, "a" * 100)
    assert terminal.text().isascii() == ascii


def test_a_dumb_terminal_gets_lines(clock, open_terminal, monkeypatch):
    terminal = open_terminal()
    monkeypatch.setenv("TERM", "dumb")
    evaluate(clock)
    warn("a warning")
    said = terminal.text().replace("\r\n", "\n")
    assert not {"\r", "\x1b"} & set(said)
    assert [line.partition(" ")[0] for line in said.splitlines()] == ["evaluating", "evaluating", "a"]


COLOUR = re.compile(r"\x1b\[[\d;]*m")


def test_no_color_is_heeded(clock, open_terminal, monkeypatch, weights, photographs, tmp_path):
    terminal = open_terminal()
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys, "stdout", terminal.file)
    for name in COMMANDS:
        with pytest.raises(SystemExit):
            main([name, "--help"])
        with pytest.raises(SystemExit):
            main([name, "--no-such-option"])
    evaluate(clock)
    words = ["--data", f"list:{photographs}", "--limit", "2", "--weights", str(weights), "--protocol", "centre@256"]
    assert main(["run", *words, "--store", str(tmp_path / "store"), "--out", str(tmp_path / "run")]) == 0
    assert main(["inspect", str(tmp_path / "run"), "--mistakes", "0"]) == 0
    assert "written to" in terminal.text()
    assert COLOUR.findall(terminal.text()) == []


def test_no_color_is_heeded_where_tqdm_was_asked_for_one(open_terminal):
    terminal = open_terminal()
    code = "from bench.progress import Meter; meter = Meter(1, 'testing'); meter.add(1); meter.close()"
    asked = environment() | {"NO_COLOR": "1", "TQDM_COLOUR": "green"}
    subprocess.run([sys.executable, "-c", code], stderr=terminal.file, env=asked, check=True)
    assert "testing 100%" in terminal.text()
    assert COLOUR.findall(terminal.text()) == []


def test_bars_within_bars_and_words_between_them_stay_apart(clock, open_terminal):
    terminal = open_terminal()
    outer = Meter(4, "training", 4, "epoch")
    for epoch in range(4):
        outer.at(f"net {epoch}")
        for _ in progress(range(5), 5, f"epoch {epoch}", "batch"):
            clock[0] += 2.0
        warn(f"epoch {epoch} is over")
        outer.add(1)
    outer.close()
    note("written")
    lines = [line for line in terminal.screen() if line]
    assert sorted({re.sub(r"\d.*", "", line) for line in lines}) == ["epoch ", "training ", "written"]
    assert [line for line in lines if line.endswith("is over")] == [f"epoch {epoch} is over" for epoch in range(4)]
    assert len([line for line in lines if line.startswith("training")]) == 1
    assert all(re.match(r"epoch \d: 100%\|", line) for line in lines if "batch" in line)
    assert terminal.text().endswith("\r\nwritten\r\n")


@pytest.mark.parametrize("raised", [KeyboardInterrupt, ZeroDivisionError])
def test_a_stopped_command_leaves_a_line_of_its_own(raised, clock, open_terminal):
    terminal = open_terminal()

    kept = []

    def work() -> int:
        kept.append(progress(range(100), 100, "testing"))  # as a traceback in a cycle keeps it
        for each in kept[0]:
            clock[0] += 1
            if each == 42:
                raise raised
        return 0

    if raised is KeyboardInterrupt:
        assert finished("bench.x", work) == 130
    else:
        with pytest.raises(ZeroDivisionError):
            finished("bench.x", work)
        print("after", file=terminal.file)
    bar, last, end = terminal.screen()
    assert bar.startswith("testing:  42%|")
    assert last.startswith(("bench.x: stopped", "after"))
    assert end == ""


def test_words_beside_it_do_not_draw_a_bar_of_short_work(clock, open_terminal):
    terminal = open_terminal()
    for _ in progress(range(2), 2, "reading"):
        warn("a warning")
    note("written")
    assert terminal.screen() == ["a warning", "a warning", "written", ""]


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
            bar = _only_bar()
            for _ in range(5):
                clock[0] += seconds / 5
                bar.beat()
            warn(f"after {seconds:g} s")
    assert {line for line in terminal.drawn() if "libraries" in line} == {
        f"loading libraries, 00:0{seconds} so far" for seconds in (3, 4, 5)
    }
    assert list(filter(None, terminal.screen())) == ["after 1 s", "after 5 s"]


def test_work_without_steps_is_a_line_a_minute_in_a_log_file(clock, capsys):
    for seconds in (50, 150):
        with busy("loading libraries"):
            bar = _only_bar()
            for _ in range(seconds):
                clock[0] += 1.0
                bar.beat()
    said = capsys.readouterr().err.splitlines()
    assert said == ["loading libraries, 01:00 so far", "loading libraries, 02:00 so far"]


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


def test_a_log_file_has_its_first_line_after_a_minute_however_long_a_step_takes(clock, capsys):
    steps = progress(range(2), 2, "reading")
    next(steps)
    bar = _only_bar()
    for _ in range(600):
        clock[0] += 1.0
        bar.beat()
    assert len(capsys.readouterr().err.splitlines()) == 10
    steps.close()


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
