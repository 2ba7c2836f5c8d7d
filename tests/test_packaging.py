"""What is installed is whole, and what it needs is declared, with floors that are tested."""

import sys

import pytest
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.version import Version
from test_portability import OURS, imported, modules

if sys.version_info >= (3, 11):
    import tomllib
else:  # which pytest brings
    import tomli as tomllib

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
NEEDED = [Requirement(each) for each in PROJECT["project"]["dependencies"]]
TESTING = [Requirement(each) for each in PROJECT["project"]["optional-dependencies"]["test"]]
EXTRAS = [  # of which a message names what is missing
    Requirement(each)
    for extra, needed in PROJECT["project"]["optional-dependencies"].items()
    if extra not in ("test", "check", "peers")
    for each in needed
]
CALLED = {"PIL": "pillow", "google": "protobuf"}  # packages whose modules have another name
INSTALLED = [each.rstrip("*") for each in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]]
DATA = PROJECT["tool"]["setuptools"]["package-data"]


def floor(requirement):
    (only,) = requirement.specifier
    assert only.operator == ">="
    return Version(only.version)


def test_the_lowest_versions_are_those_that_are_tested():
    lines = (ROOT / "tests" / "lowest.txt").read_text().splitlines()
    pins = {pin.name: pin for pin in map(Requirement, (line for line in lines if not line.startswith("#")))}
    assert pins.keys() == {each.name for each in (*NEEDED, *TESTING)}
    for each in (*NEEDED, *TESTING):
        (pin,) = pins[each.name].specifier
        assert (pin.operator, Version(pin.version)) == ("==", floor(each)), each.name


def test_floors_keep_what_a_cluster_has():
    floors = {each.name: floor(each) for each in NEEDED}
    assert floors["torch"] <= Version("2.4")
    assert floors["torchvision"] <= Version("0.19")
    assert floors["numpy"] <= Version("1.26")
    assert floors["pandas"] <= Version("2.2")
    assert PROJECT["project"]["requires-python"] == ">=3.10"


@pytest.mark.parametrize("package", INSTALLED)
def test_all_that_is_imported_is_declared(package):
    others = {name for path in modules(package) for name in imported(path)} - sys.stdlib_module_names - OURS
    assert {CALLED.get(name, name) for name in others} <= {each.name for each in (*NEEDED, *EXTRAS)}


@pytest.mark.parametrize("package", INSTALLED)
def test_all_that_lies_beside_the_modules_is_installed(package):
    folder = ROOT / package
    named = [(place, patterns) for room, patterns in DATA.items() for place in ROOT.glob(room.replace(".", "/"))]
    taken = {path for place, patterns in named for pattern in patterns for path in place.glob(pattern)}
    beside = {path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert {path for path in beside - taken if folder / "tables" not in path.parents} == set()  # these are for readers


@pytest.mark.parametrize("package", INSTALLED)
def test_every_room_is_a_package(package):
    assert {path.parent for path in modules(package)} == {path.parent for path in (ROOT / package).rglob("__init__.py")}
