"""What a terminal shows of bars, whatever it is: narrow, resized, dumb, without letters."""

import re
import subprocess
import sys

import pytest
from conftest import environment
from pseudo_terminal import evaluate
from tqdm.utils import disp_len

from bench.__main__ import COMMANDS, main
from bench.command import finished
from bench.progress import Meter, note, progress, warn

pytest_plugins = ("opened_terminal",)


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
