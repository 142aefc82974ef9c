"""From a float32 graph to one whose products with weights are of eight-bit integers.

x W is computed as ((x8 - z) W8) t: x8 = x / s + z, unsigned, with a scale s and a zero point z that
are constants, from the ranges of a calibration; W8 = s W / t, signed, with a scale t per column.
Sums of integers are exact, and s does not depend on x, so a row's result is the same in any batch.

Products of two computed tensors, as of queries and keys, stay in float32, and so does a product
whose input the calibration has not met.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, compose, helper, numpy_helper

from nmt.decoding.int8.calibration import Ranges
from nmt.decoding.int8.networks import STATE_SCALE, STATE_ZERO, STATES, Network, body_of
from nmt.decoding.int8.products import (
    NETWORKS,
    Arrays,
    Product,
    arrays_of,
    products_of,
    ranks_of,
    tables_of,
    transposed_of,
)

MICROSOFT = "com.microsoft"
"""The domain of onnxruntime's own operators."""
MIDDLE = np.uint8(128)
"""The zero point of tables, and of inputs that are computed together."""

SMALLEST = 1e-30
"""Below, a range or a column of weights counts as zeros: its scale could be none."""


def quantize(source: Path, target: Path, ranges: Ranges) -> None:
    """Write a graph with int8 weights. ranges: of the tensors in `calibrated_names`"""
    model = onnx.load(source)
    _Quantizer(model, ranges).rewrite()
    if all(each.domain != MICROSOFT for each in model.opset_import):
        model.opset_import.append(helper.make_opsetid(MICROSOFT, 1))
    onnx.save(model, target)


class _Quantizer:
    """Rewrites a graph node by node."""

    def __init__(self, model: ModelProto, ranges: Ranges) -> None:
        self.graph = model.graph
        self.ranks = ranks_of(self.graph)
        del self.graph.value_info[:]  # of tensors that may no longer exist
        self.ranges = {name: ends for name, ends in ranges.items() if np.isfinite(ends).all()}
        self.arrays = arrays_of(self.graph)
        self.tables = tables_of(self.graph, self.arrays)
        self.nodes: list[NodeProto] = []
        self.constants: Arrays = {}
        self.small: set[str] = set()
        """The quantised tensors so far."""

    def rewrite(self) -> None:
        products, transposed = products_of(self.graph, self.arrays), transposed_of(self.graph)
        for node in self.graph.node:
            output = node.output[0]
            if output in self.tables:
                self._look_up(node)
            elif output in products and self._known(*(name for name, _ in products[output].terms)):
                self._multiply(products[output])
            elif node.op_type in NETWORKS and self._known(node.input[0]):
                self._read(node)
            elif node.op_type == "MatMul" and self._same_rank(node) and node.input[1] in transposed:
                self._compare(node, transposed[node.input[1]])
            else:
                self.nodes.append(node)
        nodes = [NodeProto.FromString(node.SerializeToString()) for node in self._used()]
        names = {name for node in nodes for name in node.input}
        kept = [each for each in self.graph.initializer if each.name in names]
        added = [_constant(*item) for item in self.constants.items() if item[0] in names]
        del self.graph.node[:], self.graph.initializer[:]
        self.graph.node.extend(nodes)
        self.graph.initializer.extend([*kept, *added])

    def _known(self, *names: str) -> bool:
        return all(name in self.ranges or name in self.tables for name in names)

    def _same_rank(self, node: NodeProto) -> bool:
        """Whether both inputs are known to have equally many axes."""
        one, other = (self.ranks.get(name) for name in node.input)
        return one is not None and one == other

    def _used(self) -> list[NodeProto]:
        """The nodes that some output depends on."""
        needed, used = {value.name for value in self.graph.output}, []
        for node in reversed(self.nodes):
            if needed.intersection(node.output):
                needed.update(node.input)
                used.append(node)
        return used[::-1]

    def _add(self, operator: str, inputs: list[str], output: str, **rest: Any) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [output], **rest))
        return output

    def _keep(self, name: str, value: Any) -> str:
        self.constants[name] = np.asarray(value)
        return name

    def _look_up(self, node: NodeProto) -> None:
        """An embedding, from a table of bytes."""
        (table, ids), output = node.input, node.output[0]
        scale, zero = self._scale(output, middle=True)
        names = self._keep(f"{table} scale", scale), self._keep(f"{table} zero", zero)
        small = self._keep(f"{table} 8", _rounded(self.arrays[table], scale, zero))
        rows = self._add("Gather", [small, ids], f"{output} 8 at {zero}", axis=0)
        self.small.add(rows)
        self._add("DequantizeLinear", [rows, *names], output)

    def _multiply(self, product: Product) -> None:
        several = len(product.terms) > 1
        scales = [self._scale(name, middle=several) for name, _ in product.terms]
        small = [
            self._quantized(name, *s) for (name, _), s in zip(product.terms, scales, strict=True)
        ]
        together = small[0]
        if several:
            together = self._add("Concat", small, f"{product.output} inputs", axis=-1)
        weight = np.concatenate(
            [s * weight for (_, weight), (s, _) in zip(product.terms, scales, strict=True)]
        )
        name, (weight8, columns) = product.output, _by_column(weight)
        inputs = [
            together,
            self._keep(f"{name} weight", weight8),
            self._keep("scale of 1", np.float32(1)),
            self._keep(f"{name} scales", columns),
            self._keep(f"zero at {scales[0][1]}", scales[0][1]),
            self._keep(f"{name} zeros", np.zeros(len(columns), np.int8)),
        ]
        if product.bias is not None:
            inputs.append(self._keep(f"{name} bias", product.bias))
        self._add("MatMulIntegerToFloat", inputs, name, domain=MICROSOFT)

    def _scale(self, name: str, *, middle: bool) -> tuple[np.float32, np.uint8]:
        """Scale and zero point of a tensor. middle: so that zero is MIDDLE"""
        if name in self.tables:
            table = self.arrays[self.tables[name]]
            low, high, middle = float(table.min()), float(table.max()), True
        else:
            low, high = self.ranges[name]
        low, high = min(low, 0.0), max(high, 0.0)
        if high - low < SMALLEST:
            return np.float32(1), MIDDLE
        if middle:
            return np.float32(max(-low, high) / 127), MIDDLE
        scale = (high - low) / 255
        return np.float32(scale), np.uint8(round(-low / scale))

    def _quantized(self, name: str, scale: np.float32, zero: np.uint8) -> str:
        """The bytes of a tensor: each tensor is quantised once."""
        small = f"{name} 8 at {zero}"
        if small not in self.small:
            ends = self._keep(f"{small} scale", scale), self._keep(f"zero at {zero}", zero)
            self.small.add(self._add("QuantizeLinear", [name, *ends], small))
        return small

    def _compare(self, node: NodeProto, keys: NodeProto) -> None:
        """Q K' as (K Q')': with as many columns as the source has positions, onnxruntime would sum
        long vectors in another order for another number of them, that is, in another batch."""
        (queries, _), output = node.input, node.output[0]
        perm = helper.get_attribute_value(keys.attribute[0])
        columns = self._add("Transpose", [queries], f"{output} queries", perm=perm)
        scores = self._add("MatMul", [keys.input[0], columns], f"{output} by key")
        self._add("Transpose", [scores], output, perm=perm)

    def _read(self, node: NodeProto) -> None:
        """A recurrent network: (time, batch, inputs) -> (time, 1, batch, hidden)"""
        network, output = Network.of(list(node.input), self.arrays), node.output[0]
        terms = ((node.input[0], network.inputs),)
        gates = Product(f"{output} gates", terms, network.input_bias, rows=False)
        self._multiply(gates)
        batch = self._add("Shape", [node.input[0]], f"{output} batch", start=1, end=2)
        size = self._keep(f"{output} size", np.array([network.size]))
        shape = self._add("Concat", [batch, size], f"{output} shape", axis=0)
        start = self._add("ConstantOfShape", [shape], f"{output} start")
        count = STATES[node.op_type]
        states = f"{output} states"
        self.nodes.append(
            helper.make_node(
                "Scan",
                [*(start for _ in range(count)), gates.output],
                [*(f"{output} last {n}" for n in range(count)), states],
                body=compose.add_prefix_graph(_body(node.op_type, network), f"{output} "),
                num_scan_inputs=1,
            )
        )
        self._add("Unsqueeze", [states, self._keep("axis of directions", np.array([1]))], output)


def _body(kind: str, network: Network) -> onnx.GraphProto:
    """One step of a network, with its constants."""
    weight8, columns = _by_column(STATE_SCALE * network.recurrent)
    constants = {
        "weight": weight8,
        "scales": columns,
        "zeros": np.zeros(len(columns), np.int8),
        "bias": network.recurrent_bias,
        "scale": STATE_SCALE,
        "one": np.float32(1),
        "zero": STATE_ZERO,
    }
    body = body_of(kind, network)
    body.initializer.extend(_constant(*item) for item in constants.items())
    return body


def _constant(name: str, value: Any) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(value), name)


def _rounded(values: np.ndarray, scale: np.float32, zero: np.uint8) -> np.ndarray:
    """As QuantizeLinear does."""
    return np.clip(np.round(values / scale) + zero, 0, 255).astype(np.uint8)


def _by_column(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int8 weights, and the scale of each column."""
    largest = np.abs(weight).max(axis=0)
    scales = (np.where(largest < SMALLEST, 1, largest) / 127).astype(np.float32)
    return np.clip(np.round(weight / scales), -127, 127).astype(np.int8), scales
