import json
from fractions import Fraction
from pathlib import Path

import pytest

from results.errors import ResultError
from results.origin import Origin, read_origin

PARTS = [("part", Fraction(1, 3)), ("other", Fraction(2, 3))]
ORIGIN = Origin("list:/a", 0.2, 3, 7, Path("/store"), ("0", "1"), (0, 1), {"x": [PARTS]})
LATER = {"class_order": "text", "labels_from": 1, "allow_duplicates": True, "list_columns": "photo,species"}


def test_what_opens_the_set_again_is_kept(tmp_path):
    said = Origin(**{**vars(ORIGIN), **LATER})
    said.write(tmp_path)
    assert read_origin(tmp_path) == said


def test_an_earlier_versions_origin_says_what_it_did_not_know_by_leaving_it_out(tmp_path):
    ORIGIN.write(tmp_path)
    file = tmp_path / "origin.json"
    file.write_text(
        json.dumps({name: value for name, value in json.loads(file.read_text()).items() if name not in LATER})
    )
    assert read_origin(tmp_path) == ORIGIN


@pytest.mark.parametrize(
    "altered",
    [
        {"images": 10**12},
        {"images": -1},
        {"rows": {"x": []}},
        {"rows": {"x": [[]]}},
        {"rows": {"x": [[["part", "2"]]]}},
        {"rows": {"x": [[["part", "3/2"], ["other", "-1/2"]]]}},
        {"rows": {"x": [[["part", "1e400"]]]}},
    ],
)
def test_what_no_run_can_have_written_is_damage(altered, tmp_path):
    ORIGIN.write(tmp_path)
    file = tmp_path / "origin.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | altered))
    with pytest.raises(ResultError, match="is damaged"):
        read_origin(tmp_path)
