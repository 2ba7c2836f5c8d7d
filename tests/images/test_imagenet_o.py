import json
from dataclasses import replace
from itertools import pairwise

import pytest
from layouts import opened, refused
from painted import evaluated, paint

from bench.errors import UserError
from bench.images.first_look import first_images
from bench.images.labels.imagenet_names import wnids
from bench.images.labels.right_labels import RightLabels
from bench.images.sets.imagenet_o import read_outside
from bench.images.sets.imagenet_relatives import classes_of
from bench.inspect.__main__ import main as inspect

INDEX = {name: number for number, name in enumerate(wnids())}
ITS = [INDEX[name] for name in classes_of("imagenet-o")]
UNSURE = next(one + 0.5 for one, other in pairwise(ITS) if other == one + 1)  # between two of its classes


def sets(root, unsure=()):
    """Images of no class, which the net is as unsure of as it can be, and ImageNet's of each class and one more."""
    paint(root / "o", {f"{name}/{name}_o.JPEG": UNSURE for name in classes_of("imagenet-o")})
    within = {name: UNSURE if name in unsure else INDEX[name] for name in (*classes_of("imagenet-o"), wnids()[0])}
    paint(root / "imagenet", {f"val/{name}/ILSVRC2012_val_{INDEX[name] + 1:08d}.JPEG": k for name, k in within.items()})
    return f"imagenet-o:{root}/o+imagenet:{root}/imagenet"


def test_its_classes_are_those_of_the_paper():
    assert (len(ITS), ITS[0], ITS[-1]) == (200, 1, 996)
    assert wnids()[ITS[-1]] == "n13052670"


def test_images_that_a_net_is_unsure_of_are_told_apart(tmp_path):
    row = evaluated(sets(tmp_path), tmp_path / "store")[0]
    assert (row.n, row.wrong1) == (200, 0)  # of the images within, among the 200 classes
    assert (row.detection.outside, row.detection.within, row.detection.aupr) == (200, 200, 1)
    assert "classes=present:200" in row.signature
    assert row.result.data == "imagenet-o+imagenet/val[200 classes]"


def test_posteriors_are_those_of_the_sets_it_is_made_of(tmp_path):
    source = sets(tmp_path)
    both = evaluated(source, tmp_path / "store")[0].posteriors
    for kind, data in (("outside", f"folder:{tmp_path}/o"), ("within", f"imagenet:{tmp_path}/imagenet")):
        alone = evaluated(data, tmp_path / "store")[0].posteriors
        place = {name: k for k, name in enumerate(alone.ids)}
        its = [k for k, name in enumerate(both.ids) if name.startswith(f"{kind}/")]
        same = [place[both.ids[k].partition("/")[2]] for k in its]
        assert len(its) == 200
        assert both.probs[its].tobytes() == alone.probs[same].tobytes()


def test_one_within_that_is_as_unsure_costs_precision(tmp_path):
    table = evaluated(sets(tmp_path, unsure=[classes_of("imagenet-o")[-1]]), tmp_path / "store")
    row = table[0]
    assert (row.n, row.wrong1) == (200, 1)
    assert row.detection.aupr == pytest.approx(200 / 201)
    assert "AUPR 99.50 %, by chance 50.00 %: 200 images of no class among 200 others" in str(table)
    table.save(tmp_path / "out")
    (record,) = json.loads((tmp_path / "out" / "results.json").read_text())
    assert record["aupr"] == pytest.approx(99.5025)


def test_a_row_is_looked_into_by_the_images_within(tmp_path, capsys, monkeypatch):
    sets(tmp_path, unsure=[classes_of("imagenet-o")[-1]])
    monkeypatch.chdir(tmp_path)
    evaluated("imagenet-o:o+imagenet:imagenet", tmp_path / "store").save(tmp_path / "out")
    monkeypatch.chdir("/")
    assert inspect([str(tmp_path / "out"), "--mistakes", "1"]) == 0
    assert "199 of 200 right" in capsys.readouterr().out


def test_a_limit_takes_both_kinds(tmp_path):
    images = opened(sets(tmp_path), limit=4)
    assert [name.partition("/")[0] for name in images.ids] == ["outside", "outside", "within", "within"]
    assert len(images.present) == 200
    assert "2 of 4 images have no right label" in " ".join(images.told)
    assert [said.partition(" is ")[2] for said in first_images(images)] == [
        "of no class that is right",
        "of no class that is right",
        "n01443537 (goldfish)",
    ]


def test_what_it_cannot_be_measured_by_is_refused(tmp_path):
    source = sets(tmp_path)
    alone = source.partition("+")[0]
    assert f"give {alone}+imagenet:DIR" in refused(alone)
    assert "is for evaluation" in refused(source, "train")
    assert "no such folder" in refused(f"{alone}+imagenet:{tmp_path}/none")
    last = tmp_path / "imagenet" / "val" / "n13052670"
    next(last.iterdir()).rename(tmp_path / "moved")
    last.rmdir()
    assert "no image of class n13052670" in refused(source)
    (tmp_path / "moved").rename(tmp_path / "o" / "n01443537" / "again.JPEG")
    next((tmp_path / "o" / "n13052670").iterdir()).unlink()
    assert "'n13052670' holds no image" in refused(source)


@pytest.mark.parametrize(
    "given",
    [
        lambda count: {"boxes": ((0, 0, 4, 4),) * count},
        lambda count: {"pixel_digests": ("0" * 64,) * count},
        lambda count: {"right": RightLabels("real:0", "", ((1,),) * count)},
    ],
    ids=["boxes", "pixels", "several labels"],
)
def test_sets_of_other_forms_are_no_images_within(tmp_path, given):
    """What they have beside images and labels would be lost."""
    sets(tmp_path)
    within = opened(f"imagenet:{tmp_path}/imagenet")
    assert len(read_outside(tmp_path / "o", within)) == 400
    with pytest.raises(UserError, match="goes with ImageNet's validation images"):
        read_outside(tmp_path / "o", replace(within, **given(len(within))))
