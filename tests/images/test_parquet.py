"""Parquet files as hubs hold them: images, labels and numbers are those of the same files in folders, or it is said."""

import pickle
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from labelled_sets import sentences
from layouts import opened, refused
from parquet_sets import ASKED, GREYS, IMAGE, LABELS, NAMES, Shades, as_folder, named, png, table_of, write

import bench
from bench.images.containers import parquet_rows
from bench.images.decoding import UndecodableError
from bench.images.labels.classes import reconcile
from bench.images.labels.imagenet_names import nouns


def one(folder: Path, table: pa.Table, **options) -> str:
    return f"parquet:{write(folder, 'one.parquet', table, **options)}"


def test_digests_are_those_of_files_of_the_same_names_and_labels(tmp_path):
    table = table_of(LABELS)
    files, rows = opened(f"folder:{as_folder(tmp_path / 'files', table)}"), opened(one(tmp_path, table))
    place = {Path(name).name: number for number, name in enumerate(files.ids)}
    order = [place[name] for name in rows.ids]
    assert replace(files.take(order), ids=rows.ids).digest == rows.digest
    assert replace(files.take(order[::-1]), ids=rows.ids).digest != rows.digest


def test_counts_are_exact_and_posteriors_those_of_files_to_the_bit(tmp_path):
    """Three labels of ten are not what the pictures show."""
    labels = [*LABELS[:7], *((label + 1) % 4 for label in LABELS[7:])]
    table = table_of(labels)
    found = []
    for source in (one(tmp_path, table), f"folder:{as_folder(tmp_path / 'files', table)}"):
        row = bench.evaluate(Shades(), source, "centre", classes=NAMES, store=tmp_path / "store", **ASKED)[0]
        assert (row.n, row.wrong1) == (10, 3)
        found.append(dict(zip((Path(name).name for name in row.ids), row.posteriors.probs, strict=True)))
    rows, files = found
    assert rows.keys() == files.keys()
    assert all(np.array_equal(rows[name], files[name]) for name in rows)
    assert len({probs.tobytes() for probs in rows.values()}) == 10


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()])
@pytest.mark.parametrize("name", ["image", "img", "jpg", "anything"])
def test_a_column_of_bytes_is_one_of_images(tmp_path, name, kind):
    content = [png(GREYS[n], n) for n in range(4)]
    images = opened(one(tmp_path, pa.table({name: pa.array(content, kind), "labels": [3, 2, 1, 0], "n": [1.5] * 4})))
    assert [source.content() for source in images.sources] == content
    assert images.labels.tolist() == [3, 2, 1, 0]
    assert images.ids == tuple(f"one.parquet#{n}" for n in range(4))
    assert images.classes is None


def test_labels_may_be_text_and_count_in_its_order(tmp_path):
    for kind in (pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())):
        table = table_of([0] * 3).drop(["label"]).append_column("cls", pa.array(["dog", "ant", "dog"]).cast(kind))
        images = opened(one(tmp_path, table))
        assert (images.classes, images.labels.tolist()) == (("ant", "dog"), [1, 0, 1])


@pytest.mark.parametrize("paths", [["a.png", "a.png", "b.png"], ["a.png", None, "b.png"], ["", "a.png", "b.png"]])
def test_images_without_a_name_of_their_own_are_named_by_file_and_row(tmp_path, paths):
    rows = [{"bytes": png(16, n), "path": path} for n, path in enumerate(paths)]
    images = opened(one(tmp_path, pa.table({"image": pa.array(rows, IMAGE), "label": [0, 1, 2]})))
    assert images.ids == ("one.parquet#0", "one.parquet#1", "one.parquet#2")


def test_ids_do_not_depend_on_where_the_files_are(tmp_path):
    table = pa.table({"image": [png(16, n) for n in range(4)], "label": [0, 1, 2, 3]})
    digests = set()
    for folder in (tmp_path / "a", tmp_path / "b/c"):
        write(folder, "data/test-00000-of-00001.parquet", table)
        digests |= {opened(f"parquet:{place}").digest for place in (folder, folder / "data", folder / "data/*.parquet")}
    assert len(digests) == 1


@pytest.mark.parametrize("second", ["crane2", "crane"])
def test_sentences_for_names_are_imagenets_classes_by_position(tmp_path, second):
    """As the hub's imagenet-1k has them, whose labels are matched to the nouns of weights."""
    names = list(sentences())
    names[517] = second
    labels = [0, 134, 517, 638, 639, 999]
    images = opened(one(tmp_path, table_of(labels, names)))
    assert images.classes[0] == "tench, Tinca tinca"
    seen = reconcile(images, 1000, nouns(), "weights")
    assert seen.labels.tolist() == labels
    assert not seen.assumed


def test_sentences_in_another_order_are_matched_by_what_they_say(tmp_path):
    names = list(sentences())
    names[517] = "crane2"
    names[:2] = names[1::-1]
    images = opened(one(tmp_path, table_of([0, 1, 5], names)))
    assert reconcile(images, 1000, nouns(), "weights").labels.tolist() == [1, 0, 5]


def test_images_without_a_label_are_left_out_and_counted(tmp_path):
    images = opened(one(tmp_path, table_of([0, -1, 2, None, 1])))
    assert named(images) == ["ant", "cat", "bee"]
    assert images.ids == ("000.png", "002.png", "004.png")
    assert images.notes == ("left out 2 of 5 images that have no label",)
    assert images.sources[1].content() == png(GREYS[2], 2)
    assert "none of its 2 images has a label" in refused(one(tmp_path, table_of([-1, -1])))
    assert "has no rows" in refused(one(tmp_path, table_of([]).set_column(1, "label", pa.array([], pa.int64()))))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table_of([0, 4]), "row 1 has label 4; give 0 to 3, since it names 4 classes"),
        (lambda table: table_of([0, -2], None), "row 1 has label -2; give numbers from 0, or -1 where"),
        (lambda table: table_of([0, 2**62], None), f"row 1 has label {2**62}"),
        (lambda table: table_of([0.0, 1.0]), "column 'label' holds double; labels are whole numbers or text"),
        (lambda table: table_of([True, False]), "column 'label' holds bool"),
        (lambda table: table_of([[0], [1, 2]]), "column 'label' holds list<"),
        (lambda table: table_of(["a", ""]), "a label is the empty text"),
        (lambda table: table_of([0, 1], ["ant", "ant"]), "two classes are named 'ant'"),
        (lambda table: table_of([0, 1], ["ant", ""]), "are no list of names"),
        (lambda table: table.append_column("cls", pa.array([0] * 10)), "columns 'label', 'cls' may be the labels"),
        (lambda table: table.rename_columns(["image", "x"]), "no column is named 'label' (of 'image', 'x')"),
        (lambda table: table.rename_columns(["image", "image"]), "two columns are named 'image'"),
        (lambda table: table.append_column("img", table["image"]), "columns 'image', 'img' may hold the images"),
        (lambda table: table.drop(["image"]), "no column holds images (of 'label')"),
        (lambda table: table.set_column(0, "image", pa.array(["a.png"] * 10)), "column 'image' holds string"),
        (lambda table: table.replace_schema_metadata({"huggingface": "{"}), "say no features"),
        (lambda table: table.replace_schema_metadata({"huggingface": "[" * 99999}), "say no features"),
    ],
)
def test_what_is_no_set_of_images_is_refused(tmp_path, change, said):
    assert said in refused(one(tmp_path, change(table_of(LABELS))))


def test_names_of_images_without_their_bytes_are_refused_or_named(tmp_path):
    rows = [{"bytes": None, "path": f"{n}.png"} for n in range(4)]
    table = pa.table({"image": pa.array(rows, IMAGE), "label": [0] * 4})
    assert "names of images and not their bytes" in refused(one(tmp_path, table))
    mixed = pa.table({"image": pa.array([None, *rows, {"bytes": png(16), "path": "5.png"}], IMAGE), "label": [0] * 6})
    images = opened(one(tmp_path, mixed))
    assert images.sources[5].content() == png(16)
    for number in (0, 1, 4):
        with pytest.raises(UndecodableError, match="its row holds no bytes"):
            images.sources[number].content()


def test_rows_are_right_in_any_order_on_any_threads(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_rows.ROWS, "most", 500)  # five rows or so
    images = opened(one(tmp_path, table_of([0] * 60), group=13))
    rng = random.Random(0)
    order = [rng.randrange(60) for _ in range(300)]
    with ThreadPoolExecutor(8) as pool:
        content = list(pool.map(lambda number: images.sources[number].content(), order))
    assert content == [png(GREYS[number % 4], number) for number in order]
    assert parquet_rows.ROWS.held == sum(map(len, parquet_rows.ROWS.rows.values())) <= 500


def test_no_row_group_is_read_twice_in_order_and_sources_travel(tmp_path, monkeypatch):
    opening = []
    stream = parquet_rows._Stream
    monkeypatch.setattr(parquet_rows, "_Stream", lambda group: opening.append(group.number) or stream(group))
    images = pickle.loads(pickle.dumps(opened(one(tmp_path, table_of([0] * 60), group=13))))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda source: (source.size(), source.content()), images.sources))
    assert sorted(opening) == [0, 1, 2, 3, 4]
    assert len({source.within for source in images.sources}) == 60


def test_a_file_that_was_written_anew_is_read_anew(tmp_path):
    first = opened(one(tmp_path, table_of([0] * 4)))
    assert first.sources[1].content() == png(GREYS[1], 1)
    again = opened(one(tmp_path, table_of([0] * 4, first=1)))
    assert again.sources[1].content() == png(GREYS[2], 2)


def test_columns_that_could_be_meant_are_named_by_the_user(tmp_path):
    fine, coarse = pa.array(LABELS), pa.array([label // 2 for label in LABELS])
    table = table_of(LABELS).rename_columns(["picture", "fine_label"]).append_column("coarse_label", coarse)
    source = one(tmp_path, table)
    assert "name the columns of image and label by --list-columns IMAGE,LABEL" in refused(source)
    assert opened(source, list_columns="picture,fine_label").labels.tolist() == fine.to_pylist()
    assert opened(source, list_columns="picture,coarse_label").labels.tolist() == coarse.to_pylist()
    assert "has no column 'photo'; it has 'picture', 'fine_label'" in refused(source, list_columns="photo,fine_label")
    assert "column 'fine_label' holds int64; images are bytes" in refused(source, list_columns="fine_label,picture")
