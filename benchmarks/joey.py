"""JoeyNMT's speed on the text, the vocabulary and the sizes of one of nmt's configs.

    python benchmarks/joey.py CONFIG [SECTION.KEY=VALUE ...] --python joey/bin/python

JoeyNMT 2.3 needs sentencepiece 0.2.0, so it has a virtual environment of its own, whose Python is
given. It trains Luong's model (LSTMs, general score, input feeding) for some updates, in float32
and in batches of training.batch_tokens, and then decodes a part of the test split. Prints a
Markdown table; compare it with `nmt bench train CONFIG` and `nmt bench decode` on the same machine.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
import yaml

from nmt.config import Config, load
from nmt.data.corpus.types import Bitext
from nmt.data.tokenizers.base import Tokenizer
from nmt.workflows.train.setup import TrainingSetup, prepare

INSIDE = Path(__file__).with_name("inside_joey.py")
SPECIAL = {"<pad>", "<unk>", "<s>", "</s>"}  # which JoeyNMT adds itself
INSTALL = (
    "python -m venv joey && joey/bin/pip install torch==2.13.0 sentencepiece==0.2.0 sacrebleu "
    "tensorboard subword-nmt seaborn pandas packaging plotly importlib_metadata && "
    "joey/bin/pip install --no-deps joeynmt==2.3"
)


def main() -> None:
    options = parsed()
    refuse_without_joeynmt(options.python)
    setup = prepare(load(options.config, options.overrides).config)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_text(setup, folder, sentences=options.sentences)
        config = described(setup, folder, updates=options.updates, window=options.window)
        (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
        result = measured(options.python, folder, single=options.single)
    report(setup.config, result, setup)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("overrides", nargs="*", metavar="SECTION.KEY=VALUE")
    parser.add_argument("--python", default=sys.executable, help="the Python that has JoeyNMT")
    parser.add_argument("--updates", type=int, default=120)
    parser.add_argument("--window", type=int, default=20, help="updates for each reading")
    parser.add_argument("--sentences", type=int, default=128, help="decoded in batches")
    parser.add_argument("--single", type=int, default=30, help="decoded one by one")
    return parser.parse_args()


def refuse_without_joeynmt(python: str) -> None:
    code = "import joeynmt.training"
    try:
        found = subprocess.run([python, "-P", "-c", code], capture_output=True, text=True)
        reason = "" if found.returncode == 0 else found.stderr.strip().split("\n")[-1]
    except OSError as error:
        reason = str(error)
    if reason:
        raise SystemExit(f"{python} cannot import joeynmt ({reason}); install it: {INSTALL}")


def write_text(setup: TrainingSetup, folder: Path, *, sentences: int) -> None:
    """The splits as plain text, the sentencepiece models and their vocabularies."""
    corpus, tokenizers = setup.corpus, setup.tokenizers
    step = max(len(corpus.test) // sentences, 1)
    texts = {"train": corpus.train, "dev": corpus.validation, "test": corpus.test}
    for split, bitext in texts.items():
        every = step if split == "test" else 1
        for side, lines in sides(bitext):
            chosen = list(lines)[::every][: sentences if split == "test" else None]
            text = "".join(f"{line}\n" for line in chosen)
            (folder / f"{split}.{side}").write_text(text, encoding="utf-8")
    for side, tokenizer in (("src", tokenizers.source), ("trg", tokenizers.target)):
        (folder / f"{side}.model").write_bytes(tokenizer.model)
        (folder / f"{side}.vocab").write_text("\n".join(pieces(tokenizer)), encoding="utf-8")


def sides(bitext: Bitext) -> tuple[tuple[str, Any], tuple[str, Any]]:
    return ("src", bitext.sources), ("trg", bitext.targets)


def pieces(tokenizer: Tokenizer) -> list[str]:
    return [piece for piece in tokenizer.names if piece not in SPECIAL]


def described(setup: TrainingSetup, folder: Path, *, updates: int, window: int) -> dict[str, Any]:
    """JoeyNMT's config for the model of nmt's config."""
    model, training = setup.config.model, setup.config.training
    embeddings = {"embedding_dim": model.embedding_size}
    recurrent = {"type": "recurrent", "rnn_type": "lstm", "num_layers": 1}
    return {
        "name": setup.config.name,
        "model_dir": str(folder / "model"),
        "use_cuda": False,
        "data": {
            **{split: str(folder / split) for split in ("train", "dev", "test")},
            "dataset_type": "plain",
            **{side: language(folder, side) for side in ("src", "trg")},
        },
        "training": {
            "batch_type": "token",
            "batch_size": training.batch_tokens,
            "normalization": "tokens",
            "scheduling": "exponential",
            "decrease_factor": 1.0,
            "learning_rate": training.learning_rate,
            "clip_grad_norm": 1.0,
            "label_smoothing": training.label_smoothing,
            "epochs": 1000,
            "updates": updates,
            "logging_freq": window,
            "validation_freq": 1000 * window,
        },
        "testing": {"beam_size": 1},
        "model": {
            "encoder": {
                **recurrent,
                "embeddings": embeddings,
                "hidden_size": model.encoder.size,
                "bidirectional": True,
                "dropout": model.dropout,
            },
            "decoder": {
                **recurrent,
                "embeddings": embeddings,
                "hidden_size": model.decoder.size,
                "attention": "luong",
                "input_feeding": True,
                "init_hidden": "bridge",
                "dropout": model.dropout,
                "hidden_dropout": model.dropout,
            },
        },
    }


def language(folder: Path, side: str) -> dict[str, Any]:
    return {
        "lang": side,
        "level": "bpe",
        "voc_file": str(folder / f"{side}.vocab"),
        "tokenizer_type": "sentencepiece",
        "tokenizer_cfg": {"model_file": str(folder / f"{side}.model")},
    }


def measured(python: str, folder: Path, *, single: int) -> dict[str, Any]:
    """What JoeyNMT's own process measured."""
    command = [python, "-P", str(INSIDE), str(folder), str(single)]
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    found = subprocess.run(command, capture_output=True, text=True, env=environment | threads)
    if found.returncode:
        raise SystemExit(f"JoeyNMT failed: {found.stderr.strip().splitlines()[-1]}")
    result: dict[str, Any] = json.loads(found.stdout.splitlines()[-1])
    return result


def report(config: Config, result: dict[str, Any], setup: TrainingSetup) -> None:
    ours = sum(parameter.numel() for parameter in setup.model.parameters())
    print(
        f"JoeyNMT {result['version']}, torch {result['torch']}, {result['threads']} threads, "
        f"float32, {config.name}: {result['parameters']:,} parameters (nmt {ours:,}), "
        f"vocabulary {len(setup.tokenizers.target):,}, batches of {config.training.batch_tokens:,} "
        "tokens"
    )
    rates = sorted(result["training"])
    print("\n| JoeyNMT | target tokens/s | sentences/s | one sentence, p50 | p95 |")
    print("|---|---|---|---|---|")
    print(
        f"| training, median of {len(rates)} windows ({rates[0]:,.0f} to {rates[-1]:,.0f}) "
        f"| {result['training_median']:,.0f} | | | |"
    )
    for each in result["decoding"]:
        print(
            f"| beam {each['beam']}, {each['tokens_per_sentence']:.1f} tokens a sentence "
            f"| {each['tokens_per_second']:,.0f} | {each['sentences_per_second']:,.1f} "
            f"| {each['p50']:.0f} ms | {each['p95']:.0f} ms |"
        )


if __name__ == "__main__":
    main()
