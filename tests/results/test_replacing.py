import pytest

from results.errors import ResultError
from results.replacing import image_count, keep_larger


def table(path, text):
    path.write_text(text)
    return path


def test_images_are_counted_once_for_every_data_set(tmp_path):
    assert image_count(table(tmp_path / "a.csv", "data,n\nx,199\nx,200\ny,50\n")) == 250
    assert image_count(table(tmp_path / "b.csv", "claim,n\nx,2000\ny,2000\n")) == 2000


@pytest.mark.parametrize("text", ["", "\n", "a,b\n1,2\n", "data,n\nx,many\n", "data,n\nx\n", "\udcff"])
def test_what_is_no_table_has_no_images(tmp_path, text):
    (tmp_path / "a.csv").write_bytes(text.encode(errors="surrogateescape"))
    assert image_count(tmp_path / "a.csv") == 0
    assert image_count(tmp_path / "none.csv") == image_count(tmp_path) == 0


def test_a_table_of_more_images_is_kept(tmp_path):
    path = table(tmp_path / "a.csv", "data,n\nx,200\n")
    keep_larger([path], 200)
    keep_larger([path, tmp_path / "none.csv"], 201)
    with pytest.raises(ResultError, match=r"made from 200 images, and this would be from 199; give another --out DIR"):
        keep_larger([tmp_path / "none.csv", path], 199)
