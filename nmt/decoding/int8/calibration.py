"""The ranges of what is quantised, as they occur while sentences are translated in float32."""

from typing import Any

import numpy as np
import onnx
from onnx import helper

from nmt.decoding.int8.products import calibrated_names
from nmt.decoding.onnx_engine import OnnxEngine

Ranges = dict[str, tuple[float, float]]
"""The lowest and the highest value of tensors, by their names."""


class CalibrationEngine(OnnxEngine):
    """The float32 graphs, which note the ranges that they meet.

    encoder_ranges, step_ranges: those of all batches and steps so far.
    """

    def __init__(self, encoder: bytes, step: bytes, *, attends_from: str) -> None:
        graphs = [_ending_in_ranges(graph) for graph in (encoder, step)]
        super().__init__(*graphs, attends_from=attends_from, precision="float32")
        self.workers = 1  # ranges are updated without a lock
        self.encoder, self.stepper = _Observed(self.encoder), _Observed(self.stepper)
        self.encoder_ranges, self.step_ranges = self.encoder.ranges, self.stepper.ranges


def _ending_in_ranges(graph: bytes) -> bytes:
    """The same graph with two more outputs for each tensor, its lowest and its highest value."""
    model = onnx.load_from_string(graph)
    for name in calibrated_names(model.graph):
        for operator, output in zip(("ReduceMin", "ReduceMax"), _ends(name), strict=True):
            model.graph.node.append(helper.make_node(operator, [name], [output], keepdims=0))
            value = helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, [])
            model.graph.output.append(value)
    return model.SerializeToString()


def _ends(name: str) -> tuple[str, str]:
    return f"lowest {name}", f"highest {name}"


class _Observed:
    """An onnxruntime session that keeps the ranges to itself."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.ranges: Ranges = {}
        outputs = {value.name for value in session.get_outputs()}
        self.observed = [
            name.removeprefix("lowest ") for name in outputs if name.startswith("lowest ")
        ]

    def run(self, names: list[str], feed: dict[str, np.ndarray]) -> list[np.ndarray]:
        ends = [end for name in self.observed for end in _ends(name)]
        values = self.session.run([*names, *ends], feed)
        found = np.reshape(values[len(names) :], (-1, 2)).tolist()
        for name, (low, high) in zip(self.observed, found, strict=True):
            before = self.ranges.get(name, (low, high))
            self.ranges[name] = min(low, before[0]), max(high, before[1])
        return values[: len(names)]
