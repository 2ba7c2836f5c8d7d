"""The command lines as such: what they are called, what they say before any work, and how they are typed again."""

import shlex
import subprocess
import sys
import time
from importlib import import_module
from importlib.machinery import ModuleSpec

import pytest
from conftest import ROOT, torchrun

from bench import __version__
from bench.__main__ import COMMANDS, main
from bench.errors import UserError
from bench.folders import place
from bench.provenance import command_given, computing
from bench.quiet import quiet


def test_every_command_is_there():
    found = {path.parent.name for path in (ROOT / "bench").glob("*/__main__.py")}
    assert found == set(COMMANDS)
    assert len(COMMANDS) == len(found)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_its_version(name, capsys):
    for call in (
        lambda: main([name, "--version"]),
        lambda: import_module(f"bench.{name}.__main__").main(["--version"]),
    ):
        with pytest.raises(SystemExit) as ended:
            call()
        assert ended.value.code == 0
        assert capsys.readouterr().out == f"vgg-protocols {__version__}\n"


def test_the_script_lists_its_commands_with_a_line_each(capsys):
    for words in ([], ["--help"], ["-h"]):
        assert main(words) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line.split()[0] for line in lines if line.startswith("  ")] == list(COMMANDS)
        assert all(len(line.split()) > 3 for line in lines if line.startswith("  "))
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"vgg-protocols {__version__}\n"


@pytest.mark.parametrize(("typed", "meant"), [("rnu", "run"), ("tabels", "tables"), ("--modell", None), ("", None)])
def test_an_unknown_command_is_one_line_with_the_nearest(typed, meant, capsys):
    assert main([typed]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"no command {typed!r}" in said
    assert all(name in said for name in COMMANDS)
    assert ("did you mean" in said) == (meant is not None)
    assert meant is None or said.endswith(f"did you mean '{meant}'?\n")


def test_the_script_passes_words_and_exit_code_on(tmp_path, capsys):
    assert main(["gate", str(tmp_path / "a.json"), str(tmp_path / "b.json")]) == 2
    assert capsys.readouterr().err.startswith("bench.gate: error: ")


@pytest.mark.parametrize(
    ("script", "usage"), [("vgg-protocols", "vgg-protocols run"), ("/x/bench/run/__main__.py", "python -m bench.run")]
)
def test_help_shows_the_command_as_it_was_called(script, usage, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [script])
    with pytest.raises(SystemExit):
        main(["run", "--help"])
    said = capsys.readouterr().out
    assert said.startswith(f"usage: {usage} ")
    assert f"\n  {usage} --model vgg16" in said
    assert "torchrun --nproc-per-node 2 -m bench.run" in said


@pytest.mark.parametrize(
    ("script", "module", "typed"),
    [
        ("/usr/bin/vgg-protocols", None, "vgg-protocols run"),
        ("/x/bench/__main__.py", "bench.__main__", "python -m bench run"),
        ("/x/bench/run/__main__.py", "bench.run", "python -m bench.run"),
    ],
)
def test_the_command_that_is_kept_can_be_typed_again(script, module, typed, monkeypatch):
    words = ["--data", "folder:/my photos/of $HOME", "--protocol", "dense@256/384,centre"]
    monkeypatch.setattr(sys, "argv", [script, *(["run"] if typed.endswith(" run") else []), *words])
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", module and ModuleSpec(module, None), raising=False)
    assert command_given().startswith(f"{typed} --data ")
    assert shlex.split(command_given())[-4:] == words


ALONE = {
    "train": ["--out", "OUT"],
    "train --paper": ["--out", "OUT"],
    "systems": ["--flowers", "folder:x", "--runs", "OUT"],
    "predict": ["x.png", "--out", "OUT.csv"],
    "speed": ["--out", "OUT"],
    "inspect": ["OUT"],
    "compare": ["OUT:1", "OUT:2"],
    "report": ["OUT"],
    "gate": ["OUT", "OUT"],
    "convert": ["x.pth", "--model", "vgg16", "--out", "OUT.safetensors"],
}


@pytest.mark.parametrize("command", ALONE)
def test_workers_of_torchrun_are_refused_by_commands_that_do_not_share_their_work(
    command, tmp_path, monkeypatch, capsys
):
    words = [*command.split(), *(word.replace("OUT", str(tmp_path / "out")) for word in ALONE[command])]
    monkeypatch.setattr("bench.command.OTHERS_WAIT", 0)
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"bench.{words[0]}: error: torchrun started 2 workers, ")
    assert said.count("\n") == 1
    monkeypatch.setenv("RANK", "1")
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert capsys.readouterr() == ("", "")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_knows_quiet_while_it_works(name, monkeypatch, capsys):
    def work():
        raise UserError(f"quiet: {quiet()}")

    monkeypatch.setattr("bench.command.keep_freed_memory", work)
    for more in ([], ["--quiet"]):
        assert main([name, *ALONE.get(name, []), *more]) == 2
        assert capsys.readouterr().err == f"bench.{name}: error: quiet: {bool(more)}\n"
        assert not quiet()


def test_every_command_shares_its_work_or_refuses_workers():
    assert {each.split()[0] for each in ALONE} == set(COMMANDS) - {"run", "tables", "transfer"}


def test_the_first_of_torchruns_workers_says_that_training_is_for_one(tmp_path):
    done = torchrun("bench.train", "--out", str(tmp_path / "out"))
    assert done.returncode == 1  # torchrun's own
    assert done.stderr.count("bench.train: error: torchrun started 2 workers") == 1
    assert not list(tmp_path.iterdir())


def test_nothing_heavy_is_imported_for_help_or_version():
    code = """
import contextlib, io, sys
from bench.__main__ import COMMANDS, main
from bench.errors import UserError
from bench.folders import place
for words in [["--help"], *([name, option] for name in COMMANDS for option in ("--help", "--version"))]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        main(words)
print({"torch", "torchvision", "numpy", "pandas", "matplotlib", "PIL", "asyncio"} & sys.modules.keys())
"""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
    assert time.perf_counter() - start < 5  # all seventeen; half a second each is far above what they take


def test_versions_are_named_where_a_package_is_without_its_metadata(monkeypatch):
    from importlib.metadata import PackageNotFoundError

    import PIL
    import torch

    def lost(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr("bench.provenance.version", lost)
    found = computing.__wrapped__()
    assert found["torch"] == torch.__version__
    assert found["pillow"] == PIL.__version__


@pytest.mark.parametrize("name", COMMANDS)
def test_an_empty_text_is_no_folder(name, capsys):
    """As of a variable of the shell that is not set: it would be the folder that one happens to be in."""
    parser = import_module(f"bench.{name}.__main__").parser()
    places = [action for action in parser._actions if action.metavar in ("DIR", "FILE") and action.type is not None]
    assert all(action.type is place for action in places)
    for action in places:
        if action.option_strings:
            with pytest.raises(SystemExit) as ended:
                parser.parse_args([action.option_strings[0], ""])
            assert ended.value.code == 2
            assert "'': give a name" in capsys.readouterr().err
