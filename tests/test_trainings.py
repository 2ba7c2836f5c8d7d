import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60.0  # seconds: far above what any of it takes, even beside other work
TWO = """
import sys
from pathlib import Path
from bench.trainings import Training, train_nets
sys.executable = sys.argv[1]
train_nets({"one": Training([], 1), "two": Training([], 1)}, Path(sys.argv[2]), 1, 1)
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGINT, -signal.SIGINT)])
def test_who_is_ended_leaves_no_training_behind_and_begins_no_other(tmp_path, number, code):
    begun, endless = tmp_path / "begun", tmp_path / "endless"
    endless.write_text(f"#!/bin/sh\necho $$ >>'{begun}'\nexec sleep 600\n")
    endless.chmod(0o755)
    ours = subprocess.Popen([sys.executable, "-c", TWO, endless, tmp_path], cwd=ROOT, stderr=subprocess.DEVNULL)
    late = time.monotonic() + PATIENCE
    while not (begun.exists() and begun.read_text().endswith("\n")):
        assert time.monotonic() < late
        time.sleep(0.05)
    ours.send_signal(number)
    assert ours.wait(PATIENCE) == code
    (child,) = begun.read_text().split()
    with pytest.raises(ProcessLookupError):
        os.kill(int(child), 0)
