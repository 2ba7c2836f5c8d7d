"""The sets of the paper in miniature, from their official layouts to a transfer's rows."""

import numpy as np
import pytest
from transfer_sets import action, caltech101, caltech256, voc, voc_values

from results.transfer_scores import read_scores

pytest_plugins = ("transfer_command",)


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """A VOC, its actions and a Caltech in miniature, in the official layouts."""
    root = tmp_path_factory.mktemp("sets")
    parts = {"train": 22, "val": 20, "test": 20}
    return {
        "voc2007-cls": voc(root / "voc", parts=parts),
        "voc2012-action": action(root / "action", parts=parts),
        "caltech101": caltech101(root / "caltech", 3),
        "caltech256": caltech256(root / "caltech", 3),
    }


def test_voc_is_learnt_from_trainval_and_judged_by_precision(transfer, sets, tmp_path):
    code, out, _, (row,) = transfer(data=f"voc2007-cls:{sets['voc2007-cls']}")
    assert code == 0
    assert (row.data, row.trained, row.tested) == ("voc2007-cls", "train+val", "test")
    assert (row.training, row.test, row.drawn, row.over) == ((42,), (20,), None, "")
    assert set(row.measures) == {"mAP11", "mAP"}
    assert len(row.measures["mAP"].by_class) == 20
    assert row.paper is None  # of other images
    (scores,) = read_scores(tmp_path / "out" / row.scores)
    np.testing.assert_array_equal(scores.present, voc_values(20) == 1)
    np.testing.assert_array_equal(scores.difficult, voc_values(20) == 0)
    assert "| aeroplane" in (tmp_path / "out/transfer.md").read_text()
    assert "mAP, 11 points" in out


def test_voc_draws_no_images(transfer, sets):
    code, _, err, _ = transfer("--train-per-class", "1", data=f"voc2007-cls:{sets['voc2007-cls']}")
    assert code == 2
    assert "leave it out" in err.splitlines()[-1]


def test_persons_are_seen_with_their_boxes(transfer, sets, tmp_path):
    data = f"voc2012-action:{sets['voc2012-action']}"
    rows = [transfer("--region", region, data=data)[3][0] for region in ("image", "box", "image+box")]
    assert [(row.region, row.dimension) for row in rows] == [("image", 128), ("box", 128), ("image+box", 256)]
    assert transfer(data=data)[3][0].signature == rows[2].signature
    assert len({row.signature for row in rows}) == 3
    assert f"{rows[2].data}, image+box" in (tmp_path / "out/transfer.md").read_text()


@pytest.mark.parametrize(("kind", "classes", "most"), [("caltech101", 5, 50), ("caltech256", 4, None)])
def test_caltech_is_drawn(transfer, sets, kind, classes, most):
    data = f"{kind}:{sets[kind]}"
    assert "has 3 images" in transfer(data=data)[2].splitlines()[-1]  # of 31, or 61
    (row,) = transfer("--train-per-class", "2", data=data)[3]
    assert (row.data, row.trained, row.tested, tuple(row.drawn)) == (kind, "drawn", "drawn", (2, most))
    assert len(row.classes) == classes  # with the background, or clutter
    assert (row.training, row.test) == ((2 * classes,) * 3, (classes,) * 3)
    assert row.measures["recall"].deviation is not None
    assert row.over == ""  # of one Q
    assert [each.over for each in transfer("--train-per-class", "2", "--Q", "256/288", data=data)[3]] == ["stack"]


def test_descriptors_of_images_with_several_labels_are_saved_with_all(transfer, sets, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    transfer("--save-features", "parquet,npz", data=f"voc2007-cls:{sets['voc2007-cls']}")
    with np.load(tmp_path / "out/features/vgg16.npz") as file:
        np.testing.assert_array_equal(file["present"][-20:], voc_values(20) == 1)
        np.testing.assert_array_equal(file["difficult"][-20:], voc_values(20) == 0)
        names = [file["classes"][row].tolist() for row in file["present"]]
        assert "labels" not in file.files
    rows = parquet.read_table(tmp_path / "out/features/vgg16.parquet").to_pydict()
    assert rows["labels"] == names
