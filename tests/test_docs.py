"""README and guides: commands that need nothing from outside work as written, links lead somewhere."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import environment

from bench.__main__ import COMMANDS
from bench.__main__ import main as vgg_protocols
from bench.cache import cache_folder
from bench.images.sets.shapes import VERSION

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
RUNS = "<!-- runs -->"  # before a block whose commands need nothing from outside; Markdown does not show it
BLOCK = re.compile(rf"^({re.escape(RUNS)}\n)?```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PYTHON = re.compile(rf"^{re.escape(RUNS)}\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def commands(block: str) -> Iterator[list[str]]:
    for line in block.replace("\\\n", " ").splitlines():
        if words := shlex.split(line, comments=True):
            yield words


MARKED = [(name(page), block) for page in PAGES for mark, block in BLOCK.findall(page.read_text("utf-8")) if mark]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As a clone looks to these commands, with a store of its own; pictures are rendered once for all tests."""
    folder = tmp_path_factory.mktemp("clone")
    (folder / "docs").symlink_to(ROOT / "docs")
    rendered = cache_folder() / f"shapes-v{VERSION}"
    rendered.mkdir(parents=True, exist_ok=True)
    (folder / "cache/vgg-protocols").mkdir(parents=True)
    (folder / "cache/vgg-protocols" / rendered.name).symlink_to(rendered)
    return folder


@pytest.mark.parametrize(("page", "block"), MARKED, ids=[f"{page}-{block.split()[2]}" for page, block in MARKED])
def test_commands_work_as_written(page: str, block: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    for words in commands(block):
        assert run(words) == 0, f"{page}: {shlex.join(words)}"


@pytest.mark.parametrize("page", [page for page in PAGES if PYTHON.search(page.read_text("utf-8"))], ids=name)
def test_python_works_as_written(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of a page one after the other, as in a notebook."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    names: dict[str, object] = {}
    for block in PYTHON.findall(page.read_text("utf-8")):
        exec(compile(block, name(page), "exec"), names)


def run(words: list[str]) -> int:
    """One command of ours; in this process, but where it starts processes of its own."""
    if words[0] == "torchrun":
        command = [sys.executable, "-m", "torch.distributed.run", *words[1:]]
        return subprocess.run(command, env=environment(), check=False).returncode
    assert words[:2] == ["python", "-m"], f"no command that this test runs: {shlex.join(words)}"
    package, _, command = words[2].partition(".")
    assert package == "bench"
    assert command in COMMANDS
    return vgg_protocols([command, *words[3:]])


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "README.md"], ids=name)
def test_a_guide_begins_with_a_command_that_runs(page: Path) -> None:
    title, begin = page.read_text("utf-8").split("\n\n", 1)
    assert title.startswith("# ")
    assert re.match(rf"(## .*\n)?{re.escape(RUNS)}\n```(python)?\n", begin)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md"], ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for path, place in LINK.findall(page.read_text("utf-8")):
        if "://" in path:
            continue
        target = page.parent / path if path else page
        assert target.is_file(), f"{name(page)}: {path}"
        if place:
            heads = re.findall(r"^#+ (.*)$", target.read_text("utf-8"), re.MULTILINE)
            assert place in [re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads], place


def test_the_readme_is_one_page_that_names_every_guide() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert len(text.splitlines()) <= 120
    assert [line for line in text.splitlines() if len(line) > 160] == []
    assert {path for path, _ in LINK.findall(text)} >= {name(page) for page in PAGES[1:]}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_in_the_guides(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        vgg_protocols([command, "--help"])
    told = "".join(page.read_text("utf-8") for page in PAGES)
    options = set(re.findall(r"^  (--[\w-]+)", capsys.readouterr().out, re.MULTILINE))
    assert [option for option in sorted(options) if not re.search(rf"{option}\b(?!-)", told)] == []


def test_the_architecture_names_every_module_in_its_room() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    told: list[str] = []
    rooms: list[str] = []
    for line in text[text.index("```\nbench/") :].partition("\n```\n")[0].splitlines():
        if room := re.match(r"( *)(\w+)/ ", line):  # two spaces for every room around it
            rooms = [*rooms[: len(room[1]) // 2], room[2]]
        told += ["/".join([*rooms, file]) for file in re.findall(r"\w+\.py\b", line) if file != "__main__.py"]
    files = [path for top in ("bench", "protocols", "results") for path in (ROOT / top).rglob("*.py")]
    assert sorted(told) == sorted(name(path) for path in files if not path.name.startswith("__"))
