import json
from pathlib import Path

import pytest
from layouts import opened, refused
from painted import PIXELS, Reordered, colour, evaluated
from PIL import Image

import bench
from bench.errors import UserError
from bench.images.first_look import first_images
from bench.images.labels.imagenet_names import classes_named, nouns
from bench.images.sources import DataSpec, open_data

# folder: its class in ObjectNet, ImageNet's names of that, and these as indices; as in its mappings
KNOWN = {
    "alarm_clock": ("Alarm clock", "analog clock; digital clock", (409, 530)),
    "chair": ("Chair", "barber chair; folding chair; rocking chair, rocker", (423, 559, 765)),
    "sunglasses": ("Sunglasses", "sunglasses, dark glasses, shades", (837,)),
    "t-shirt": ("T-shirt", "jersey, T-shirt, tee shirt", (610,)),
}
SEEN = {
    "alarm_clock/a.png": 530,
    "alarm_clock/b.png": 409,
    "chair/c.png": 424,
    "sunglasses/d.png": 837,
    "t-shirt/e.png": 1,
}


def draw(path: Path, label: int) -> None:
    """In the class's colour within a red border."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", (20, 14), (255, 0, 0))
    image.paste(Image.new("RGB", (16, 10), colour(label)), (2, 2))
    image.save(path)


@pytest.fixture
def folder(tmp_path) -> Path:
    root = tmp_path / "objectnet-1.0"
    (root / "mappings").mkdir(parents=True)
    labels = {name: label for name, (label, _, _) in KNOWN.items()} | {"air_freshener": "Air freshener"}
    (root / "mappings" / "folder_to_objectnet_label.json").write_text(json.dumps(labels))
    mapping = {label: names for label, names, _ in KNOWN.values()}
    (root / "mappings" / "objectnet_to_imagenet_1k.json").write_text(json.dumps(mapping))
    for name, label in {**SEEN, "air_freshener/f.png": 0}.items():
        draw(root / "images" / name, label)
    return root


def test_any_of_its_classes_in_imagenet_is_right(folder, tmp_path):
    row = evaluated(f"objectnet:{folder}", tmp_path / "store")[0]
    assert row.right == ((409, 530), (409, 530), (423, 559, 765), (837,), (610,))
    assert (row.n, row.wrong1, row.wrong5) == (5, 2, 1)  # 423 is beside 424
    assert row.result.data == "objectnet[4 classes]"
    assert " labels=objectnet:" in row.signature
    assert "classes=all" in row.signature


def test_posteriors_are_those_of_images_without_their_borders(folder, tmp_path):
    for path in (folder / "images").rglob("*.png"):
        cut = tmp_path / "cut" / path.relative_to(folder / "images")
        cut.parent.mkdir(parents=True, exist_ok=True)
        Image.open(path).crop((2, 2, 18, 12)).save(cut)
    own = evaluated(f"objectnet:{folder}", tmp_path / "store")[0].posteriors
    pairs = [(tmp_path / "cut" / name, int(label)) for name, label in zip(own.ids, own.labels, strict=True)]
    assert own.probs.tobytes() == evaluated(pairs, tmp_path / "store")[0].posteriors.probs.tobytes()


def test_the_red_border_is_cut_off(folder):
    images = open_data(DataSpec(f"objectnet:{folder.parent}"))
    assert images.boxes == ((2, 2, 18, 12),) * 5
    told = " ".join(images.told)
    assert first_images(images)[0].endswith("is n02708093 (analog clock) or n03196217 (digital clock)")
    assert "1 of its classes are none of ImageNet's and are left out; all 1000 compete" in told
    assert "5 images, not the 18,574 of the 113 classes" in told
    assert "border of 2 pixels" in told


def test_imagenets_names_are_each_one_class():
    for _, names, classes in KNOWN.values():
        assert [index for name in names.split("; ") for index in classes_named(name)] == list(classes)
    assert classes_named("crane") == [134, 517]
    assert classes_named("sunglass") == [836]
    assert classes_named("squeegee") == []


def test_its_classes_follow_a_net_that_has_imagenets_in_another_order(folder, tmp_path):
    order = sorted(range(1000), key=lambda k: nouns()[k])
    asked = {"pixels": PIXELS, "S": 256, "store": tmp_path / "store", "progress": False}
    named = [nouns()[k] for k in order]
    row = bench.evaluate(Reordered(order), f"objectnet:{folder}", "centre@256", classes=named, **asked)[0]
    assert (row.n, row.wrong1, row.wrong5) == (5, 2, 1)
    assert [{order[place] for place in right} for right in row.right[1:3]] == [{409, 530}, {423, 559, 765}]


@pytest.mark.parametrize(
    "said", [{"class_order": "text"}, {"class_order": "number"}, {"labels_from": 1}, {"class_map": "m"}]
)
def test_what_is_said_of_labels_that_are_not_counted_is_refused(folder, said):
    option = f"--{next(iter(said)).replace('_', '-')}"
    message = refused(f"objectnet:{folder}", **said)
    assert message.startswith(option)
    assert message.endswith(f"leave {option} out")


def test_training_on_it_is_refused(folder):
    assert "licence forbids" in refused(f"objectnet:{folder}", "train")
    assert "licence forbids" in refused(f"objectnet:{folder}", "val", split=0.5)


def test_a_folder_that_is_not_whole_is_refused(folder, tmp_path):
    classes = folder / "mappings" / "objectnet_to_imagenet_1k.json"
    known = classes.read_text()
    for wrong in ("[]", "{", '{"Chair": 1}'):
        classes.write_text(wrong)
        assert "no JSON object of texts" in refused(f"objectnet:{folder}")
    classes.write_text('{"Chair": "throne of chairs"}')
    assert "no classes of ImageNet" in refused(f"objectnet:{folder}")
    classes.unlink()
    assert "no mappings/objectnet_to_imagenet_1k.json" in refused(f"objectnet:{folder}")
    classes.write_text(known)
    (folder / "images" / "chair" / "c.png").unlink()
    assert "images/chair/ holds no image" in refused(f"objectnet:{folder}")
    (folder / "images" / "chair").rmdir()
    assert "1 class folders are missing in images/, first 'chair'" in refused(f"objectnet:{folder}")


def test_an_image_that_cannot_be_decoded_is_named(folder, tmp_path):
    (folder / "images" / "chair" / "c.png").write_bytes(b"no image")
    assert len(opened(f"objectnet:{folder}")) == 5
    with pytest.raises(UserError, match=r"chair/c\.png"):
        evaluated(f"objectnet:{folder}", tmp_path / "store")
    assert evaluated(f"objectnet:{folder}", tmp_path / "store", skip_corrupt=True)[0].n == 4
