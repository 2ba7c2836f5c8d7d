"""`--quiet`: results, warnings and errors are all that a command says."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, environment, training_words

from bench.__main__ import main
from bench.progress import Meter, downloading, note, progress, warn
from bench.quiet import be_quiet
from bench.train.processes import PlannedTraining, train_nets
from bench.train.training_request import TrainingRequest


def test_results_and_warnings_are_what_is_left(weights, photographs, tmp_path, capsys):
    lone = photographs.parent / "00.png"
    (tmp_path / "broken.png").write_text("no image")
    data = ["--data", f"list:{photographs}", "--limit", "3", "--weights", str(weights), "--store", str(tmp_path / "s")]
    commands = (
        ["run", *data, "--protocol", "centre@256", "--out", str(tmp_path / "run")],
        ["inspect", str(tmp_path / "run"), "--mistakes", "0"],
        ["predict", str(lone), str(tmp_path / "broken.png"), "--weights", str(weights), "--protocol", "centre@256"],
    )
    for words in commands:
        code, (out, said) = main(words), capsys.readouterr()
        assert main([*words, "--quiet"]) == code
        quietly = capsys.readouterr()
        assert quietly.out == out
        assert len(out.splitlines()) > 2
        left = [line for line in said.splitlines() if "cannot be read" in line or line.startswith("warning")]
        assert quietly.err.splitlines() == left
        assert len(said.splitlines()) > len(left)
    assert len(left) == 2


def test_a_training_says_nothing(folder, tmp_path, capsys):
    assert main(["train", *training_words(folder, tmp_path / "net", "--quiet")]) == 0
    assert capsys.readouterr() == ("", "")


def test_trainings_that_it_starts_are_quiet_too(tmp_path, monkeypatch):
    words = tmp_path / "words"
    child = tmp_path / "child"
    child.write_text(f"#!/bin/sh\necho \"$@\" >>'{words}'\n")
    child.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(child))
    for wanted in (False, True):
        be_quiet(wanted)
        try:
            train_nets({"one": PlannedTraining(TrainingRequest(epochs=(1,)))}, tmp_path, 1, 1)
        finally:
            be_quiet(False)
    assert [line.split().count("--quiet") for line in words.read_text().splitlines()] == [0, 1]


def test_bars_notes_and_downloads_are_silent_and_warnings_are_not(monkeypatch, capsys):
    monkeypatch.setattr("bench.bars.SPARSE", 0.0)
    be_quiet()
    try:
        assert list(progress(range(3), 3, "reading")) == [0, 1, 2]
        meter = Meter(2, "evaluating")
        meter.add(2)
        meter.close()
        note("written")
        with downloading():
            print("Downloading a file")
        warn("a warning")
    finally:
        be_quiet(False)
    assert capsys.readouterr() == ("", "a warning\n")


def test_what_a_file_is_called_gives_a_terminal_no_orders(capsys):
    warn("cannot be read: \x1b[31mred\x1b[0m\r.png")
    note("two lines:\nof \x9b1m and \u202egnp")
    with pytest.raises(SystemExit):
        main(["gate", "a", "b", "\x1b]0;title\x07.json"])
    said = capsys.readouterr().err
    assert not {"\x1b", "\x9b", "\r", "\x07", "\u202e"} & set(said)
    assert "\\x1b[31mred" in said
    assert "two lines:\nof " in said


@pytest.mark.parametrize("closed", ["1", "2"])
def test_a_closed_stream_gives_its_number_to_no_file(closed, tmp_path):
    """What is written last into the file that was opened next would be the words of somebody else."""
    code = f"""
import os, sys
from bench.command import finished, say
from bench.progress import note
def work():
    with open({str(tmp_path / "file")!r}, "w") as file:
        note("a note")
        say("a result")
        os.write({closed}, b"from a library")
    return 0
sys.exit(finished("bench.x", work))
"""
    command = f'exec "$0" -c "$1" {closed}>&-'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable, code], cwd=ROOT, env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 0
    assert (done.stdout, done.stderr) == (("", "a note\n") if closed == "1" else ("a result\n", ""))
    assert Path(tmp_path / "file").read_text() == ""
