"""Slips in what is typed or written that people make, and that they are told of by what mends them."""

import numpy as np
import pytest
from layouts import GOLDFISH, TENCH, draw, refused
from tars import png, tar_of

from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.labels.classes import reconcile
from bench.images.sets.imagenet_relatives import classes_of


def unlike(classes, count, names):
    images = Images("x", (), (), np.arange(len(classes)), tuple(classes), len(classes))
    with pytest.raises(UserError) as told:
        reconcile(images, count, names, "w")
    return str(told.value)


def test_one_level_too_deep_is_told_the_folder_above(tmp_path):
    draw(tmp_path, f"val/{TENCH}/a.JPEG", f"val/{GOLDFISH}/a.JPEG", f"c/snow/3/{TENCH}/a.JPEG")
    for place in ("val", "a"):
        draw(tmp_path, f"{place}/{classes_of('imagenet-a')[0]}/a.JPEG")
    above = "the folder of one class; give the folder above"
    assert f"{above}, imagenet:{tmp_path}/val" in refused(f"imagenet:{tmp_path}/val/{TENCH}")
    deep = tmp_path / "a" / classes_of("imagenet-a")[0]
    assert f"{above}, imagenet-a:{tmp_path}/a" in refused(f"imagenet-a:{deep}")
    for deep in ("snow", "snow/3", f"snow/3/{TENCH}"):
        assert f"give imagenet-c:{tmp_path}/c, the folder that holds snow/" in refused(
            f"imagenet-c:{tmp_path}/c/{deep}"
        )


def test_of_a_tar_without_labels_the_tar_is_named(tmp_path):
    tar_of(tmp_path / "val.tar", {"ILSVRC2012_val_00000100.JPEG": b"x"})
    assert f"{str(tmp_path / 'val.tar')!r}: no label file" in refused(f"imagenet:{tmp_path}/val.tar")


def test_the_second_set_of_imagenet_o_needs_a_kind(tmp_path):
    assert "give imagenet-o:a+imagenet:b" in refused("imagenet-o:a+b")


def test_lists_without_a_header_and_arrays_are_told_what_lacks(tmp_path):
    file = tmp_path / "list"
    file.write_text("c1/0.jpg,0\nc1/1.jpg,1")
    assert "a CSV whose first line names columns file,label or path,label" in refused(f"list:{file}")
    file.write_text('[{"image": "a.png", "label": 0}]')
    assert "an array of JSON; write one object a line" in refused(f"list:{file}")


def test_in_a_mixture_the_odd_class_is_named():
    assert "11 classes are numbered, and 'cat' is no number" in unlike([*map(str, range(1, 12)), "cat"], 12, None)


def test_of_unknown_classes_the_one_that_is_misspelt_is_named():
    message = unlike(["Golden_Retriever", "tiger_cat", "tnech"], 3, ("tench", "golden retriever", "tiger cat"))
    assert "does not know class 'tnech' (1 classes are unknown)" in message
    assert "did you mean 'tench'?" in message


@pytest.mark.parametrize(("kind", "meant"), [("wds", "tar"), ("webdataset", "tar"), ("ImageFolder", "folder")])
def test_kinds_of_other_tools_have_names_here(kind, meant):
    assert f"did you mean {meant}?" in refused(f"{kind}:x")


@pytest.mark.parametrize("name", ["x.tar.gz", "x.tgz", "x.zip"])
def test_archives_must_be_unpacked(tmp_path, name, monkeypatch):
    (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    assert f"unpack {name!r} and give folder:DIR" in refused(name)


def test_shards_with_other_labels_are_told_what_is_read(tmp_path):
    tar_of(tmp_path / "t.tar", {"a.png": png(), "a.txt": "cat", "b.png": png(), "b.txt": "dog"})
    message = refused(f"tar:{tmp_path}/t.tar")
    assert "(.cls, .cls.txt, or .json with 'label') beside its 2 images, first 'a.png', but .txt" in message
    assert "imagenet:" not in message
    tar_of(tmp_path / "j.tar", {"a.png": png(), "a.json": '{"class_id": 0, "caption": "x"}'})
    assert "but .json with class_id, caption" in refused(f"tar:{tmp_path}/j.tar")
    tar_of(tmp_path / "v.tar", {"ILSVRC2012_val_00000001.JPEG": png()})
    assert "give imagenet:FILE for ImageNet's original tar" in refused(f"tar:{tmp_path}/v.tar")
