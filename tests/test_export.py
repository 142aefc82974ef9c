"""Exported models: the same translations as torch, and every way an export can be wrong."""

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import nn

from nmt.checkpoint.run import Run
from nmt.data.tokenizers.base import BOS, EOS, PAD
from nmt.decoding.beam import beam_search
from nmt.decoding.engine import FIRST_CANDIDATE
from nmt.decoding.exported import Export
from nmt.decoding.graphs import write_graphs
from nmt.decoding.int8.calibration import CalibrationEngine
from nmt.decoding.int8.quantize import quantize
from nmt.decoding.onnx_engine import REFUSALS, OnnxEngine
from nmt.decoding.torch_engine import TorchEngine
from nmt.errors import CheckpointError, DataError, UsageError
from nmt.evaluation.records import read_records
from nmt.models.cells import cells
from nmt.models.decoders import decoders
from nmt.models.devices import Compute
from nmt.workflows.export import preferred
from support.commands import HEAVY, OBJECTS, SUBJECTS, Commands, imported, lay_out
from support.tiny_models import SOURCES, VOCABULARIES, Kind, ids

CPU = Compute(torch.device("cpu"), bfloat16=False)
HEADS = (("heads", 2), ("size", 4))
LOCATION = Kind("bahdanau", "gru", "location", layers=2)
LEARNED = Kind(
    "transformer",
    score="additive",
    encoder="self_attention",
    layer=(("norm", "post"), ("positions", "learned"), ("max_positions", 8)),
)
WEIGHTED = Kind(
    "luong",
    "gru",
    "qkv",
    layers=2,
    attention=(*HEADS, ("normalizer", "weighted_softmax"), ("position_weights", True)),
)
KINDS = [
    Kind("luong", "lstm", "general"),
    Kind("luong", "gru", "additive", feeding=False, layers=2, attention=(
        ("coverage", True), ("scope", "local-m"), ("window", 1), ("selection", "gumbel"))),
    WEIGHTED,
    Kind("bahdanau", "lstm", "dot", attention=(("scope", "local-p"), ("window", 1))),
    LOCATION,
    Kind("bahdanau", "gru", "none"),
    Kind("conditional", "lstm", "concat", readout="maxout", attention=(
        ("normalizer", "entmax15"),)),
    Kind("transformer", score="scaled_dot", layers=2, attention=HEADS, encoder="self_attention"),
    LEARNED,
    Kind("transformer", "gru", "general", layer=(
        ("positions", "rotary"), ("heads", 3), ("score", "cosine"), ("normalizer", "sparsemax"))),
]  # fmt: skip
"""Every score, decoder and cell, and special cases of the computation; each takes seconds."""


@dataclass(frozen=True)
class Pair:
    """A model in torch, and its export."""

    torch: TorchEngine
    onnx: OnnxEngine
    folder: Path


NEAR = 1e-3, 1e-4
"""How close scores and weights are to torch's in float64: layer norms over six numbers amplify the
rounding of a graph's float32 a thousandfold, on each processor in its own way."""
ROUGH = 0.5, 2.0
"""The mean and the largest error of scores in int8 after an encoder with such layer norms."""
QUICK = [KINDS[0], *(pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS[1:])]


@pytest.fixture(scope="module")
def exported_kind(tmp_path_factory) -> Callable[[Kind], Pair]:
    """A model of a kind, and its export: each is written once."""

    @cache
    def written(kind: Kind) -> Pair:
        torch.manual_seed(1)
        folder = tmp_path_factory.mktemp("graphs")
        model = kind.build()
        write_graphs(model, folder / "encoder.onnx", folder / "step.onnx")
        return Pair(TorchEngine(model, CPU), loaded(folder), folder)

    return written


@pytest.fixture(params=QUICK, ids=str)
def pair(request, exported_kind) -> Pair:
    return exported_kind(request.param)


def loaded(folder: Path) -> OnnxEngine:
    graphs = [(folder / name).read_bytes() for name in ("encoder.onnx", "step.onnx")]
    return OnnxEngine(*graphs, attends_from="s_t", precision="float32")


def test_every_step_of_every_size_is_torchs(pair: Pair) -> None:
    """Four sentences of seven ids; then two rows each, crossed; then two sentences."""
    source = ids([[5, 9, 16, 4, 8, 6, 3], [7, 3], [12, 3], [4, 5, 6, 3]]).numpy()
    sessions = [engine.open(source, most=5) for engine in (pair.onnx, pair.torch)]
    previous, crossed = np.full(4, BOS), np.array([0, 0, 1, 1, 2, 2, 3, 3])
    moves = [
        (None, None),
        (crossed, None),
        (crossed ^ 1, None),
        (np.array([3, 2, 7, 7]), np.array([1, 3])),
    ]
    for step, (parents, sentences) in enumerate(moves):
        found, wanted = (session.step(previous, parents, sentences) for session in sessions)
        assert (found.tokens == wanted.tokens).all()
        np.testing.assert_allclose(found.scores, wanted.scores, atol=NEAR[0])
        rows = np.arange(len(found.tokens))
        ours, theirs = (session.attention(np.full_like(rows, step), rows) for session in sessions)
        np.testing.assert_allclose(ours, theirs, atol=NEAR[1])
        following = {4: wanted.tokens[:, 0], 8: wanted.tokens[:, 1]}[len(rows)]
        previous = np.repeat(following, 2) if step == 0 else following[: 8 if step == 1 else 4]


def test_a_search_finds_what_it_finds_in_torch(pair: Pair) -> None:
    for size in (1, 4):
        found, wanted = (
            beam_search(
                engine,
                ids(SOURCES).numpy(),
                size=size,
                max_lengths=np.array([9, 3, 6]),
                n_best=size,
            )
            for engine in (pair.onnx, pair.torch)
        )
        for ours, theirs in zip(found, wanted, strict=True):
            assert [h.ids for h in ours] == [h.ids for h in theirs]
            for a, b in zip(ours, theirs, strict=True):
                np.testing.assert_allclose(a.token_scores, b.token_scores, atol=NEAR[0])
                np.testing.assert_allclose(a.attention, b.attention, atol=NEAR[1])


@pytest.fixture
def small(pair: Pair, exported_in_int8: Callable[[Pair], OnnxEngine]) -> OnnxEngine:
    """The pair's model in int8."""
    return exported_in_int8(pair)


@pytest.fixture(scope="module")
def exported_in_int8() -> Callable[[Pair], OnnxEngine]:
    @cache
    def written(pair: Pair) -> OnnxEngine:
        names = ("encoder.onnx", "step.onnx")
        engine = CalibrationEngine(
            *((pair.folder / name).read_bytes() for name in names), attends_from="s_t"
        )
        random = np.random.default_rng(1)
        source = np.concatenate([random.integers(4, 17, (40, 7)), np.full((40, 1), EOS)], axis=1)
        beam_search(engine, source, size=3, max_lengths=np.full(40, 8))
        small = pair.folder / "int8"
        small.mkdir()
        for name, ranges in zip(names, (engine.encoder_ranges, engine.step_ranges), strict=True):
            quantize(pair.folder / name, small / name, ranges)
            kinds = {node.op_type for node in onnx.load(small / name).graph.node}
            assert "MatMulIntegerToFloat" in kinds
        return loaded(small)

    return written


def test_int8_is_almost_as_accurate(pair: Pair, small: OnnxEngine) -> None:
    encoder = onnx.load(pair.folder / "encoder.onnx").graph
    normed = any(node.op_type == "LayerNormalization" for node in encoder.node)
    most_mean, most_single = ROUGH if normed else (0.1, 0.3)
    source = ids(SOURCES).numpy()
    most = VOCABULARIES.target - FIRST_CANDIDATE
    sessions = (engine.open(source, most=most) for engine in (small, pair.torch))
    found, wanted = (session.step(np.full(3, BOS), None, None) for session in sessions)
    by_token = [np.take_along_axis(o.scores, o.tokens.argsort(axis=1), 1) for o in (found, wanted)]
    errors = np.abs(by_token[0] - by_token[1])
    assert 0 < errors.mean() < most_mean
    assert errors.max() < most_single


def test_int8_translates_a_sentence_alike_in_any_batch(small: OnnxEngine) -> None:
    """In batches of 1, 7 and 64 sentences, in any order: not even the last bit differs."""
    random = np.random.default_rng(2)
    rows = [[*random.integers(4, 17, length).tolist(), EOS] for length in random.integers(1, 8, 64)]

    def translated(batch: int, order: np.ndarray) -> list[tuple[list[int], list[float]]]:
        found = {}
        for some in np.split(order, range(batch, len(order), batch)):
            source = np.array([rows[n] + [PAD] * (8 - len(rows[n])) for n in some])
            widest = max(len(rows[n]) for n in some)
            limits = np.array([len(rows[n]) + 3 for n in some])
            best = beam_search(small, source[:, :widest], size=4, max_lengths=limits)
            found |= {n: (h.ids, h.token_scores) for n, (h,) in zip(some, best, strict=True)}
        return [found[n] for n in range(len(rows))]

    alone = translated(1, np.arange(64))
    for batch in (7, 64):
        for _ in range(2):
            assert translated(batch, random.permutation(64)) == alone


def test_no_more_words_are_offered_than_exist(pair: Pair) -> None:
    for engine in (pair.onnx, pair.torch):
        offers = engine.open(ids(SOURCES).numpy(), most=50).step(np.full(3, BOS), None, None)
        assert [sorted(row) for row in offers.tokens.tolist()] == 3 * [list(range(3, 13))]


def test_all_parts_are_exported_in_some_model() -> None:
    """A new score is exported by the same code, and may be added to these."""
    shipped = {"dot", "scaled_dot", "general", "additive", "concat", "cosine", "qkv", "location"}
    of_layers = {dict(kind.layer).get("score", "none") for kind in KINDS}
    assert {kind.score for kind in KINDS} | of_layers == {*shipped, "none"}
    assert {kind.decoder for kind in KINDS} == set(decoders)
    assert {kind.cell for kind in KINDS} == set(cells)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "positions"), [(LOCATION, 9), (LEARNED, 8), (WEIGHTED, 9)])
def test_a_source_longer_than_the_parameters_is_refused_in_one_line(
    kind, positions, exported_kind
) -> None:
    """Its graphs know only the lengths of sentences."""
    pair, first = exported_kind(kind), np.full(1, BOS)
    longest, longer = (np.full((1, positions + more), 5) for more in (0, 1))
    refusal = f"a (source|sentence) (of|has) {positions + 1} pieces"
    for engine in (pair.onnx, pair.torch):
        assert len(engine.open(longest, most=2).step(first, None, None).tokens) == 1
        with pytest.raises(DataError, match=refusal) as caught:
            engine.open(longer, most=2).step(first, None, None)
        assert "\n" not in str(caught.value)


def test_a_torch_that_cannot_export_is_named(tmp_path, monkeypatch) -> None:
    monkeypatch.delattr(torch.onnx, "ops")
    with pytest.raises(UsageError, match="an export needs torch 2.8 or newer, and this is torch"):
        write_graphs(Kind().build(), tmp_path / "encoder.onnx", tmp_path / "step.onnx")


@pytest.fixture
def stepper(pair: Pair) -> onnx.ModelProto:
    """The graph of a step, to be modified."""
    return onnx.load(pair.folder / "step.onnx")


def stepped(pair: Pair, graph: onnx.ModelProto) -> None:
    """Load a graph of a step with the encoder of a pair, and run two steps."""
    encoder = (pair.folder / "encoder.onnx").read_bytes()
    step = graph.SerializeToString()
    engine = OnnxEngine(encoder, step, attends_from="s_t", precision="float32")
    beam_search(engine, ids(SOURCES).numpy(), size=2, max_lengths=np.array([2, 2, 2]))


def through(graph: onnx.ModelProto, output: str, *nodes: onnx.NodeProto) -> None:
    """Pass an output of a graph through nodes, from `before` to `output`."""
    for node in graph.graph.node:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                if name == output:
                    names[place] = "before"
    graph.graph.node.extend(nodes)


def constant(graph: onnx.ModelProto, value: np.ndarray) -> str:
    graph.graph.initializer.append(onnx.numpy_helper.from_array(value, "added"))
    return "added"


def shifted(graph: onnx.ModelProto, by: int) -> None:
    inputs = ["before", constant(graph, np.array(by))]
    through(graph, "tokens", onnx.helper.make_node("Add", inputs, ["tokens"]))


def without_numbers(graph: onnx.ModelProto) -> None:
    inputs = ["before", constant(graph, np.array(np.nan, np.float32))]
    through(graph, "scores", onnx.helper.make_node("Mul", inputs, ["scores"]))


def one_row(graph: onnx.ModelProto) -> None:
    inputs = ["before", constant(graph, np.array([0]))]
    through(graph, "attention", onnx.helper.make_node("Gather", inputs, ["attention"]))


def in_float64(graph: onnx.ModelProto) -> None:
    node = onnx.helper.make_node("Cast", ["before"], ["scores"], to=onnx.TensorProto.DOUBLE)
    through(graph, "scores", node)
    for value in graph.graph.output:
        if value.name == "scores":
            value.type.tensor_type.elem_type = onnx.TensorProto.DOUBLE


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda graph: shifted(graph, 10_000), "returns ids outside the vocabulary"),
        (lambda graph: shifted(graph, -10_000), "returns ids outside the vocabulary"),
        (without_numbers, "scores are not numbers"),
        (one_row, "gives other arrays than nmt's"),
        (in_float64, "gives other arrays than nmt's"),
    ],
)
def test_a_foreign_graph_with_other_outputs_is_one_line(
    pair: Pair, stepper: onnx.ModelProto, change, reason: str
) -> None:
    change(stepper)
    with pytest.raises(CheckpointError, match=reason) as caught:
        stepped(pair, stepper)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("size", ["", "3", "-7", "1e9", "\u0665\u0666", "9" * 5000])
def test_a_graph_that_does_not_tell_its_vocabulary_is_refused(
    pair: Pair, stepper: onnx.ModelProto, size: str
) -> None:
    onnx.helper.set_model_props(stepper, {"vocabulary": size})
    with pytest.raises(ValueError, match="do not state the size of the vocabulary"):
        stepped(pair, stepper)


def test_a_graph_with_other_inputs_is_refused(pair: Pair, stepper: onnx.ModelProto) -> None:
    extra = onnx.helper.make_tensor_value_info("unheard_of", onnx.TensorProto.FLOAT, [1])
    stepper.graph.input.append(extra)
    with pytest.raises(ValueError, match="other inputs and outputs than nmt gives them"):
        stepped(pair, stepper)


def test_a_graph_reads_no_other_files(
    pair: Pair, stepper: onnx.ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as those in the folder in which a user translates."""
    monkeypatch.chdir(tmp_path)
    first = stepper.graph.initializer[0]
    Path("yours.bin").write_bytes(first.raw_data or bytes(4096))
    first.ClearField("raw_data")
    first.data_location = onnx.TensorProto.EXTERNAL
    first.external_data.add(key="location", value="yours.bin")
    with pytest.raises(REFUSALS, match=r"yours\.bin|[Ee]xternal"):
        stepped(pair, stepper)


@pytest.fixture(scope="module", autouse=True)
def _graphs_written_once(tmp_path_factory) -> Iterator[None]:
    """Let commands that export the same model again copy its graphs: writing them takes seconds."""
    folder, patch = tmp_path_factory.mktemp("written"), pytest.MonkeyPatch()

    def write(model: nn.Module, *paths: Path) -> None:
        weights = b"".join(p.detach().numpy().tobytes() for p in model.state_dict().values())
        kept = folder / sha256(repr(model).encode() + weights).hexdigest()
        if not kept.exists():
            write_graphs(model, *paths)
            kept.mkdir()
            for path in paths:
                shutil.copyfile(path, kept / path.name)
        for path in paths:
            shutil.copyfile(kept / path.name, path)

    with patch.context() as inside:
        inside.setattr("nmt.decoding.graphs.write_graphs", write)
        yield


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A folder in which `nmt train tiny.yaml` and `nmt export` have ended."""
    folder = tmp_path_factory.mktemp("exported")
    lay_out(folder)
    patch = pytest.MonkeyPatch()
    with patch.context() as inside:
        capture = _Silent()
        nmt = Commands(folder, inside, capture)
        assert nmt("train", "tiny.yaml").status == 0
        assert nmt("export").status == 0
    return folder


class _Silent:
    """Instead of pytest's capture, which ends with a test."""

    def readouterr(self) -> tuple[str, str]:
        return "", ""


@pytest.fixture
def nmt(exported, tmp_path, monkeypatch, capsys):
    shutil.copytree(exported, tmp_path / "work", symlinks=True)
    return Commands(tmp_path / "work", monkeypatch, capsys)


@pytest.fixture
def export(nmt) -> Path:
    return nmt.folder / "runs" / "tiny" / "export"


def test_an_export_holds_all_that_translating_needs(nmt, export):
    assert {path.name for path in export.iterdir()} == {
        "config.resolved.yaml", "encoder.float32.onnx", "encoder.int8.onnx", "export.json",
        "step.float32.onnx", "step.int8.onnx", "tokenizer",
    }  # fmt: skip
    description = json.loads((export / "export.json").read_text(encoding="utf-8"))
    assert description["quality"]["sentences"] == 12
    assert description["calibration"] == {"corpus": "files", "sentences": 12}
    assert set(description["files"]) == {path.name for path in export.glob("*.onnx")}
    assert description["model"]["run"] == "tiny"


def test_translations_scores_and_attention_are_torchs(nmt):
    command = ("translate", "I see cats", "they love trees", "", "--n-best", 2, "--format", "tsv")
    found = nmt(*command, "--precision", "float32", "--attention", "onnx.jsonl")
    wanted = nmt(*command, "--engine", "torch", "--attention", "torch.jsonl")
    assert "decoding by onnxruntime, float32" in found.err
    assert "decoding by torch on cpu, float32" in wanted.err
    assert found.out == wanted.out
    for one, other in zip(
        read_records(Path("onnx.jsonl")), read_records(Path("torch.jsonl")), strict=True
    ):
        np.testing.assert_allclose(one.weights, other.weights, atol=NEAR[1])
        np.testing.assert_allclose(one.token_scores, other.token_scores, atol=NEAR[0])
        assert (one.target_pieces, one.model) == (other.target_pieces, other.model)
        assert one.attention == other.attention


def test_int8_translates_a_file_alike_in_any_order_and_batch(nmt):
    lines = [f"{s} {v} {o}" for s in SUBJECTS for v in ("see", "love") for o in OBJECTS]
    found = {}
    for order, tokens in ((lines, 1), (lines[::-1], 40), (sorted(lines), 4000)):
        Path("lines.txt").write_text("".join(f"{line}\n" for line in order), encoding="utf-8")
        command = ("translate", "--input", "lines.txt", "--precision", "int8", "--format", "tsv")
        said = nmt(*command, "--batch-tokens", tokens, "--attention", f"{tokens}.jsonl")
        assert said.status == 0
        records = read_records(Path(f"{tokens}.jsonl"))
        found[tokens] = {each.source: (each.target, each.token_scores) for each in records}
    assert len(found[1]) == len(lines)
    assert found[1] == found[40] == found[4000]


def test_int8_is_calibrated_on_the_phrasebook_where_the_runs_text_is_gone(nmt, export, monkeypatch):
    monkeypatch.setattr("nmt.workflows.export.CALIBRATING", 9)
    Path("train.tsv").unlink()
    shutil.rmtree(export.parent / "data", ignore_errors=True)
    said = nmt("export", "--output", "small")
    assert said.status == 0
    assert "int8 is calibrated on the phrasebook's validation sentences: " in said.err
    assert "so auto means float32" in said.err
    description = json.loads(Path("small/export.json").read_text(encoding="utf-8"))
    assert description["calibration"] == {"corpus": "phrasebook", "sentences": 9}
    assert nmt("translate", "I see cats", "--run", "small", "--precision", "int8").status == 0


def test_an_export_with_the_scales_of_each_batch_is_still_read(nmt, export):
    """As written by earlier versions."""
    for name in ("encoder", "step"):
        graph = onnx.load(export / f"{name}.float32.onnx")
        del graph.graph.value_info[:]
        quantize_dynamic(graph, "old.onnx", weight_type=QuantType.QInt8, per_channel=True)
        replaced(export, f"{name}.int8.onnx", Path("old.onnx").read_bytes())
    description = json.loads((export / "export.json").read_text(encoding="utf-8"))
    del description["calibration"]
    (export / "export.json").write_text(json.dumps(description), encoding="utf-8")
    said = nmt("translate", "I see cats", "--precision", "int8")
    assert said.status == 0
    assert "decoding by onnxruntime, int8" in said.err


def test_an_export_translates_from_any_folder(nmt, export):
    wanted = nmt("translate", "I see cats").out
    shutil.move(export, nmt.folder / "elsewhere")
    shutil.rmtree(nmt.folder / "runs")
    found = nmt("translate", "I see cats", "--run", "elsewhere", "--show-attention")
    assert (found.status, found.out) == (0, wanted)
    assert nmt("plot-attention", "I see cats", "--run", "elsewhere").status == 0
    refused = nmt("translate", "I see cats", "--run", "elsewhere", "--engine", "torch")
    assert refused.status == 2
    assert "elsewhere is an export, which torch cannot run" in refused.err
    refused = nmt("translate", "I see cats", "--run", "elsewhere", "--checkpoint", "7")
    assert refused.status == 3
    assert nmt("export", "elsewhere").status == 2


def test_evaluating_by_an_export_says_so(nmt):
    found = nmt("evaluate", "--json", "--precision", "float32")
    assert json.loads(found.out)["engine"] == "onnxruntime, float32"
    plain = nmt("evaluate", "--json", "--engine", "torch")
    assert json.loads(plain.out)["engine"] == "torch on cpu, float32"
    assert json.loads(plain.out)["bleu"] == json.loads(found.out)["bleu"]


@pytest.mark.slow
def test_an_export_translates_without_torch(nmt, export):
    own = imported("translate", "I see cats", folder=nmt.folder)
    assert "onnxruntime" in own
    assert not HEAVY & own
    shutil.move(export, nmt.folder / "alone")
    assert not HEAVY & imported("translate", "I see cats", "--run", "alone", folder=nmt.folder)
    in_torch = imported("translate", "I see cats", "--engine", "torch", folder=nmt.folder)
    assert "torch._dynamo" not in in_torch  # 0.8 s
    assert "torch" in in_torch
    assert not (HEAVY - {"torch"}) & in_torch


@pytest.mark.parametrize("engine", ["torch", "onnx"])
def test_translating_reads_the_config_once_and_draws_no_parameters(nmt, engine, monkeypatch):
    reads, read = [], Run.read_config
    monkeypatch.setattr(Run, "read_config", lambda run: reads.append(run) or read(run))
    before = torch.get_rng_state()
    assert nmt("translate", "I see cats", "--engine", engine).status == 0
    assert len(reads) == 1
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("engine", ["torch", "onnx"])
def test_bench_decode_reports_speed_latency_and_the_peak(nmt, engine):
    found = json.loads(nmt("bench", "decode", "--json", "--engine", engine).out)
    assert found["engine"].startswith({"torch": "torch on cpu", "onnx": "onnxruntime"}[engine])
    assert found["latency_ms_p95"] >= found["latency_ms_p50"] > 0
    assert found["share_of_peak"] == pytest.approx(
        found["flop_per_target_token"]
        * found["target_tokens_per_second"]
        / (1e9 * found["matmul_peak_gflops"])
    )
    assert found["sentences_per_second"] > 0
    assert 0 <= found["padding_share"] < 1
    assert found["peak_memory_mb"] > 0


def test_bench_decode_has_a_row_for_each_engine_and_beam(nmt, export, monkeypatch):
    for name, few in (("WINDOWS", 1), ("SINGLE", 3)):
        monkeypatch.setattr(f"nmt.workflows.bench.engines.{name}", few)
    monkeypatch.setattr("nmt.workflows.bench.decoding.best_rate", lambda *_, **__: 2e9)
    found = json.loads(nmt("bench", "decode", "--json").out)
    rows = [(row["engine"], row["beam_size"]) for row in found["engines"]]
    engines = {
        "torch on cpu, float32", "torch on cpu, bfloat16", "onnxruntime, float32",
        "onnxruntime, int8",
    }  # fmt: skip
    asked = (found["engine"], found["beam_size"])
    assert asked[1] == 2  # in the config
    assert sorted(rows) == sorted([asked, *((each, beam) for each in engines for beam in (1, 5))])
    own = rows.index(asked)
    for key in ("sentences_per_second", "target_tokens_per_second", "latency_ms_p50"):
        assert found[key] == found["engines"][own][key]
    for flags, wanted in (
        (("--engine", "torch", "--precision", "float32"), [(1, "torc"), (2, "torc"), (5, "torc")]),
        (("--engine", "onnx", "--beam-size", 3), [(3, "onnx"), (3, "onnx")]),
    ):
        rows = json.loads(nmt("bench", "decode", "--json", *flags).out)["engines"]
        assert sorted((row["beam_size"], row["engine"][:4]) for row in rows) == wanted


def test_bench_decode_takes_a_file_and_an_export_alone(nmt, export):
    Path("lines.txt").write_text("I see cats\n\nthey love trees\n", encoding="utf-8")
    found = nmt("bench", "decode", export, "--input", "lines.txt", "--beam-size", 1)
    assert found.status == 0
    assert "one sentence, p50" in found.out
    assert nmt("bench", "decode", "--input", "nowhere.txt").status == 3


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [
        ("flags\t: fpu avx512_vnni\n", "int8"),
        ("flags\t: fpu avx2\n", "float32"),
        ("Features\t: asimd\n", "int8"),
    ],
)
def test_int8_is_chosen_only_where_it_does_not_overflow(
    export, tmp_path, monkeypatch, flags, wanted
):
    (tmp_path / "cpuinfo").write_text(flags, encoding="utf-8")
    monkeypatch.setattr("nmt.processor.LISTING", tmp_path / "cpuinfo")
    description = json.loads((export / "export.json").read_text(encoding="utf-8"))
    description["auto"] = "int8"
    (export / "export.json").write_text(json.dumps(description), encoding="utf-8")
    assert Export(export).choose("auto") == wanted
    assert Export(export).choose("int8") == "int8"


@pytest.mark.parametrize(("int8", "wanted"), [(29.9, "int8"), (29.8, "float32"), (31.0, "int8")])
def test_the_default_is_int8_where_it_costs_hardly_any_bleu(int8, wanted):
    assert preferred({"bleu": {"float32": 30.0, "int8": int8}}) == wanted
    assert preferred(None) == "float32"


def other_step(export):
    description = json.loads((export / "export.json").read_text(encoding="utf-8"))
    description["model"].update(step=3, fingerprint="0" * 16)
    (export / "export.json").write_text(json.dumps(description), encoding="utf-8")
    return "was made from step 3 of tiny (0000000000000000), not from step "


def replaced(export, name, graph):
    """Another graph, which the description knows."""
    (export / name).write_bytes(graph)
    description = json.loads((export / "export.json").read_text(encoding="utf-8"))
    description["files"][name] = sha256(graph).hexdigest()
    (export / "export.json").write_text(json.dumps(description), encoding="utf-8")
    return f"cannot be run by onnxruntime {onnxruntime.__version__} ("


def of_the_future(export):
    graph = onnx.load(export / "step.float32.onnx")
    for library in graph.opset_import:
        library.version = 9999
    return replaced(export, "step.float32.onnx", graph.SerializeToString())


def of_another_vocabulary(export):
    graph = onnx.load(export / "step.float32.onnx")
    onnx.helper.set_model_props(graph, {"vocabulary": "77777"})
    replaced(export, "step.float32.onnx", graph.SerializeToString())
    return "is not an export of this model: it has 77,777 words, not "


def no_graph(export):
    return replaced(export, "encoder.float32.onnx", b"<html>")


def cut_short(export):
    step = export / "step.float32.onnx"
    step.write_bytes(step.read_bytes()[:-100])
    return "step.float32.onnx is not the file that was exported"


def missing(export):
    (export / "encoder.float32.onnx").unlink()
    return "encoder.float32.onnx is missing"


def no_json(export):
    (export / "export.json").write_text("{", encoding="utf-8")
    return "export.json is not JSON, or was cut short"


def another_version(export):
    (export / "export.json").write_text('{"format": "nmt.export/9"}', encoding="utf-8")
    return "was not written by this version of nmt"


def half_described(export):
    (export / "export.json").write_text('{"format": "nmt.export/1"}', encoding="utf-8")
    return "export.json does not describe an export: it was changed, or is incomplete"


@pytest.mark.parametrize(
    "damage",
    [
        of_another_vocabulary,
        other_step, of_the_future, no_graph, cut_short, missing, no_json, another_version,
        half_described,
    ],
)  # fmt: skip
def test_an_unusable_export_is_reported(nmt, export, damage):
    said = damage(export)
    command = ("translate", "I see cats", "--precision", "float32")
    strict = nmt(*command, "--engine", "onnx")
    assert strict.status == 3
    assert len(strict.err.splitlines()) == 1
    assert said in strict.err
    lenient = nmt(*command)
    assert lenient.status == 0
    assert f"warning: decoding by torch, because {export.relative_to(nmt.folder)}" in lenient.err
    assert said in lenient.err
    assert "decoding by torch on cpu, float32" in lenient.err


def test_a_missing_export_is_an_error_only_if_requested(nmt, export):
    shutil.rmtree(export)
    assert "decoding by torch" in nmt("translate", "I see cats").err
    strict = nmt("translate", "I see cats", "--engine", "onnx")
    assert strict.status == 3
    assert "there is no export in runs/tiny/export; export again: nmt export" in strict.err
    small = nmt("translate", "I see cats", "--precision", "int8")
    assert (small.status, small.err) == (3, strict.err)


def test_a_single_precision_is_used_and_the_other_refused(nmt, export, caplog):
    with caplog.at_level(logging.WARNING):
        made = nmt("export", "--precision", "int8", "--output", "small")
    assert (made.status, made.out) == (0, "small\n")
    assert not caplog.records
    assert len(made.err.splitlines()) == 3  # which engine, which step, what size
    assert {path.name for path in Path("small").glob("*.onnx")} == {
        "encoder.int8.onnx", "step.int8.onnx",
    }  # fmt: skip
    assert "onnxruntime, int8" in nmt("translate", "I see cats", "--run", "small").err
    refused = nmt("translate", "I see cats", "--run", "small", "--precision", "float32")
    assert refused.status == 2
    assert "small holds int8, not float32" in refused.err
    shutil.rmtree(export)
    shutil.copytree("small", export)
    assert "torch on cpu, float32" in nmt("translate", "I see", "--precision", "float32").err
    assert "onnxruntime, int8" in nmt("translate", "I see", "--precision", "int8").err


def test_an_export_replaces_nothing_else(nmt):
    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("precious", encoding="utf-8")
    refused = nmt("export", "--output", "mine")
    assert refused.status == 2
    assert "mine holds something else" in refused.err
    assert Path("mine/thesis.txt").exists()


def test_an_export_replaces_neither_a_file_nor_the_current_folder(nmt, export, monkeypatch):
    refused = nmt("export", "--output", "tiny.yaml")
    assert (refused.status, len(refused.err.splitlines())) == (2, 1)
    assert "tiny.yaml is not a folder: name another folder with --output" in refused.err
    monkeypatch.chdir(export)
    for here in (".", export):
        refused = nmt("export", "..", "--output", here)
        assert (refused.status, len(refused.err.splitlines())) == (2, 1)
        assert f"you are in {export}, which cannot be replaced" in refused.err


def test_a_line_longer_than_translate_takes_is_measured_all_the_same(nmt, export):
    resolved = export.parent / "config.resolved.yaml"
    text = resolved.read_text(encoding="utf-8")
    resolved.write_text(
        text.replace("max_source_length: 1000", "max_source_length: 2"), encoding="utf-8"
    )
    assert nmt("translate", "I see cats", "--strict").status == 3
    shutil.rmtree(export)
    assert nmt("export").status == 0
    assert Export(export).description["quality"]["sentences"] == 12
    assert nmt("bench", "decode", "--engine", "onnx", "--beam-size", 1).status == 0


def test_int8_is_refused_with_the_actual_reason(nmt, export, monkeypatch):
    command = ("translate", "I see cats", "--precision", "int8")
    refused = nmt(*command, "--device", "cuda")
    assert (refused.status, len(refused.err.splitlines())) == (2, 1)
    assert "exports run on the processor, not on cuda" in refused.err
    with monkeypatch.context() as patch:
        patch.setattr("nmt.decoding.exported.find_spec", lambda name: None)
        assert "pip install 'nmt[onnx]'" in nmt(*command).err
    said = other_step(export)
    assert said in nmt(*command).err


def test_an_export_runs_on_no_other_device(nmt, export):
    shutil.copytree(export, "alone")
    for options in (("--run", "alone"), ("--engine", "onnx")):
        command = ("translate", "I see cats", *options)
        refused = nmt(*command, "--device", "cuda")
        assert (refused.status, len(refused.err.splitlines())) == (2, 1)
        assert "exports run on the processor, not on cuda: use --device cpu" in refused.err
        assert nmt(*command, "--device", "cpu").status == 0


def test_an_export_alone_is_evaluated_by_files(nmt, export):
    shutil.copytree(export, "alone")
    Path("train.tsv").unlink()
    refused = nmt("evaluate", "alone")
    assert (refused.status, len(refused.err.splitlines())) == (2, 1)
    assert "alone is an export" in refused.err
    assert "--input and --reference" in refused.err
    Path("a.en").write_text("I see cats\n", encoding="utf-8")
    Path("a.fr").write_text("je vois les chats\n", encoding="utf-8")
    assert nmt("evaluate", "alone", "--input", "a.en", "--reference", "a.fr").status == 0


def test_a_run_may_be_copied_without_links(nmt, export):
    wanted = nmt("translate", "I see cats")
    shutil.copytree(export.parent, "copy", symlinks=False)
    for folder in Path("copy/checkpoints").glob("step-*"):
        shutil.rmtree(folder)
    found = nmt("translate", "I see cats", "--run", "copy")
    assert (found.status, found.out, found.err) == (0, wanted.out, wanted.err)
    Path("copy/checkpoints/best/state.json").unlink()
    refused = nmt("translate", "I see cats", "--run", "copy")
    assert refused.status == 3
    assert "copy/checkpoints/best is not a checkpoint: state.json is missing" in refused.err


def test_the_peak_memory_is_that_of_translating(nmt, monkeypatch):
    asked = []
    peaks = {"peak_memory": 1.5, "best_rate": 2e9}
    for name, value in peaks.items():
        monkeypatch.setattr(
            f"nmt.workflows.bench.decoding.{name}",
            lambda *_, name=name, value=value, **__: asked.append(name) or value,
        )
    assert (
        json.loads(nmt("bench", "decode", "--json", "--engine", "onnx").out)["peak_memory_mb"]
        == 1.5
    )
    assert asked == ["peak_memory", "best_rate", "best_rate"]


def test_what_is_not_installed_is_named(nmt, monkeypatch):
    monkeypatch.setattr("nmt.workflows.export.find_spec", lambda name: None)
    refused = nmt("export")
    assert refused.status == 2
    assert "pip install 'nmt[onnx]'" in refused.err
    monkeypatch.setattr("nmt.decoding.exported.find_spec", lambda name: None)
    assert "decoding by torch" in nmt("translate", "I see cats").err
    strict = nmt("translate", "I see cats", "--engine", "onnx")
    assert strict.status == 2
    assert "pip install 'nmt[onnx]'" in strict.err


@pytest.mark.parametrize(
    "options",
    [("--engine", "torch", "--precision", "int8"), ("--engine", "onnx", "--precision", "bfloat16")],
)
def test_an_engine_refuses_a_precision_it_lacks(nmt, options):
    refused = nmt("translate", "I see cats", *options)
    assert refused.status == 2
    assert f"engine {options[1]} has no precision {options[3]}" in refused.err
