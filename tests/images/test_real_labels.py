import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from layouts import opened, refused
from painted import PIXELS, Painted, Reordered, evaluated, paint

import bench
from bench.engine.same_classes import same_classes
from bench.errors import UserError
from bench.gate.pairing import pairing_of
from bench.images.dataset import Images
from bench.images.labels.imagenet_names import nouns, wnids
from bench.images.labels.real_labels import IMAGES, reassessed
from bench.inspect.__main__ import main as inspect
from results.gate import compare_tables

# number of the image: its own class, the class that the net sees, and the classes that are right
KNOWN = {
    1: (5, 5, [5]),  # right by both
    2: (5, 7, [7, 5]),  # wrong by its own label only
    3: (9, 9, [40, 11]),  # wrong by ReaL's, and 11 is the fourth of those nearest to 9: itself, 10, 8, 11
    4: (9, 9, []),  # left out
    5: (20, 50, [20, 21]),  # wrong by both
    50000: (999, 999, [998, 999]),
}


def name(number: int) -> str:
    return f"ILSVRC2012_val_{number:08d}"


def real_json(path: Path, labels: dict[int, list[int]]) -> Path:
    path.write_text(json.dumps([labels.get(number, []) for number in range(1, IMAGES + 1)]))
    return path


@pytest.fixture
def validation(tmp_path) -> Path:
    """Six of the 50,000 images in class folders, and their ReaL labels."""
    real_json(tmp_path / "real.json", {number: right for number, (_, _, right) in KNOWN.items()})
    seen = {f"val/{wnids()[own]}/{name(number)}.JPEG": best for number, (own, best, _) in KNOWN.items()}
    return paint(tmp_path, seen)


def test_the_gate_pairs_images_by_the_likeliest_of_their_labels(validation, tmp_path):
    table = evaluated(f"imagenet:{validation}", tmp_path / "store", labels=f"real:{validation}/real.json")
    table.save(tmp_path / "old", posteriors=True)
    table.save(tmp_path / "new")
    (tmp_path / "old/origin.json").unlink()  # a baseline that was committed alone
    files = [tmp_path / name / "results.json" for name in ("old", "new")]
    (compared,) = compare_tables(*files, pairing=pairing_of(*files)).rows
    assert (compared.verdict, compared.by_counts) == ("equal", "")
    assert (compared.top1.pairs.n, compared.top1.pairs.wrong_first, compared.top5.pairs.wrong_second) == (5, 2, 1)


@pytest.fixture
def row(validation, tmp_path):
    return evaluated(f"imagenet:{validation}", tmp_path / "store", labels=f"real:{validation}/real.json")[0]


def test_an_image_is_right_if_any_of_its_labels_is(row):
    assert (row.n, row.wrong1) == (5, 2)
    assert row.wrong5 == 1  # the fifth image
    assert row.right == ((5,), (7, 5), (40, 11), (20, 21), (998, 999))
    assert row.ranks[:2].tolist() == [0, 0]
    assert row.ranks[2] == 3
    assert [each[-13:-5] for each in row.ids] == ["00000001", "00000002", "00000003", "00000005", "00050000"]


def test_what_was_counted_is_said(row):
    assert row.result.data == "imagenet/val[ReaL labels]"
    assert " labels=real:" in row.signature
    assert " n=5/6 " in row.signature
    (note,) = row._evaluated.job.images.told
    assert "1 of 6 images have no right label and are left out" in note
    assert "top-5 if one of them is among the best five" in note


def test_the_net_sees_no_image_again_for_other_labels(validation, tmp_path):
    plain = evaluated(f"imagenet:{validation}", tmp_path / "store")[0]
    blocks = {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("*.npz")}
    real = evaluated(f"imagenet:{validation}", tmp_path / "store", labels=f"real:{validation}/real.json")[0]
    assert (plain.n, plain.wrong1) == (6, 2)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("*.npz")} == blocks
    assert plain.posteriors.probs.tobytes() == real.posteriors.probs.tobytes()
    assert plain.signature.replace(" n=6/6", "") == real.signature.replace(" n=5/6", "").replace(
        real.signature[real.signature.index(" labels=") : real.signature.index(" n=")], ""
    )


def test_labels_are_found_by_number_whatever_the_layout(validation, tmp_path, row, monkeypatch):
    monkeypatch.setattr("bench.images.labels.known_images.KNOWN", {})  # these images' own labels are made up
    flat = {f"flat/val/{name(number)}.JPEG": best for number, (_, best, _) in KNOWN.items()}
    lines = [f"{name(number)}.JPEG {wnids()[own]}" for number, (own, _, _) in KNOWN.items()]
    paint(tmp_path, flat)
    (tmp_path / "flat" / "val.txt").write_text("\n".join(reversed(lines)))
    other = evaluated(f"imagenet:{tmp_path}/flat", tmp_path / "store", labels=f"real:{validation}/real.json")[0]
    assert (other.n, other.wrong1, other.wrong5) == (row.n, row.wrong1, row.wrong5)
    few = opened(f"imagenet:{validation}", labels=f"real:{validation}/real.json", limit=3)
    assert few.right.classes == ((5,), (40, 11), (20, 21))


def test_rows_under_other_labels_are_not_compared(validation, tmp_path, row):
    with pytest.raises(UserError, match="same labels"):
        bench.compare(row, evaluated(f"imagenet:{validation}", tmp_path / "store")[0])
    assert bench.compare(row, row).wrong_first == 2
    real_json(validation / "real.json", {number: right or [5] for number, (_, _, right) in KNOWN.items()})
    others = evaluated(f"imagenet:{validation}", tmp_path / "store", labels=f"real:{validation}/real.json")[0]
    real_json(validation / "real.json", {number: [9] for number in KNOWN})
    with pytest.raises(UserError, match="same labels"):
        bench.compare(
            others, evaluated(f"imagenet:{validation}", tmp_path / "store", labels=f"real:{validation}/real.json")[0]
        )


def test_a_row_is_looked_into_by_the_likeliest_of_its_labels(validation, tmp_path, capsys):
    table = evaluated(f"imagenet:{validation}", tmp_path / "store", labels=f"real:{validation}/real.json")
    table.save(tmp_path / "out", posteriors=True)
    assert inspect([str(tmp_path / "out"), "--mistakes", "0", "--out", str(tmp_path / "seen")]) == 0
    assert "3 of 5 right" in capsys.readouterr().out
    (predictions,) = (tmp_path / "seen").rglob("predictions.csv")
    lines = predictions.read_text().splitlines()
    assert f"{wnids()[7]},{wnids()[7]}" in next(line for line in lines if name(2) in line)
    assert not any(name(4) in line for line in lines)
    real_json(validation / "real.json", {1: [6], 2: [6]})
    assert inspect([str(tmp_path / "out"), "--mistakes", "0", "--out", str(tmp_path / "seen")]) == 2
    assert "run bench.run again" in capsys.readouterr().err


def test_a_row_of_classes_that_are_only_numbers_is_looked_into_as_well(validation, tmp_path):
    lines = (f"val/{wnids()[own]}/{name(number)}.JPEG {own}\n" for number, (own, _, _) in KNOWN.items())
    (tmp_path / "list.txt").write_text("".join(lines))
    asked = {"pixels": PIXELS, "S": 256, "labels": f"real:{validation}/real.json", "store": tmp_path / "store"}
    table = bench.evaluate(Painted(), f"list:{tmp_path}/list.txt", "centre@256", progress=False, **asked)
    table.save(tmp_path / "out")
    found = bench.compare(f"{tmp_path}/out:1", table[0])
    assert (found.n, found.wrong_first, found.wrong_second) == (5, 2, 2)


@pytest.mark.parametrize(
    "content",
    [
        "[",
        "{}",
        json.dumps([[1]] * 49_999),
        json.dumps([[1000]] * IMAGES),
        json.dumps([[True]] * IMAGES),
        "[" * 100_000,
    ],
    ids=["cut", "no list", "too short", "no class", "no number", "deep"],
)
def test_a_file_that_is_not_reals_is_refused(validation, content):
    (validation / "real.json").write_text(content)
    message = refused(f"imagenet:{validation}", labels=f"real:{validation}/real.json")
    assert "no list of 50,000 lists of class indices" in message


def test_a_file_that_goes_on_behind_its_labels_is_refused(validation, monkeypatch):
    file, labels = validation / "real.json", f"real:{validation}/real.json"
    monkeypatch.setattr("bench.images.labels.real_labels.MOST_BYTES", file.stat().st_size)
    assert opened(f"imagenet:{validation}", labels=labels).right is not None
    file.write_text(file.read_text() + " \n")
    assert "no list of 50,000 lists" in refused(f"imagenet:{validation}", labels=labels)


def test_the_last_number_of_a_name_is_the_images(validation):
    """Not that of a folder which is named by an image."""
    ids = (f"{name(1)}/{name(2)}.JPEG", f"{name(3)}/{name(1)}.JPEG")
    images = Images("list:x", (), ids, np.zeros(2), None, 2)
    assert reassessed(images, f"real:{validation}/real.json").right.classes == ((7, 5), (5,))


def test_labels_that_cannot_be_those_of_the_images_are_refused(validation, tmp_path):
    labels = f"real:{validation}/real.json"
    assert "cannot be read" in refused(f"imagenet:{validation}", labels=f"real:{tmp_path}/none.json")
    assert "give real:FILE" in str(refused_spec("real.json"))
    paint(tmp_path, {f"photos/{wnids()[1]}/a.JPEG": 1, f"photos/{wnids()[2]}/{name(50001)}.JPEG": 1})
    assert "'n01443537/a.JPEG'" in refused(f"folder:{tmp_path}/photos", labels=labels)
    assert "leave --labels out" in refused(f"folder:{tmp_path}/photos/{wnids()[2]}/..", labels=labels)
    with pytest.raises(UserError, match="--restrict-classes"):
        evaluated(f"imagenet:{validation}", tmp_path / "store", labels=labels, restrict_classes=True)
    real_json(tmp_path / "real.json", {4: []})
    with pytest.raises(UserError, match="none of the 6 images has a right label"):
        evaluated(f"imagenet:{validation}", tmp_path / "store", labels=labels)


def refused_spec(labels: str) -> UserError:
    with pytest.raises(UserError) as caught:
        opened("shapes", labels=labels)
    return caught.value


@pytest.mark.parametrize("off", [0, 1])
def test_a_list_that_is_off_by_one_image_is_refused(tmp_path, off):
    own = {number: 7 * number for number in range(1, 21)}
    seen = {f"val/{wnids()[label]}/{name(number)}.JPEG": label for number, label in own.items()}
    paint(tmp_path, seen)
    real_json(tmp_path / "real.json", {number + off: [label] for number, label in own.items()})
    asked = {"labels": f"real:{tmp_path}/real.json"}
    if off:
        with pytest.raises(UserError, match="of 19 images only 0 have their own label"):
            evaluated(f"imagenet:{tmp_path}", tmp_path / "store", **asked)
    else:
        assert evaluated(f"imagenet:{tmp_path}", tmp_path / "store", **asked)[0].wrong1 == 0


@pytest.fixture
def images(validation):
    return bench.open_images(f"imagenet:{validation}", labels=f"real:{validation}/real.json")


def exchanged(*pairs) -> list[int]:
    """ImageNet's classes, of which some change places."""
    order = list(range(1000))
    for one, other in pairs:
        order[one], order[other] = other, one
    return order


@pytest.mark.parametrize("names", [wnids(), nouns()], ids=["ids", "nouns"])
def test_right_labels_follow_a_net_that_has_imagenets_classes_in_another_order(validation, tmp_path, row, names):
    order = exchanged((5, 7), (11, 40), (998, 999))
    asked = {"classes": [names[k] for k in order], "labels": f"real:{validation}/real.json"}
    asked |= {"pixels": PIXELS, "S": 256, "store": tmp_path / "store", "progress": False}
    table = bench.evaluate(Reordered(order), f"imagenet:{validation}", "centre@256", **asked)
    assert (table[0].n, table[0].wrong1, table[0].wrong5) == (row.n, row.wrong1, row.wrong5)
    assert table[0].right == ((7,), (5, 7), (11, 40), (20, 21), (999, 998))
    assert np.array_equal(table[0].labels, [7, 7, 9, 20, 998])
    table.save(tmp_path / "out", posteriors=True)
    assert inspect([str(tmp_path / "out"), "--mistakes", "0", "--out", str(tmp_path / "seen")]) == 0


def test_nets_that_have_right_classes_in_other_places_are_not_compared(images):
    """40 and 998 are no image's own label, so that these are the same for both."""
    weights = SimpleNamespace(source="w")
    one, other = (
        SimpleNamespace(name=str(names[40]), count=1000, classes=tuple(names), weights=weights, whole=False, drop=None)
        for names in (nouns(), [wnids()[k] for k in exchanged((40, 998))])
    )
    assert same_classes(images, [one, one]).right.classes[2] == (40, 11)
    assert same_classes(images, [other]).right.classes[2] == (998, 11)
    with pytest.raises(UserError, match="order their classes differently"):
        same_classes(images, [one, other])


@pytest.mark.parametrize(
    "names", [[f"thing {k}" for k in range(1000)], ["thing", *nouns()[:0:-1]], [*nouns()[1:], "thing"]]
)
def test_right_labels_need_the_classes_of_imagenet(images, tmp_path, names):
    asked = {"pixels": PIXELS, "S": 256, "store": tmp_path / "store", "progress": False}
    with pytest.raises(UserError, match="no names that say which is which"):
        bench.evaluate(Painted(), images, "centre@256", classes=names, **asked)
    row = bench.evaluate(Painted(), images, "centre@256", classes=wnids(), **asked)[0]
    assert np.array_equal(row.labels, [5, 5, 9, 20, 999])
