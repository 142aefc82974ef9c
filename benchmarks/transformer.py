"""One update of a Transformer, by nmt and by torch.nn.Transformer, taking turns in one run.

python benchmarks/transformer.py
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from statistics import median
from time import perf_counter

import torch

from made_up import batch_of, trainer_of
from nmt.config import AttentionConfig, DecoderConfig, EncoderConfig, ModelConfig
from plain import PlainTrainer
from plain_transformer import PlainTransformer

SENTENCES, LENGTH, VOCABULARY = 128, 32, 8000
SIZE, LAYERS, HEADS, INNER = 256, 3, 4, 1024
WARM_UP, ROUNDS = 2, 9
Step = Callable[[], None]


def main() -> None:
    config = model()
    ways = {
        "torch.nn.Transformer, float32": theirs(config, bfloat16=False),
        "torch.nn.Transformer, bfloat16": theirs(config, bfloat16=True),
        "nmt, float32": ours(config, "float32"),
        "nmt, bfloat16": ours(config, "bfloat16"),
    }
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(WARM_UP + ROUNDS):
        for way, step in ways.items():
            started = perf_counter()
            step()
            if number >= WARM_UP:
                taken[way].append(perf_counter() - started)
    medians = {way: median(seconds) for way, seconds in taken.items()}
    longest = max(medians.values())
    print(
        f"{LAYERS} + {LAYERS} layers, {SIZE} wide, {HEADS} heads, {INNER} inside, vocabulary "
        f"{VOCABULARY:,}, {SENTENCES} x {LENGTH} words, {torch.get_num_threads()} threads"
    )
    print("| trained by | seconds an update | target tokens/s | times |")
    print("|---|---:|---:|---:|")
    for way, seconds in medians.items():
        rate = SENTENCES * LENGTH / seconds
        print(f"| {way} | {seconds:.3f} | {rate:,.0f} | {longest / seconds:.2f} |")


def model() -> ModelConfig:
    own = {"heads": HEADS, "feed_forward": INNER}
    sizes = {"size": SIZE, "layers": LAYERS, "self_attention": own}
    return ModelConfig(
        embedding_size=SIZE,
        encoder=EncoderConfig(kind="self_attention", **sizes),
        decoder=DecoderConfig(kind="transformer", **sizes),
        attention=AttentionConfig(score="scaled_dot", heads=HEADS),
        dropout=0.1,
        tie_embeddings="all",
    )


def ours(config: ModelConfig, precision: str) -> Step:
    trainer = trainer_of(config, VOCABULARY, precision=precision)
    batch = batch_of(SENTENCES, LENGTH, VOCABULARY)

    def step() -> None:
        torch.set_float32_matmul_precision("medium")  # as nmt has it, see models/devices.py
        trainer.step([batch])

    return step


def theirs(config: ModelConfig, *, bfloat16: bool) -> Step:
    trainer = PlainTrainer(PlainTransformer(config, VOCABULARY), smoothing=0.1)
    batch = batch_of(SENTENCES, LENGTH, VOCABULARY)
    sides = [torch.from_numpy(s) for s in (batch.source, batch.target_in, batch.target_out)]

    def products() -> AbstractContextManager[object]:
        return torch.autocast("cpu", torch.bfloat16) if bfloat16 else nullcontext()

    def step() -> None:
        torch.set_float32_matmul_precision("highest")  # torch's default, which tutorials keep
        with products():
            trainer.step(*sides)

    return step


if __name__ == "__main__":
    main()
