"""A transfer that was killed goes on from what it had stored, with as many workers as there are now."""

import pytest
from conftest import torchrun

from bench.nets.descriptor_model import DescriptorModel
from bench.transfer.__main__ import main
from results.transfer_files import read_transfer

pytest_plugins = ("transfer_command",)


def test_workers_go_on_where_a_run_was_killed_and_the_first_says_what_came_out(
    transfer, weights, brightness, tmp_path, monkeypatch
):
    rows = transfer("--Q", "256/288", "--over", "each")[3]
    words = f"--weights {weights} --data folder:{brightness} --Q 256/288 --over each --store {tmp_path}/new".split()
    with monkeypatch.context() as patched:
        patched.setattr(DescriptorModel, "begun", killed_behind_a_block(tmp_path / "new"))
        with pytest.raises(Killed):
            main([*words, "--out", str(tmp_path / "killed")])
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "new").rglob("*.npz")}
    assert 0 < len(kept) < 4  # of 18 and 12 images at two Q
    done = torchrun("bench.transfer", *words, "--out", str(tmp_path / "shared"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("mean class recall") == 1
    assert len(list((tmp_path / "new").rglob("*.npz"))) == 4
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    shared = read_transfer(tmp_path / "shared")
    assert [(row.signature, row.measures) for row in shared] == [(row.signature, row.measures) for row in rows]


class Killed(BaseException):
    """As the end of the process."""


def killed_behind_a_block(store):
    begun = DescriptorModel.begun

    def watched(self, views, whole):
        if next(store.rglob("*.npz"), None):
            raise Killed
        return begun(self, views, whole)

    return watched
