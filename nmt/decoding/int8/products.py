"""Which tensors of a float32 graph are multiplied by weights, and by which."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from onnx import GraphProto, NodeProto, helper, numpy_helper

NETWORKS = ("LSTM", "GRU")
Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Product:
    """output = the sum of x W over all terms, plus the bias.

    [x; y] [W; U] is x W + y U: several terms are computed as one product.
    """

    output: str
    terms: tuple[tuple[str, np.ndarray], ...]
    """The name of x, (..., inputs), and W, (inputs, outputs)."""
    bias: np.ndarray | None
    """(outputs,)"""
    rows: bool
    """Whether x has two axes: sums of such products are never broadcast."""

    def plus(self, other: "Product", output: str) -> "Product":
        biases = [bias for bias in (self.bias, other.bias) if bias is not None]
        bias = np.sum(biases, axis=0) if biases else None
        return Product(output, (*self.terms, *other.terms), bias, self.rows)

    def biased(self, bias: np.ndarray, output: str) -> "Product":
        return Product(output, self.terms, bias, self.rows)


def arrays_of(graph: GraphProto) -> Arrays:
    """The constants of a graph, by their names."""
    return {value.name: numpy_helper.to_array(value) for value in graph.initializer}


def products_of(graph: GraphProto, arrays: Arrays) -> dict[str, Product]:
    """The products with weights, by their outputs; sums of products, and biases, belong to them.

    Vectors, as of an additive score, are too narrow to be worth it.
    """
    uses = Counter(name for node in graph.node for name in node.input)
    uses.update(value.name for value in graph.output)
    found: dict[str, Product] = {}
    for node in graph.node:
        product = _product(node, arrays)
        if node.op_type == "Add" and all(uses[name] == 1 for name in node.input if name in found):
            product = _sum(node, found, arrays)
        if product is not None:
            found[product.output] = product
    return found


def _product(node: NodeProto, arrays: Arrays) -> Product | None:
    if node.op_type not in ("MatMul", "Gemm") or node.input[0] in arrays:
        return None
    weight = arrays.get(node.input[1])
    if weight is None or weight.ndim != 2 or 1 in weight.shape:
        return None
    attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    plain = attributes.get("alpha", 1.0) == attributes.get("beta", 1.0) == 1.0
    if attributes.get("transA") or not plain:
        return None
    bias = arrays.get(node.input[2]) if len(node.input) > 2 else None
    if len(node.input) > 2 and (bias is None or bias.ndim != 1):
        return None
    if attributes.get("transB"):
        weight = weight.T
    return Product(node.output[0], ((node.input[0], weight),), bias, node.op_type == "Gemm")


def _sum(node: NodeProto, found: dict[str, Product], arrays: Arrays) -> Product | None:
    """A sum of two products, or of a product and a bias; these are no longer results of their own.

    The output of a product that joins a sum is used nowhere else.
    """
    output, (one, other) = node.output[0], node.input
    if one in found and other in found:
        if not (found[one].rows and found[other].rows):
            return None
        return found.pop(one).plus(found.pop(other), output)
    for name, constant in ((one, other), (other, one)):
        if name in found and constant in arrays and found[name].bias is None:
            bias, width = arrays[constant], found[name].terms[0][1].shape[1]
            if bias.shape == (width,):
                return found.pop(name).biased(bias, output)
    return None


def tables_of(graph: GraphProto, arrays: Arrays) -> dict[str, str]:
    """Embeddings: the tensors that are rows of a table, and its name."""
    return {
        node.output[0]: node.input[0]
        for node in graph.node
        if node.op_type == "Gather" and _is_table(arrays.get(node.input[0])) and _axis(node) == 0
    }


def _is_table(array: np.ndarray | None) -> bool:
    return array is not None and array.ndim == 2 and array.dtype == np.float32


def _axis(node: NodeProto) -> int:
    return next((each.i for each in node.attribute if each.name == "axis"), 0)


def ranks_of(graph: GraphProto) -> dict[str, int]:
    """How many axes the tensors of a graph have, where it says so."""
    return {
        value.name: len(value.type.tensor_type.shape.dim)
        for value in [*graph.input, *graph.value_info, *graph.output]
    }


def transposed_of(graph: GraphProto) -> dict[str, NodeProto]:
    """The nodes that swap the last two axes, by their outputs."""
    return {
        node.output[0]: node
        for node in graph.node
        if node.op_type == "Transpose" and _swaps_last(node.attribute[0].ints)
    }


def _swaps_last(perm: Sequence[int]) -> bool:
    *first, one, other = perm
    return [*first, other, one] == list(range(len(perm)))


def calibrated_names(graph: GraphProto) -> list[str]:
    """The tensors whose ranges `quantize` must know: what products and networks read."""
    arrays = arrays_of(graph)
    products = products_of(graph, arrays).values()
    names = [name for product in products for name, _ in product.terms]
    names += [node.input[0] for node in graph.node if node.op_type in NETWORKS]
    tables = tables_of(graph, arrays)
    return [name for name in dict.fromkeys(names) if name not in tables]
