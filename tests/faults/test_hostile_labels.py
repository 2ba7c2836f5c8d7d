"""Label files and mappings from strangers: taken, or refused in one line."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.errors import UserError
from bench.images.dataset import Images
from bench.images.labels import real_labels
from bench.images.labels.real_labels import reassessed
from bench.images.sets.objectnet import read_objectnet

OFTEN = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 1001) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
VALIDATION = Images(
    "imagenet/val",
    (),
    tuple(f"ILSVRC2012_val_{number:08d}.JPEG" for number in (1, 2, 3)),
    np.arange(3),
    None,
    3,
)


def said(read, *arguments) -> str | None:
    """The line that refuses them, if any."""
    line = None
    try:
        read(*arguments)
    except UserError as error:
        line = str(error)
    assert "\n" not in (line or "")
    return line


@OFTEN
@given(content=st.one_of(st.binary(max_size=60), ANY.map(json.dumps), st.lists(ANY, max_size=4).map(json.dumps)))
def test_no_file_of_labels_is_a_traceback(tmp_path, monkeypatch, tried, content):
    monkeypatch.setattr(real_labels, "IMAGES", 3)
    file = tmp_path / "real.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    line = said(reassessed, VALIDATION, f"real:{file}")
    assert line is None or "is no list of 3 lists of class indices" in line
    if line is None:
        labels = json.loads(content)
        assert all(0 <= each < 1000 for right in labels for each in right)
    tried("weights and files", "label files of any JSON", 1, "read, or refused in one line")


def test_a_file_of_labels_that_never_ends_is_refused(tried):
    assert "is no list of 50,000 lists" in str(said(reassessed, VALIDATION, "real:/dev/zero"))
    tried("weights and files", "a label file that never ends", 1, "refused in one line")


@OFTEN
@given(labels=ANY, mapping=ANY)
def test_no_mapping_is_a_traceback(tmp_path, tried, labels, mapping):
    for place in ("images", "mappings"):
        (tmp_path / place).mkdir(exist_ok=True)
    (tmp_path / "mappings" / "folder_to_objectnet_label.json").write_text(json.dumps(labels))
    (tmp_path / "mappings" / "objectnet_to_imagenet_1k.json").write_text(json.dumps(mapping))
    assert said(read_objectnet, tmp_path)
    tried("weights and files", "ObjectNet's mappings of any JSON", 1, "refused in one line")


@pytest.mark.parametrize("name", ["../../etc", "/", "."])
def test_a_mapping_leads_to_no_other_folder(tmp_path, name, tried):
    (tmp_path / "images").mkdir()
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "folder_to_objectnet_label.json").write_text(json.dumps({name: "Banana"}))
    (tmp_path / "mappings" / "objectnet_to_imagenet_1k.json").write_text(json.dumps({"Banana": "banana"}))
    assert "class folders are missing" in str(said(read_objectnet, tmp_path))
    tried("weights and files", "ObjectNet's mappings that lead to other folders", 1, "refused in one line")
