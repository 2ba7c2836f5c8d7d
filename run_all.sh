#!/usr/bin/env bash
# The paper's Tables 3 to 6 and its claims into results/tables/, end to end on a fresh machine.
# Usage: ./run_all.sh [--quick]                              built-in data and nets, of which --quick takes 200 images
#        ./run_all.sh --data imagenet:DIR --weights DIR      full size; all options: python -m bench.tables --help
set -euo pipefail
cd "$(dirname "$0")"

if [ ! -x .venv/bin/python ]; then
    python3 -m venv .venv
fi
.venv/bin/pip install --quiet --disable-pip-version-check -e .
exec .venv/bin/python -m bench.tables --out results/tables "$@"
