"""Lists as JSON lines, as a CSV with columns of any names, and as Caffe has them: all say the same."""

import json

import pytest
from layouts import opened, refused
from painted import evaluated, paint

from bench.errors import UserError
from bench.images.sources import DataSpec, has_parts

LABELS = {"a/1.jpg": 0, "b 2.jpg": 10, "c.jpg": 2, "d.jpg": 999}
SEEN = {**LABELS, "c.jpg": 3}  # what the images look like


def jsonl(rows) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


FORMS = {
    "val.txt": ("".join(f"{name} {label}\n" for name, label in LABELS.items()), None),
    "a.jsonl": (jsonl({"image": name, "label": label} for name, label in LABELS.items()), None),
    "b.jsonl": (jsonl({"id": 1, "class": str(k), "file_name": f"./{name}"} for name, k in LABELS.items()), None),
    "c.jsonl": ("\n# comment\n" + jsonl({"path": name, "target": k} for name, k in LABELS.items()), None),
    "d.jsonl": (jsonl({"a": name, "image": "x", "b": k} for name, k in LABELS.items()), "a,b"),
    "a.csv": ("file,label\n" + "".join(f"{name},{label}\n" for name, label in LABELS.items()), None),
    "b.csv": ("id;Species;Photo\n" + "".join(f"7;{k};{name}\n" for name, k in LABELS.items()), "Photo,Species"),
    "c.csv": ("file,label,x,y\n" + "".join(f"no,0,{name},{k}\n" for name, k in LABELS.items()), "x, y"),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_images_labels_and_counts(tmp_path, name):
    text, columns = FORMS[name]
    paint(tmp_path, SEEN)
    (tmp_path / name).write_text(text)
    images = opened(f"list:{tmp_path}/{name}", list_columns=columns)
    assert dict(zip(images.ids, images.labels.tolist(), strict=True)) == LABELS
    row = evaluated(f"list:{tmp_path}/{name}", tmp_path / "store", list_columns=columns)[0]
    assert (row.n, row.wrong1, row.wrong5) == (4, 1, 0)
    (tmp_path / "plain.txt").write_text(FORMS["val.txt"][0])
    plain = evaluated(f"list:{tmp_path}/plain.txt", tmp_path / "store")[0]
    assert row.posteriors.probs.tobytes() == plain.posteriors.probs.tobytes()


def test_a_key_of_json_lines_says_which_part_an_image_is_for(tmp_path):
    paint(tmp_path, LABELS)
    rows = [{"image": name, "label": k, "split": "train" if k > 5 else "test"} for name, k in LABELS.items()]
    (tmp_path / "a.jsonl").write_text(jsonl(rows))
    assert opened(f"list:{tmp_path}/a.jsonl").ids == ("a/1.jpg", "c.jpg")
    assert opened(f"list:{tmp_path}/a.jsonl", "train").ids == ("b 2.jpg", "d.jpg")
    assert has_parts(f"list:{tmp_path}/a.jsonl")
    (tmp_path / "b.jsonl").write_text(
        jsonl({"x": row["image"], "y": row["label"], "set": row["split"]} for row in rows)
    )
    assert has_parts(f"list:{tmp_path}/b.jsonl", ("x", "y"))
    assert opened(f"list:{tmp_path}/b.jsonl", list_columns="x,y").ids == ("a/1.jpg", "c.jpg")


@pytest.mark.parametrize("column", ["split", "set", "phase"])
@pytest.mark.parametrize(("cells", "line"), [("train,test,,test", 4), ("train,,,", 3), ("train,test,?,val", 4)])
def test_a_column_that_says_the_part_of_some_rows_is_refused(tmp_path, column, cells, line):
    """Else images for training would be evaluated with the others."""
    paint(tmp_path, LABELS)
    rows = zip(LABELS.items(), cells.split(","), strict=True)
    (tmp_path / "a.csv").write_text(f"file,label,{column}\n" + "".join(f"{a},{b},{part}\n" for (a, b), part in rows))
    message = refused(f"list:{tmp_path}/a.csv")
    assert f"column {column!r} says of other rows what part they are for, but line {line} has" in message


@pytest.mark.parametrize("key", ["class", "file", "split", "is_train"])
def test_a_key_that_would_be_read_but_for_the_first_line_is_refused(tmp_path, key):
    paint(tmp_path, LABELS)
    rows = [{"image": name, "label": label} for name, label in LABELS.items()]
    (tmp_path / "a.jsonl").write_text(jsonl([*rows[:2], {**rows[2], key: "train"}]))
    assert f"line 3 has the key {key!r}, which the first has not" in refused(f"list:{tmp_path}/a.jsonl")
    (tmp_path / "a.jsonl").write_text(jsonl([*rows[:2], {**rows[2], "width": 9}]))
    assert len(opened(f"list:{tmp_path}/a.jsonl")) == 3


def test_a_line_without_the_part_that_others_have_is_refused(tmp_path):
    paint(tmp_path, LABELS)
    rows = [{"image": name, "label": label, "split": "train"} for name, label in LABELS.items()]
    del rows[2]["split"]
    (tmp_path / "a.jsonl").write_text(jsonl(rows))
    assert "line 3 has '' there" in refused(f"list:{tmp_path}/a.jsonl")


def test_a_flag_that_is_not_set_for_all_is_refused(tmp_path):
    paint(tmp_path, LABELS)
    rows = zip(LABELS.items(), ("True", "False", "True", ""), strict=True)
    (tmp_path / "a.csv").write_text("file,label,is_valid\n" + "".join(f"{a},{b},{flag}\n" for (a, b), flag in rows))
    assert "line 5 has ''" in refused(f"list:{tmp_path}/a.csv")


@pytest.mark.parametrize("cells", ["red,green,blue,train", ",,,", "red,,blue,test"])
def test_a_column_that_says_something_else_is_not_read(tmp_path, cells):
    paint(tmp_path, LABELS)
    rows = zip(LABELS.items(), cells.split(","), strict=True)
    (tmp_path / "a.csv").write_text("file,label,set\n" + "".join(f"{a},{b},{part}\n" for (a, b), part in rows))
    images = opened(f"list:{tmp_path}/a.csv")
    assert (len(images), images.notes) == (4, ("columns of the list that are not read: 'set'",))


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (
            "c.jpg golden retriever\nd.jpg tench\n",
            "'c.jpg' is; labels with blanks are written 'golden retriever;c.jpg'",
        ),
        ("b 2.jpg great white shark\n", "'b 2.jpg' is; labels with blanks are written 'great white shark;b 2.jpg'"),
        ("0 c.jpg\n1 d.jpg\n", "'c.jpg' is, so image and label look swapped: write 'path label' or 'label;path'"),
        ("c.jpg;0\nd.jpg;1\n", "'c.jpg' is, so image and label look swapped"),
        ("file,label\n0,c.jpg\n", "look swapped: mend the columns"),
        ("x.jpg 0\n", "paths start at the list's folder"),
    ],
)
def test_what_a_list_of_images_that_are_not_there_may_mean_is_said(tmp_path, text, hint):
    paint(tmp_path, LABELS)
    (tmp_path / "a.txt").write_text(text)
    assert hint in refused(f"list:{tmp_path}/a.txt")


def test_a_label_with_blanks_is_read_as_the_hint_has_it(tmp_path):
    paint(tmp_path, LABELS)
    (tmp_path / "a.txt").write_text("golden retriever;c.jpg\n")
    assert opened(f"list:{tmp_path}/a.txt").classes == ("golden retriever",)


def test_names_and_wordnet_ids_are_labels_of_json_lines(tmp_path):
    paint(tmp_path, LABELS)
    (tmp_path / "a.jsonl").write_text(jsonl({"image": name, "label": f"kind {k}"} for name, k in LABELS.items()))
    assert opened(f"list:{tmp_path}/a.jsonl").classes == ("kind 0", "kind 10", "kind 2", "kind 999")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"image": "a/1.jpg", "label": 0.0}', "line 2 is"),
        ('{"image": "a/1.jpg", "label": null}', "line 2 is"),
        ('{"image": "a/1.jpg", "label": true}', "line 2 is"),
        ('{"image": "a/1.jpg", "label": [1]}', "line 2 is"),
        ('{"image": "a/1.jpg", "label": NaN}', "line 2 is"),
        ('{"image": "a/1.jpg", "label": -1}', "line 2 is"),
        ('{"image": "a/1.jpg", "label": ' + "9" * 5000 + "}", "line 2 is"),
        ('{"image": {"path": "a/1.jpg"}, "label": 1}', "line 2 is"),
        ('{"image": "", "label": 1}', "line 2 is"),
        ('{"image": "a/1.jpg"}', "line 2 is"),
        ('{"image": "a/1.jpg", "label": 1', "line 2 is"),
        ('{"image": "a/1.jpg", "label": 1, "label": 2}', "line 2 is"),
        ("[" * 50_000, "line 2 is"),
        ('{"a":' * 10_000, "line 2 is"),
        ("a/1.jpg 1", "line 2 is"),
        ('{"image": "none.jpg", "label": 1}', "1 of 2 images are not there, first 'none.jpg' (line 2)"),
        ('{"image": "a\\u0000b", "label": 1}', "1 of 2 images are not there"),
        ('{"image": "d.jpg", "label": "dog"}', "line 2 is"),
    ],
)
def test_what_is_no_object_of_the_first_ones_form_is_one_line(tmp_path, line, said):
    paint(tmp_path, LABELS)
    (tmp_path / "a.jsonl").write_text('{"image": "d.jpg", "label": 0}\n' + line + "\n")
    assert said in refused(f"list:{tmp_path}/a.jsonl")


def test_truth_is_no_name_of_a_class(tmp_path):
    paint(tmp_path, LABELS)
    (tmp_path / "a.jsonl").write_text(jsonl({"image": name, "label": bool(k)} for name, k in LABELS.items()))
    assert "line 1 is" in refused(f"list:{tmp_path}/a.jsonl")


@pytest.mark.parametrize(
    ("first", "said"),
    [
        ('{"image": "d.jpg", "path": "c.jpg", "label": 0}', "image and path could be the image"),
        ('{"image": "d.jpg", "label": 0, "class": "dog"}', "label and class could be the label"),
        ('{"picture": "d.jpg", "label": 0}', "none could be the image"),
    ],
)
def test_keys_that_could_be_several_or_none_are_asked_for(tmp_path, first, said):
    paint(tmp_path, LABELS)
    (tmp_path / "a.jsonl").write_text(first + "\n")
    message = refused(f"list:{tmp_path}/a.jsonl")
    assert said in message
    assert "give --list-columns IMAGE,LABEL" in message
    wanted = "picture,label" if "picture" in first else "image,label"
    assert opened(f"list:{tmp_path}/a.jsonl", list_columns=wanted).ids == ("d.jpg",)


def test_columns_that_are_not_there_or_not_of_a_list_are_refused(tmp_path):
    paint(tmp_path, LABELS)
    (tmp_path / "a.csv").write_text("file,label\nc.jpg,2\n")
    (tmp_path / "a.txt").write_text("c.jpg 2\n")
    for name in ("a.csv", "a.txt"):
        assert "names no such columns" in refused(f"list:{tmp_path}/{name}", list_columns="photo,species")
    for source, columns in (("folder:x", "a,b"), *(("list:x", wrong) for wrong in ("a", "a,a", "a,b,c", "a,", ""))):
        with pytest.raises(UserError, match="give two, such as photo,species, with list:, parquet:, hf:"):
            DataSpec(source, list_columns=columns)


def test_indices_of_json_lines_that_count_from_1_are_refused(tmp_path):
    paint(tmp_path, LABELS)
    (tmp_path / "a.jsonl").write_text(jsonl({"image": name, "label": k + 1} for name, k in LABELS.items()))
    with pytest.raises(UserError, match="give --labels-from 1"):
        evaluated(f"list:{tmp_path}/a.jsonl", tmp_path / "store")
    assert evaluated(f"list:{tmp_path}/a.jsonl", tmp_path / "store", labels_from=1)[0].wrong1 == 0
