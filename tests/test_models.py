from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nmt.config import AttentionConfig, ModelConfig
from nmt.data.tokenizers.base import BOS, EOS, PAD, Vocabularies
from nmt.errors import ConfigError
from nmt.models import Seq2Seq, build_model, parameter_table
from nmt.models.build import shapes_alone
from nmt.models.cells import CellState, cells
from nmt.models.devices import networks_take_bfloat16
from support.tiny_models import (
    EMBEDDING,
    KINDS,
    SOURCES,
    TARGETS,
    VOCABULARIES,
    Kind,
    ids,
)

Model = Seq2Seq
LIBRARY: dict[str, type[nn.LSTM | nn.GRU]] = {"lstm": nn.LSTM, "gru": nn.GRU}


@pytest.fixture(params=KINDS, ids=str)
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param


@pytest.fixture
def model(kind: Kind) -> Model:
    return kind.build()


def test_a_model_of_shapes_only_has_the_right_shapes_and_draws_nothing(kind: Kind) -> None:
    state = torch.get_rng_state()
    with shapes_alone():
        shapes = build_model(kind.config(), VOCABULARIES)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(parameter.is_meta for parameter in shapes.parameters())
    assert [(name, p.shape) for name, p in shapes.named_parameters()] == [
        (name, p.shape) for name, p in build_model(kind.config(), VOCABULARIES).named_parameters()
    ]


def batch() -> tuple[Tensor, Tensor, Tensor]:
    source = ids(SOURCES)
    return source, source != PAD, ids(TARGETS)


def read_by_steps(
    model: Model, source: Tensor, mask: Tensor, target: Tensor, forced: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Logits and attention of a target read position by position."""
    memory = model.encode(source, mask)
    state = model.start(memory)
    logits: list[Tensor] = []
    attention: list[Tensor] = []
    for t in range(target.size(1)):
        previous = target[:, t]
        if t and forced is not None:
            chosen = logits[-1][:, EOS:].argmax(-1) + EOS  # not a word
            previous = torch.where(forced[:, t], previous, chosen)
        step = model.step(previous, state, memory)
        state = step.state
        logits.append(step.logits)
        attention.append(step.attention)
    return torch.stack(logits, 1), torch.stack(attention, 1)


# What holds for every combination of parts


@torch.no_grad()
def test_padding_does_not_change_a_sentence(model: Model) -> None:
    model.get_parameter("source_embedding.weight")[PAD] = 3.0  # padding is not zero by accident
    source, target = ids(SOURCES, width=8), ids(TARGETS)
    memory, reading = model.encode(source, source != PAD), model(source, source != PAD, target)
    for n, row in enumerate(SOURCES):
        alone, width, length = ids([row]), len(row), len(TARGETS[n])
        mask = torch.ones(1, width, dtype=torch.bool)
        own = model.encode(alone, mask)
        torch.testing.assert_close(own.values[0], memory.values[n, : own.values.size(1)])
        torch.testing.assert_close(own.keys[0], memory.keys[n, :width])
        torch.testing.assert_close(own.summary[0], memory.summary[n])
        read = model(alone, mask, ids([TARGETS[n]]))
        torch.testing.assert_close(read.readouts[0], reading.readouts[n, :length])
        torch.testing.assert_close(
            model.vocabulary(read.readouts)[0], model.vocabulary(reading.readouts)[n, :length]
        )
        torch.testing.assert_close(read.attention[0], reading.attention[n, :length, :width])
        assert (reading.attention[n, :, width:] == 0).all()


@torch.no_grad()
def test_reading_at_once_equals_reading_step_by_step(kind: Kind, model: Model) -> None:
    source, mask, target = batch()
    reading = model(source, mask, target)
    logits, attention = read_by_steps(model, source, mask, target)
    assert logits.shape == (3, 6, VOCABULARIES.target)
    assert attention.shape == (3, 6, 5)
    torch.testing.assert_close(model.vocabulary(reading.readouts), logits)
    torch.testing.assert_close(reading.attention, attention)
    if kind.sums_to_one:
        torch.testing.assert_close(attention.sum(-1), torch.ones(3, 6).double())


@torch.no_grad()
def test_rows_can_be_selected_repeated_and_reordered(model: Model) -> None:
    source, mask, target = batch()
    memory = model.encode(source, mask)
    first = model.step(target[:, 0], model.start(memory), memory)
    straight = model.step(target[:, 1], first.state, memory)
    index = torch.tensor([2, 0, 0, 1])
    moved = model.step(target[index, 1], first.state.select(index), memory.select(index))
    torch.testing.assert_close(moved.logits, straight.logits[index])
    torch.testing.assert_close(moved.attention, straight.attention[index])


@torch.no_grad()
@pytest.mark.parametrize("kind", [Kind(), Kind(feeding=False)], ids=str)
def test_a_word_is_chosen_and_learned_from_with_the_same_dropout(kind: Kind) -> None:
    model = kind.build(dropout=0.4).train()
    source, mask, target = batch()
    forced = torch.zeros_like(target, dtype=torch.bool)

    def readouts(words: Tensor, forced: Tensor) -> Tensor:
        torch.manual_seed(3)
        return model(source, mask, words, forced).readouts

    free = readouts(target, forced)
    chosen = model.vocabulary(free)[:, :-1, EOS:].argmax(dim=-1) + EOS
    read = torch.cat([target[:, :1], chosen], dim=1)
    torch.testing.assert_close(readouts(read, ~forced), free)


@torch.no_grad()
@pytest.mark.parametrize("share", ["all", "none", "some"])
def test_a_partly_forced_reading_reads_its_own_choices(kind: Kind, share: str) -> None:
    model = kind.build()
    source, mask, target = batch()
    target[target == PAD] = 8
    forced = {
        "all": torch.ones_like(target, dtype=torch.bool),
        "none": torch.zeros_like(target, dtype=torch.bool),
        "some": torch.arange(target.numel()).view_as(target) % 3 == 1,
    }[share]
    reading = model(source, mask, target, forced)
    logits, attention = read_by_steps(model, source, mask, target, forced)
    torch.testing.assert_close(model.vocabulary(reading.readouts), logits)
    torch.testing.assert_close(reading.attention, attention)
    whole = model(source, mask, target).readouts
    if share == "all":
        torch.testing.assert_close(reading.readouts, whole)
    else:
        assert not torch.allclose(reading.readouts, whole)


@torch.no_grad()
def test_the_right_state_attends(kind: Kind, model: Model) -> None:
    """The word at a position changes s_t, so only attention with query s_t depends on it there."""
    if not kind.looks or kind.picks or kind.score == "location":
        pytest.skip("looks nowhere, at whole positions, or by the word itself")
    source, mask, target = batch()
    other = target.clone()
    other[:, 2] = 12
    before, after = (model(source, mask, ids).attention for ids in (target, other))
    torch.testing.assert_close(before[:, :2], after[:, :2])
    if model.attends_from == "s_t-1":
        torch.testing.assert_close(before[:, 2], after[:, 2])
    else:
        assert model.attends_from in ("s_t", "s'_t")
        assert not torch.allclose(before[:, 2], after[:, 2])
    assert not torch.allclose(before[:, 3], after[:, 3])


@torch.no_grad()
def test_only_training_drops_values(kind: Kind) -> None:
    source, mask, target = batch()
    model = kind.build(dropout=0.5)
    calm = model(source, mask, target).readouts
    assert torch.equal(model(source, mask, target).readouts, calm)
    torch.testing.assert_close(
        model.vocabulary(calm), read_by_steps(model, source, mask, target)[0]
    )
    model.train()
    assert not torch.allclose(model(source, mask, target).readouts, calm)


def test_every_parameter_learns(model: Model) -> None:
    source, mask, target = batch()
    reading = model.train()(source, mask, target)
    loss = model.vocabulary(reading.readouts).logsumexp(-1).sum()
    if reading.draw_log_probs is not None:
        loss = loss + reading.draw_log_probs.sum()
    loss.backward()
    still = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []


def test_later_words_do_not_change_earlier_states(model: Model) -> None:
    source, mask, target = batch()
    other = target.clone()
    other[:, 4] = 12
    first, second = (model(source, mask, ids).readouts for ids in (target, other))
    torch.testing.assert_close(first[:, :4], second[:, :4])


# Which state attends


@pytest.mark.parametrize(
    ("decoder", "state"), [("luong", "s_t"), ("bahdanau", "s_t-1"), ("conditional", "s'_t")]
)
def test_the_papers_differ_in_which_state_attends(decoder: str, state: str) -> None:
    assert Kind(decoder).build().attends_from == state


@torch.no_grad()
def test_only_input_feeding_lets_the_attention_into_the_recurrence() -> None:
    for feeding in (True, False):
        model = Kind("luong", feeding=feeding).build()
        source, mask, target = batch()
        plain = model(source, mask, target).attention
        model.get_parameter("decoder.combine.weight").mul_(-2)
        changed = model(source, mask, target).attention
        assert torch.allclose(plain[:, 0], changed[:, 0])
        assert torch.allclose(plain, changed) is not feeding


# Cells


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("name", list(cells))
def test_a_cell_is_the_librarys_network(name: str, layers: int) -> None:
    inputs, feed, hidden, time = 3, 4, 5, 6
    stack = cells[name](inputs, feed, hidden, layers=layers, dropout=0.0).double()
    wide = LIBRARY[name](inputs + feed, hidden, num_layers=layers, batch_first=True).double()
    assert stack.feed is not None
    with torch.no_grad():
        parameters: dict[str, Tensor] = dict(stack.layers.named_parameters())
        parameters["weight_ih_l0"] = torch.cat(
            [parameters["weight_ih_l0"], stack.feed.weight], dim=1
        )
        for key, parameter in wide.named_parameters():
            parameter.copy_(parameters[key])
    words, fed = torch.randn(2, time, inputs).double(), torch.randn(2, time, feed).double()
    parts = 2 if stack.has_cell else 1
    start = tuple(torch.randn(layers, 2, hidden).double() for _ in range(parts))
    wanted, ends = wide(torch.cat([words, fed], -1), start if stack.has_cell else start[0])
    state = CellState(tuple(start[0]), tuple(start[1]) if stack.has_cell else ())
    gates = stack.project(words)
    for t in range(time):
        state = stack.step(gates[:, t], fed[:, t], state)
        torch.testing.assert_close(state.top, wanted[:, t])
    torch.testing.assert_close(torch.stack(state.hidden), ends[0] if stack.has_cell else ends)
    if stack.has_cell:
        torch.testing.assert_close(torch.stack(state.cell), ends[1])


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("name", list(cells))
def test_a_cell_reads_at_once_what_it_reads_step_by_step(name: str, layers: int) -> None:
    stack = cells[name](3, 0, 5, layers=layers, dropout=0.0).double()
    words, nothing = torch.randn(2, 6, 3).double(), torch.zeros(2, 0).double()
    parts = [tuple(torch.randn(2, 5).double() for _ in range(layers)) for _ in range(2)]
    start = CellState(parts[0], parts[1] if stack.has_cell else ())
    state, gates = start, stack.project(words)
    for t, wanted in enumerate(stack.read(words, start).unbind(1)):
        state = stack.step(gates[:, t], nothing, state)
        torch.testing.assert_close(state.top, wanted)
    zeros = CellState(
        *[(torch.zeros(2, 5).double(),) * (layers if state else 0) for state in (1, stack.has_cell)]
    )
    torch.testing.assert_close(stack.read(words), stack.read(words, zeros))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("started", [True, False])
@pytest.mark.parametrize("name", list(cells))
def test_no_recurrent_network_runs_under_autocast_that_would_make_it_float16(
    name: str, started: bool, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on CUDA, where autocast always runs these networks in float16."""
    if dtype == torch.bfloat16 and not networks_take_bfloat16("cpu"):
        pytest.skip("the library for this processor runs no recurrent network in bfloat16")
    monkeypatch.setattr("nmt.models.cells.networks_take_bfloat16", lambda kind: False)
    monkeypatch.setattr(
        "nmt.models.cells.networks_take_cast_weights", lambda kind: dtype == torch.bfloat16
    )
    stack = cells[name](3, 0, 5, layers=2, dropout=0.0)
    seen: list[tuple[bool, torch.dtype]] = []
    whole = stack.layers.forward

    def forward(inputs: Tensor, *start: Any) -> Any:
        seen.append((torch.is_autocast_enabled("cpu"), inputs.dtype))
        assert {weight.dtype for weight in stack.layers.parameters()} == {inputs.dtype}
        return whole(inputs, *start)

    monkeypatch.setattr(stack.layers, "forward", forward)
    words = torch.randn(2, 6, 3)
    parts = [tuple(torch.randn(2, 5) for _ in range(2)) for _ in range(2)]
    start = CellState(parts[0], parts[1] if stack.has_cell else ()) if started else None
    exact = stack.read(words, start)
    wanted = torch.autograd.grad(exact.sum(), stack.layers.parameters())
    with torch.autocast("cpu", torch.bfloat16):
        found = stack.read(words.bfloat16(), start)
    assert seen == [(False, torch.float32), (False, dtype)]
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), exact, atol=2e-2, rtol=2e-2)
    for one, other in zip(
        torch.autograd.grad(found.sum(), stack.layers.parameters()), wanted, strict=True
    ):
        assert one.dtype == torch.float32
        assert (one - other).norm() < 3e-2 * other.norm()


def test_the_forget_gate_starts_open() -> None:
    stack = cells["lstm"](3, 0, 5, layers=2, dropout=0.0)
    for layer in range(2):
        assert (stack.parameter("bias_hh", layer)[5:10] == 1).all()
        assert not (stack.parameter("bias_hh", layer)[:5] == 1).any()


@torch.no_grad()
@pytest.mark.parametrize("cell", list(cells))
def test_the_encoder_is_the_librarys_bidirectional_network(cell: str) -> None:
    model = Kind(cell=cell, layers=2).build()
    encoder = model.get_submodule("encoder")
    wanted = LIBRARY[cell](EMBEDDING, 5, num_layers=2, batch_first=True, bidirectional=True)
    wanted = wanted.double()
    for name, parameter in wanted.named_parameters():
        part, _, layer = name.removesuffix("_reverse").rpartition("_l")
        side = "backwards" if name.endswith("_reverse") else "forwards"
        parameter.copy_(encoder.get_parameter(f"layers.{layer}.{side}.layers.{part}_l0"))
    row = torch.tensor([SOURCES[0]])
    embedded = model.get_submodule("source_embedding")(row)
    memory = model.encode(row, row != PAD)
    states, _ = wanted(embedded)
    torch.testing.assert_close(memory.values, states)
    torch.testing.assert_close(memory.summary, torch.cat([states[:, -1, :5], states[:, 0, 5:]], -1))


# Building


@pytest.mark.parametrize(("tie", "shared"), [("none", (3, 3)), ("target", (3, 2)), ("all", (3, 1))])
def test_tied_embeddings_are_one_matrix(tie: str, shared: tuple[int, int]) -> None:
    model = build_model(Kind().config(tie_embeddings=tie), Vocabularies(17, 17))
    tables = [
        model.get_parameter(name)
        for name in ("source_embedding.weight", "target_embedding.weight", "vocabulary.weight")
    ]
    assert (len(tables), len({id(table) for table in tables})) == shared
    assert all(table.shape == (17, EMBEDDING) for table in tables)
    assert (tables[1] is tables[2]) == (tie != "none")
    counted = sum(count for _, count in parameter_table(model))
    assert counted == sum(p.numel() for p in model.parameters())


@torch.no_grad()
@pytest.mark.parametrize("tie", ["none", "target", "all"])
def test_models_with_tied_embeddings_read_step_by_step_too(tie: str) -> None:
    model = build_model(Kind().config(tie_embeddings=tie), Vocabularies(17, 17)).double().eval()
    source, mask, target = batch()
    logits = model.vocabulary(model(source, mask, target).readouts)
    torch.testing.assert_close(logits, read_by_steps(model, source, mask, target)[0])


def test_the_same_seed_builds_the_same_model() -> None:
    models = []
    for _ in range(2):
        torch.manual_seed(3)
        models.append(Kind().build())
    for p, q in zip(*(model.parameters() for model in models), strict=True):
        assert torch.equal(p, q)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Kind(decoder="loung"), "unknown decoder 'loung'; did you mean 'luong'?"),
        (Kind(cell="grue"), "unknown recurrent cell 'grue'; did you mean 'gru'?"),
        (Kind(score="genral"), "unknown attention score 'genral'; did you mean 'general'?"),
        (Kind(attention=(("heads", 2),)), "heads is 2, which does not divide the 3 that they sha"),
    ],
    ids=str,
)
def test_an_impossible_model_is_refused(kind: Kind, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build_model(kind.config(), VOCABULARIES)
    assert str(caught.value).startswith(message)


def test_none_is_listed_among_the_scores() -> None:
    with pytest.raises(ConfigError, match="unknown attention score 'nune'; did you mean 'none'?"):
        build_model(Kind(score="nune").config(), VOCABULARIES)


def test_a_model_that_does_not_fit_into_the_memory_is_refused() -> None:
    config = ModelConfig(attention=AttentionConfig(score="additive", size=1_000_000_000))
    with pytest.raises(ConfigError, match="does not fit into this machine's memory: lower"):
        build_model(config, VOCABULARIES)


def test_an_unknown_normaliser_is_refused() -> None:
    config = Kind().config()
    attention = config.attention.model_copy(update={"normalizer": "sofmax"})
    with pytest.raises(ConfigError, match="unknown attention normalizer 'sofmax'; did you mean"):
        build_model(config.model_copy(update={"attention": attention}), VOCABULARIES)


@torch.no_grad()
def test_the_first_word_follows_bos_alone() -> None:
    """The first column of `forced` is ignored: a target always begins with the given word."""
    model = Kind().build()
    source, mask, target = batch()
    assert (target[:, 0] == BOS).all()
    never = torch.zeros_like(target, dtype=torch.bool)
    torch.testing.assert_close(
        model(source, mask, target, never).readouts[:, 0],
        model(source, mask, target).readouts[:, 0],
    )
