"""Test images whose labels are kept back get the decision values that they would be judged by, in a server's files."""

import shutil

import numpy as np
import pytest
from transfer_sets import action, action_examples, keep_back, voc, voc_name

from bench.images.sets.voc import CLASSES
from bench.images.sets.voc_tasks import ACTIONS
from results.transfer_scores import read_scores

pytest_plugins = ("transfer_command",)
PARTS = {"train": 22, "val": 20, "test": 20}


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """By kind: a set whose test images have labels, and the same without them."""
    root = tmp_path_factory.mktemp("sets")
    open_sets = {"voc2012-cls": voc(root / "cls", "2012", PARTS), "voc2012-action": action(root / "action", PARTS)}
    words = {"voc2012-cls": 1, "voc2012-action": 2}
    return {
        kind: (known, keep_back(shutil.copytree(known, root / f"{kind} kept back"), "2012", words[kind]))
        for kind, known in open_sets.items()
    }


def read(folder, name, classes):
    """Examples, and their values (N, K), from the files of a submission."""
    lists = [(folder / f"{name}_test_{each}.txt").read_text().splitlines() for each in classes]
    examples = [[line.rpartition(" ")[0] for line in lines] for lines in lists]
    assert all(each == examples[0] for each in examples)
    return examples[0], np.array([[float(line.rpartition(" ")[2]) for line in lines] for lines in lists]).T


@pytest.mark.parametrize(
    ("kind", "place", "name", "classes", "examples"),
    [
        ("voc2012-cls", "Main", "comp2_cls", CLASSES, [voc_name("2012", "test", k) for k in range(20)]),
        ("voc2012-action", "Action", "comp10_action", ACTIONS, action_examples("test", 20)),
    ],
)
def test_what_is_submitted_is_what_would_be_judged(
    transfer, sets, tmp_path, kind, place, name, classes, examples, views
):
    known, kept_back = (f"{kind}:{folder}" for folder in sets[kind])
    (judged,) = transfer(data=known, out=tmp_path / "known")[3]
    views.clear()
    alone = transfer(data=kept_back)[3]
    code, _, err, rows = transfer("--submission", str(tmp_path / "to submit"), data=kept_back)
    assert code == 0
    assert not views  # images are the same, and so are their descriptors
    assert (rows[0].trained, rows[0].tested, rows[0].test) == ("train", "val", (20,))
    assert (rows[0].signature, rows[0].measures) == (alone[0].signature, alone[0].measures)
    (scores,) = read_scores(tmp_path / "known" / judged.scores)
    found, values = read(tmp_path / "to submit/results/VOC2012" / place, name, classes)
    assert found == examples
    np.testing.assert_allclose(values, scores.values, rtol=1e-8)
    assert len([*(tmp_path / "to submit").rglob("*.txt")]) == len(classes)
    assert f"20 test examples, by classifiers of train and val with C {judged.C[0]:g}, are in {tmp_path}" in err


def test_rows_have_a_folder_each(transfer, sets, tmp_path):
    words = "--Q", "256/288", "--over", "each", "--submission", str(tmp_path / "to submit")
    rows = transfer(*words, data=f"voc2012-cls:{sets['voc2012-cls'][1]}")[3]
    assert {path.name for path in (tmp_path / "to submit").iterdir()} == {row.id for row in rows}
    one, other = (read(tmp_path / "to submit" / row.id / "results/VOC2012/Main", "comp2_cls", CLASSES) for row in rows)
    assert one[0] == other[0]
    assert (one[1] != other[1]).any()


def test_a_plan_has_the_test_images_too(transfer, sets, tmp_path):
    data = f"voc2012-cls:{sets['voc2012-cls'][1]}"
    plans = [transfer("--dry-run", *more, data=data)[1] for more in ((), ("--submission", str(tmp_path / "x")))]
    assert [plan.count("features@256") for plan in plans] == [2, 3]


def test_what_cannot_be_submitted_is_one_line(transfer, sets, tmp_path, brightness):
    def refused(data):
        code, out, err, _ = transfer("--submission", str(tmp_path / "to submit"), data=data)
        assert (code, out) == (2, "")
        return err.splitlines()[-1]

    known, kept_back = sets["voc2012-cls"]
    assert "leave --submission out, or give voc2007-cls or voc2012-cls or voc2012-action" in refused("shapes")
    assert "no server judges its test images" in refused(f"folder:{brightness}")
    assert "have labels, and are judged here" in refused(f"voc2012-cls:{known}")
    top = shutil.copytree(kept_back, tmp_path / "broken") / "VOCdevkit/VOC2012"
    (top / "JPEGImages" / f"{voc_name('2012', 'test', 3)}.jpg").unlink()
    assert "1 of the lists' images are not there" in refused(f"voc2012-cls:{tmp_path / 'broken'}")
    test = top / "ImageSets/Main/test.txt"
    test.write_text("../../etc/passwd\n")
    assert "line 1 is '../../etc/passwd'; a line is an image" in refused(f"voc2012-cls:{tmp_path / 'broken'}")
    test.write_text("")
    assert "there is no image in it" in refused(f"voc2012-cls:{tmp_path / 'broken'}")
    test.unlink()
    assert "no list of test images is there" in refused(f"voc2012-cls:{tmp_path / 'broken'}")


def test_corrupt_test_images_are_left_out_and_said(transfer, sets, tmp_path):
    root = shutil.copytree(sets["voc2012-cls"][1], tmp_path / "broken")
    broken = voc_name("2012", "test", 3)
    (root / f"VOCdevkit/VOC2012/JPEGImages/{broken}.jpg").write_bytes(b"no image")
    words = "--submission", str(tmp_path / "to submit")
    assert broken in transfer(*words, data=f"voc2012-cls:{root}")[2].splitlines()[-1]
    _, _, err, _ = transfer(*words, "--skip-corrupt", data=f"voc2012-cls:{root}")
    examples, _ = read(tmp_path / "to submit/results/VOC2012/Main", "comp2_cls", CLASSES)
    assert len(examples) == 19
    assert broken not in examples
    assert "1 test image(s) cannot be decoded and are not in the submission" in err
    assert "--limit" not in err
    _, _, err, _ = transfer(*words, "--skip-corrupt", "--limit", "8", data=f"voc2012-cls:{root}")
    assert "--limit leaves test images out of the submission" in err
