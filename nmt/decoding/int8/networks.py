"""An encoder's recurrent network, as a product for all inputs at once and a scan over the states.

Only the product with the last state is inside the recurrence. Its input needs no calibration: the
hidden states of both networks are between -1 and 1.
"""

from dataclasses import dataclass

import numpy as np
from onnx import GraphProto, parser

from nmt.decoding.int8.products import Arrays

STATE_SCALE, STATE_ZERO = np.float32(1 / 127), np.uint8(128)
LSTM = """
lstm (float[rows,{size}] hidden, float[rows,{size}] cell, float[rows,{gates}] inputs)
=> (float[rows,{size}] new_hidden, float[rows,{size}] new_cell, float[rows,{size}] state) {{
    small = QuantizeLinear (hidden, scale, zero)
    recurrent = com.microsoft.MatMulIntegerToFloat (small, weight, one, scales, zero, zeros, bias)
    sums = Add (inputs, recurrent)
    i_sum, o_sum, f_sum, g_sum = Split <axis = -1, num_outputs = 4> (sums)
    i = Sigmoid (i_sum)
    o = Sigmoid (o_sum)
    f = Sigmoid (f_sum)
    g = Tanh (g_sum)
    kept = Mul (f, cell)
    added = Mul (i, g)
    new_cell = Add (kept, added)
    bounded = Tanh (new_cell)
    new_hidden = Mul (o, bounded)
    state = Identity (new_hidden)
}}
"""
GRU = """
gru (float[rows,{size}] hidden, float[rows,{gates}] inputs)
=> (float[rows,{size}] new_hidden, float[rows,{size}] state) {{
    small = QuantizeLinear (hidden, scale, zero)
    recurrent = com.microsoft.MatMulIntegerToFloat (small, weight, one, scales, zero, zeros, bias)
    z_x, r_x, n_x = Split <axis = -1, num_outputs = 3> (inputs)
    z_h, r_h, n_h = Split <axis = -1, num_outputs = 3> (recurrent)
    z_sum = Add (z_x, z_h)
    r_sum = Add (r_x, r_h)
    z = Sigmoid (z_sum)
    r = Sigmoid (r_sum)
    n_reset = Mul (r, n_h)
    n_sum = Add (n_x, n_reset)
    n = Tanh (n_sum)
    change = Sub (hidden, n)
    kept = Mul (z, change)
    new_hidden = Add (n, kept)
    state = Identity (new_hidden)
}}
"""
BODIES = {"LSTM": LSTM, "GRU": GRU}
STATES = {"LSTM": 2, "GRU": 1}
"""How many tensors the recurrence carries."""


@dataclass(frozen=True)
class Network:
    """The parameters of an ONNX LSTM or GRU of one direction, which starts from zeros."""

    inputs: np.ndarray  # (inputs, gates)
    recurrent: np.ndarray  # (hidden, gates)
    input_bias: np.ndarray  # (gates,)
    recurrent_bias: np.ndarray  # (gates,)

    @classmethod
    def of(cls, names: list[str], arrays: Arrays) -> "Network":
        """names: X, W, R and B of the operator"""
        weights, recurrent, bias = (arrays[name][0] for name in names[1:4])
        return cls(weights.T, recurrent.T, *np.split(bias, 2))

    @property
    def size(self) -> int:
        return len(self.recurrent)


def body_of(kind: str, network: Network) -> GraphProto:
    """One step: the states and the inputs' share of the gates -> the new states, and the output.

    It lacks its constants: `weight`, `scales`, `zeros`, `bias`, the state's `scale` and `zero`, and
    `one`, the scale of what is multiplied, since the weights contain the state's.
    """
    size, gates = network.recurrent.shape
    return parser.parse_graph(BODIES[kind].format(size=size, gates=gates))
