import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.train.processes import PlannedTraining, train_nets
from bench.train.training_request import TrainingRequest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0  # seconds: far above what any of it takes, even beside other work
TWO = """
import signal
import sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
from pathlib import Path
from bench.train.processes import PlannedTraining, train_nets
from bench.train.training_request import TrainingRequest
sys.executable = sys.argv[1]
train_nets(dict.fromkeys(("one", "two"), PlannedTraining(TrainingRequest(epochs=(1,)))), Path(sys.argv[2]), 1, 1)
"""


def ended(process: int) -> bool:
    """Whether there was still something to end."""
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGINT, -signal.SIGINT)])
def test_who_is_ended_leaves_no_training_behind_and_begins_no_other(tmp_path, number, code):
    begun, endless = tmp_path / "begun", tmp_path / "endless"
    endless.write_text(f"#!/bin/sh\necho $$ >>'{begun}'\nexec sleep 600\n")
    endless.chmod(0o755)
    ours = subprocess.Popen([sys.executable, "-c", TWO, endless, tmp_path], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        late = time.monotonic() + PATIENCE
        while not (begun.exists() and begun.read_text().endswith("\n")):
            assert time.monotonic() < late
            time.sleep(0.05)
        ours.send_signal(number)
        assert ours.wait(PATIENCE) == code
    finally:
        ours.kill()
        children = [int(child) for child in begun.read_text().split()] if begun.exists() else []
        left = [child for child in children if ended(child)]
    assert left == []
    assert len(children) == 1


def test_the_bar_names_the_nets_that_are_trained_now(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("bench.bars.SPARSE", 0.0)
    child = tmp_path / "child"
    child.write_text("#!/bin/sh\nsleep 0.3\n")
    child.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(child))
    nets = {
        "one": PlannedTraining(TrainingRequest(epochs=(2, 1))),
        "two": PlannedTraining(TrainingRequest(epochs=(1,))),
    }
    train_nets({**nets, "three": PlannedTraining(TrainingRequest(epochs=(4,)), "one")}, tmp_path, 1, 1)
    lines = [line.partition("  ")[0] for line in capsys.readouterr().err.splitlines()]
    assert list(dict.fromkeys(lines)) == ["training", "training two 1/1", "training three 1/4"]


def test_a_training_that_cannot_begin_is_named_and_the_others_are_done(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "executable", shutil.which("true"))
    (tmp_path / "one").touch()  # where its folder should be
    with pytest.raises(UserError, match=r"^one failed, see above"):
        train_nets(dict.fromkeys(("one", "two"), PlannedTraining(TrainingRequest(epochs=(1,)))), tmp_path, 1, 1)
    assert "one: [Errno 17] File exists" in capsys.readouterr().err
    assert (tmp_path / "two" / "messages.txt").exists()
