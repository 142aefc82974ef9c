"""Shortlists: counted as a loop counts them, and the same search as with all other words barred."""

import logging
from collections import defaultdict
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from nmt.checkpoint.run import Run
from nmt.config import DecodingConfig, TokenizerConfig
from nmt.data.corpus.types import Bitext
from nmt.data.tokenizers.base import BOS, EOS, PAD, UNK
from nmt.data.tokenizers.learn import Tokenizers, learn
from nmt.decoding import shortlist
from nmt.decoding.beam import beam_search
from nmt.decoding.engine import Engine
from nmt.decoding.hypothesis import Hypothesis
from nmt.decoding.shortlist import SPECIAL, CandidateTable, LinkCounts, Shortlist
from nmt.decoding.torch_engine import TorchEngine
from nmt.decoding.translator import Translator
from nmt.errors import CheckpointError
from nmt.models import Seq2Seq, build_model
from nmt.models.devices import Compute
from nmt.workflows.inference.load import load_trained
from nmt.workflows.inference.run_text import text_of
from nmt.workflows.inference.teacher_forcing import plain, teacher_force
from support.commands import Commands, lay_out
from support.tiny_models import EMBEDDING, VOCABULARIES, Kind, ids

CPU = Compute(torch.device("cpu"), bfloat16=False)
BFLOAT16 = Compute(torch.device("cpu"), bfloat16=True)
SOURCES = [[5, 9, 16, 4, 8, 3], [7, 3], [12, 8, 8, 3], [4, 3], [6, 11, 3]]
LIMITS = np.array([9, 2, 6, 4, 8])
KINDS = [
    Kind("luong", "lstm", "general"),
    Kind("luong", "gru", "additive", feeding=False, layers=2),
    Kind("bahdanau", "gru", "dot"),
    Kind("conditional", "lstm", "concat", readout="maxout"),
    Kind("transformer", score="scaled_dot", layers=2, encoder="self_attention"),
]
BEAMS = [(1, 1), (3, 1), (4, 4)]  # beam size and n-best
FIRST_WORD = 4
PAIRS = [
    ("we see the old house", "on voit la maison"),
    ("you love the garden", "tu aimes le jardin"),
    ("i love you and the old garden", "je t'aime et le vieux jardin"),
]


# The search


def table(*, width: int = 2, always: tuple[int, ...] = SPECIAL) -> CandidateTable:
    """For each source id, up to `width` random target ids, and in some places none."""
    random = np.random.default_rng(5)
    words = [i for i in range(VOCABULARIES.target) if i not in always]
    rows = [random.permutation(words)[: random.integers(width + 1)] for _ in range(17)]
    return CandidateTable(np.array(always), np.array([len(r) for r in rows]), np.concatenate(rows))


def whole_vocabulary() -> CandidateTable:
    """One in which every target id is a candidate of each source id."""
    words = np.arange(EOS + 1, VOCABULARIES.target)
    return CandidateTable(np.array(SPECIAL), np.full(17, len(words)), np.tile(words, 17))


def search(
    engine: Engine, rows: list[list[int]], limits: np.ndarray, beam: int, n_best: int
) -> list[list[Hypothesis]]:
    source = ids(rows).numpy()
    return beam_search(engine, source, size=beam, max_lengths=limits, n_best=n_best)


def assert_same(found: list[Hypothesis], wanted: list[Hypothesis], **near: float) -> None:
    assert [each.ids for each in found] == [each.ids for each in wanted]
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one.token_scores, other.token_scores, **near)
        np.testing.assert_allclose(one.attention, other.attention, **near)


def allowed(chosen: CandidateTable, size: int, row: list[int]) -> set[int]:
    """The candidates of a sentence, by a loop over its ids."""
    found = set(chosen.always.tolist())
    starts = np.cumsum([0, *chosen.lengths])
    for piece in row:
        found |= set(chosen.targets[starts[piece] : starts[piece + 1]][:size].tolist())
    return found


def barred(model: Seq2Seq, words: set[int]) -> Seq2Seq:
    """The same model, whose output layer gives all other words a logit of minus infinity."""
    limited = deepcopy(model)
    others = [i for i in range(VOCABULARIES.target) if i not in words]
    with torch.no_grad():
        limited.vocabulary.bias[others] = -torch.inf
    return limited


@pytest.mark.parametrize(("beam", "n_best"), BEAMS)
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_shortlist_of_the_whole_vocabulary_changes_nothing(
    kind: Kind, beam: int, n_best: int
) -> None:
    model = kind.build()
    everything = Shortlist(whole_vocabulary(), 13, VOCABULARIES.target)
    found = search(TorchEngine(model, CPU, everything), SOURCES, LIMITS, beam, n_best)
    wanted = search(TorchEngine(model, CPU), SOURCES, LIMITS, beam, n_best)
    for one, other in zip(found, wanted, strict=True):
        assert_same(one, other, rtol=0, atol=0)


@pytest.mark.parametrize(("beam", "n_best"), BEAMS)
@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("size", [1, 2])
def test_a_batch_finds_what_each_sentence_finds_alone_with_all_other_words_barred(
    kind: Kind, beam: int, n_best: int, size: int
) -> None:
    model, chosen = kind.build(), table()
    engine = TorchEngine(model, CPU, Shortlist(chosen, size, VOCABULARIES.target))
    found = search(engine, SOURCES, LIMITS, beam, n_best)
    for number, row in enumerate(SOURCES):
        alone = TorchEngine(barred(model, allowed(chosen, size, row)), CPU)
        [wanted] = search(alone, [row], LIMITS[number : number + 1], beam, n_best)
        assert_same(found[number], wanted, rtol=1e-5, atol=1e-6)


def test_bfloat16_has_shortlists_and_float32_logits() -> None:
    model, chosen = KINDS[0].build(dtype=torch.float32), table()
    short = Shortlist(chosen, 2, VOCABULARIES.target)
    engine = TorchEngine(model, BFLOAT16, short)
    session = engine.open(ids(SOURCES).numpy(), most=3)
    candidates = session.step(np.full(5, BOS), None, None)
    plain = TorchEngine(model, BFLOAT16).open(ids(SOURCES).numpy(), most=10)
    everything = plain.step(np.full(5, BOS), None, None)
    for row, source in enumerate(SOURCES):
        words = allowed(chosen, 2, source)
        pairs = zip(everything.tokens[row].tolist(), everything.scores[row], strict=True)
        wanted = [(token, score) for token, score in pairs if token in words][:3]
        assert candidates.tokens[row, : len(wanted)].tolist() == [token for token, _ in wanted]
        ratios = [score for _, score in wanted] - candidates.scores[row, : len(wanted)]
        np.testing.assert_allclose(ratios, ratios[0], atol=1e-5)  # the share of the other words


def test_a_sentence_with_no_word_among_its_candidates_ends_at_once() -> None:
    nothing = CandidateTable(np.array(SPECIAL), np.zeros(17, int), np.zeros(0, int))
    engine = TorchEngine(KINDS[0].build(), CPU, Shortlist(nothing, 3, VOCABULARIES.target))
    for found in search(engine, SOURCES, LIMITS, 4, 4):
        assert [each.ids for each in found] == [[EOS]]


def test_a_device_other_than_the_processor_gets_a_boolean_mask() -> None:
    """On the device `meta` nothing is computed, but types and shapes are checked."""
    device = torch.device("meta")
    model = KINDS[4].build(dtype=torch.float32).to(device)
    short = Shortlist(table(), 2, VOCABULARIES.target)
    session = TorchEngine(model, Compute(device, bfloat16=False), short).open(
        ids(SOURCES).numpy(), most=3
    )
    assert session.layer.others.dtype == torch.bool
    logits = session.layer(torch.zeros(10, EMBEDDING, device=device))
    assert logits.shape == (10, len(session.ids))


def test_a_whole_model_is_unchanged_by_its_short_sessions() -> None:
    model = KINDS[0].build()
    engine = TorchEngine(model, CPU, Shortlist(table(), 1, VOCABULARIES.target))
    engine.open(ids(SOURCES).numpy(), most=2)
    assert engine.model.vocabulary.weight.shape[0] == VOCABULARIES.target
    assert engine.model.state_dict().keys() == model.state_dict().keys()


# The candidates


def learned(kind: str, *, joint: bool = True) -> Tokenizers:
    logging.disable()  # the text supports only a few pieces
    config = TokenizerConfig(kind=kind, vocabulary_size=300, joint=joint)
    try:
        return learn(Bitext(*map(list, zip(*PAIRS, strict=True))), config, seed=1)
    finally:
        logging.disable(logging.NOTSET)


@pytest.fixture(params=[("bpe", True), ("bpe", False), ("word", True), ("word", False)], ids=str)
def tokenizers(request: pytest.FixtureRequest) -> Tokenizers:
    kind, joint = request.param
    return learned(kind, joint=joint)


def batches(tokenizers: Tokenizers) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Each pair in one batch with a pair of random pieces, padded, and random attention."""
    random = np.random.default_rng(2)
    for number, (source, target) in enumerate(PAIRS):
        rows = [[*tokenizers.source.encode([source])[0], EOS], [5, 6, EOS]]
        out = [[*tokenizers.target.encode([target])[0], EOS], [11 + number, EOS]]
        sides = ids(rows).numpy(), ids(out).numpy()
        weights = random.random((2, sides[1].shape[1], sides[0].shape[1])) ** 8
        yield *sides, weights.astype(np.float32)


def looped(tokenizers: Tokenizers) -> dict[int, dict[int, float]]:
    """Sums of weights by source id and target id, one cell at a time."""
    sums: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for source, target, weights in batches(tokenizers):
        for b, t, s in np.ndindex(weights.shape):
            piece, word = source[b, s].item(), target[b, t].item()
            if PAD not in (piece, word) and weights[b, t, s] > shortlist.FAINT:
                sums[piece][word] += float(weights[b, t, s])
    return sums


@pytest.mark.parametrize("merged_at", [1, 1 << 22])
def test_candidates_are_ranked_by_their_summed_attention(
    tokenizers: Tokenizers, merged_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shortlist, "MERGED_AT", merged_at)
    monkeypatch.setattr(shortlist, "FREQUENT", 2)
    counts = LinkCounts(tokenizers)
    for batch in batches(tokenizers):
        counts.add(*batch)
    found = counts.table()
    starts = np.cumsum([0, *found.lengths])
    sums = looped(tokenizers)
    targets = tokenizers.target.names
    assert len(found.lengths) == len(tokenizers.source)
    for piece, name in enumerate(tokenizers.source.names):
        own = [targets.index(name)] if name in targets else []
        linked = sorted(sums[piece], key=lambda word, of=sums[piece]: -of[word])
        wanted = [*own, *(word for word in linked if word not in own)]
        wanted = [word for word in wanted if word not in found.always]
        assert found.targets[starts[piece] : starts[piece + 1]].tolist() == wanted


def test_special_ids_bytes_and_frequent_pieces_are_always_candidates(
    tokenizers: Tokenizers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shortlist, "FREQUENT", 2)
    counts = LinkCounts(tokenizers)
    target = np.array([[9, 8, 9, 8, 8, 9, 10, EOS]])
    counts.add(np.array([[5, EOS]]), target, np.zeros((1, 8, 2)))
    names = tokenizers.target.names
    spelled = {names.index(f"<0x{byte:02X}>") for byte in range(256) if "<0x41>" in names}
    wanted = {PAD, UNK, BOS, EOS, 8, 9} | spelled
    assert set(counts.table().always.tolist()) == wanted
    chosen = Shortlist(counts.table(), 1, len(names)).select(np.array([[6, EOS]]))
    assert wanted <= set(chosen.ids[~chosen.others[0]].tolist())
    assert len(spelled) == (256 if tokenizers.target.suffix == ".model" else 0)


def test_only_the_likeliest_candidates_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortlist, "MOST_CANDIDATES", 3)
    monkeypatch.setattr(shortlist, "FREQUENT", 0)
    counts = LinkCounts(learned("word", joint=False))
    target = np.array([[4, 5, 6, 7, 8]])
    counts.add(np.array([[4]]), target, np.array([[[0.1], [0.5], [0.3], [0.4], [0.2]]]))
    first = counts.table().first(9)[4]
    assert first.tolist() == [5, 7, 6, *[EOS] * 6]


def test_a_selection_is_the_union_of_the_sentences_and_marks_each_ones_own() -> None:
    chosen = table()
    selection = Shortlist(chosen, 2, VOCABULARIES.target).select(ids(SOURCES).numpy())
    own = [allowed(chosen, 2, row) for row in SOURCES]
    assert selection.ids.tolist() == sorted(set.union(*own))
    for row, words in enumerate(own):
        assert set(selection.ids[~selection.others[row]].tolist()) == words


def test_batches_compute_few_numbers_of_candidates() -> None:
    """A new number would make the library of products generate code."""
    random = np.random.default_rng(3)
    lengths = np.full(500, 7)
    targets = random.integers(4, 900, 7 * 500)
    short = Shortlist(CandidateTable(np.array(SPECIAL), lengths, targets), 7, 900)
    sizes = set()
    for batch in range(1, 60):
        source = random.integers(4, 500, (batch, 3))
        selection = short.select(source)
        wanted = set(SPECIAL).union(*(targets.reshape(500, 7)[row].ravel() for row in source))
        own = {number for mask in selection.others for number in selection.ids[~mask].tolist()}
        assert own == wanted
        assert set(selection.ids) >= wanted
        assert len(set(selection.ids)) == len(selection.ids) <= max(16, 1.13 * len(wanted))
        sizes.add(len(selection.ids))
    assert len(sizes) < 30


# The file


IDENTITY = {"model": "m1", "tokenizer": "t1"}


@pytest.fixture
def kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, CandidateTable, Tokenizers]:
    monkeypatch.setattr(shortlist, "FREQUENT", 2)  # of a vocabulary that is hardly larger than 100
    tokenizers = learned("word")
    counts = LinkCounts(tokenizers)
    for batch in batches(tokenizers):
        counts.add(*batch)
    made = counts.table()
    made.write(tmp_path / "shortlist.safetensors", IDENTITY, root=tmp_path)
    return tmp_path / "shortlist.safetensors", made, tokenizers


def test_a_table_is_read_as_it_was_written(
    kept: tuple[Path, CandidateTable, Tokenizers],
) -> None:
    path, made, tokenizers = kept
    read = CandidateTable.read(path, IDENTITY, tokenizers)
    for name, array in vars(made).items():
        np.testing.assert_array_equal(getattr(read, name), array)


@pytest.mark.parametrize("other", [{"model": "m2"}, {"tokenizer": "t2"}])
def test_a_table_of_another_checkpoint_is_refused(
    kept: tuple[Path, CandidateTable, Tokenizers], other: dict[str, str]
) -> None:
    path, _, tokenizers = kept
    with pytest.raises(CheckpointError, match="from another checkpoint"):
        CandidateTable.read(path, IDENTITY | other, tokenizers)


def test_a_missing_table_is_no_damage(kept: tuple[Path, CandidateTable, Tokenizers]) -> None:
    path, _, tokenizers = kept
    path.unlink()
    with pytest.raises(FileNotFoundError):
        CandidateTable.read(path, IDENTITY, tokenizers)


def changed(made: CandidateTable, **arrays: Any) -> CandidateTable:
    return CandidateTable(**{**vars(made), **arrays})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda made: changed(made, targets=made.targets + 1000), "outside the vocabulary"),
        (lambda made: changed(made, targets=made.targets - 1000), "outside the vocabulary"),
        (lambda made: changed(made, targets=made.targets[:-1]), "lacks targets"),
        (lambda made: changed(made, lengths=made.lengths[:-1]), "of another vocabulary"),
        (lambda made: changed(made, lengths=made.lengths - 1), "of another vocabulary"),
        (lambda made: changed(made, always=made.always[made.always != EOS]), "lacks EOS"),
        (lambda made: changed(made, always=made.always[:, None]), "other shapes"),
    ],
)
def test_a_table_that_cannot_be_is_refused(
    kept: tuple[Path, CandidateTable, Tokenizers], change: Any, reason: str
) -> None:
    path, made, tokenizers = kept
    change(made).write(path, IDENTITY, root=path.parent)
    with pytest.raises(CheckpointError, match=reason):
        CandidateTable.read(path, IDENTITY, tokenizers)


@pytest.mark.parametrize("length", [0, 5, 40, 200, -1])
def test_a_table_that_was_cut_short_is_refused(
    kept: tuple[Path, CandidateTable, Tokenizers], length: int
) -> None:
    path, _, tokenizers = kept
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(CheckpointError, match="shortlist.safetensors"):
        CandidateTable.read(path, IDENTITY, tokenizers)


# The translator and the commands


def test_translations_with_byte_fallback_do_not_depend_on_the_batch() -> None:
    tokenizers = learned("bpe")
    torch.manual_seed(3)
    model = build_model(KINDS[0].config(), tokenizers.vocabularies).eval()
    counts = LinkCounts(tokenizers)
    for batch in batches(tokenizers):
        counts.add(*batch)
    short = Shortlist(counts.table(), 3, len(tokenizers.target))
    engine = TorchEngine(model, CPU, short)
    sentences = ["we see the garden", "prêt ?", "", "you", "the old house and the old garden"]
    config = DecodingConfig(beam_size=3, n_best=2)
    together = Translator(engine, tokenizers, config).translate(sentences)
    for sentence, translated in zip(sentences, together, strict=True):
        [alone] = Translator(engine, tokenizers, config).translate([sentence])
        assert [each.text for each in alone.best] == [each.text for each in translated.best]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shortlist")
    lay_out(folder)
    return folder


@pytest.fixture
def nmt(trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Commands:
    commands = Commands(trained, monkeypatch, capsys)
    if not (trained / "runs").exists():
        found = commands("train", "tiny.yaml", "device=cpu")
        assert found.status == 0, found.err
    return commands


@pytest.mark.slow
def test_a_run_makes_its_table_once_and_again_for_another_checkpoint(nmt: Commands) -> None:
    path = nmt.folder / "runs/tiny/shortlist.safetensors"
    ask = ("translate", "I love dogs", "--shortlist", 3, "--checkpoint")
    first = nmt(*ask, "best")
    assert first.status == 0
    assert "counting a shortlist in the attention over 125 training pairs" in first.err
    assert "shortlist of 3" in first.err
    made, arrays = path.read_bytes(), load_file(path)
    assert "counting" not in nmt("translate", "I love dogs", "--shortlist", 5).err
    steps = sorted(path.parent.glob("checkpoints/step-*"))
    best = (path.parent / "checkpoints/best").resolve()
    other = next(step.name.removeprefix("step-") for step in steps if step != best)
    assert "made from another checkpoint" in nmt(*ask, other).err
    path.write_bytes(made[:100])
    again = nmt(*ask, "best")
    assert "is damaged" in again.err
    assert again.out == first.out
    for name, array in load_file(path).items():
        np.testing.assert_array_equal(array, arrays[name])


@pytest.mark.slow
def test_the_table_of_a_run_sums_the_attention_that_predicts_each_piece(
    nmt: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The matrices are those of `nmt align`, whose row t predicts piece t."""
    monkeypatch.setattr(shortlist, "FREQUENT", 1)
    run = Run(nmt.folder / "runs/tiny")
    run.shortlist.unlink(missing_ok=True)
    decoding = DecodingConfig(engine="torch", precision="float32", shortlist=3)
    trained = load_trained(run, device="cpu", decoding=decoding)
    tokenizers = trained.tokenizers
    pairs = [(plain(s), plain(t)) for s, t in text_of(run, trained.config, "train").bitext]
    sums = np.zeros((len(tokenizers.source), len(tokenizers.target)))
    for forced in teacher_force(trained, pairs):
        sides = [each.text for each in forced.pair]
        [source], [target] = (
            tokenizers.source.encode(sides[:1]),
            tokenizers.target.encode(sides[1:]),
        )
        for word, row in zip([*target, EOS], forced.weights, strict=True):
            for piece, weight in zip([*source, EOS], row, strict=True):
                sums[piece, word] += weight if weight > shortlist.FAINT else 0
    table = trained.engine.shortlist.table
    sums[:, table.always] = 0
    np.fill_diagonal(sums, 0)  # of a joint vocabulary: a piece itself comes first
    starts = np.cumsum([0, *table.lengths])
    assert (sums > 0).any(axis=1).sum() > 10
    for piece, row in enumerate(sums):
        found = table.targets[starts[piece] : starts[piece + 1]]
        found = found[found != piece]
        assert set(found) == set(np.flatnonzero(row))
        assert (np.diff(row[found]) < 1e-5).all()


@pytest.mark.slow
def test_scores_with_a_shortlist_are_kept_apart(nmt: Commands) -> None:
    assert nmt("evaluate", "--shortlist", 4).status == 0
    assert (nmt.folder / "runs/tiny/evaluation/test/shortlist-4/scores.json").exists()


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_still_translates(
    nmt: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = nmt.folder / "runs/tiny/shortlist.safetensors"
    path.unlink(missing_ok=True)
    path.mkdir()
    (path / "file").touch()
    try:
        found = nmt("translate", "I love dogs", "--shortlist", 4)
    finally:
        (path / "file").unlink()
        path.rmdir()
    assert found.status == 0
    assert "the shortlist is not kept" in found.err


@pytest.mark.slow
@pytest.mark.parametrize("options", [("--engine", "onnx"), ("--precision", "int8")])
def test_exports_have_no_shortlist(nmt: Commands, options: tuple[str, ...]) -> None:
    found = nmt("translate", "I love dogs", "--shortlist", 4, *options)
    assert found.status == 2
    assert "exports compute the whole vocabulary: set it to 0" in found.err


@pytest.mark.slow
def test_a_model_without_attention_has_no_shortlist(nmt: Commands) -> None:
    without = ("model.attention.score=none", "name=none", "device=cpu", "training.epochs=1")
    assert nmt("train", "tiny.yaml", *without).status == 0
    found = nmt("translate", "I love dogs", "--run", "runs/none", "--shortlist", 4)
    assert found.status == 2
    assert "has no attention" in found.err
    assert "set decoding.shortlist to 0" in found.err


@pytest.mark.slow
def test_a_config_asks_for_a_shortlist_from_the_training_on(nmt: Commands) -> None:
    asked = ("decoding.shortlist=3", "name=short", "device=cpu", "training.epochs=1")
    found = nmt("train", "tiny.yaml", *asked)
    assert found.status == 0
    assert found.err.count("counting a shortlist") == 1
    assert (nmt.folder / "runs/short/shortlist.safetensors").exists()
    assert nmt("train", "tiny.yaml", *asked, "--overwrite").status == 0
    assert nmt("evaluate", "runs/short", "--shortlist", 0).status == 0
    assert (nmt.folder / "runs/short/evaluation/test/shortlist-0").exists()
