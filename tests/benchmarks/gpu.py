"""All that is to be measured on a GPU: the tests, a net alone, training, descriptors, the host, protocols.

    python tests/benchmarks/gpu.py --out DIR [--steps tests,speed,protocols] [--data imagenet:DIR]

Each of the three takes less than ten minutes on an H100, and may be a call of its own with the same DIR. Each step is a
process with a limit, so that one that fails or hangs ends no other. DIR then has results.json, results.md with the
tables of docs/speed.md, and a folder a step with its log. Without --data images of ImageNet's sizes are made.
Needs this checkout, torch, torchvision and `pip install -e '.[test]'`; no network. `--smoke` tries the script itself on
a CPU, in miniature.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gpu_results
from gpu_inputs import prepared
from gpu_steps import ROOT, SMOKE, Inputs, Size, Step, protocols, speed, tests

from bench.errors import UserError
from bench.nets.device import device_name, pick_device
from bench.provenance import provenance
from results.atomic_files import write_text_atomically

GROUPS = ("tests", "speed", "protocols")
MINUTES = 9.5  # of a group: what has not begun by then is left out


def main(arguments: list[str] | None = None) -> int:
    """1 where a step failed, 2 where there is no such device."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--out", type=Path, required=True, metavar="DIR")
    words.add_argument("--steps", default=",".join(GROUPS), metavar="LIST", help="of tests, speed, protocols (all)")
    words.add_argument("--data", help="images, as for bench.run (made)")
    words.add_argument("--device", default="cuda", help="(cuda)")
    words.add_argument("--smoke", action="store_true", help="on a CPU in miniature: whether the script works")
    options = words.parse_args(arguments)
    size = SMOKE if options.smoke else Size(options.device)
    asked = options.steps.split(",")
    if unknown := {*asked} - {*GROUPS}:
        words.error(f"--steps '{unknown.pop()}': give some of {', '.join(GROUPS)}")
    try:
        device = device_name(pick_device(size.device))
    except UserError as error:
        words.error(str(error))
    out = options.out.absolute()
    inputs = prepared(out / "inputs", size, options.data) if asked != ["tests"] else None
    known = json.loads((out / "results.json").read_text()) if (out / "results.json").exists() else {"groups": {}}
    known["about"] = {"device": device, **provenance()}
    for group in asked:
        known["groups"][group] = []
        for said in ran(group, size, inputs, out):
            known["groups"][group].append(said)
            write(known, out)
    print((out / "results.md").read_text())
    return int(any(said["ended"] != "well" for group in asked for said in known["groups"][group]))


def ran(group: str, size: Size, inputs: Inputs | None, out: Path) -> Iterator[dict[str, Any]]:
    """Each step, what became of it, and its rows."""
    end = time.monotonic() + 60 * MINUTES
    for step in steps(group, size, inputs):
        folder = out / group / step.name.replace("/", "-").replace(" ", "_")
        folder.mkdir(parents=True, exist_ok=True)
        start = time.monotonic()
        ended = run(step, folder, min(step.limit, end - start))
        rows, failed = [], gpu_results.failures(folder)
        if ended == "well" or (folder / "junit.xml").exists():
            try:
                rows = gpu_results.rows(step, folder)
            except Exception as error:  # whatever it is, other steps are to run
                ended = f"{ended}, but wrote something else: {error!r}"
        seconds = time.monotonic() - start
        print(f"{group}, {step.name}: {ended}, {seconds:.0f} s", flush=True)
        yield {"kind": step.kind, "name": step.name, "ended": ended, "seconds": seconds, "rows": rows, "failed": failed}


def steps(group: str, size: Size, inputs: Inputs | None) -> Iterator[Step]:
    if group == "tests":
        return tests(size)
    assert inputs is not None
    return speed(size, inputs) if group == "speed" else protocols(size, inputs)


def run(step: Step, folder: Path, limit: float) -> str:
    """`well`, or how it ended; its last lines are printed where it did not end well."""
    if limit <= 0:
        return "left out, for want of time"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(
            step.command(folder), cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            code = process.wait(limit)
            ended = "well" if code == 0 else f"with exit code {code}"
        except subprocess.TimeoutExpired:
            ended = f"not within {limit:.0f} s"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if ended != "well":
        print("\n".join((folder / "log.txt").read_text(errors="replace").splitlines()[-12:]), file=sys.stderr)
    return ended


def write(known: dict[str, Any], out: Path) -> None:
    """Everything so far, so that nothing is lost with what comes next."""
    done = [said for group in GROUPS for said in known["groups"].get(group, ())]
    found: dict[Any, list[dict[str, str]]] = {}
    for said in done:
        found.setdefault(said["kind"], []).extend(said["rows"])
    about = "\n".join(f"- {name}: {value}" for name, value in known["about"].items())
    lines = [f"- {said['name']}: {said['ended']}" for said in done if said["ended"] != "well"]
    lines += [f"- {test}" for said in done for test in said["failed"]]
    problems = "\n\n### What did not end well\n" + "\n".join(lines) if lines else ""
    write_text_atomically(out / "results.json", json.dumps(known, indent=1))
    write_text_atomically(out / "results.md", f"{about}\n\n{gpu_results.markdown(found)}{problems}\n")


if __name__ == "__main__":
    sys.exit(main())
