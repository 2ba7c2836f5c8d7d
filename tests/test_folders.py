"""What is read is never written over, by whatever name it is given."""

import pytest

from bench.errors import UserError
from bench.folders import spare


@pytest.mark.parametrize("name", ["read.json", "sub/../read.json", "link.json", "gone.json", "sub/../gone.json"])
def test_a_file_that_is_read_is_refused_by_any_of_its_names(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "read.json").touch()
    (tmp_path / "link.json").symlink_to("read.json")
    for file in (tmp_path / name, (tmp_path / name).relative_to(tmp_path)):
        with pytest.raises(UserError) as raised:
            spare("--out", file, [tmp_path / "other", tmp_path / "read.json", tmp_path / "gone.json"])
        assert str(raised.value).startswith(
            f"--out '{file}': it belongs to what is read, and would be lost; give another --out"
        )


def test_other_files_are_not_minded(tmp_path):
    (tmp_path / "read.json").write_text("{}")
    (tmp_path / "other.json").write_text("{}")
    for name in ("other.json", "new.json"):
        spare("--out", tmp_path / name, [tmp_path / "read.json", tmp_path / "gone.json"])
