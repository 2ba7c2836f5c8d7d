"""The same ten images in every layout: the same classes, the same posteriors to the bit, and the same counts."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from painted import colour, evaluated
from parquet_sets import IMAGE, features, write
from PIL import Image
from tars import packed, tar_of

import bench
from bench.images.labels.imagenet_names import nouns, wnids
from bench.images.labels.relabellings import devkit

NAMES = tuple(f"ILSVRC2012_val_{number:08d}.JPEG" for number in range(1, 11))
LABELS = (65, 970, 230, 809, 516, 57, 334, 415, 674, 332)  # as published, of the first ten of the 50,000
WRONG = {1, 4, 8}  # of these the net sees the class behind theirs, and theirs next
Layout = Callable[[Path], str]


@pytest.fixture(scope="module")
def contents(tmp_path_factory) -> dict[str, bytes]:
    """Images' files by their names."""
    folder, found = tmp_path_factory.mktemp("images"), {}
    for number, (name, label) in enumerate(zip(NAMES, LABELS, strict=True)):
        image = Image.new("RGB", (40 + number, 30), colour(label + (number in WRONG)))
        image.save(folder / name, "PNG")
        found[name] = (folder / name).read_bytes()
    return found


def written(root: Path, files: dict[str, bytes | str]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def in_classes(contents, part: str = "", call=lambda label: wnids()[label]) -> dict[str, bytes]:
    return {f"{part}{call(label)}/{name}": contents[name] for name, label in zip(NAMES, LABELS, strict=True)}


def lines(form: str, call=lambda label: label) -> str:
    return "".join(form.format(name, call(label)) + "\n" for name, label in zip(NAMES, LABELS, strict=True))


def wnid(label: int) -> str:
    return wnids()[label]


def class_folders(root, contents):
    return f"imagenet:{written(root, in_classes(contents, 'val/'))}"


def flat_folder(root, contents):
    return f"imagenet:{written(root, {**contents, 'val.txt': lines('{} {}')})}"


def kaggle(root, contents):
    place = "ILSVRC/Data/CLS-LOC/val/"
    said = "ImageId,PredictionString\n" + lines("{},{} 1 2 3 4 ", wnid).replace(".JPEG", "")
    files = {place + name: file for name, file in contents.items()}
    return f"imagenet:{written(root, {**files, 'LOC_val_solution.csv': said})}"


def original_tar(root, contents):
    numbers = "".join(f"{devkit().index(wnids()[label]) + 1}\n" for label in LABELS)
    written(root, {"ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt": numbers})
    return f"imagenet:{tar_of(root / 'ILSVRC2012_img_val.tar', contents).parent}"


def folder(root, contents):
    return f"folder:{written(root, in_classes(contents))}"


def noun_folders(root, contents):
    return f"folder:{written(root, in_classes(contents, call=lambda label: nouns()[label].replace(' ', '_')))}"


def numbered_folders(root, contents):
    return f"folder:{written(root, in_classes(contents, call=str))}"


def plain_list(root, contents):
    return f"list:{written(root, {**contents, 'list.txt': lines('{} {}', wnid)})}/list.txt"


def table(root, contents):
    return f"list:{written(root, {**contents, 'list.csv': 'file,label' + chr(10) + lines('{},{}')})}/list.csv"


def json_lines(root, contents):
    rows = [json.dumps({"image": name, "label": label}) for name, label in zip(NAMES, LABELS, strict=True)]
    return f"list:{written(root, {**contents, 'list.jsonl': chr(10).join(rows)})}/list.jsonl"


def tar(root, contents):
    return f"tar:{packed(written(root / 'files', in_classes(contents)), root / 'val.tar')}"


def shards(root, contents):
    root.mkdir()
    for shard in (0, 1):
        members = {}
        for name, label in list(zip(NAMES, LABELS, strict=True))[5 * shard : 5 * shard + 5]:
            members |= {f"{Path(name).stem}.jpg": contents[name], f"{Path(name).stem}.cls": str(label)}
        tar_of(root / f"val-{shard:02d}.tar", members)
    return f"tar:{root}/val-{{00..01}}.tar"


def _rows(root: Path, contents, names) -> str:
    rows = pa.array([{"bytes": contents[name], "path": name} for name in NAMES], IMAGE)
    found = pa.table({"image": rows, "label": pa.array(LABELS)}).replace_schema_metadata(features(names))
    return f"parquet:{write(root, 'validation-00000-of-00001.parquet', found)}"


def parquet(root, contents):
    return _rows(root, contents, None)


def named_parquet(root, contents):
    return _rows(root, contents, nouns())


def hub(root, contents):
    pytest.importorskip("datasets", reason="it needs newer versions than the lowest of ours")
    _rows(root / "set", contents, nouns())
    return f"hf:{root / 'set'}"


LAYOUTS = (
    *(class_folders, flat_folder, kaggle, original_tar, folder, noun_folders, numbered_folders),
    *(plain_list, table, json_lines, tar, shards, parquet, named_parquet, hub),
)


def by_name(row: "bench.api.evaluation_table.EvaluatedRow") -> dict[str, tuple[int, bytes]]:
    """Label and posteriors of each image, by what its file is called."""
    found = zip(row.ids, row.posteriors.labels.tolist(), row.posteriors.probs, strict=True)
    return {Path(name).stem: (label, probs.tobytes()) for name, label, probs in found}


@pytest.fixture(scope="module")
def expected(contents, tmp_path_factory) -> dict[str, tuple[int, bytes]]:
    """Of the files as a list in Python has them."""
    root = written(tmp_path_factory.mktemp("given"), contents)
    pairs = [(root / name, label) for name, label in zip(NAMES, LABELS, strict=True)]
    found = by_name(evaluated(pairs, root / "store")[0])
    assert [label for label, _ in found.values()] == list(LABELS)
    assert len({probs for _, probs in found.values()}) == len(NAMES)
    return found


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_the_same_images_give_the_same_numbers(layout, contents, expected, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    row = evaluated(layout(tmp_path / "set", contents), tmp_path / "store")[0]
    assert (row.n, row.wrong1, row.wrong5) == (len(NAMES), len(WRONG), 0)
    assert by_name(row) == expected
