"""--engine: rows and stored blocks are the same whoever computes them, and say who did."""

import numpy as np
import pytest

pytest_plugins = ("run_command",)
ENGINES = ("onnxruntime", "openvino")


@pytest.mark.parametrize("engine", ENGINES)
def test_torch_and_a_runtime_fill_one_store_and_rows_say_whose_blocks_they_are(engine, run, tmp_path):
    pytest.importorskip(engine)
    words = ("--protocol", "centre@224,dense@224,multicrop@224", "--device", "cpu")  # where these runtimes compute
    _, _, _, torchs = run(*words)
    stored = {path: np.load(path)["probs"] for path in (tmp_path / "store").rglob("*.npz")}
    assert all("engine" not in row for row in torchs)
    code, _, err, theirs = run(*words, "--engine", engine, "--fresh")
    assert code == 0
    assert f"What is not stored is computed by {engine} " in err
    assert f"- Engine: {engine} " in (tmp_path / "out/results.md").read_text()
    assert all(row["engine"].startswith(f"{engine} ") for row in theirs)
    assert [row["signature"] for row in theirs] == [row["signature"] for row in torchs]
    assert [row["wrong1"] for row in theirs] == [row["wrong1"] for row in torchs]
    written = {path: np.load(path)["probs"] for path in (tmp_path / "store").rglob("*.npz")}
    assert written.keys() == stored.keys()
    assert all(np.abs(written[path] - stored[path]).max() <= 1e-5 for path in stored)
    assert any((written[path] != stored[path]).any() for path in stored)
    assert run(*words)[3] == theirs  # torch takes what the runtime stored


def test_a_mistake_is_one_line(run):
    code, _, err, _ = run("--engine", "onnxruntime", "--dtype", "bf16", "--device", "cpu")
    assert code == 2
    assert "dtype 'bf16': engine onnxruntime computes in fp32 alone" in err.splitlines()[-1]
