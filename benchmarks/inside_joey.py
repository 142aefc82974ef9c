"""What runs in JoeyNMT's own Python for `joey.py`: trains, decodes, prints one line of JSON.

    python -P benchmarks/inside_joey.py FOLDER SINGLE

FOLDER has config.yaml and the text. -P: no script of this folder hides a library.
"""

import json
import statistics
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import joeynmt
import numpy as np
import torch
from joeynmt.config import load_config, parse_global_args, set_validation_args
from joeynmt.datasets import build_dataset
from joeynmt.hub_interface import TranslatorHubInterface
from joeynmt.prediction import prepare
from joeynmt.training import TrainManager

BATCH = 64  # sentences of similar length, which suits JoeyNMT best
BEAMS = (1, 5)
LENGTH_PENALTY = 1.0


class TimedTraining(TrainManager):
    """Keeps the tokens per second that JoeyNMT would log, one for each window."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self.rates: list[float] = []

    def _log_scores(
        self, epoch: int, elapsed: float, start_tokens: int, start_correct: int, loss: float
    ) -> None:
        self.rates.append((self.stats.total_tokens - start_tokens) / elapsed)


def main() -> None:
    folder, single = Path(sys.argv[1]), int(sys.argv[2])
    args = parse_global_args(load_config(folder / "config.yaml"), rank=0, mode="train")
    args.model_dir.mkdir()
    model, train_data, dev_data, _ = prepare(args, rank=0, mode="train")
    rates = train(args, model, train_data, dev_data)
    stream = build_dataset(
        dataset_type="stream",
        path=None,
        src_lang="src",
        trg_lang="trg",
        split="test",
        tokenizer=train_data.tokenizer,
        sequence_encoder=train_data.sequence_encoder,
    )
    translator = TranslatorHubInterface(model, stream, args)
    sentences = (folder / "test.src").read_text(encoding="utf-8").splitlines()
    result = {
        "version": joeynmt.__version__,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "parameters": sum(each.numel() for each in model.parameters()),
        "training": rates,
        "training_median": statistics.median(rates),
        "decoding": [decoded(translator, sentences, beam, single) for beam in BEAMS],
    }
    print(json.dumps(result))


def train(args: Any, model: Any, train_data: Any, dev_data: Any) -> list[float]:
    """Tokens per second in each window but the first."""
    training = TimedTraining(
        model=model,
        model_dir=args.model_dir,
        device=args.device,
        autocast=args.autocast,
        seed=args.seed,
        rank=0,
        train_args=args.train,
        dev_args=set_validation_args(args.test),
    )
    training.train_and_validate(train_data=train_data, valid_data=dev_data)
    return training.rates[1:]


def decoded(
    translator: TranslatorHubInterface, sentences: list[str], beam: int, single: int
) -> dict[str, float]:
    """Speed in batches, and the latency of single sentences, in milliseconds."""
    options = {"beam_size": beam, "beam_alpha": LENGTH_PENALTY if beam > 1 else -1}

    def translate(some: list[str]) -> int:
        """The number of target tokens."""
        tokens = translator._generate(some, **options)[1]
        return sum(len(each) for each in tokens)

    by_length = sorted(sentences, key=len)
    translate(by_length[:BATCH])
    started = perf_counter()
    tokens = sum(
        translate(by_length[first : first + BATCH]) for first in range(0, len(by_length), BATCH)
    )
    seconds = perf_counter() - started
    latencies = []
    for number in np.linspace(0, len(sentences) - 1, single).astype(int).tolist():
        started = perf_counter()
        translate([sentences[number]])
        latencies.append(1000 * (perf_counter() - started))
    return {
        "beam": beam,
        "tokens_per_second": tokens / seconds,
        "sentences_per_second": len(sentences) / seconds,
        "tokens_per_sentence": tokens / len(sentences),
        "p50": float(np.percentile(latencies, 50)),
        "p95": float(np.percentile(latencies, 95)),
    }


if __name__ == "__main__":
    main()
