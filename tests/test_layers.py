import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = {"bench", "protocols", "results", "tests"}


def imported(path):
    """Top-level names of all that a file imports, at whatever depth."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield path.parent.name if node.level else node.module.partition(".")[0]


def modules(package):
    found = sorted((ROOT / package).rglob("*.py"))
    assert found
    return found


@pytest.mark.parametrize("path", modules("protocols"), ids=lambda path: path.name)
def test_protocols_import_only_the_standard_library_and_themselves(path):
    assert set(imported(path)) <= sys.stdlib_module_names | {"protocols"}


@pytest.mark.parametrize("path", modules("results"), ids=lambda path: path.name)
def test_results_import_nothing_of_ours_but_themselves_and_never_torch(path):
    assert not set(imported(path)) & (OURS - {"results"} | {"torch", "torchvision"})


def test_bench_imports_no_tests():
    assert not any("tests" in imported(path) for path in modules("bench"))
