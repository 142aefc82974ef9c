"""Build each kind of component as a model does, with any widths, and run it on any lengths.

Components are built and run on torch's "meta" device, without memory: only shapes are computed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from nmt.config import NO_ATTENTION, AttentionConfig, ModelConfig
from nmt.models.attention import MultiHead, Query, SingleHead, attention_of, scores
from nmt.models.attention.normalizers import normalizers
from nmt.models.attention.positions import rotated
from nmt.models.attention.scores import TanhScore
from nmt.models.attention.selection import selections
from nmt.models.build import shapes_alone
from nmt.models.cells import CellState, cells
from nmt.models.contract import Memory
from nmt.models.decoders import decoders
from nmt.models.encoders import SelfAttentionEncoder, encoders
from nmt.workflows.explain.flops import Widths, elements

BATCH, TARGET, SOURCE = 11, 13, 17  # sizes that no model width or number of heads has
LETTERS = {
    "q": "a query",
    "m": "a memory state",
    "z": "attention.size",
    "d": "the size of a head, attention.size / heads",
    "e": "an embedded word",
    "f": "the input fed with the word",
    "h": "a recurrent state",
}


class Probe(NamedTuple):
    """A component that is ready to run."""

    module: nn.Module
    run: Callable[[int, int, int], list[tuple[str, Tensor]]]
    """Takes (batch, source, target); returns the inputs and outputs, each with its name."""


@dataclass(frozen=True)
class Kind:
    """How a kind of component is probed."""

    widths: Callable[[ModelConfig], Widths]
    """The widths of a config's model."""
    build: Callable[[ModelConfig, Widths], Probe]


def _encoder(model: ModelConfig) -> Any:
    with shapes_alone():
        return encoders[model.encoder.kind](model)


def _attention_widths(model: ModelConfig) -> Widths:
    attention = model.attention
    query = model.decoder.size
    widths = {"q": query, "m": _encoder(model).memory}
    size, heads = attention.size or query, attention.heads
    if heads > 1 and size % heads == 0:
        return {**widths, "d": size // heads}
    return {**widths, "z": size}


def _attention_size(model: ModelConfig, widths: Widths) -> int | None:
    return widths["d"] * model.attention.heads if "d" in widths else widths.get("z")


def _score_widths(model: ModelConfig) -> Widths:
    widths = dict(_attention_widths(model))
    if model.attention.score == NO_ATTENTION:
        return {"m": widths["m"]}
    if model.attention.heads == 1 and scores[model.attention.score].reads_words:
        widths["q"] += model.embedding_size
    return widths


def _score(model: ModelConfig, widths: Widths) -> Probe:
    config = model.attention
    if config.score == NO_ATTENTION or config.heads > 1:
        return _attention(model, {"q": 0, **widths})
    one = config.model_copy(update={"size": widths["z"]})
    score = scores[config.score](one, query=widths["q"], memory=widths["m"])

    def run(batch: int, source: int, target: int) -> list[tuple[str, Tensor]]:
        query = torch.zeros(batch, target, widths["q"])
        states = torch.zeros(batch, source, widths["m"])
        keys, values = score.project(states), score.values(states)
        if config.coverage and isinstance(score, TanhScore):
            result = score(query, keys, torch.zeros(batch, target, source))
        else:
            result = score(query, keys)
        return [
            ("query", query), ("states", states), ("keys", keys), ("values", values),
            ("scores", result), ("contexts", result @ values),
        ]  # fmt: skip

    return Probe(score, run)


def _attention(model: ModelConfig, widths: Widths) -> Probe:
    """The complete attention, with all heads and their projections."""
    config = model.attention.model_copy(update={"size": _attention_size(model, widths)})
    embedded = model.embedding_size
    attention = attention_of(config, query=widths["q"], memory=widths["m"], words=embedded)

    def run(batch: int, source: int, target: int) -> list[tuple[str, Tensor]]:
        states = torch.zeros(batch, source, widths["m"])
        query = torch.zeros(batch, target, widths["q"])
        mask = torch.ones(batch, 1, source, dtype=torch.bool)
        keys, values = attention.prepare(states, states[:, 0])
        positions = torch.zeros(batch, target, dtype=torch.long)
        words = torch.zeros(batch, target, embedded)
        coverage = torch.zeros(batch, target, source)
        attended = attention(Query(query, positions, words, coverage), keys, values, mask)
        by_head = [] if attended.heads is None else [("weights of each head", attended.heads)]
        return [
            ("query", query), ("states", states), ("keys", keys), *by_head,
            ("weights", attended.weights), ("contexts", attended.contexts),
        ]  # fmt: skip

    return Probe(attention, run)


def _scope(model: ModelConfig, widths: Widths) -> Probe:
    """A scope runs as part of the complete attention, which it restricts to fewer positions."""
    whole = _attention(model, widths)
    inner = whole.module.inner if isinstance(whole.module, MultiHead) else whole.module
    return Probe(inner.scope if isinstance(inner, SingleHead) else inner, whole.run)


def _position_widths(model: ModelConfig) -> Widths:
    return {"e": model.embedding_size}


def _positions(model: ModelConfig, widths: Widths) -> Probe:
    own = model.encoder.self_attention
    config = model.encoder.model_copy(update={"size": widths["e"]})
    sizes = {"embedding_size": widths["e"], "encoder": config}
    encoder = SelfAttentionEncoder(model.model_copy(update=sizes))

    def run(batch: int, source: int, target: int) -> list[tuple[str, Tensor]]:
        if own.positions == "rotary":
            query = torch.zeros(batch, source, widths["e"] // own.heads)
            return [
                ("query of a head", query),
                ("the same, turned", rotated(query, torch.arange(source))),
            ]
        words = torch.zeros(batch, source, widths["e"])
        return [("words", words), ("with positions", encoder.positions(words))]

    return Probe(encoder.positions, run)


def _normalizer(model: ModelConfig, widths: Widths) -> Probe:
    normalizer = normalizers[model.attention.normalizer](model.attention)

    def run(batch: int, source: int, target: int) -> list[tuple[str, Tensor]]:
        scored = torch.zeros(batch, target, source)
        mask = torch.ones(batch, 1, source, dtype=torch.bool)
        return [("scores", scored), ("mask", mask), ("weights", normalizer(scored, mask))]

    return Probe(normalizer, run)


def _selection(model: ModelConfig, widths: Widths) -> Probe:
    selection = selections[model.attention.selection](model.attention)

    def run(batch: int, source: int, target: int) -> list[tuple[str, Tensor]]:
        weights = torch.full((batch, target, source), 1 / source)
        chosen, drawn = selection(weights)
        named = [("weights", weights), ("what the values are averaged by", chosen)]
        return named if drawn is None else [*named, ("log-probability", drawn)]

    return Probe(selection, run)


def _cell(model: ModelConfig, widths: Widths) -> Probe:
    stack = cells[model.decoder.cell](
        widths["e"], widths["f"], widths["h"], layers=model.decoder.layers, dropout=0.0
    )

    def run(batch: int, source: int, target: int) -> list[tuple[str, Tensor]]:
        words = torch.zeros(batch, target, widths["e"])
        hidden = tuple(torch.zeros(batch, widths["h"]) for _ in range(model.decoder.layers))
        state = CellState(hidden, hidden if stack.has_cell else ())
        gates, feed = stack.project(words), torch.zeros(batch, widths["f"])
        for position in range(target):
            state = stack.step(gates[:, position], feed, state)
        return [("words", words), ("feed", feed), ("gates", gates), ("state", state.top)]

    return Probe(stack, run)


def _cell_widths(model: ModelConfig) -> Widths:
    return {"e": model.embedding_size, "f": model.decoder.size, "h": model.decoder.size}


def _encoder_widths(model: ModelConfig) -> Widths:
    return {"e": model.embedding_size, "h": model.encoder.size}


def _reader(model: ModelConfig, widths: Widths) -> Probe:
    config = model.encoder.model_copy(update={"size": widths["h"]})
    sizes = {"embedding_size": widths["e"], "encoder": config}
    encoder = encoders[config.kind](model.model_copy(update=sizes))

    def run(batch: int, source: int, target: int) -> list[tuple[str, Tensor]]:
        words = torch.zeros(batch, source, widths["e"])
        states, summary = encoder(words, torch.ones(batch, source, dtype=torch.bool))
        return [("words", words), ("states", states), ("summary", summary)]

    return Probe(encoder, run)


def _decoder_widths(model: ModelConfig) -> Widths:
    widths = _attention_widths(model)
    sizes = {"e": model.embedding_size, "m": widths["m"], "h": model.decoder.size}
    if model.attention.size is None:
        return sizes
    return {**sizes, **{letter: widths[letter] for letter in "zd" if letter in widths}}


def _writer(model: ModelConfig, widths: Widths) -> Probe:
    config = model.decoder.model_copy(update={"size": widths["h"], "fused": False})
    size = _attention_size(model, widths)
    attention: AttentionConfig = model.attention.model_copy(update={"size": size})
    sizes = {"embedding_size": widths["e"], "decoder": config, "attention": attention}
    decoder = decoders[config.kind](model.model_copy(update=sizes), memory=widths["m"])

    def run(batch: int, source: int, target: int) -> list[tuple[str, Tensor]]:
        words = torch.zeros(batch, target, widths["e"])
        states = torch.zeros(batch, source, widths["m"])
        summary, mask = states[:, 0], torch.ones(batch, source, dtype=torch.bool)
        keys, values = decoder.prepare(states, summary)
        reading = decoder(words, Memory(values, keys, mask, summary))
        return [
            ("words", words), ("states", states), ("keys", keys), ("values", values),
            ("readouts", reading.readouts), ("attention", reading.attention),
        ]  # fmt: skip

    return Probe(decoder, run)


def _nothing(model: ModelConfig) -> Widths:
    return {}


KINDS = {
    "score": Kind(_score_widths, _score),
    "normalizer": Kind(_nothing, _normalizer),
    "heads": Kind(_attention_widths, _attention),
    "coverage": Kind(_score_widths, _score),
    "scope": Kind(_attention_widths, _scope),
    "selection": Kind(_nothing, _selection),
    "cell": Kind(_cell_widths, _cell),
    "encoder": Kind(_encoder_widths, _reader),
    "decoder": Kind(_decoder_widths, _writer),
    "positions": Kind(_position_widths, _positions),
}
ROWS = ("normalizer", "selection")
"""Kinds without matrix products, whose cost is counted in numbers written."""


def probe(kind: str, model: ModelConfig, widths: Widths) -> Probe:
    """Build a component that takes no memory, neither now nor when it is run."""
    with shapes_alone():
        trial = KINDS[kind].build(model, widths)

    def run(batch: int, source: int, target: int) -> list[tuple[str, Tensor]]:
        with torch.device("meta"):
            return trial.run(batch, source, target)

    return Probe(trial.module, run)


def elements_of_a_row(kind: str, model: ModelConfig) -> str:
    """See `elements`; computed on real numbers, since some normalizers sort them."""
    trial = KINDS[kind].build(model, {})
    return elements(lambda length: trial.run(1, length, 1))
