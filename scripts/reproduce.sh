#!/usr/bin/env bash
# From nothing to one row of the README's results table:  scripts/reproduce.sh luong
# NAME is a config in configs/; everything lands in runs/NAME. An interrupted run goes on.
set -euo pipefail
cd "$(dirname "$0")/.."
name="${1:?usage: scripts/reproduce.sh NAME   (a config in configs/, such as luong)}"
[ -f "configs/$name.yaml" ] || { echo "no configs/$name.yaml" >&2; exit 2; }
make install
nmt=.venv/bin/nmt
if [ -d "runs/$name" ]; then
  "$nmt" train "configs/$name.yaml" --resume
else
  "$nmt" train "configs/$name.yaml"
fi
.venv/bin/python scripts/results_table.py "runs/$name"
