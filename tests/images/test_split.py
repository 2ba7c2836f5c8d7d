import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from conftest import CLASSES, make_image

from bench.data_options import data_spec
from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.sources import DataSpec, has_parts, open_data
from bench.images.split import split_images
from bench.run import __main__ as run
from bench.speed import __main__ as speed
from bench.systems import __main__ as systems
from bench.tables import __main__ as tables
from bench.train import __main__ as train
from bench.train.training import Training

FLOWERS = ("daisy", "dandelion", "roses", "sunflowers", "tulips")
PINNED = "dfhebagc"


def made(*counts: int) -> Images:
    """As many images of each class as asked for, the classes taking turns."""
    pairs = sorted((k, label) for label, count in enumerate(counts) for k in range(count))
    ids = tuple(f"{label}/{k}.png" for k, label in pairs)
    labels = np.array([label for _, label in pairs])
    return Images("folder:x", tuple(map(Path, ids)), ids, labels, tuple("abcdefg"[: len(counts)]), len(ids))


@pytest.fixture
def flowers(tmp_path) -> Path:
    """TensorFlow's archive in small: five class folders and a licence."""
    root = tmp_path / "flower_photos"
    for label, name in enumerate(FLOWERS):
        (root / name).mkdir(parents=True)
        for k in range(5):
            make_image((40, 30), 10 * label + k).save(root / name / f"{k}.jpg")
    (root / "LICENSE.txt").write_text("no image")
    return root


def refused(spec: str, split: str = "val", share: float = 0.2) -> str:
    with pytest.raises(UserError) as caught:
        open_data(DataSpec(spec, share), split)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("share", [0.01, 0.2, 0.25, 0.5, 0.9, 0.999])
def test_every_image_is_on_one_side_and_every_class_on_both(share):
    images = made(40, 2, 3, 21)
    parts = training, validation = split_images(images, share, 0)
    assert sorted(training.ids + validation.ids) == sorted(images.ids)
    for part in parts:
        assert set(part.labels.tolist()) == {0, 1, 2, 3}
        places = [images.ids.index(name) for name in part.ids]
        assert places == sorted(places)
        assert part.labels.tolist() == images.labels[places].tolist()
        assert (part.classes, part.total) == (images.classes, len(part))
    for label, count in Counter(validation.labels.tolist()).items():
        size = (40, 2, 3, 21)[label]
        assert abs(count - share * size) <= 0.5 or count in (1, size - 1)


def test_seed_decides_and_order_does_not():
    images = made(30, 30)
    shuffled = images.take(np.random.RandomState(0).permutation(60).tolist())
    first, again, other = (set(split_images(images, 0.3, seed)[1].ids) for seed in (0, 0, 1))
    assert first == again == set(split_images(shuffled, 0.3, 0)[1].ids)
    assert first != other


def test_who_goes_where_is_the_order_of_known_digests():
    """Anywhere, any time: `printf '0 a.png' | sha256sum` and so on put PINNED in this order."""
    names = tuple(f"{letter}.png" for letter in "abcdefgh")
    images = Images("x", tuple(map(Path, names)), names, np.zeros(8, dtype=np.int64), ("y",), 8)
    for count in range(1, 8):
        chosen = split_images(images, count / 8, 0)[1].ids
        assert "".join(sorted(PINNED[:count])) == "".join(name[0] for name in chosen)


@pytest.mark.parametrize("size", range(4, 24))
def test_a_new_image_moves_at_most_one_other(size):
    before, after = (set(split_images(made(count, 9), 0.3, 0)[1].ids) for count in (size, size + 1))
    new = f"0/{size}.png"
    assert len((before ^ after) - {new}) <= 1


def test_class_of_one_image_cannot_be_split():
    with pytest.raises(UserError, match=r"'1/0\.png' is the only image of its class"):
        split_images(made(5, 1), 0.2, 0)


def test_flower_photos(flowers):
    spec = f"folder:{flowers}"
    training, validation = (open_data(DataSpec(spec, 0.2, 7), split) for split in ("train", "val"))
    assert (training.name, validation.name) == tuple(
        f"folder:flower_photos[split 0.2 seed 7]/{split}" for split in ("train", "val")
    )
    assert training.classes == validation.classes == FLOWERS
    assert Counter(validation.labels.tolist()) == dict.fromkeys(range(5), 1)
    assert set(training.sources) | set(validation.sources) == set(open_data(DataSpec(spec)).sources)


def test_training_and_evaluation_have_the_same_validation_images(flowers, tmp_path):
    words = ["--data", f"folder:{flowers}", "--split", "0.4", "--seed", "3"]
    small = ["--width", "0.03125", "--batch", "4", "--workers", "0", "--out", str(tmp_path / "out")]
    training = Training(train.requested(train.parser().parse_args([*words, *small])))
    evaluated = open_data(data_spec(run.parser().parse_args(words)))
    assert evaluated.digest == training.validation.digest
    assert not set(evaluated.sources) & set(training.train.sources)
    assert len(evaluated) + len(training.train) == 25


@pytest.mark.parametrize("command", [run, train, tables, speed, systems], ids=lambda command: command.__name__)
def test_every_command_with_data_takes_it(command, capsys):
    untold = command.parser().parse_args([])
    assert (untold.split, untold.seed) == (None, 0)
    options = command.parser().parse_args(["--split", "0.25", "--seed", "3"])
    assert (options.split, options.seed) == (0.25, 3)
    for wrong in (["--split", "0"], ["--split", "1"], ["--split", "20%"], ["--split", "nan"], ["--seed", "-1"]):
        with pytest.raises(SystemExit) as ended:
            command.parser().parse_args(["=".join(wrong)])
        assert ended.value.code == 2
        assert f"'{wrong[1]}': give a" in capsys.readouterr().err


@pytest.mark.parametrize("part", ["train", "val"])
def test_set_with_parts_of_its_own_is_not_split(flowers, tmp_path, part):
    flowers.rename(tmp_path / part)
    message = refused(f"folder:{tmp_path}")
    assert f"{part}/ is there" in message
    assert "leave --split out" in message
    assert len(open_data(DataSpec(f"folder:{tmp_path}/{part}", 0.2), "train")) == 20


@pytest.mark.parametrize("spec", ["shapes", "imagenet:x", "imagenette", "mnist", "voc2007:x"])
def test_published_parts_are_not_split(spec):
    assert "has training and validation images of its own; leave --split out" in refused(spec)


def test_list_can_be_split_and_trained_on_with_numbers_for_names_where_it_has_none(flowers):
    names, numbers = flowers / "names.txt", flowers / "numbers.txt"
    pairs = [(label, name, k) for label, name in enumerate(FLOWERS) for k in range(5)]
    names.write_text("".join(f"{name};{name}/{k}.jpg\n" for _, name, k in pairs))
    numbers.write_text("".join(f"{name}/{k}.jpg {label}\n" for label, name, k in pairs))
    validation = open_data(DataSpec(f"folder:{flowers}", 0.2), "val")
    assert open_data(DataSpec(f"list:{names}", 0.2), "val").digest == validation.digest
    assert open_data(DataSpec(f"list:{numbers}", 0.2), "val").digest == validation.digest
    assert open_data(DataSpec(f"list:{names}", 0.2), "train").classes == FLOWERS
    assert open_data(DataSpec(f"list:{numbers}", 0.2), "train").classes == tuple("01234")
    assert open_data(DataSpec(f"list:{numbers}", 0.2), "val").classes is None  # they are those of any weights
    numbers.write_text("".join(f"{name}/{k}.jpg 10000000{label}\n" for label, name, k in pairs))
    assert "a label is 100000004, but a net is trained on at most 100,000 classes" in refused(
        f"list:{numbers}", "train"
    )


def test_folder_list_and_csv_give_the_same_table(tmp_path, weights):
    """Under `bench.run`: same counts, and the same posteriors image by image."""
    lines, rows = [], ["label,file\n"]
    for k in range(8):
        name = CLASSES[k % 4]
        (tmp_path / "data" / name).mkdir(parents=True, exist_ok=True)
        make_image((256, 240), k).save(tmp_path / "data" / name / f"{k}.png")
        lines.append(f"{name};{name}/{k}.png\n")
        rows.append(f"{name},{name}/{k}.png\n")
    (tmp_path / "data" / "list.txt").write_text("".join(lines))
    (tmp_path / "data" / "list.csv").write_text("".join(rows))
    found = []
    for number, data in enumerate(("folder:{}", "list:{}/list.txt", "list:{}/list.csv")):
        out = tmp_path / str(number)
        words = f"--weights {weights} --protocol centre,dense@256 --out {out} --store {out}/store --save-posteriors"
        assert run.main([*words.split(), "--data", data.format(tmp_path / "data")]) == 0
        found.append([_measured(row) for row in json.loads((out / "results.json").read_text())])
    folder, *lists = found
    for each in lists:
        for (counts, labels, posteriors), (other_counts, other_labels, others) in zip(folder, each, strict=True):
            assert counts == other_counts
            assert counts[0] == len(labels) == 8
            assert np.array_equal(labels, other_labels)
            assert np.abs(posteriors - others).max() < 1e-6  # another order, so other batches
            assert np.ptp(posteriors, axis=0).max() > 1e-3


def _measured(row: dict) -> tuple[tuple[int, int, int], np.ndarray, np.ndarray]:
    """Counts, and labels and posteriors by id."""
    kept = np.load(row["posteriors"])
    order = np.argsort(kept["ids"])
    return (row["n"], row["wrong1"], row["wrong5"]), kept["labels"][order], kept["posteriors"][order]


@pytest.mark.parametrize("spec", ["imagenet-c:x", "imagenet-o:x+imagenet:y", "objectnet:x"])
def test_a_set_for_evaluation_is_not_split(spec):
    message = f"data {spec!r}: {spec.partition(':')[0]} is for evaluation"
    assert refused(spec).startswith(message)
    assert refused(spec).endswith("all of it; leave --split out")
    assert refused(spec, "train").startswith(message)
    assert not has_parts(spec)
