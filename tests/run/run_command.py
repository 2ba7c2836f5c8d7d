"""The evaluation as a command in this process."""

import json
from pathlib import Path

import pytest

from bench.run.__main__ import main


@pytest.fixture
def run(weights, photographs, tmp_path, capsys):
    """Run the command in this process: exit code, standard output, standard error, rows."""

    def run(*more: str, data: str = f"list:{photographs}", store: Path = tmp_path / "store"):
        common = f"--weights {weights} --out {tmp_path}/out --store {store} --limit 6 --protocol centre"
        arguments = [*common.split(), "--data", data, *more]
        code = main(arguments)
        out, err = capsys.readouterr()
        rows = json.loads((tmp_path / "out/results.json").read_text()) if code == 0 else []
        return code, out, err, rows

    return run
