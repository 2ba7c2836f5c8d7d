#!/usr/bin/env bash
# The paper's Tables 3 to 6 and its claims into results/tables/, end to end on a fresh machine.
# Usage: ./run_all.sh                                        built-in data and nets
#        ./run_all.sh --quick                                the same on 200 images, into runs/quick/
#        ./run_all.sh --data imagenet:DIR --weights DIR      full size; all options: python -m bench.tables --help
# Paths that are not absolute start at this script's folder.
set -euo pipefail
cd "$(dirname "$0")"

if [ ! .venv/installed -nt pyproject.toml ]; then
    python3 -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check -e .
    touch .venv/installed
fi
out=results/tables
for word in "$@"; do
    if [ "$word" = --quick ]; then out=runs/quick; fi
done
exec .venv/bin/python -m bench.tables --out "$out" "$@"
