"""Fixed-scale int8: small graphs against the formulas, written out, and against float32."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper, parser

from nmt.decoding.int8.calibration import Ranges
from nmt.decoding.int8.products import arrays_of, calibrated_names, products_of
from nmt.decoding.int8.quantize import quantize

HEADER = '<ir_version: 10, opset_import: ["" : 20]>'
GATES = {"LSTM": 4, "GRU": 3}


def graph(text: str, **constants: np.ndarray) -> onnx.ModelProto:
    model = parser.parse_model(f"{HEADER} test {text}")
    arrays = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    model.graph.initializer.extend(arrays)
    onnx.checker.check_model(model)
    return model


@pytest.fixture
def quantized(tmp_path: Path):
    """A function: a graph and its ranges -> the graph in int8."""

    def small(model: onnx.ModelProto, ranges: Ranges) -> onnx.ModelProto:
        onnx.save(model, tmp_path / "float32.onnx")
        quantize(tmp_path / "float32.onnx", tmp_path / "int8.onnx", ranges)
        return onnx.load(tmp_path / "int8.onnx")

    return small


def run(model: onnx.ModelProto, **inputs: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, inputs)[0]


def operators(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def normal(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


GEMM = "(float[rows,5] x) => (float[rows,3] y) { y = Gemm <transB = 1> (x, w, b) }"


def test_a_product_is_that_of_integers_by_the_formula(quantized) -> None:
    """The scale of the calibration holds for values beyond its range, too, which are clipped."""
    weight, bias = normal(3, 5), normal(3, seed=2)
    small = quantized(graph(GEMM, w=weight, b=bias), {"x": (-1.0, 2.0)})
    assert operators(small) == ["QuantizeLinear", "MatMulIntegerToFloat"]
    x = np.array([[0.5, -0.25, 1.9, 0.0, -1.0], [9.0, -9.0, 0.1, 0.2, 0.3]], np.float32)
    found = run(small, x=x)
    s, z = 3 / 255, round(1 / (3 / 255))
    for row in range(2):
        for column in range(3):
            scaled = [s * w for w in weight[column]]
            t = max(abs(w) for w in scaled) / 127
            total = 0
            for value, w in zip(x[row], scaled, strict=True):
                total += (min(max(round(value / s) + z, 0), 255) - z) * round(w / t)
            assert found[row, column] == pytest.approx(total * t + bias[column], rel=1e-5)


def test_a_sum_of_products_is_one_product(quantized) -> None:
    """Each input keeps a scale of its own, and each column has one for the weights of both."""
    weight, other, bias = normal(3, 5), normal(4, 3, seed=2), normal(3, seed=3)
    model = graph(
        """(float[rows,5] x, float[rows,4] y) => (float[rows,3] sum) {
            one = Gemm <transB = 1> (x, w, b)
            other = Gemm (y, u)
            sum = Add (one, other)
        }""",
        w=weight, u=other, b=bias,
    )  # fmt: skip
    small = quantized(model, {"x": (-0.03, 0.02), "y": (-3.0, 3.0)})
    assert operators(small).count("MatMulIntegerToFloat") == 1
    assert "Add" not in operators(small)
    x, y = 0.01 * normal(6, 5, seed=4), normal(6, 4, seed=5)
    scales = 0.03 / 127, 3 / 127
    scaled = np.concatenate([scales[0] * weight.T, scales[1] * other])
    steps = np.abs(scaled).max(axis=0) / 127
    parts = [np.clip(np.round(v / s), -128, 127) for v, s in zip((x, y), scales, strict=True)]
    wanted = np.concatenate(parts, axis=1) @ np.round(scaled / steps) * steps + bias
    found = run(small, x=x, y=y)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found, run(model, x=x, y=y), atol=0.06)


@pytest.mark.parametrize(
    ("shape", "text", "products", "sums"),
    [
        ("rows,5", "one = Gemm (x, w) other = Gemm (x, u) twice = Add (one, one)"
         " y = Add (twice, other)", 2, 2),
        ("rows,5", "one = MatMul (x, w) y = Add (one, b)", 1, 0),
        ("rows,5", "one = MatMul (x, w) y = Add (b, one)", 1, 0),
        ("1,5", "one = MatMul (x, w) y = Add (c, one)", 1, 1),
        ("rows,4,5", "one = MatMul (x, w) y = Add (one, b)", 1, 0),
        ("rows,5", "y = MatMul (x, v)", 0, 0),
        ("rows,5", "y = Gemm <alpha = 0.5> (x, w, b)", 0, 0),
    ],
    ids=["twice", "bias", "bias first", "no bias", "three axes", "vector", "factor"],
)  # fmt: skip
def test_every_graph_computes_what_it_did(
    quantized, shape: str, text: str, products: int, sums: int
) -> None:
    constants = {"w": normal(5, 3), "u": normal(5, 3, seed=2), "b": normal(3, seed=3)}
    constants |= {"c": normal(6, 3, seed=4), "v": normal(5, 1, seed=5)}
    axes = ",".join(f"any{axis}" for axis in shape.split(","))
    model = graph(f"(float[{shape}] x) => (float[{axes}] y) {{ {text} }}", **constants)
    x = normal(*(6 if axis == "rows" else int(axis) for axis in shape.split(",")), seed=6)
    small = quantized(model, {"x": (-3.5, 3.5)})
    np.testing.assert_allclose(run(small, x=x), run(model, x=x), atol=0.15)
    counts = [operators(small).count(kind) for kind in ("MatMulIntegerToFloat", "Add")]
    assert counts == [products, sums]


def test_a_sum_of_products_is_one_product_only_of_rows() -> None:
    """Others may be broadcast: (1, 4, 5) and (6, 1, 5) have no common inputs."""
    text = """(float[1,4,5] x, float[6,1,5] y) => (float[6,4,3] sum) {
        one = MatMul (x, w) other = MatMul (y, w) sum = Add (one, other)
    }"""
    model = graph(text, w=normal(5, 3)).graph
    assert set(products_of(model, arrays_of(model))) == {"one", "other"}


def test_what_the_calibration_has_not_met_stays_in_float32(quantized) -> None:
    model = graph(GEMM, w=normal(3, 5), b=normal(3))
    for ranges in ({}, {"x": (-1.0, float("inf"))}, {"x": (float("nan"), 1.0)}):
        assert operators(quantized(model, ranges)) == ["Gemm"]


def test_an_embedding_is_multiplied_as_the_bytes_of_its_table(quantized) -> None:
    model = graph(
        """(int64[rows] ids) => (float[rows,3] y) {
            rows_of_table = Gather (table, ids)
            y = Gemm (rows_of_table, w)
        }""",
        table=normal(11, 5), w=normal(5, 3, seed=2),
    )  # fmt: skip
    assert calibrated_names(model.graph) == []
    small = quantized(model, {})
    assert operators(small) == ["Gather", "MatMulIntegerToFloat"]
    ids = np.array([3, 0, 10, 7])
    np.testing.assert_allclose(run(small, ids=ids), run(model, ids=ids), atol=0.1)


@pytest.mark.parametrize(("kind", "attributes"), [("LSTM", ""), ("GRU", "linear_before_reset = 1")])
def test_a_network_reads_sequences_as_in_float32(quantized, kind: str, attributes: str) -> None:
    gates, size, inputs, batch, time = GATES[kind], 7, 5, 3, 9
    model = graph(
        f"""(float[time,rows,{inputs}] x) => (float[time,1,rows,{size}] y) {{
            y = {kind} <hidden_size = {size}{", " if attributes else ""}{attributes}> (x, w, r, b)
        }}""",
        w=normal(1, gates * size, inputs),
        r=0.5 * normal(1, gates * size, size, seed=2),
        b=normal(1, 2 * gates * size, seed=3),
    )
    assert calibrated_names(model.graph) == ["x"]
    small = quantized(model, {"x": (-3.0, 3.0)})
    assert kind not in operators(small)
    x = normal(time, batch, inputs, seed=4).clip(-3, 3)
    found, wanted = run(small, x=x), run(model, x=x)
    assert found.shape == (time, 1, batch, size)
    np.testing.assert_allclose(found, wanted, atol=0.05)
    assert np.abs(found - wanted).max() > 0
    alone = np.concatenate([run(small, x=x[:, n : n + 1]) for n in range(batch)], axis=2)
    assert (alone == found).all()


def test_the_scores_of_a_key_do_not_depend_on_the_padding(quantized) -> None:
    """In float32, onnxruntime sums 512 products in other parts for more than 32 positions."""
    model = graph(
        """(float[rows,beams,512] q, float[rows,source,512] keys) => (float[rows,beams,source] y) {
            columns = Transpose <perm = [0, 2, 1]> (keys)
            y = MatMul (q, columns)
        }"""
    )
    model = onnx.shape_inference.infer_shapes(model)
    queries, keys = normal(2, 5, 512), normal(2, 14, 512, seed=2)
    padded = np.concatenate([keys, np.zeros((2, 27, 512), np.float32)], axis=1)
    small = quantized(model, {})
    alone, together = (run(small, q=queries, keys=each) for each in (keys, padded))
    assert (alone == together[:, :, :14]).all()
    np.testing.assert_allclose(alone, run(model, q=queries, keys=keys), rtol=1e-4, atol=1e-4)
