import pytest
from layouts import opened, refused
from painted import evaluated, paint

from bench.images.labels.imagenet_names import wnids
from bench.images.sets.imagenet_relatives import classes_of
from bench.inspect.__main__ import main as inspect

INDEX = {name: number for number, name in enumerate(wnids())}


def painted(root, kind, seen=None):
    """An image of each class of a set, seen as what it is, but for those that `seen` says otherwise of."""
    labels = {name: INDEX[name] for name in classes_of(kind)} | (seen or {})
    return paint(root, {f"{name}/{name}_1.jpg": label for name, label in labels.items()})


def test_the_classes_are_the_200_of_the_papers():
    adversarial, renditions = ([INDEX[name] for name in classes_of(f"imagenet-{kind}")] for kind in "ar")
    # the sets' own eval.py: the classes' places among the 1000
    assert [*adversarial[:6], *adversarial[-4:]] == [6, 11, 13, 15, 17, 22, 984, 986, 987, 988]
    assert [*renditions[:6], *renditions[-4:]] == [1, 2, 4, 6, 8, 9, 980, 981, 983, 988]
    assert len(set(adversarial)) == len(set(renditions)) == 200
    assert classes_of("imagenet-sketch") == wnids()


@pytest.mark.parametrize("kind", ["imagenet-a", "imagenet-r"])
def test_only_the_200_classes_compete(tmp_path, kind):
    goldfinch, junco = wnids()[11], wnids()[13]
    assert {12, 13} & {INDEX[name] for name in classes_of(kind)} == {13}
    # seen as class 12, to which of the 200 the 13th is the nearest: right, unless all 1000 compete
    painted(tmp_path / "set", kind, {junco: 12, goldfinch: 13})
    row = evaluated(f"{kind}:{tmp_path}/set", tmp_path / "store")[0]
    everyone = evaluated(f"folder:{tmp_path}/set", tmp_path / "store")[0]
    assert (row.n, row.wrong1, everyone.wrong1) == (200, 1, 2)
    assert "classes=present:200" in row.signature
    assert row.result.data == f"{kind}[200 classes]"
    among = evaluated(f"folder:{tmp_path}/set", tmp_path / "store", restrict_classes=True)[0]
    assert row.ranks.tolist() == among.ranks.tolist()
    assert row.posteriors.probs.tobytes() == everyone.posteriors.probs.tobytes()


def test_a_row_is_looked_into_among_the_200(tmp_path, capsys):
    painted(tmp_path / "set", "imagenet-a", {wnids()[13]: 12, wnids()[11]: 13})
    evaluated(f"imagenet-a:{tmp_path}/set", tmp_path / "store").save(tmp_path / "out")
    assert inspect([str(tmp_path / "out"), "--mistakes", "0"]) == 0
    assert "199 of 200 right" in capsys.readouterr().out


def test_200_compete_where_few_are_taken(tmp_path):
    painted(tmp_path / "set", "imagenet-a", {classes_of("imagenet-a")[0]: 11})
    row = evaluated(f"imagenet-a:{tmp_path}/set", tmp_path / "store", limit=2)[0]
    assert (row.n, row.wrong1, row.wrong5) == (2, 1, 0)
    assert "classes=present:200" in row.signature


def test_a_relative_is_read_in_the_folder_that_its_archive_makes(tmp_path):
    painted(tmp_path / "imagenet-a" / "imagenet-a", "imagenet-a")
    (tmp_path / "imagenet-a" / "imagenet-a" / "README.txt").touch()
    images = opened(f"imagenet-a:{tmp_path}")
    assert images.labels.tolist() == [INDEX[name] for name in classes_of("imagenet-a")]
    assert "200 images, not the 7,500 of imagenet-a" in images.notes
    assert "only its 200 of the 1000 classes compete, as in its paper" in images.notes


def test_all_of_the_sketches_classes_compete(tmp_path):
    painted(tmp_path / "sketch", "imagenet-sketch", {wnids()[7]: 8})
    row = evaluated(f"imagenet-sketch:{tmp_path}", tmp_path / "store")[0]
    assert (row.n, row.wrong1, row.wrong5) == (1000, 1, 0)
    assert "classes=all" in row.signature


def test_a_set_whose_classes_are_not_its_papers_is_refused(tmp_path):
    painted(tmp_path / "a", "imagenet-a")
    for image in (tmp_path / "a" / "n12267677").iterdir():
        image.unlink()
    assert "'n12267677' holds no image" in refused(f"imagenet-a:{tmp_path}/a")
    (tmp_path / "a" / "n12267677").rmdir()
    assert "1 are missing, first 'n12267677'" in refused(f"imagenet-a:{tmp_path}/a")
    painted(tmp_path / "r", "imagenet-r")
    assert "'n01443537' is none of them" in refused(f"imagenet-a:{tmp_path}/r")
    assert "is for evaluation" in refused(f"imagenet-r:{tmp_path}/r", "train")
    assert "no such folder" in refused(f"imagenet-r:{tmp_path}/none")


def test_a_class_map_would_change_which_classes_compete(tmp_path):
    painted(tmp_path / "a", "imagenet-a")
    message = refused(f"imagenet-a:{tmp_path}/a", class_map="file")
    assert message.startswith("--class-map 'file': the classes that compete of imagenet-a are ImageNet's")
