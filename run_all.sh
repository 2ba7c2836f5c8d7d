#!/usr/bin/env bash
# The tables of results/tables/, end to end on a fresh machine: own environment, built-in data, built-in nets.
# Usage: ./run_all.sh [--quick]     --quick takes 200 images of the validation split, the default all 2,000
set -euo pipefail
cd "$(dirname "$0")"

limit=all
case "${1:-}" in
    "") ;;
    --quick) limit=200 ;;
    *) echo "run_all.sh: error: '$1': give --quick or nothing" >&2; exit 2 ;;
esac

if [ ! -x .venv/bin/python ]; then
    python3 -m venv .venv
    .venv/bin/pip install --quiet -e .
fi

.venv/bin/python -m bench.run --model vgg16 --limit "$limit" --out runs/all \
    --protocol centre,tencrop,single-scale,multi-scale,multicrop,dense+multicrop
mkdir -p results/tables
cp runs/all/results.md results/tables/shapes.md
cp runs/all/results.csv results/tables/shapes.csv
echo "written to results/tables/shapes.md and .csv" >&2
