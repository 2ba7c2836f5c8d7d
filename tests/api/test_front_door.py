"""`import bench`: quick, a few words, and a package that can be called."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import environment

import bench


def test_import_takes_nothing_heavy_until_a_name_is_used():
    code = """
import sys, bench
heavy = {"torch", "torchvision", "numpy", "pandas", "matplotlib", "PIL"}
assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()
assert not heavy & set(dir(bench))
bench.predict, bench.UserError
assert "torch" not in sys.modules
bench.evaluate
assert "torch" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], env=environment(), check=True)


@pytest.mark.parametrize("name", [name for name in bench.__all__ if name[0].islower()])
def test_what_it_offers_says_what_it_takes_gives_and_raises(name):
    function = inspect.unwrap(getattr(bench, name))
    assert function.__name__ == name
    told = inspect.getdoc(function) or ""
    for parameter in inspect.signature(function).parameters:
        assert parameter in told, f"{name}: {parameter}"
    assert "Raises:" in told


def test_names_are_these_and_others_are_told():
    assert set(bench.__all__) <= set(dir(bench))
    with pytest.raises(AttributeError, match="module 'bench' has no attribute 'evalute'"):
        bench.evalute  # noqa: B018


def test_predict_is_a_package_and_a_function():
    from bench.predict.__main__ import parser

    assert parser().prog == "python -m bench.predict"
    assert callable(bench.predict)
    assert list(inspect.signature(bench.predict).parameters)[:3] == ["net", "images", "protocol"]


def test_types_are_said_to_be_there():
    for package in ("bench", "protocols", "results"):
        assert Path(inspect.getfile(__import__(package))).with_name("py.typed").exists()
