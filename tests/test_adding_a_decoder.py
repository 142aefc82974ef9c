"""A decoder registered here and nowhere else is trained, used and described like the others."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from nmt.config import DecoderConfig, ModelConfig, load, shipped
from nmt.errors import DataError
from nmt.evaluation.records import read_records
from nmt.models.contract import BatchState, DecoderOutput, Memory
from nmt.models.decoders import Decoder, DecoderStep, decoders
from nmt.models.limits import PositionLimit
from nmt.models.summary import summary
from support.commands import Commands, lay_out

TOY = "model.decoder={kind: toy, size: 16, self_attention: {heads: 1, max_positions: 24}}"


@dataclass(frozen=True)
class Past(BatchState):
    words: Tensor  # (rows, before, inputs)


class ToyDecoder(Decoder):
    """s_t = x_t + sum_k softmax(x_t . x_k) x_k over k <= t,  readout = s_t + c_t

    A Transformer of one layer and one head, with learned positions.
    """

    attends_from = "s_t"
    reads_by = "one call over the whole target"
    options = frozenset({"self_attention"})
    has_maps = True

    def __init__(self, model: ModelConfig, *, memory: int) -> None:
        super().__init__(model, memory=memory)
        self.hidden = model.decoder.size
        self.words = nn.Linear(model.embedding_size, self.hidden)
        self.keys, self.values = (nn.Linear(memory, self.hidden) for _ in range(2))
        self.positions = nn.Embedding(model.decoder.self_attention.max_positions, self.hidden)

    @classmethod
    def summary(cls, config: DecoderConfig) -> str:
        return f"toy of {config.size}"

    @classmethod
    def position_limits(cls, config: DecoderConfig) -> Iterator[PositionLimit]:
        most = config.self_attention.max_positions
        yield PositionLimit("model.decoder.self_attention", most, of_target=True)

    def prepare(self, states: Tensor, summary: Tensor) -> tuple[Tensor, Tensor]:
        return self.keys(states), self.values(states)

    def start(self, memory: Memory) -> Past:
        return Past(memory.values.new_zeros(len(memory.mask), 0, self.words.in_features))

    def advance(self, embedded: Tensor, state: Past, memory: Memory) -> DecoderStep:
        words = torch.cat([state.words, embedded.unsqueeze(1)], dim=1)
        rows = torch.arange(len(memory.mask)).repeat_interleave(len(words) // len(memory.mask))
        output = self(words, memory.select(rows))
        return DecoderStep(output.readouts[:, -1], Past(words), output.attention[:, -1])

    def forward(self, embedded: Tensor, memory: Memory) -> DecoderOutput:
        states, _ = self._states(embedded)
        scores = (states @ memory.keys.mT).masked_fill(~memory.mask.unsqueeze(1), -torch.inf)
        weights = scores.softmax(dim=-1)
        return DecoderOutput(states + weights @ memory.values, weights)

    def maps(self, embedded: Tensor, memory: Memory) -> dict[str, Tensor]:
        across = self(embedded, memory).attention
        return {
            "decoder layer 1 head 1": across,
            "decoder layer 1 head 1 self": self._states(embedded)[1],
        }

    def _states(self, embedded: Tensor) -> tuple[Tensor, Tensor]:
        length = embedded.size(1)
        if length > self.positions.num_embeddings:
            raise DataError("the target is longer than max_positions")
        words = self.words(embedded) + self.positions.weight[:length]
        later = torch.ones(length, length, dtype=torch.bool).triu(1)
        weights = (words @ words.mT).masked_fill(later, -torch.inf).softmax(dim=-1)
        return words + weights @ words, weights


@pytest.fixture
def nmt(tmp_path, monkeypatch, capsys) -> Commands:
    monkeypatch.setattr(decoders, "_entries", {**decoders._entries, "toy": ToyDecoder})
    lay_out(tmp_path)
    return Commands(tmp_path, monkeypatch, capsys)


@pytest.mark.slow
def test_it_is_trained_translates_and_keeps_its_maps(nmt: Commands) -> None:
    assert nmt("train", "tiny.yaml", TOY).status == 0
    found = nmt("translate", "I see dogs", "--maps", "--attention", "seen.jsonl")
    assert found.status == 0, found.err
    (record,) = read_records(nmt.folder / "seen.jsonl")
    assert list(record.maps) == ["decoder layer 1 head 1", "decoder layer 1 head 1 self"]
    card = (nmt.folder / "runs/tiny/README.md").read_text(encoding="utf-8")
    assert "general · softmax · global · toy of 16." in card
    assert nmt("plot-attention", "--maps", "--output", "maps.svg").status == 0


def test_its_limits_are_reported_before_training(nmt: Commands) -> None:
    found = nmt("train", "tiny.yaml", TOY.replace("24", "3"))
    assert found.status == 2
    assert "model.decoder.self_attention.max_positions is 3, but a target in" in found.err
    assert not (nmt.folder / "runs").exists()


def test_settings_that_it_does_not_use_are_refused_as_for_any_other(nmt: Commands) -> None:
    found = nmt("config", "validate", "tiny.yaml", TOY.replace("size", "readout: maxout, size"))
    assert found.status == 2
    assert "model.decoder.kind is 'toy', which has no such layer" in found.err


def test_it_is_explained(nmt: Commands) -> None:
    found = nmt("explain", "toy", "--config", "tiny.yaml")
    assert found.status == 0, found.err
    assert "s_t = x_t + sum_k softmax(x_t . x_k) x_k over k <= t" in found.out
    assert "positions.weight" in found.out


@pytest.mark.parametrize("name", [name for name in shipped() if name[:2].isdecimal()])
def test_the_summary_of_a_lecture_names_its_decoder_and_its_score(name: str) -> None:
    config = load(shipped()[name]).config
    text = summary(config)
    score = config.model.attention.score
    assert text.startswith("no attention" if score == "none" else f"{score} · ")
    assert f" · {config.model.decoder.kind} " in f" · {text} "
    assert ("encoder" in text) == (config.model.encoder.kind != "recurrent")
