"""The cost of cleaning, encoding and planning corpora of growing size: seconds and peak memory.

    python benchmarks/data.py                          100 thousand, 1 and 5 million pairs
    python benchmarks/data.py --pairs 300000 --format parquet

The pairs are made up, the same ones each time: 2 to 60 words a side, with a median of about eleven
and word frequencies like those of a language; one in fifty is a duplicate, one in fifty has a
defect. Every size is measured in a process of its own. Its peak resident memory includes the pages
of mapped files, which the system can reclaim at any time; the anonymous memory does not. Finally,
steps that only sleep, STEP seconds each, consume batches, and the share of the time that they wait
for the next batch is measured. Prints a Markdown table; the memory is that reported by Linux.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from threading import Event, Thread
from time import perf_counter, sleep
from typing import Any
from unicodedata import normalize

import numpy as np

SIZES = (100_000, 1_000_000, 5_000_000)
CHUNK = 50_000  # pairs made at once
WORDS = 30_000
BUDGET = 4096
LEARNED_FROM = 100_000  # sentences a side; the same for all sizes, so that they can be compared
STAGES = CLEANING, LEARNING, ENCODING, PLANNING = (
    "read, clean, split", "learn the tokenizer", "encode", "plan an epoch",
)  # fmt: skip
MEMORY = {"resident": "VmRSS", "anonymous": "RssAnon"}
STEP, STEPS = 0.02, 300  # seconds of a step as fast as a GPU's, and the number of steps
LOOK = 0.01  # seconds between two readings of the memory


def main() -> None:
    arguments = parsed()
    if arguments.measure is not None:
        print(json.dumps(measured(arguments.measure)))
        return
    heads = ["pairs", "kept", *STAGES, "pairs/s, learning apart", "peak", "anonymous", "waiting"]
    print(f"| {' | '.join(heads)} |")
    print("|---" * len(heads) + "|")
    for pairs in arguments.pairs:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"pairs.{arguments.format}"
            in_its_own_process("--write", str(path), "--pairs", str(pairs))
            result = json.loads(in_its_own_process("--measure", str(path), cache=folder))
        print(row(pairs, result), flush=True)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, nargs="+", default=SIZES)
    parser.add_argument("--format", choices=["tsv", "parquet"], default="tsv")
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.write is not None:
        write(arguments.write, arguments.pairs[0])
        sys.exit()
    return arguments


def in_its_own_process(*arguments: str, cache: str = "") -> str:
    environment = {**os.environ, "NMT_CACHE": cache} if cache else None
    command = [sys.executable, __file__, *arguments]
    return subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def row(pairs: int, result: dict[str, Any]) -> str:
    stages = result["stages"]
    seconds = sum(stages[stage]["seconds"] for stage in STAGES if stage != LEARNING)
    cells = [f"{pairs:,}", f"{result['kept']:,}"]
    cells += [f"{stages[s]['seconds']:.1f} s, {stages[s]['resident']:,.0f} MB" for s in STAGES]
    cells += [f"{pairs / seconds:,.0f}"]
    cells += [f"{max(s[what] for s in stages.values()):,.0f} MB" for what in MEMORY]
    cells += [f"{100 * result['waiting']:.1f} %"]
    return f"| {' | '.join(cells)} |"


def measured(path: Path) -> dict[str, Any]:
    """Seconds and megabytes of each stage, for a file."""
    from nmt.config import DataConfig, TokenizerConfig
    from nmt.data.batching.encoded import encode
    from nmt.data.batching.shards import Windows
    from nmt.data.read import read_corpus
    from nmt.data.tokenizers.learn import learn

    stages: dict[str, dict[str, float]] = {}
    config = DataConfig(corpus="files", files={"train": str(path)})
    with stage(stages, CLEANING):
        corpus = read_corpus(config, seed=1)
        corpus.train.fingerprint()
    with stage(stages, LEARNING):
        tokenizers = learn(corpus.train, TokenizerConfig(max_sentences=LEARNED_FROM), seed=1)
    with stage(stages, ENCODING):
        encoded = encode(corpus.train, tokenizers)
    with stage(stages, PLANNING):
        windows = Windows(encoded, budget=BUDGET, seed=1)
        planned = sum(len(batch) for window in windows.epoch(0) for batch in window)
    assert planned == windows.stats.sentences
    return {"kept": len(corpus.train), "stages": stages, "waiting": waiting_share(encoded)}


def waiting_share(encoded: Any) -> float:
    """The share of time that no batch was ready, with steps of STEP seconds, without the first."""
    from nmt.data.batching.loader import BatchLoader, Position

    position = Position()
    with BatchLoader(encoded, budget=BUDGET, seed=1) as loader:
        loader.take(position, 1)
        before, started = loader.waited, perf_counter()
        for _ in range(1, min(STEPS, len(loader))):
            loader.take(position, 1)
            sleep(STEP)
        return (loader.waited - before) / (perf_counter() - started)


@contextmanager
def stage(stages: dict[str, dict[str, float]], name: str) -> Iterator[None]:
    """Time a block, and sample the memory of this process while it runs."""
    highest = dict.fromkeys(MEMORY, 0.0)
    over = Event()

    def corpus_report() -> None:
        while not over.wait(LOOK):
            for what, megabytes in memory().items():
                highest[what] = max(highest[what], megabytes)

    looking = Thread(target=corpus_report)
    looking.start()
    started = perf_counter()
    try:
        yield
    finally:
        stages[name] = {"seconds": perf_counter() - started}
        over.set()
        looking.join()
    stages[name] |= highest


def memory() -> dict[str, float]:
    """Megabytes that this process holds now, as Linux reports them."""
    lines = Path("/proc/self/status").read_text().split("\n")
    fields = dict(line.split(":", 1) for line in lines if line)
    return {what: int(fields[key].split()[0]) * 1024 / 1e6 for what, key in MEMORY.items()}


def write(path: Path, pairs: int) -> None:
    """Make pairs up."""
    random = np.random.default_rng(1)
    english, french = lexicon()
    commonness = np.cumsum(1 / np.arange(3, WORDS + 3))
    rows: list[tuple[str, str]] = []
    with opened(path) as put:
        for start in range(0, pairs, CHUNK):
            old, rows = rows, []
            count = min(CHUNK, pairs - start)
            sizes = random.lognormal(2.4, 0.5, count).clip(2, 60).astype(int)
            words = np.searchsorted(commonness, random.random(sizes.sum()) * commonness[-1])
            for part in np.split(words, np.cumsum(sizes)[:-1]):
                numbers = part.tolist()
                sides = [" ".join([side[n] for n in numbers]) for side in (english, french)]
                rows.append((f"{sides[0].capitalize()}.", f"{sides[1].capitalize()}."))
            spoil(rows, old or rows, random)
            put(rows)


def spoil(rows: list[tuple[str, str]], old: list[tuple[str, str]], random: Any) -> None:
    """Duplicate some pairs, from the previous chunk or this one, and put defects into others."""
    places = random.permutation(len(rows))[: len(rows) // 25].tolist()
    for number, place in enumerate(places):
        source, target = rows[place]
        rows[place] = (
            old[place % len(old)],
            rows[0],
            ("", target),
            (f" {source} ", normalize("NFD", target)),
            (f"{source} " * 12, target),
            (source, "Oui."),
            (f"{source}\x07", f"{target}\u2028fin"),
            rows[-1],
        )[number % 8]


def lexicon() -> tuple[list[str], list[str]]:
    """Words of both languages; the frequent ones are short."""
    random = Random(1)
    sides = []
    for syllables in (
        ["th", "ing", "er", "on", "wa", "lo", "ve", "sh", "ou", "st", "ri", "an", "ed", "ly"],
        ["je", "le", "é", "que", "ou", "ai", "mer", "ç", "on", "tré", "eux", "là", "par", "ne"],
    ):
        made: dict[str, None] = {}
        while len(made) < WORDS:
            length = 1 + len(made) // 8 % 2 + min(len(made) // 150, 2)
            made["".join(random.choices(syllables, k=length + random.randrange(2)))] = None
        sides.append(list(made))
    return sides[0], sides[1]


@contextmanager
def opened(path: Path) -> Iterator[Callable[[list[tuple[str, str]]], Any]]:
    """A function that writes pairs to the file."""
    if path.suffix == ".tsv":
        with path.open("w", encoding="utf-8") as file:
            yield lambda rows: file.write("".join(f"{s}\t{t}\n" for s, t in rows))
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([("en", pa.string()), ("fr", pa.string())])
    with pq.ParquetWriter(path, schema) as writer:
        yield lambda rows: writer.write_table(
            pa.table(list(map(list, zip(*rows, strict=True))), schema=schema)
        )


if __name__ == "__main__":
    main()
