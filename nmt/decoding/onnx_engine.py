"""The engine of an exported model: onnxruntime on the processor, without torch."""

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as errors

from nmt.decoding.engine import FIRST_WORD, Engine, Offers, Session
from nmt.errors import DataError
from nmt.processor import cores

Values = dict[str, np.ndarray]
VOCABULARY = "vocabulary"  # under which a step's graph tells its size
REFUSALS = (
    errors.Fail,
    errors.InvalidArgument,
    errors.InvalidGraph,
    errors.InvalidProtobuf,
    errors.NotImplemented,
    errors.RuntimeException,
)
"""What onnxruntime raises for a graph that it cannot run: they have no base in common."""


class OnnxEngine(Engine):
    """Two graphs: one reads a batch, the other makes a step.

    A graph runs in one thread, and as many batches as there are cores run side by side: the
    graphs are so small that threads would spend their time waiting for one another.

    Raises one of REFUSALS for graphs that this onnxruntime cannot run.
    """

    def __init__(self, encoder: bytes, step: bytes, *, attends_from: str, precision: str) -> None:
        self.attends_from, self.precision = attends_from, precision
        self.name = f"onnxruntime-{precision}"
        self.workers = cores()
        self.encoder, self.stepper = _graph(encoder), _graph(step)
        inputs = [value.name for value in self.stepper.get_inputs()]
        self.held = [name for name in inputs if name.startswith("memory.")]
        self.carried = [name for name in inputs if name.startswith("state.")]
        properties = self.stepper.get_modelmeta().custom_metadata_map
        self.words = int(properties[VOCABULARY]) - FIRST_WORD
        self.outputs = ["tokens", "scores", "attention", *(f"new {n}" for n in self.carried)]

    def open(self, source: np.ndarray, *, most: int) -> Session:
        names = [*self.held, *self.carried]
        found = _run(self.encoder, names, {"source": source}, source.shape[1])
        return _Session(self, dict(zip(names, found, strict=True)), source.shape, most)

    def __str__(self) -> str:
        return f"onnxruntime, {self.precision}"


def _graph(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _run(
    graph: onnxruntime.InferenceSession, names: list[str], feed: Values, source: int
) -> list[np.ndarray]:
    """What a graph gives.

    Raises:
        DataError: it cannot be computed, as where a model has parameters for each position and
            the source has more.
    """
    try:
        return graph.run(names, feed)
    except REFUSALS as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"a source of {source} pieces is more than the export can read: shorten it, or ask "
            f"for --engine torch, which tells the limit; onnxruntime says: {reason}"
        ) from None


class _Session(Session):
    def __init__(
        self, engine: OnnxEngine, values: Values, shape: tuple[int, ...], most: int
    ) -> None:
        self.engine, (self.sentences, self.source) = engine, shape
        self.held = {name: values[name] for name in engine.held}
        self.carried = {name: values[name] for name in engine.carried}
        self.most = np.array([min(most, engine.words)])
        self.weights: list[np.ndarray] = []

    def step(
        self, previous: np.ndarray, parents: np.ndarray | None, sentences: np.ndarray | None
    ) -> Offers:
        if sentences is not None:
            self.held = {name: value[sentences] for name, value in self.held.items()}
            self.sentences = len(sentences)
        if parents is None:
            parents = np.arange(len(previous))
        rows = (self.sentences, -1)
        feed = {"previous": previous.reshape(rows), "parents": parents.reshape(rows)}
        feed = {**feed, "most": self.most, **self.held, **self.carried}
        found = _run(self.engine.stepper, self.engine.outputs, feed, self.source)
        tokens, scores, attention, *carried = found
        self.carried = dict(zip(self.carried, carried, strict=True))
        self.weights.append(attention)
        return Offers(tokens, scores)

    def attention(self, steps: np.ndarray, rows: np.ndarray) -> np.ndarray:
        starts = np.cumsum([0, *map(len, self.weights)])
        return np.concatenate(self.weights)[starts[steps] + rows]
