"""Turned photographs in every command: all that reads an image sees the same, and what is done is said."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import make_image, make_weights
from exif_files import NOT_APPLIED, exif, images
from PIL import Image

from bench.errors import UserError
from bench.images.decoding import size_in
from bench.images.loader import Loader
from bench.images.scaling import Scaling
from bench.images.sources import DataSpec, open_data
from bench.inspect.__main__ import main as inspect
from bench.pictures.contact_sheet import _font, _picture
from bench.predict.__main__ import main as predict
from bench.run.__main__ import main
from bench.stored.run import open_run
from bench.train.crops import CentreCrops, TrainingCrops
from bench.train.training_request import TrainingRequest, command_line
from protocols.scales import parse_S
from protocols.view import Box, Size
from results.origin import read_origin


@pytest.fixture
def turned(tmp_path) -> tuple[Path, Path]:
    """A photograph that is stored upright, and one that its EXIF turns to the same."""
    upright = make_image((26, 40), 5)
    upright.save(tmp_path / "upright.png")
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif(6))
    return tmp_path / "upright.png", tmp_path / "turned.png"


def test_every_reader_sees_the_same_with_exif(turned):
    """The loader at any Q, training crops, centre crops and the contact sheet see what was upright from the start."""
    both = images(*turned, exif=True)
    loader = Loader(both, 1)
    ((one, other),) = loader.blocks([((0, 1), (Scaling(32), Scaling(48)))])
    loader.close()
    assert one.size == other.size == Size(26, 40)
    assert all((one.at[Scaling(Q)] == other.at[Scaling(Q)]).all() for Q in (32, 48))
    first, second = (images(path, exif=True) for path in turned)
    crops = [TrainingCrops(each, parse_S("32-48"), 32, 0, 0)[0][0] for each in (first, second)]
    assert (crops[0] == crops[1]).all()
    centres = [CentreCrops(each, 32, 32)[0][0] for each in (first, second)]
    assert (centres[0] == centres[1]).all()
    sheet = [np.asarray(_picture(both.place(i), _font())) for i in (0, 1)]
    assert np.array_equal(*sheet)
    assert (CentreCrops(images(turned[1]), 32, 32)[0][0] != centres[0]).any()


def test_boxes_are_in_the_files_own_pixels(tmp_path, turned):
    boxed = replace(images(turned[1]), boxes=(Box(0, 0, 30, 20),))
    assert boxed.told == (
        "1 of 1 images carry an EXIF orientation, which is not applied (ImageNet's convention); boxes are in the "
        "file's own pixels",
    )


@pytest.fixture(scope="module")
def net(tmp_path_factory) -> Path:
    return make_weights(tmp_path_factory.mktemp("net") / "A.safetensors", "vgg11", classes=("cat", "dog"))


@pytest.fixture
def root(tmp_path) -> Path:
    """Two classes in two sets of the same pictures: upright from the start, and turned by EXIF but for one."""
    for k in range(4):
        upright = make_image((26 + k, 40), k)
        name = f"{('cat', 'dog')[k % 2]}/{k}.png"
        for folder in ("upright", "turned"):
            (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
        upright.save(tmp_path / "upright" / name)
        stored = upright.transpose(Image.Transpose.ROTATE_90) if k else upright
        stored.save(tmp_path / "turned" / name, exif=exif(6 if k else 1))
    return tmp_path


def run(net: Path, root: Path, name: str, out: str, *more: str) -> dict:
    common = f"--model vgg11 --weights {net} --protocol dense@224 --out {root / out} --store {root}/store"
    assert main([*common.split(), "--workers", "1", "--data", f"folder:{root / name}", "--save-posteriors", *more]) == 0
    return json.loads((root / out / "results.json").read_text())[0] if "--dry-run" not in more else {}


def test_exif_is_said_once_applied_on_demand_and_named(net, root, capsys):
    upright, plain = run(net, root, "upright", "a"), run(net, root, "turned", "b")
    said = f"3 of 4 images {NOT_APPLIED}"
    assert capsys.readouterr().err.count(said) == 1
    assert (root / "b" / "results.md").read_text().count(said) == 1
    applied = run(net, root, "turned", "c", "--exif")
    found = [np.load(row["posteriors"])["posteriors"] for row in (upright, plain, applied)]
    assert np.array_equal(found[0], found[2])  # blocks of the other rule are not taken for these
    assert not np.array_equal(found[1], found[2])
    assert plain["signature"].replace(",noEXIF,", ",EXIF,") == applied["signature"]
    assert upright["signature"].count(",noEXIF,") == 1
    assert [read_origin(root / out).exif for out in "bc"] == [False, True]
    places = open_run(root / "c").places
    assert {place.exif for place in places.values()} == {True}
    assert inspect([str(root / "c")]) == 0


def test_the_plan_counts_turned_sizes(net, root, capsys):
    plans = []
    for name, more in (("upright", ()), ("turned", ("--exif",)), ("turned", ())):
        run(net, root, name, "x", "--dry-run", *more)
        plans.append(capsys.readouterr().out)
    assert plans[0] == plans[1] == plans[2]  # dense: as many pixels either way
    with_exif, without = (size_in(root / "turned" / "dog" / "1.png", None, applied) for applied in (True, False))
    assert with_exif == (without[1], without[0]) == (27, 40)


def test_predict_turns_unless_told_not_to(net, root, capsys):
    words = f"--model vgg11 --weights {net} --protocol dense@224 --workers 1".split()
    names = [str(root / name / "dog" / "1.png") for name in ("upright", "turned")]

    def best(*more: str) -> tuple[list[list[str]], str]:
        assert predict([*names, *words, *more]) == 0
        out, err = capsys.readouterr()
        lines = out.splitlines()
        half = len(lines) // 2
        return [lines[1:half], lines[half + 1 :]], err

    (one, other), err = best()
    assert one == other
    assert "EXIF orientation is applied (--no-exif" in err
    assert "1 of 2 images carry an EXIF orientation, which is applied" in err
    (one, other), err = best("--no-exif")
    assert one != other
    assert "EXIF orientation is not applied (--exif" in err


def test_exif_is_refused_where_boxes_are_of_stored_pixels(monkeypatch, turned):
    boxed = replace(images(turned[1]), boxes=(Box(0, 0, 30, 20),))
    voc = open_data.__globals__["KINDS"]["voc2007"]._replace(read=lambda *_: boxed)
    monkeypatch.setitem(open_data.__globals__["KINDS"], "voc2007", voc)
    assert len(open_data(DataSpec("voc2007:x"))) == 1
    with pytest.raises(UserError, match=r"--exif: the boxes of voc2007 .* leave --exif out"):
        open_data(DataSpec("voc2007:x", exif=True))


def test_the_command_for_a_training_says_exif_only_where_it_is_asked_for():
    assert "--exif" in command_line(TrainingRequest(images=DataSpec("shapes", exif=True)))
    assert "--exif" not in command_line(TrainingRequest())
