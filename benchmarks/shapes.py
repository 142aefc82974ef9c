"""How often oneDNN has to generate code for a new shape, epoch by epoch.

    python benchmarks/shapes.py CONFIG [SECTION.KEY=VALUE ...]

Trains for EPOCHS epochs, validates and translates after each, and counts what oneDNN reports of
itself (ONEDNN_VERBOSE): every primitive that was not in its cache. The counts hardly depend on the
processor; how long generating takes does, and is about 5 ms for each on one with AMX. Prints a
Markdown table.
"""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from nmt.config import load
from nmt.data.batching.loader import Position
from nmt.decoding.torch_engine import TorchEngine
from nmt.decoding.translator import Translator
from nmt.training.trainer import Trainer
from nmt.workflows.bench.machine import peak_memory
from nmt.workflows.train.setup import TrainingSetup, prepare
from nmt.workflows.train.train import validation_batches

EPOCHS = 2
MISS = re.compile(r"^onednn_verbose,.*create:cache_miss,cpu,(\w+),.*?([\d.]+)$")
PHASE = "phase: "
COUNTING = "NMT_COUNTS_SHAPES"


def main() -> None:
    if COUNTING in os.environ:
        work(sys.argv[1], sys.argv[2:])
    else:
        print_table()


def print_table() -> None:
    print("| phase | shapes | updates | code generated | per update | seconds of that | memory |")
    print("|---|---|---:|---:|---:|---:|---:|")
    misses, seconds = Counter[str](), 0.0
    for line in reported():
        found = MISS.match(line)
        if found:
            misses[found[1]] += 1
            seconds += float(found[2]) / 1e3
        elif line.startswith(PHASE):
            name, shapes, updates, memory = line.removeprefix(PHASE).split(";")
            count = misses.total()
            each = f"{count / int(updates):.2f}" if int(updates) else ""
            print(
                f"| {name} | {shapes} | {updates} | {count:,} | {each} | {seconds:.2f} "
                f"| {memory} MB |",
                flush=True,
            )
            misses, seconds = Counter(), 0.0


def reported() -> Iterator[str]:
    """The lines of a process that trains while oneDNN tells what it does."""
    env = {**os.environ, "ONEDNN_VERBOSE": "profile_create", COUNTING: "1"}
    command = [sys.executable, *sys.argv]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        yield from (line.rstrip("\n") for line in child.stdout)


def work(path: str, overrides: list[str]) -> None:
    setup = prepare(load(Path(path), overrides).config)
    trainer = Trainer(setup.model, setup.config.training, setup.compute, total=setup.updates)
    position = Position()
    phase("before training", "", 0)
    with setup.loader as loader:
        for epoch in range(1, EPOCHS + 1):
            shapes = set()
            for _ in range(len(loader)):
                batches = loader.take(position, 1)
                shapes |= {(*batch.source.shape, batch.target_in.shape[1]) for batch in batches}
                trainer.step(batches)
            phase(f"training, epoch {epoch}", described(shapes), len(loader))
            validate(setup, trainer)
            phase(f"validation and translation, epoch {epoch}", "", 0)


def described(shapes: set[tuple[int, int, int]]) -> str:
    sources, targets = ({(shape[0], shape[side]) for shape in shapes} for side in (1, 2))
    return f"{len(sources)} rows x source, {len(targets)} rows x target"


def validate(setup: TrainingSetup, trainer: Trainer) -> None:
    trainer.loss(validation_batches(setup, np.arange(len(setup.validation))))
    translator = Translator(
        TorchEngine(setup.model, setup.compute), setup.tokenizers, setup.config.decoding
    )
    translator.translate(setup.corpus.validation.sources[:300])


def phase(name: str, shapes: str, updates: int) -> None:
    memory = peak_memory("cpu") or 0.0
    print(f"{PHASE}{name};{shapes};{updates};{memory:,.0f}", flush=True)


if __name__ == "__main__":
    main()
