"""The engine of an exported model: onnxruntime on the processor, without torch."""

import os
import re
from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as errors

from nmt.decoding.engine import FIRST_CANDIDATE, Candidates, Engine, Session
from nmt.errors import CheckpointError, DataError, printable
from nmt.processor import cores

ODD = "the export is damaged, or another program's; export again: nmt export RUN"
Values = dict[str, np.ndarray]
OTHER_FILES = "session.model_external_initializers_file_folder_path"
NOWHERE = str(Path(os.devnull) / "nowhere")
"""Where graphs may read further files: nowhere. By default, a graph from elsewhere could read files
in the current folder."""
VOCABULARY = "vocabulary"  # the metadata key of a step's graph with its size
REFUSALS = tuple(
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)
)
"""What onnxruntime raises for a graph that it cannot run: they have no base in common."""


class OnnxEngine(Engine):
    """Two graphs: one reads a batch, the other makes a step.

    A graph runs in one thread, and as many batches as there are cores run in parallel: the graphs
    are so small that threads within one would mostly wait for each other.

    vocabulary: the ids that a step returns are below it.

    Raises:
        ValueError: nmt did not write these graphs.
        REFUSALS, one of them: this onnxruntime cannot run them.
    """

    def __init__(self, encoder: bytes, step: bytes, *, attends_from: str, precision: str) -> None:
        self.attends_from, self.precision = attends_from, precision
        self.name = f"onnxruntime-{precision}"
        self.workers = cores()
        self.encoder, self.stepper = _graph(encoder), _graph(step)
        inputs, outputs = _names(self.stepper)
        self.held = [name for name in inputs if name.startswith("memory.")]
        self.carried = [name for name in inputs if name.startswith("state.")]
        self.outputs = ["tokens", "scores", "attention", *(f"new {n}" for n in self.carried)]
        asked, memory = _names(self.encoder)
        known = {"previous", "parents", "most", *self.held, *self.carried}
        whole = {*self.held, *self.carried} <= {*memory} and {*self.outputs} <= {*outputs}
        if asked != ["source"] or {*inputs} != known or not whole:
            raise ValueError("its graphs have other inputs and outputs than nmt gives them")
        size = self.stepper.get_modelmeta().custom_metadata_map.get(VOCABULARY, "")
        if not re.fullmatch("[0-9]{1,9}", size) or int(size) <= FIRST_CANDIDATE:
            raise ValueError("its graphs do not state the size of the vocabulary")
        self.vocabulary = int(size)

    def open(self, source: np.ndarray, *, most: int) -> Session:
        names = [*self.held, *self.carried]
        values = _run(self.encoder, names, {"source": source}, source.shape[1])
        return _Session(self, dict(zip(names, values, strict=True)), source.shape, most)

    def __str__(self) -> str:
        return f"onnxruntime, {self.precision}"


def _names(graph: onnxruntime.InferenceSession) -> tuple[list[str], list[str]]:
    """Of its inputs and outputs."""
    sides = (graph.get_inputs(), graph.get_outputs())
    inputs, outputs = ([value.name for value in side] for side in sides)
    return inputs, outputs


def _graph(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4  # errors of a graph are raised as well
    options.add_session_config_entry(OTHER_FILES, NOWHERE)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _run(
    graph: onnxruntime.InferenceSession, names: list[str], feed: Values, source: int
) -> list[np.ndarray]:
    """The outputs of a graph.

    Raises:
        DataError: it cannot be computed, as where a model has parameters for each position and
            the source has more.
    """
    try:
        return graph.run(names, feed)
    except REFUSALS as error:
        reason = printable(" ".join(str(error).split()))
        raise DataError(
            f"a source of {source} pieces is more than the export can read: shorten it, or ask "
            f"for --engine torch, which reports the limit; onnxruntime says: {reason}"
        ) from None


class _Session(Session):
    def __init__(
        self, engine: OnnxEngine, values: Values, shape: tuple[int, ...], most: int
    ) -> None:
        self.engine, (self.sentences, self.source) = engine, shape
        for name, value in values.items():
            if not isinstance(value, np.ndarray) or value.shape[:1] != shape[:1]:
                raise CheckpointError(f"the graph of the encoder gives no {printable(name)}: {ODD}")
        self.held = {name: values[name] for name in engine.held}
        self.carried = {name: values[name] for name in engine.carried}
        self.most = np.array([min(most, engine.vocabulary - FIRST_CANDIDATE)])
        self.weights: list[np.ndarray] = []

    def step(
        self, previous: np.ndarray, parents: np.ndarray | None, sentences: np.ndarray | None
    ) -> Candidates:
        if sentences is not None:
            self.held = {name: value[sentences] for name, value in self.held.items()}
            self.sentences = len(sentences)
        if parents is None:
            parents = np.arange(len(previous))
        rows = (self.sentences, -1)
        feed = {"previous": previous.reshape(rows), "parents": parents.reshape(rows)}
        feed = {**feed, "most": self.most, **self.held, **self.carried}
        outputs = _run(self.engine.stepper, self.engine.outputs, feed, self.source)
        self._check(len(previous), *outputs[:3])
        tokens, scores, attention, *carried = outputs
        self.carried = dict(zip(self.carried, carried, strict=True))
        self.weights.append(attention)
        return Candidates(tokens, scores)

    def _check(self, rows: int, tokens: object, scores: object, attention: object) -> None:
        """Raise CheckpointError if a graph that nmt did not write returns other arrays or ids."""
        words = (rows, int(self.most[0]))
        kinds = ((tokens, words, np.int64), (scores, words, np.float32))
        for array, shape, kind in (*kinds, (attention, (rows, self.source), np.float32)):
            if not isinstance(array, np.ndarray) or (array.shape, array.dtype) != (shape, kind):
                raise CheckpointError(f"the graph of a step gives other arrays than nmt's: {ODD}")
        assert isinstance(tokens, np.ndarray)
        if tokens.min() < FIRST_CANDIDATE or tokens.max() >= self.engine.vocabulary:
            raise CheckpointError(f"the graph of a step returns ids outside the vocabulary: {ODD}")

    def attention(self, steps: np.ndarray, rows: np.ndarray) -> np.ndarray:
        starts = np.cumsum([0, *map(len, self.weights)])
        return np.concatenate(self.weights)[starts[steps] + rows]
