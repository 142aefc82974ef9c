"""A model as two ONNX graphs, encoder and one step of the decoder, for every size of a batch.

The encoder's graph maps ids to the memory and the first state. The step's graph reads these, the
ids chosen last and the rows that they continue; it returns the likeliest next ids with their
log-probabilities, the attention, and the new states. Any model that keeps the contract is
exported by its own code; only the fused recurrent networks, which the exporter would fix to one
length, are replaced by ONNX's own operators.
"""

import gc
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import fields, replace
from pathlib import Path
from types import MethodType
from typing import Any

import onnx
import torch
from onnx import TensorProto, helper
from torch import Tensor, nn

from nmt.data.tokenizers.base import BOS, EOS, PAD
from nmt.decoding.engine import FIRST_CANDIDATE
from nmt.decoding.onnx_engine import VOCABULARY
from nmt.errors import UsageError
from nmt.models.cells import Stack
from nmt.models.contract import BatchState, Memory, Seq2Seq

OPTIONS: dict[str, Any] = {
    "dynamo": True, "opset_version": 20, "verbose": False, "external_data": False,
}  # fmt: skip
BATCH, SOURCE = torch.export.Dim("batch"), torch.export.Dim("source")
ROWS, PAST = torch.export.Dim("before"), torch.export.Dim("past")
GATES = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2)}
"""torch's i f g o in ONNX's order i o f c; torch's r z n in ONNX's order z r h."""


def write_graphs(model: Seq2Seq, encoder: Path, step: Path) -> None:
    """Write both graphs of a model, in float32.

    Raises:
        UsageError: this version of torch cannot.
    """
    if not hasattr(torch.onnx, "ops"):
        raise UsageError(
            f"an export needs torch 2.8 or newer, and this is torch {torch.__version__}"
        )
    model = deepcopy(model).cpu().float().eval().requires_grad_(False)
    # Embeddings and output layer may share one matrix, but each is quantised by itself.
    model.vocabulary.weight = nn.Parameter(model.vocabulary.weight.clone(), requires_grad=False)
    for module in model.modules():
        if isinstance(module, Stack):
            _read_by_onnx(module)
    with torch.no_grad(), _quiet(), _rarely_collecting():
        _write_encoder(model, encoder)
        _write_step(model, step)
    _end_in_candidates(step)


def _write_encoder(model: Seq2Seq, path: Path) -> None:
    memory, state = _example(model, 5)
    names = [name for name, _ in [*named(memory, "memory"), *named(state, "state")]]
    torch.onnx.export(
        _Encoder(model).eval(),
        (torch.full((3, 5), EOS),),
        path,
        input_names=["source"],
        output_names=names,
        dynamic_shapes=({0: BATCH, 1: SOURCE},),
        **OPTIONS,
    )


def _write_step(model: Seq2Seq, path: Path) -> None:
    memory, state = _example(model, 5, steps=4)
    longer_memory, longer_state = _example(model, 6, steps=4)
    _, later_state = _example(model, 5, steps=7)
    held, carried = named(memory, "memory"), named(state, "state")
    ids = {0: BATCH, 1: torch.export.Dim("beams")}
    of_memory = [
        {0: BATCH, **_changes(a, b, SOURCE)}
        for (_, a), (_, b) in zip(held, named(longer_memory), strict=True)
    ]
    of_state = [
        {0: ROWS, **_changes(a, b, SOURCE), **_changes(a, c, PAST)}
        for (_, a), (_, b), (_, c) in zip(
            carried, named(longer_state), named(later_state), strict=True
        )
    ]
    torch.onnx.export(
        _Step(model, memory, state).eval(),
        (
            torch.full((3, 2), BOS),
            torch.zeros(3, 2, dtype=torch.long),
            [tensor.clone() for _, tensor in held],  # a view would bring its base along
            [tensor.clone() for _, tensor in carried],
        ),
        path,
        input_names=["previous", "parents", *(name for name, _ in [*held, *carried])],
        output_names=["logs", "attention", *(f"new {name}" for name, _ in carried)],
        dynamic_shapes=(ids, ids, of_memory, of_state),
        **OPTIONS,
    )


def _changes(one: Tensor, other: Tensor, axis: Any) -> dict[int, Any]:
    """The axes, after the first, that differ between two examples: all of them are this axis."""
    return {n: axis for n in range(1, one.dim()) if one.size(n) != other.size(n)}


class _Encoder(nn.Module):
    def __init__(self, model: Seq2Seq) -> None:
        super().__init__()
        self.model = model

    def forward(self, source: Tensor) -> list[Tensor]:
        memory = self.model.encode(source, source != PAD)
        state = self.model.start(memory)
        return [tensor for _, tensor in [*named(memory), *named(state)]]


class _Step(nn.Module):
    def __init__(self, model: Seq2Seq, memory: Memory, state: BatchState) -> None:
        super().__init__()
        self.model, self.memory, self.state = model, memory, state

    def forward(
        self, previous: Tensor, parents: Tensor, memory: list[Tensor], state: list[Tensor]
    ) -> list[Tensor]:
        """previous, parents: (batch, beams); state: of the rows before"""
        held = filled(self.memory, iter(memory))
        carried = filled(self.state, (t.index_select(0, parents.flatten()) for t in state))
        step = self.model.step(previous.flatten(), carried, held)
        logs = step.logits.log_softmax(dim=-1)
        return [logs, step.attention, *(tensor for _, tensor in named(step.state))]


def named(value: Any, name: str = "") -> list[tuple[str, Tensor]]:
    """All tensors of a state, with the names of their fields."""
    if isinstance(value, Tensor):
        return [(name, value)]
    parts = (
        [(field.name, getattr(value, field.name)) for field in fields(value)]
        if isinstance(value, BatchState)
        else enumerate(value)
    )
    return [pair for key, part in parts for pair in named(part, f"{name}.{key}")]


def filled(pattern: Any, tensors: Iterator[Tensor]) -> Any:
    """A state like the pattern, with other tensors in the order of `named`."""
    if isinstance(pattern, Tensor):
        return next(tensors)
    if isinstance(pattern, BatchState):
        return replace(
            pattern, **{f.name: filled(getattr(pattern, f.name), tensors) for f in fields(pattern)}
        )
    return tuple(filled(part, tensors) for part in pattern)


def _example(model: Seq2Seq, length: int, *, steps: int = 0) -> tuple[Memory, Any]:
    """The memory of a source of some length, and the state after some steps."""
    source = torch.full((3, length), EOS)
    source[0, -2:] = PAD
    memory = model.encode(source, source != PAD)
    state = model.start(memory)
    for _ in range(steps):
        state = model.step(torch.full((3,), BOS), state, memory).state
    return memory, state


def _read_by_onnx(stack: Stack) -> None:
    """Let a one-layer network read whole sequences by the operator of its name."""
    kind = type(stack.layers).__name__
    if kind not in GATES or stack.layers.num_layers > 1:
        return

    def arranged(*names: str) -> nn.Parameter:
        parts = [stack.parameter(name, 0).chunk(len(GATES[kind])) for name in names]
        gates = torch.cat([part[i] for part in parts for i in GATES[kind]])
        return nn.Parameter(gates.unsqueeze(0), requires_grad=False)

    stack.onnx_weight_ih = arranged("weight_ih")
    stack.onnx_weight_hh = arranged("weight_hh")
    stack.onnx_bias = arranged("bias_ih", "bias_hh")
    size: int = stack.layers.hidden_size
    attributes: dict[str, Any] = {"hidden_size": size}
    if kind == "GRU":
        attributes["linear_before_reset"] = 1  # as torch has it

    def read(self: Any, inputs: Tensor, state: Any = None) -> Tensor:
        assert state is None, "only encoders read whole sequences here, from the start"
        steps = inputs.transpose(0, 1)
        states = torch.onnx.ops.symbolic(
            kind,
            (steps, self.onnx_weight_ih, self.onnx_weight_hh, self.onnx_bias),
            attrs=attributes,
            dtype=torch.float32,
            shape=(steps.size(0), 1, steps.size(1), size),
        )
        return states.squeeze(1).transpose(0, 1)

    stack.read = MethodType(read, stack)  # type: ignore[method-assign]  # of a copy for the export


def _end_in_candidates(path: Path) -> None:
    """End the step's graph in the best words of each row, `most` of them, and their scores.

    TopK runs over all ids, for a few more than are needed, and ids that are not words are removed
    from its result: slicing them off first would copy all the scores.
    """
    model = onnx.load(path)
    graph = model.graph
    logs, *rest = graph.output
    graph.initializer.extend(
        [
            helper.make_tensor("first word", TensorProto.INT64, [], [FIRST_CANDIDATE]),
            helper.make_tensor("never", TensorProto.FLOAT, [], [-float("inf")]),
        ]
    )
    make = helper.make_node
    graph.node.extend(
        [
            make("Add", ["most", "first word"], ["more"]),
            make("TopK", [logs.name, "more"], ["all scores", "all tokens"], axis=-1),
            make("Less", ["all tokens", "first word"], ["no words"]),
            make("Where", ["no words", "never", "all scores"], ["word scores"]),
            make("TopK", ["word scores", "most"], ["scores", "places"], axis=-1),
            make("GatherElements", ["all tokens", "places"], ["tokens"], axis=-1),
        ]
    )
    candidates = [
        helper.make_tensor_value_info("tokens", TensorProto.INT64, ["rows", "most"]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["rows", "most"]),
    ]
    vocabulary = logs.type.tensor_type.shape.dim[1].dim_value
    helper.set_model_props(model, {VOCABULARY: str(vocabulary)})
    del graph.output[:]
    graph.output.extend([*candidates, *rest])
    graph.input.append(helper.make_tensor_value_info("most", TensorProto.INT64, [1]))
    used = {name for node in graph.node for name in node.input}
    for value in [value for value in graph.input if value.name not in used]:
        graph.input.remove(value)
    onnx.save(model, path)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's own log and warnings."""
    names = ("torch.onnx", "onnxscript", "onnx_ir", "torch.export", "root")
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextmanager
def _rarely_collecting() -> Iterator[None]:
    """Tracing makes millions of objects that stay: looking for garbage among them as often as
    usual takes about a twentieth of the time."""
    usual = gc.get_threshold()
    gc.set_threshold(100 * usual[0], *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
