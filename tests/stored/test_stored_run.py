"""A run's folder read again: the same rows, errors and sentences as it wrote."""

import json

import pytest

from bench.errors import UserError
from bench.run.__main__ import main
from bench.stored.run import open_run


@pytest.fixture(scope="module")
def folder(weights, photographs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stored")
    words = ["--weights", str(weights), "--model", "D", "--protocol", "centre,centre@224/256", "--limit", "5"]
    where = ["--data", f"list:{photographs}", "--store", str(folder / "s"), "--out", str(folder / "r")]
    assert main([*words, *where]) == 0
    return folder / "r"


def test_rows_say_what_the_table_says(folder):
    rows, records = open_run(folder).rows, json.loads((folder / "results.json").read_text())
    for row, record in zip(rows, records, strict=True):
        assert row.errors == {name: record[name] for name in row.errors}
        assert set(row.errors) == {f"top{k}{end}" for k in (1, 5) for end in ("", "_low", "_high")}
        assert row.id == record["signature_id"]
        assert row.beside["views"] == record["views"]
        assert row["Q"] == record["Q"]
    assert open_run(folder / "results.csv").rows == rows


def test_its_images_and_sentences_are_those_of_the_evaluation(folder, capsys):
    run = open_run(folder)
    first = run.inspected(run.rows[0]).predictions
    assert tuple(first["id"]) == run.images.ids == tuple(run.places)
    assert any("5 images" in sentence or "of the" in sentence for sentence in run.origin.said)
    assert not capsys.readouterr().out


def test_rows_are_chosen_by_number_and_by_id(folder):
    run = open_run(folder)
    first, second = run.rows
    assert run.chosen(None) == [first, second]
    assert run.chosen(f"2, {first.id}, 2") == [second, first]
    with pytest.raises(UserError, match="--row '3': give numbers from 1 to 2"):
        run.chosen("3")
