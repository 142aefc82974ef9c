"""Beam search on models that are tables of numbers, so that all hypotheses can be enumerated."""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nmt.data.batching.sizes import rounded_up
from nmt.data.tokenizers.base import BOS, EOS, PAD, UNK
from nmt.decoding import beam
from nmt.decoding.beam import beam_search
from nmt.decoding.hypothesis import Hypothesis
from nmt.decoding.torch_engine import TorchEngine
from nmt.models.contract import BatchState, DecoderOutput, Memory, Seq2Seq, Step
from nmt.models.devices import Compute
from support.tiny_models import SOURCES, Kind, ids

FLOAT32 = Compute(torch.device("cpu"), bfloat16=False)
VOCABULARY = 7
WORDS = [i for i in range(VOCABULARY) if i not in (PAD, UNK, BOS, EOS)]


@dataclass(frozen=True)
class History(BatchState):
    """The last two ids."""

    ids: Tensor  # (batch, 2)


class Table(Seq2Seq):
    """The first source id selects a table with each word's probability given the two before it."""

    attends_from = "s_t"

    def __init__(self, seed: int, tables: int = 2, ending: float = 0.0) -> None:
        super().__init__()
        random = torch.Generator().manual_seed(seed)
        shape = (tables, VOCABULARY, VOCABULARY)
        self.logits = 2 * torch.randn(*shape, VOCABULARY, generator=random)
        self.logits[..., EOS] += ending
        self.weights = torch.rand(*shape, 9, generator=random)
        self.vocabulary = nn.Linear(1, VOCABULARY)

    def encode(self, source: Tensor, mask: Tensor) -> Memory:
        states = source.unsqueeze(-1)
        return Memory(states, states, mask, states[:, 0])

    def start(self, memory: Memory) -> History:
        return History(torch.zeros(len(memory.mask), 2, dtype=torch.long))

    def step(self, previous: Tensor, state: History, memory: Memory) -> Step:
        beams = len(previous) // len(memory.mask)
        table, mask = (
            part.repeat_interleave(beams, 0) for part in (memory.values[:, 0, 0], memory.mask)
        )
        place = (table, state.ids[:, 1], previous)
        weights = self.weights[place][:, : mask.size(1)] * mask
        attention = weights / weights.sum(-1, keepdim=True)
        after = History(torch.stack([state.ids[:, 1], previous], dim=1))
        return Step(self.logits[place], after, attention)

    def forward(
        self, source: Tensor, mask: Tensor, target_in: Tensor, forced: Tensor | None = None
    ) -> DecoderOutput:
        raise NotImplementedError


def search(
    model: Seq2Seq, rows: list[list[int]], *, size: int, longest: list[int], **rest: Any
) -> list[list[Hypothesis]]:
    engine = TorchEngine(model, FLOAT32)
    return beam_search(engine, ids(rows).numpy(), size=size, max_lengths=np.array(longest), **rest)


def sources(model: Table) -> list[list[int]]:
    """A sentence for each table, of all lengths. The id 0 would be padding: the first has none."""
    return [[table] + [8] * (table % 4) for table in range(1, len(model.logits))]


def logs_of(model: Table, table: int, read: list[int], chosen: list[int]) -> list[float]:
    history = [0, BOS, *read]
    logs = model.logits[table].double().log_softmax(-1)
    return [
        logs[before, last, token].item()
        for before, last, token in zip(history, history[1:], chosen, strict=False)
    ]


def all_by_brute_force(
    model: Table, table: int, longest: int, penalty: float
) -> list[tuple[float, list[int]]]:
    """Every sequence that ends in EOS or at the maximum length, best first."""
    found = []
    for length in range(longest + 1):
        for middle in product(WORDS, repeat=length):
            whole = [*middle, EOS][:longest]
            found.append((sum(logs_of(model, table, whole, whole)) / len(whole) ** penalty, whole))
    return sorted(found, reverse=True)


def by_hand(
    model: Table, table: int, longest: int, penalty: float, size: int
) -> list[tuple[float, list[int]]]:
    """A simple search of one sentence: lists of hypotheses, sorted and cut."""
    live: list[tuple[float, list[int]]] = [(0.0, [])]
    aside: list[tuple[float, list[int]]] = []
    for length in range(1, longest + 1):
        offers = sorted(
            (
                (total + logs_of(model, table, [*read, token], [*read, token])[-1], [*read, token])
                for total, read in live
                for token in [EOS, *WORDS]
            ),
            reverse=True,
        )[: 2 * size]
        aside += [(s / length**penalty, read) for s, read in offers[:size] if read[-1] == EOS]
        live = [(score, read) for score, read in offers if read[-1] != EOS][:size]
        if length == longest:
            aside += [(score / length**penalty, read) for score, read in live]
        aside = sorted(aside, reverse=True)[:size]
        if len(aside) == size:
            break
    return aside


def assert_like(found: list[Hypothesis], wanted: list[tuple[float, list[int]]]) -> None:
    assert [hypothesis.ids for hypothesis in found] == [whole for _, whole in wanted]
    for hypothesis, (rank, _) in zip(found, wanted, strict=True):
        assert hypothesis.rank_score == pytest.approx(rank, abs=1e-5)


@pytest.mark.parametrize("penalty", [0.0, 1.0, 0.6])
@pytest.mark.parametrize("seed", range(3))
def test_a_wide_enough_beam_finds_the_best_hypothesis(seed: int, penalty: float) -> None:
    model = Table(seed, tables=3)
    found = search(model, sources(model), size=64, longest=[3, 2], length_penalty=penalty, n_best=5)
    for table, longest in ((1, 3), (2, 2)):
        wanted = all_by_brute_force(model, table, longest, penalty)[:5]
        assert_like(found[table - 1], wanted)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("ending", [-1.0, 1.0])
def test_many_sentences_at_once_are_searched_like_each_by_hand(size: int, ending: float) -> None:
    model = Table(4, tables=12, ending=ending)
    longest = [1 + table % 7 for table in range(1, 12)]
    found = search(model, sources(model), size=size, longest=longest, n_best=size)
    for table, most in enumerate(longest, start=1):
        assert_like(found[table - 1], by_hand(model, table, most, 1.0, size))


def test_a_beam_of_one_is_greedy() -> None:
    model = Table(2, tables=9)
    for table, [hypothesis] in enumerate(
        search(model, sources(model), size=1, longest=[6] * 8), start=1
    ):
        read: list[int] = []
        while len(read) < 6 and EOS not in read:
            chances = {t: logs_of(model, table, [*read, t], [*read, t])[-1] for t in [EOS, *WORDS]}
            read.append(max(chances, key=lambda token: chances[token]))
        assert hypothesis.ids == read


@pytest.mark.parametrize("below", [0.0, 0.5, 2.0])
def test_dropping_finished_sentences_changes_nothing(
    below: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Table(5, tables=12, ending=1.0)
    longest = [1 + table % 7 for table in range(11)]
    before = search(model, sources(model), size=3, longest=longest, n_best=3)
    monkeypatch.setattr(beam, "COMPACT_BELOW", below)
    after = search(model, sources(model), size=3, longest=longest, n_best=3)
    for one, other in zip(before, after, strict=True):
        assert [h.ids for h in one] == [h.ids for h in other]
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(a.token_scores, b.token_scores, atol=1e-5)
            np.testing.assert_allclose(a.attention, b.attention, rtol=1e-6)


def test_other_sentences_of_the_batch_change_nothing() -> None:
    model = Table(6, tables=12)
    rows = sources(model)
    longest = [2 + table % 5 for table in range(11)]
    together = search(model, rows, size=3, longest=longest, n_best=2)
    for row, most, batched in zip(rows, longest, together, strict=True):
        [alone] = search(model, [row], size=3, longest=[most], n_best=2)
        assert [h.ids for h in alone] == [h.ids for h in batched]
        for a, b in zip(alone, batched, strict=True):
            assert a.rank_score == pytest.approx(b.rank_score)
            np.testing.assert_allclose(a.attention, b.attention, rtol=1e-6)


def test_the_best_come_sorted_and_distinct() -> None:
    model = Table(7, tables=9)
    for hypotheses in search(model, sources(model), size=5, longest=[6] * 8, n_best=5):
        assert len(hypotheses) == 5
        assert len({tuple(hypothesis.ids) for hypothesis in hypotheses}) == 5
        ranks = [hypothesis.rank_score for hypothesis in hypotheses]
        assert ranks == sorted(ranks, reverse=True)


def test_the_first_of_n_best_equals_a_search_for_one() -> None:
    model = Table(7, tables=9)
    many = search(model, sources(model), size=5, longest=[6] * 8, n_best=4)
    one = search(model, sources(model), size=5, longest=[6] * 8)
    assert [[best.ids] for best, *_ in many] == [[h.ids for h in hypotheses] for hypotheses in one]


def test_no_more_hypotheses_are_returned_than_exist() -> None:
    model = Table(1, tables=2)
    [hypotheses] = search(model, [[1]], size=8, longest=[1], n_best=8)
    assert sorted(h.ids for h in hypotheses) == [[token] for token in sorted([EOS, *WORDS])]


def test_a_hypothesis_is_cut_at_its_sentences_greatest_length() -> None:
    model = Table(3, tables=6, ending=-50.0)
    longest = [4, 1, 6, 2, 5]
    found = search(model, sources(model), size=2, longest=longest, n_best=2)
    for hypotheses, most in zip(found, longest, strict=True):
        assert [len(h.ids) for h in hypotheses] == [most, most]
        assert all(EOS not in h.ids for h in hypotheses)


def test_special_ids_are_never_chosen() -> None:
    model = Table(3, tables=6)
    model.logits[..., [PAD, UNK, BOS]] += 20
    for hypotheses in search(model, sources(model), size=4, longest=[5] * 5, n_best=4):
        for hypothesis in hypotheses:
            assert not {PAD, UNK, BOS} & set(hypothesis.ids)
            assert EOS not in hypothesis.ids[:-1]


@pytest.mark.parametrize("penalty", [0.0, 0.5, 1.0, 2.0])
def test_a_rank_is_the_score_over_a_power_of_the_length(penalty: float) -> None:
    model = Table(8, tables=9)
    found = search(model, sources(model), size=4, longest=[7] * 8, length_penalty=penalty, n_best=4)
    for hypothesis in (h for hypotheses in found for h in hypotheses):
        assert hypothesis.score == pytest.approx(sum(hypothesis.token_scores))
        assert hypothesis.rank_score == pytest.approx(
            hypothesis.score / len(hypothesis.ids) ** penalty, abs=1e-5
        )


@torch.no_grad()
@pytest.mark.parametrize(
    "kind",
    [
        Kind(),
        Kind("bahdanau", "gru", "additive", layers=2),
        Kind("luong", "gru", feeding=False),
        Kind("luong", attention=(("scope", "local-m"), ("window", 1))),
        Kind("bahdanau", "gru", "concat", attention=(("coverage", True),)),
        Kind("bahdanau", "gru", "location"),
        Kind("conditional", score="none"),
        Kind("transformer", layers=2, attention=(("heads", 3), ("size", None))),
    ],
    ids=str,
)
def test_reading_a_hypothesis_again_gives_its_scores_and_attention(kind: Kind) -> None:
    model = kind.build()
    model.vocabulary.weight.mul_(3)
    model.vocabulary.bias[EOS] += 1
    longest = [9, 3, 6]
    found = search(model, SOURCES, size=4, longest=longest, n_best=4)
    assert len({len(h.ids) for hypotheses in found for h in hypotheses}) > 2
    for row, hypotheses in zip(SOURCES, found, strict=True):
        for hypothesis in hypotheses:
            source = ids([row])
            read = torch.tensor([[BOS, *hypothesis.ids[:-1]]])
            reading = model(source, source != PAD, read)
            logs = model.vocabulary(reading.readouts)[0].log_softmax(-1)
            wanted = logs[range(len(hypothesis.ids)), hypothesis.ids]
            np.testing.assert_allclose(hypothesis.token_scores, wanted, atol=1e-5)
            assert hypothesis.attention.shape == (len(hypothesis.ids), len(row))
            np.testing.assert_allclose(hypothesis.attention, reading.attention[0], atol=1e-5)


def test_attention_rows_follow_the_hypothesis_not_its_beam_position() -> None:
    model = Table(9, tables=9)
    rows = sources(model)
    found = search(model, rows, size=4, longest=[6] * 8, n_best=4)
    for row, hypotheses in zip(rows, found, strict=True):
        for hypothesis in hypotheses:
            history = [0, BOS, *hypothesis.ids]
            for t, weights in enumerate(hypothesis.attention):
                wanted = model.weights[row[0], history[t], history[t + 1], : len(row)]
                np.testing.assert_allclose(weights, wanted / wanted.sum(), rtol=1e-5)


def test_a_search_goes_on_with_few_numbers_of_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as are unfinished, rounded up to the sizes of batches: some finished ones stay."""
    model, size, seen = Table(tables=64, seed=3, ending=-50), 3, list[int]()
    step = Table.step

    def counting(self: Table, previous: Tensor, state: History, memory: Memory) -> Step:
        seen.append(len(memory.mask))
        return step(self, previous, state, memory)

    monkeypatch.setattr(Table, "step", counting)
    rows = [[table] for table in range(1, 64)]
    longest = [1 + table // 3 for table in range(1, 64)]  # where each of them ends
    found = search(model, rows, size=size, longest=longest)
    assert [len(best.ids) for best, *_ in found] == longest
    fewer = set(seen[1:]) - {len(rows)}
    assert len(fewer) > 3
    assert max(fewer) > 17
    assert all(rounded_up(count) == count for count in fewer)
