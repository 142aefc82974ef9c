"""Recurrent cells: one registered class each, with the two ways to run them.

`read` runs a whole sequence in one fused call. `step` advances by one position and reads, besides
the input, a `feed` that is only known at that step: the last attentional state, or the context.
`project` computes the input's share of the gates for all positions at once, outside the recurrence.
"""

import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from nmt.models.contract import BatchState
from nmt.models.devices import networks_take_bfloat16, networks_take_cast_weights
from nmt.models.dropout import Dropout
from nmt.models.packed import PackedWeight
from nmt.registry import Registry


@dataclass(frozen=True)
class CellState(BatchState):
    """The hidden states, and LSTM cells, of the layers of a stack."""

    hidden: tuple[Tensor, ...]  # per layer: (batch, hidden)
    cell: tuple[Tensor, ...]  # per layer: (batch, hidden); empty for a GRU

    @property
    def top(self) -> Tensor:
        """The state of the highest layer: (batch, hidden)"""
        return self.hidden[-1]


class Stack(nn.Module, ABC):
    """Layers of recurrent cells, the lowest of which reads [input; feed]."""

    has_cell: bool
    layers: nn.LSTM | nn.GRU

    def __init__(self, inputs: int, feed: int, hidden: int, *, layers: int, dropout: float) -> None:
        super().__init__()
        self.dropout = Dropout(dropout)
        self._packed: dict[tuple[str, int], PackedWeight] | None = None
        self.layers = self.network(
            inputs,
            hidden,
            num_layers=layers,
            dropout=dropout if layers > 1 else 0.0,
            batch_first=True,
        )
        gates = self.parameter("weight_hh", 0).size(0)
        self.feed = nn.Linear(feed, gates, bias=False) if feed else None

    @staticmethod
    @abstractmethod
    def network(
        inputs: int, hidden: int, *, num_layers: int, dropout: float, batch_first: bool
    ) -> nn.LSTM | nn.GRU:
        """torch's fused network, which also holds the parameters."""

    @abstractmethod
    def read(self, inputs: Tensor, state: CellState | None = None) -> Tensor:
        """The top states of a whole sequence: (batch, time, inputs) -> (batch, time, hidden)"""

    def run(self, inputs: Tensor, start: Any) -> Tensor:
        """Run torch's own network over a whole sequence; start: in its own format, or None.

        Where autocast would choose another precision than the one configured, the network runs
        outside of it: in the one configured if the library can, else in that of its weights.
        """
        kind = inputs.device.type
        if not torch.is_autocast_enabled(kind) or networks_take_bfloat16(kind):
            return self.layers(inputs, start)[0]
        narrow, wide = torch.get_autocast_dtype(kind), self.parameter("weight_hh", 0).dtype
        dtype = narrow if networks_take_cast_weights(kind) else wide
        with torch.autocast(kind, enabled=False):
            return self.run_in(dtype, inputs, start).to(narrow)

    def run_in(self, dtype: torch.dtype, inputs: Tensor, start: Any) -> Tensor:
        """What `run` computes, in a precision: all that goes in is cast, and its gradient back."""
        if start is not None:
            start = tuple(s.to(dtype) for s in start) if self.has_cell else start.to(dtype)
        weights = {name: weight.to(dtype) for name, weight in self.layers.named_parameters()}
        with warnings.catch_warnings():
            # cuDNN copies weights that were cast one by one into a block of its own, each time.
            warnings.filterwarnings("ignore", "RNN module weights are not part of single contig")
            states: Tensor = functional_call(self.layers, weights, (inputs.to(dtype), start))[0]
        return states

    @abstractmethod
    def advance(self, layer: int, gates: Tensor, state: CellState) -> tuple[Tensor, Tensor | None]:
        """One layer by one position. gates: the input's share, with its bias.

        Returns the new hidden state, and the new cell where there is one.
        """

    def project(self, inputs: Tensor) -> Tensor:
        """The input's share of the lowest gates: (batch, time, inputs) -> (batch, time, gates)"""
        return self.product("ih", 0, inputs)

    def step(self, gates: Tensor, feed: Tensor, state: CellState) -> CellState:
        """All layers by one position. gates: (batch, gates) from `project`; feed: (batch, feed)"""
        if self.feed is not None:
            gates = gates + self.feed(feed)
        hidden: list[Tensor] = []
        cells: list[Tensor] = []
        for layer in range(self.layers.num_layers):
            if layer:
                gates = self.product("ih", layer, self.dropout(hidden[-1]))
            new, cell = self.advance(layer, gates, state)
            hidden.append(new)
            if cell is not None:
                cells.append(cell)
        return CellState(tuple(hidden), tuple(cells))

    def recurrent(self, layer: int, state: CellState) -> Tensor:
        """The last state's share of a layer's gates: (batch, gates)"""
        return self.product("hh", layer, state.hidden[layer])

    def product(self, side: str, layer: int, inputs: Tensor) -> Tensor:
        """W x + b, with the weight and bias of the inputs, `ih`, or of the states, `hh`."""
        weight, bias = (self.parameter(f"{name}_{side}", layer) for name in ("weight", "bias"))
        if self._packed is None:
            return nn.functional.linear(inputs.to(weight.dtype), weight, bias)
        if (side, layer) not in self._packed:
            self._packed[side, layer] = PackedWeight(weight.detach())
        return self._packed[side, layer](inputs.to(weight.dtype), bias)

    def pack(self) -> None:
        """From now on weights stay as they are: lay each out when a step first needs it."""
        self._packed = {}

    def parameter(self, name: str, layer: int) -> Tensor:
        """`weight_ih`, `weight_hh`, `bias_ih` or `bias_hh` of a layer."""
        return getattr(self.layers, f"{name}_l{layer}")


cells: Registry[type[Stack]] = Registry("recurrent cell")


@cells.register("lstm")
class LSTM(Stack):
    """c_t = f c_t-1 + i g,  h_t = o tanh(c_t)

    Hochreiter and Schmidhuber (1997), with the forget gate of Gers et al. (2000), whose bias
    starts at 1.
    """

    has_cell = True
    network = staticmethod(nn.LSTM)

    def __init__(self, inputs: int, feed: int, hidden: int, *, layers: int, dropout: float) -> None:
        super().__init__(inputs, feed, hidden, layers=layers, dropout=dropout)
        with torch.no_grad():
            for layer in range(layers):
                self.parameter("bias_hh", layer)[hidden : 2 * hidden] = 1.0

    def read(self, inputs: Tensor, state: CellState | None = None) -> Tensor:
        if state is None:
            return self.run(inputs, None)
        return self.run(inputs, (torch.stack(state.hidden), torch.stack(state.cell)))

    def advance(self, layer: int, gates: Tensor, state: CellState) -> tuple[Tensor, Tensor | None]:
        gates = gates + self.recurrent(layer, state)
        i, f, g, o = gates.chunk(4, dim=-1)
        cell = f.sigmoid() * state.cell[layer] + i.sigmoid() * g.tanh()
        return o.sigmoid() * cell.tanh(), cell


@cells.register("gru")
class GRU(Stack):
    """h_t = (1 - z) n + z h_t-1,  n = tanh(W x + r (U h_t-1))

    Cho et al. (2014): https://arxiv.org/abs/1406.1078, in the form that cuDNN computes.
    """

    has_cell = False
    network = staticmethod(nn.GRU)

    def read(self, inputs: Tensor, state: CellState | None = None) -> Tensor:
        return self.run(inputs, None if state is None else torch.stack(state.hidden))

    def advance(self, layer: int, gates: Tensor, state: CellState) -> tuple[Tensor, Tensor | None]:
        before = state.hidden[layer]
        r, z, n = gates.chunk(3, dim=-1)
        r_h, z_h, n_h = self.recurrent(layer, state).chunk(3, dim=-1)
        reset, update = (r + r_h).sigmoid(), (z + z_h).sigmoid()
        candidate = (n + reset * n_h).tanh()
        return candidate + update * (before - candidate), None
