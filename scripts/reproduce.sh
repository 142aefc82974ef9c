#!/usr/bin/env bash
# Reproduce one row of the README's results table from scratch:  scripts/reproduce.sh luong
# NAME is a config in configs/; everything goes to runs/NAME. An interrupted run is resumed.
set -euo pipefail
cd "$(dirname "$0")/.."
name="${1:?usage: scripts/reproduce.sh NAME   (a config in configs/, such as luong)}"
[ -f "configs/$name.yaml" ] || { echo "configs/$name.yaml does not exist" >&2; exit 2; }
make install
nmt=.venv/bin/nmt
if [ -d "runs/$name" ]; then
  "$nmt" train "configs/$name.yaml" --resume
else
  "$nmt" train "configs/$name.yaml"
fi
.venv/bin/python scripts/results_table.py "runs/$name"
