"""Sets of the hub by the datasets library: out of folders and of its cache, without a network."""

import io
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from layouts import opened, refused
from parquet_sets import ASKED, GREYS, NAMES, Shades, as_folder, png, table_of, write

import bench
from bench.errors import UserError
from bench.images.containers.arrow_rows import ArrowRow
from bench.images.kinds import anywhere
from bench.images.sets.hub import Named, parse_hub
from bench.images.sources import has_parts

LABELS = [number % 4 for number in range(10)]


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    """The library, with a cache of its own, offline."""
    patch = pytest.MonkeyPatch()
    patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("hub")))
    patch.setenv("HF_HUB_OFFLINE", "1")
    library = pytest.importorskip("datasets", reason="it needs newer versions than the lowest of ours")
    patch.setattr(library.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))
    patch.setattr(library.config, "HF_HUB_OFFLINE", True)
    yield library
    patch.undo()


@pytest.fixture
def root(tmp_path, datasets) -> Path:
    for part, count in (("train", 2), ("validation", 2), ("test", 1)):
        for number in range(count):
            name = f"data/{part}-{number:05d}-of-{count:05d}.parquet"
            write(tmp_path / "set", name, table_of(LABELS, first=10 * number))
    return tmp_path / "set"


@pytest.mark.parametrize(
    ("argument", "named"),
    [
        ("name", ("name", None, None)),
        ("org/name", ("org/name", None, None)),
        ("org/name:test", ("org/name", None, "test")),
        ("org/name/config", ("org/name", "config", None)),
        ("org/name/config:a.b_1", ("org/name", "config", "a.b_1")),
        ("/a/b/c/d:test", ("/a/b/c/d", None, "test")),
    ],
)
def test_names_are_read_as_they_are_written(argument, named):
    assert parse_hub(argument) == Named(*named)
    assert str(parse_hub(argument)) == argument
    assert anywhere(f"hf:{argument}") == f"hf:{argument}"
    assert has_parts(f"hf:{argument}") == (named[2] is None)


def test_a_folder_is_named_by_its_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "org/name").mkdir(parents=True)
    assert parse_hub("./org:train") == Named(str(tmp_path / "org"), None, "train")
    assert anywhere("hf:./org:train") == f"hf:{tmp_path}/org:train"
    for argument in ("org", "org/name", "org/name/config:test"):
        assert "a folder of this name is here; give hf:./" in refused(f"hf:{argument}")


@pytest.mark.parametrize("argument", ["org//name", "/:", "org/name/config/more", "name/", "name:", "name:train[:10]"])
def test_what_is_no_name_is_refused(argument):
    assert "give hf:NAME[/CONFIG][:SPLIT]" in refused(f"hf:{argument}")


def test_parts_and_rows_are_those_of_the_parquet_files(root):
    images, files = opened(f"hf:{root}"), opened(f"parquet:{root}")
    assert (images.name, files.name) == ("hf:set:validation", "parquet:set/validation")
    assert (images.ids, images.classes, images.digest) == (files.ids, files.classes, files.digest)
    said, revision = images.notes
    assert said == f"validation is evaluated; test could be, by hf:{root}:test"
    assert revision.startswith("revision ")
    assert all(isinstance(source, ArrowRow) for source in images.sources)
    assert [source.size() for source in images.sources] == [len(source.content()) for source in files.sources]
    assert len({source.within for source in images.sources}) == 20
    assert len(opened(f"hf:{root}", "train")) == 20
    assert opened(f"hf:{root}:test").ids == files.ids[:10]


def test_posteriors_are_those_of_files_to_the_bit(root, tmp_path):
    found = []
    for source in (f"hf:{root}:test", f"folder:{as_folder(tmp_path / 'files', table_of(LABELS))}"):
        row = bench.evaluate(Shades(), source, "centre", classes=NAMES, store=tmp_path / "store", **ASKED)[0]
        assert (row.n, row.wrong1) == (10, 0)
        found.append(
            {Path(name).name: probs.tobytes() for name, probs in zip(row.ids, row.posteriors.probs, strict=True)}
        )
    assert found[0] == found[1]
    assert len(set(found[0].values())) == 10


def test_a_split_that_was_named_is_whole(root):
    assert (
        opened(f"hf:{root}:train").notes[0] == "the split is named 'train': a net trained on its images has seen them"
    )
    assert "leave ':train' out, or --split 0.2 makes parts" in refused(f"hf:{root}:train", "train")
    parts = [opened(f"hf:{root}:train", part, split=0.2) for part in ("train", "val")]
    assert [len(part) for part in parts] == [16, 4]
    assert f"such as hf:{root}:train" in refused(f"hf:{root}", split=0.2)
    assert "there is no split 'nope'; it has train, validation, test" in refused(f"hf:{root}:nope")


def test_files_in_class_folders_are_the_files_themselves(tmp_path, datasets):
    folder = as_folder(tmp_path / "set/train", table_of(LABELS))
    images = opened(f"hf:{tmp_path / 'set'}:train")
    assert {Path(source) for source in images.sources} == {file.resolve() for file in folder.rglob("*.png")}
    assert [Path(source).parent.name for source in images.sources] == [images.classes[n] for n in images.labels]
    assert images.ids == tuple(f"train#{number}" for number in range(10))
    assert "it has train and no split for evaluation; name one" in refused(f"hf:{tmp_path / 'set'}")


def test_images_that_the_library_made_are_read(tmp_path, datasets):
    """Its own features, a saved data set of PIL images, an image without a label and one without bytes."""
    from PIL import Image

    pictures = [Image.open(io.BytesIO(png(grey))) for grey in GREYS]
    features = datasets.Features(img=datasets.Image(), kind=datasets.ClassLabel(names=list(NAMES)))
    rows = datasets.Dataset.from_dict({"img": [*pictures, None], "kind": [3, 2, -1, 0, 1]}, features=features)
    (tmp_path / "set").mkdir()
    rows.to_parquet(tmp_path / "set/test.parquet")
    images, files = opened(f"hf:{tmp_path / 'set'}"), opened(f"parquet:{tmp_path / 'set'}")
    assert [images.classes[label] for label in images.labels] == ["dog", "cat", "ant", "bee"]
    assert "left out 1 of 5 images that have no label" in images.notes
    assert (images.ids, files.ids) == (
        tuple(f"test#{row}" for row in (0, 1, 3, 4)),
        tuple(f"test.parquet#{row}" for row in (0, 1, 3, 4)),
    )
    assert np.array_equal(images.labels, files.labels)
    for one, other in zip(images.sources[:3], files.sources[:3], strict=True):
        assert one.content() == other.content()
    for source in (images.sources[3], files.sources[3]):
        with pytest.raises(bench.images.decoding.UndecodableError, match="holds no bytes"):
            source.size()


def test_a_file_of_the_cache_that_was_altered_is_refused_or_named(root):
    images = opened(f"hf:{root}:test")
    file = images.sources[0].file
    content = bytearray(file.read_bytes())
    start = content.index(images.sources[0].content())
    first = pa.array([0, images.sources[0].size()], pa.int32()).buffers()[1].to_pybytes()
    offsets = content.rindex(first, 0, start)
    content[offsets + 4 : offsets + 8] = b"\xff\xff\xff\x7f"
    times = images.sources[0].stamp.mtime_ns
    os.chmod(file, 0o600)
    file.write_bytes(content)
    with pytest.raises(UserError, match="it has changed since its images were listed"):
        images.sources[0].content()
    os.utime(file, ns=(times, times))
    with pytest.raises(bench.images.decoding.UndecodableError):
        images.sources[0].content()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            ConnectionError("Couldn't reach\n'org/name' on the Hub"),
            "(Couldn't reach 'org/name' on the Hub); it is not in",
        ),
        (RuntimeError("Dataset 'org/name' is a gated dataset on the Hub."), "accept its terms on its page on the hub"),
        (
            ValueError("Config name is missing.\nPick one:\n[a, b]"),
            "(Config name is missing. Pick one: [a, b]); give hf:",
        ),
        (RuntimeError("Dataset scripts are no longer supported, but found name.py"), "scripts are no longer supported"),
    ],
)
def test_what_cannot_be_loaded_is_one_line(datasets, monkeypatch, error, said):
    def fail(*_):
        raise error

    monkeypatch.setattr(datasets, "load_dataset", fail)
    message = refused("hf:org/name")
    assert message.startswith("data 'hf:org/name' cannot be loaded (")
    assert said in message


def test_what_is_not_in_the_cache_needs_the_hub(datasets, tmp_path):
    assert "it is not in the cache and the hub cannot be reached" in refused("hf:nobody/nothing")
    (tmp_path / "empty").mkdir()
    assert "cannot be loaded" in refused(f"hf:{tmp_path / 'empty'}")
    write(tmp_path / "odd", "test.parquet", table_of([0]).rename_columns(["image", "other"]))
    assert "no column is named 'label'" in refused(f"hf:{tmp_path / 'odd'}")
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut/test.parquet").write_bytes(b"PAR1PAR1")
    assert "cannot be loaded (" in refused(f"hf:{tmp_path / 'cut'}")
