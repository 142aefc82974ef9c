"""`nmt align`: given pairs read by a small run, and everything that can be wrong with them."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from nmt.checkpoint.run import Run
from nmt.data.corpus.types import Bitext
from nmt.data.phrasebook import splits
from nmt.data.tokenizers.base import BOS, EOS
from nmt.data.tokenizers.learn import Piece
from nmt.data.words import Word
from nmt.errors import DataError
from nmt.evaluation.linking import row_maxima
from nmt.evaluation.pharaoh import pharaoh
from nmt.evaluation.records import read_records
from nmt.evaluation.words import side
from nmt.models import build_model
from nmt.workflows.inference.attention_scores import attention_scores
from nmt.workflows.inference.load import TrainedModel, load_trained
from nmt.workflows.inference.run_text import Text
from nmt.workflows.inference.teacher_forcing import (
    ForcedPair,
    SegmentedSentence,
    plain,
    teacher_force,
    tokenised,
)
from support.commands import Commands, lay_out
from support.tiny_models import Kind

LONGER = ["training.epochs=30", "training.validate_every=999"]  # until it attends to words
BACK = ["data.files.train=back.tsv", "data.source=fr", "data.target=en", "name=back", *LONGER]
BLIND = ["model.attention.score=none", "training.epochs=1", "name=blind"]
ENGLISH = "I see dogs\nwe love trees\n\nthey hear birds you know cats\n"
FRENCH = "je vois les chiens\nnous aime les arbres\n\nils entends les oiseaux\n"
GOLD = "0-0 1-1 2?2 2-3\n0-0 1-1 2?2 2-3\n\n0-0 1-1 2-3\n"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder with three runs: tiny, one in the other direction, and one without attention."""
    folder = tmp_path_factory.mktemp("runs")
    lay_out(folder)
    swapped = ["\t".join(line.split("\t")[::-1]) for line in lines(folder / "train.tsv")]
    write(folder / "back.tsv", "\n".join(swapped) + "\n")
    patch = pytest.MonkeyPatch()
    patch.chdir(folder)
    from nmt.cli import main

    for overrides in (BACK, BLIND, LONGER):  # the last is runs/latest
        patch.setattr(sys, "argv", ["nmt", "train", "tiny.yaml", *overrides])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
    patch.undo()
    return folder


@pytest.fixture
def nmt(runs, tmp_path, monkeypatch, capsys):
    """The command, in a copy of that folder, with texts to align and their gold."""
    work = tmp_path / "work"
    shutil.copytree(runs, work, symlinks=True)
    for name, text in (("in.en", ENGLISH), ("in.fr", FRENCH), ("in.gold", GOLD)):
        write(work / name, text)
    return Commands(work, monkeypatch, capsys)


@pytest.fixture
def tiny(runs) -> TrainedModel:
    return load_trained(Run(runs / "runs" / "tiny"))


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n")[:-1]


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def links_of(line: str) -> set[tuple[int, int]]:
    return {(int(s), int(t)) for s, t in (link.split("-") for link in line.split())}


def test_a_line_of_links_for_each_pair_and_an_empty_one_for_an_empty_pair(nmt):
    found = nmt("align", "in.en", "in.fr")
    assert found.status == 0
    links = [links_of(line) for line in found.out.split("\n")]
    assert len(links) == 5
    assert links[2] == links[4] == set()
    for number, (source, target) in enumerate([(3, 4), (3, 4), (0, 0), (6, 4)]):
        assert all(s < source and t < target for s, t in links[number])
        assert len({t for _, t in links[number]}) == len(links[number])  # one per target word


def test_links_are_the_largest_weights_of_the_records_that_translate_writes(nmt):
    """Teacher forcing on the output of a greedy search gives the same attention."""
    nmt("translate", "I see dogs", "they hear birds", "--beam-size", 1, "--engine", "torch")
    wanted, sides = [], ([], [])
    for record in read_records(nmt.folder / "runs/latest/translations/attention.jsonl"):
        weights = np.array(record.word_weights)
        rows = len(record.target_words) - (record.target_words[-1] == "</s>")
        largest = weights[:rows].argmax(axis=1).tolist()
        end = record.source_words.index("</s>")
        wanted.append({(s, t) for t, s in enumerate(largest) if s != end})
        sides[0].append(record.source)
        sides[1].append(record.target)
    for name, texts in zip(("a.en", "a.fr"), sides, strict=True):
        write(nmt.folder / name, "".join(f"{text}\n" for text in texts))
    found = nmt("align", "a.en", "a.fr", "--plain").out.split("\n")[:-1]
    assert list(map(links_of, found)) == wanted
    assert any(wanted)


def test_weights_are_those_of_the_model_step_by_step(tiny):
    """Whatever the batch of a pair; the loop below does what decoding does."""
    texts = [("I see dogs", "je vois les chiens"), ("we love trees and men", "nous aime"), ("", "")]
    found = list(teacher_force(tiny, [(plain(source), plain(target)) for source, target in texts]))
    assert found[2].weights.shape == (0, 0)
    for (source, target), seen in zip(texts[:2], found, strict=False):
        ids = torch.tensor([[*tiny.tokenizers.source.encode_with_offsets(source).ids, EOS]])
        model, rows = tiny.model, []
        with torch.inference_mode():
            memory = model.encode(ids, torch.ones_like(ids, dtype=torch.bool))
            state = model.start(memory)
            for previous in (BOS, *tiny.tokenizers.target.encode_with_offsets(target).ids):
                step = model.step(torch.tensor([previous]), state, memory)
                state = step.state
                rows.append(step.attention[0].numpy())
        np.testing.assert_allclose(seen.weights, np.array(rows), atol=1e-5)


def test_a_shift_takes_the_next_row_for_each_piece():
    """Two words of three pieces, then </s>; the source has two words of one piece."""
    pair = (SegmentedSentence("a b", [Word("a", 0, 1), Word("b", 2, 3)]),
            SegmentedSentence("cc d", [Word("cc", 0, 2), Word("d", 3, 4)]))  # fmt: skip
    pieces = (
        [Piece("a", 0, 1), Piece("b", 1, 3)],
        [Piece("c", 0, 1), Piece("c", 1, 2), Piece("d", 2, 4)],
    )
    weights = np.array([[0.8, 0.1, 0.1], [0.2, 0.6, 0.2], [0, 1, 0], [0.5, 0.1, 0.4]])
    seen = ForcedPair(pair, pieces, weights)
    np.testing.assert_allclose(seen.between_words(0), [[0.5, 0.35, 0.15], [0, 1, 0]])
    np.testing.assert_allclose(seen.between_words(1), [[0.1, 0.8, 0.1], [0.5, 0.1, 0.4]])
    assert pharaoh(row_maxima(seen.between_words(1))) == "0-1 1-0"


def test_tokens_are_kept_as_given_whatever_nmt_would_call_a_word(nmt):
    write(nmt.folder / "a.en", "I see-dogs's , don't\n\tI\u00a0 see \n")
    write(nmt.folder / "a.fr", "je donne-moi aujourd' hui !\nje\n")
    write(nmt.folder / "a.gold", "3-4\n1-0\n")
    found = nmt("align", "a.en", "a.fr", "--gold", "a.gold", "--json")
    assert json.loads(found.out)["words"] == "as given"
    write(nmt.folder / "a.gold", "4-4\n1-0\n")
    assert (
        "a.gold:1: link 4-4 is out of range: the pair has 4 and 5 words"
        in nmt("align", "a.en", "a.fr", "--gold", "a.gold").err
    )
    write(nmt.folder / "a.gold", "0-6\n1-0\n")  # je donne -moi aujourd ' hui !
    found = nmt("align", "a.en", "a.fr", "--gold", "a.gold", "--json", "--plain")
    assert json.loads(found.out)["words"] == "split"


def test_a_word_that_cleaning_empties_keeps_its_number():
    marked = tokenised("je \x01 t' \x02\n")
    assert marked.text == "je  t' "
    assert [word.text for word in marked.words] == ["je", "", "t'", ""]
    assert [marked.text[word.start : word.end] for word in marked.words] == ["je", "", "t'", ""]
    pieces = [Piece("je", 0, 2), Piece("t'", 2, 6)]
    assert side(marked.text, pieces, words=marked.words).shares.argmax(axis=0).tolist() == [0, 2]
    assert len(side(marked.text, pieces, words=marked.words).words) == 4


def test_gold_scores_come_with_the_baselines(nmt):
    found = nmt("align", "in.en", "in.fr", "--gold", "in.gold", "--json")
    scores = json.loads(found.out)
    made = [links_of(line) for line in scores["alignments"]]
    sure = [links_of(line) for line in ("0-0 1-1 2-3", "0-0 1-1 2-3", "", "0-0 1-1 2-3")]
    possible = [sure[0] | {(2, 2)}, sure[1] | {(2, 2)}, set(), sure[3]]
    hits = sum(len(a & s) for a, s in zip(made, sure, strict=True))
    allowed = sum(len(a & p) for a, p in zip(made, possible, strict=True))
    total = sum(map(len, made))
    assert scores["precision"] == pytest.approx(allowed / total)
    assert scores["recall"] == pytest.approx(hits / 9)
    assert scores["aer"] == pytest.approx(1 - (hits + allowed) / (total + 9))
    assert scores["gold"] == {"sure": 9, "possible": 11}
    assert (scores["sentences"], scores["links"]) == (4, total)
    # 0-0 1-1 1-2 2-3 twice; of six source words for four, 0-0 2-1 3-2 5-3
    assert scores["baselines"]["diagonal"]["aer"] == pytest.approx(1 - (7 + 7) / (12 + 9))
    expected = 1 - ((3 + 4) / 3 * 2 + (3 + 3) / 6) / (12 + 9)
    assert scores["baselines"]["uniform"]["aer"] == pytest.approx(expected)
    assert (scores["method"], scores["shift"]) == ("maxima", 0)
    assert scores["model"]["run"] == "tiny"


def test_without_json_links_go_to_stdout_and_scores_to_stderr(nmt):
    plainly = nmt("align", "in.en", "in.fr")
    found = nmt("align", "in.en", "in.fr", "--gold", "in.gold")
    assert found.out == plainly.out
    assert [line.split()[0] for line in found.err.split("\n")[-5:-1]] == [
        "precision", "attention", "diagonal", "uniform",
    ]  # fmt: skip
    assert "alignments" in json.loads(nmt("align", "in.en", "in.fr", "--json").out)


def matrices(run: Run, texts: tuple[str, str], shift: int = 0) -> list[np.ndarray]:
    sides = [[tokenised(line) for line in text.split("\n")[:-1]] for text in texts]
    pairs = list(zip(*sides, strict=True))
    return [seen.between_words(shift) for seen in teacher_force(load_trained(run), pairs)]


def test_each_method_makes_the_links_of_its_description(nmt):
    """The weights once, and each rule as a loop over them."""
    columns = zip(*(line.split("\t") for line in lines(nmt.folder / "train.tsv")), strict=True)
    english, french = ("\n".join(column) + "\n" for column in columns)
    write(nmt.folder / "all.en", english)
    write(nmt.folder / "all.fr", french)
    weights = matrices(Run(nmt.folder / "runs/tiny"), (english, french))
    others = matrices(Run(nmt.folder / "runs/back"), (french, english))
    row, column, heavy, both = [], [], [], []
    for matrix, other in zip(weights, others, strict=True):
        targets, sources = matrix.shape[0], matrix.shape[1] - 1
        row.append({(int(matrix[t].argmax()), t) for t in range(targets)})
        row[-1] = {(s, t) for s, t in row[-1] if s < sources}
        column.append({(s, int(matrix[:, s].argmax())) for s in range(sources) if targets})
        heavy.append(
            {(s, t) for s in range(sources) for t in range(targets) if matrix[t, s] >= 0.15}
        )
        back = {(s, int(other[s].argmax())) for s in range(sources)}
        both.append(row[-1] & {(s, t) for s, t in back if t < targets})
    crossed = [one & other for one, other in zip(row, column, strict=True)]
    for options, wanted in (
        ([], row),
        (["--links", "threshold", "--threshold", 0.15], heavy),
        (["--links", "intersection"], crossed),
        (["--links", "intersection", "--reverse", "back"], both),
    ):
        found = nmt("align", "all.en", "all.fr", *options).out.split("\n")[:-1]
        assert list(map(links_of, found)) == wanted
        assert any(s != t for links in wanted for s, t in links)  # some mirrored
    assert len({str(links) for links in (row, heavy, crossed, both)}) == 4


def test_json_names_how_both_directions_were_combined(nmt):
    def told(*options: object) -> dict[str, object]:
        return json.loads(
            nmt("align", "in.en", "in.fr", "--links", "intersection", "--json", *options).out
        )

    assert told()["of"] == "row and column maxima"
    found = told("--reverse", "runs/back", "--shift", 1)
    assert found["of"] == "both runs' row maxima"
    assert (found["reverse"]["run"], found["shift"]) == ("back", 1)
    assert found["links"] == sum(len(line.split()) for line in found["alignments"])


def test_a_pair_with_more_pieces_than_the_model_has_positions_is_named_by_its_line(runs):
    trained = load_trained(Run(runs / "runs/tiny"))
    kind = Kind("bahdanau", "gru", "location", attention=(("max_positions", 3),))
    model = build_model(kind.config(), trained.tokenizers.vocabularies)
    trained.__dict__["model"] = model.eval()
    pairs = [("I", "je"), ("", ""), ("you", "tu"), ("I see dogs and cats", "je"), ("he", "il")]
    with pytest.raises(DataError, match="^line 4: score 'location' has 3 positions, but a sentenc"):
        list(
            teacher_force(
                trained, [(tokenised(source), tokenised(target)) for source, target in pairs]
            )
        )


def test_a_shift_reads_the_next_row(nmt):
    weights = matrices(Run(nmt.folder / "runs/tiny"), (ENGLISH, FRENCH), shift=1)
    found = nmt("align", "in.en", "in.fr", "--shift", 1).out.split("\n")[:-1]
    assert list(map(links_of, found)) == [set(row_maxima(matrix)) for matrix in weights]
    assert found != nmt("align", "in.en", "in.fr").out.split("\n")[:-1]


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["no.en", "in.fr"], 3, "no file no.en (looked in "),
        (["runs", "in.fr"], 3, "runs is a folder: give a text file"),
        (["short.en", "in.fr"], 3, "short.en has 1 lines and in.fr has 4: each line needs"),
        (["empty", "empty"], 3, "empty and empty are empty: there is nothing to align"),
        (["in.en", "in.fr", "--gold", "no"], 3, "no file no (looked in "),
        (["in.en", "in.fr", "--gold", "short.en"], 3, "short.en has 1 lines for 4 pairs: write"),
        (["in.en", "in.fr", "--gold", "broken"], 3, "broken:2: '1_1' is not a link; write SOURCE-"),
        (["in.en", "in.fr", "--gold", "far"], 3, "far:4: link 6-0 is out of range: the pair has"),
        (["in.en", "in.fr", "--gold", "late"], 3, "late:3: link 0-0 is out of range: the pair has"),
        (["in.en", "in.fr", "--run", "nowhere"], 2, "nowhere is not a run folder; train one: nmt"),
        (["in.en", "in.fr", "--run", "blind"], 2, "blind has no attention (model.attention.score"),
        (["in.en", "in.fr", "--run", "alone"], 2, "alone is an export, which cannot read"),
        (["in.en", "in.fr", "--links", "maxim"], 2, "unknown link method 'maxim'; did you mean"),
        (
            ["in.en", "in.fr", "--shift", 2],
            2,
            "--shift is 2: it must be 0 (row t) or 1 (row t + 1)",
        ),
        (["in.en", "in.fr", "--threshold", 0.2], 2, "--threshold is for --links threshold, not"),
        (
            ["in.en", "in.fr", "--links", "threshold", "--threshold", 0],
            2,
            "--threshold is 0.0: it must be above 0 and at most 1",
        ),
        (["in.en", "in.fr", "--reverse", "back"], 2, "--reverse is for --links intersection, not"),
        (
            ["in.en", "in.fr", "--links", "intersection", "--reverse", "tiny"],
            2,
            "translates en to fr, not fr to en: train one on data.source=fr data.target=en",
        ),
        (
            ["in.en", "in.fr", "--links", "intersection", "--reverse", "renamed"],
            2,
            "renamed learned from the same text as ",
        ),
        (
            ["in.en", "in.fr", "--links", "intersection", "--reverse", "blind"],
            2,
            "blind has no attention",
        ),
    ],
)
def test_each_mistake_is_reported_in_one_line(nmt, options, status, message):
    shutil.copytree(nmt.folder / "runs/tiny", nmt.folder / "renamed")
    config = nmt.folder / "renamed/config.resolved.yaml"
    flipped = config.read_text(encoding="utf-8").replace("source: en", "source: fr")
    write(config, flipped.replace("target: fr", "target: en"))
    (nmt.folder / "alone").mkdir()
    shutil.copy(nmt.folder / "runs/tiny/config.resolved.yaml", nmt.folder / "alone")
    write(nmt.folder / "alone/export.json", "{}")
    for name, text in {
        "short.en": "I see dogs\n",
        "empty": "",
        "broken": "0-0\n0-0 1_1\n\n\n",
        "far": "0-0\n\n\n6-0\n",
        "late": "\n\n0-0\n\n",
    }.items():
        write(nmt.folder / name, text)
    found = nmt("-q", "align", *options)
    assert (found.status, found.out) == (status, "")
    assert found.err.count("\n") == 1
    assert message in found.err


def test_without_a_run_one_line_says_how_to_train_one(tmp_path, monkeypatch, capsys):
    nmt = Commands(tmp_path, monkeypatch, capsys)
    for name in ("a", "b"):
        write(tmp_path / name, "I\n")
    found = nmt("align", "a", "b")
    assert (found.status, found.err.count("\n")) == (2, 1)
    assert "no trained run here" in found.err


def test_gold_without_sure_links_gives_a_warning(nmt):
    write(nmt.folder / "vague", "0?0\n\n\n1?1\n")
    found = nmt("align", "in.en", "in.fr", "--gold", "vague", "--json")
    assert "warning: vague has no sure link: recall cannot be measured" in found.err
    assert json.loads(found.out)["recall"] == 0


# The attention in `scores.json`


def test_the_phrasebook_is_measured_by_its_own_gold(tiny):
    pairs = splits()["test"][:7]
    bitext = Bitext([pair.source for pair in pairs], [pair.target for pair in pairs])
    scores = attention_scores(tiny, Text(bitext, "phrasebook"))
    made = sure = hits = 0
    entropies = []
    found = teacher_force(tiny, [(plain(source), plain(target)) for source, target in bitext])
    for pair, seen in zip(pairs, found, strict=True):
        links = row_maxima(seen.between_words(0))
        made, sure = made + len(links), sure + len(pair.links)
        hits += len(links & set(pair.links))
        entropies += [-sum(w * np.log(w) for w in row if w > 0) for row in seen.weights]
    assert scores["alignment"]["precision"] == pytest.approx(hits / made)
    assert scores["alignment"]["recall"] == pytest.approx(hits / sure)
    assert scores["alignment"]["aer"] == pytest.approx(1 - 2 * hits / (made + sure))
    assert scores["attention_entropy"] == pytest.approx(np.mean(entropies), abs=1e-4)
    assert scores["gold_links"]["links"] == sure


def test_a_french_english_run_is_measured_by_the_reversed_gold(runs):
    back = load_trained(Run(runs / "runs" / "back"))
    pairs = splits()["test"][:7]
    bitext = Bitext([pair.target for pair in pairs], [pair.source for pair in pairs])
    found = attention_scores(back, Text(bitext, "phrasebook"))["alignment"]
    gold = [{(french, english) for english, french in pair.links} for pair in pairs]
    made = [
        row_maxima(seen.between_words(0))
        for seen in teacher_force(
            back, [(plain(source), plain(target)) for source, target in bitext]
        )
    ]
    hits = sum(len(links & wanted) for links, wanted in zip(made, gold, strict=True))
    assert found["recall"] == pytest.approx(hits / sum(map(len, gold)))
    assert found["precision"] == pytest.approx(hits / sum(map(len, made)))


def test_other_corpora_have_only_an_entropy_and_runs_without_attention_nothing(runs, tiny):
    bitext = Bitext(["I see dogs"], ["je vois les chiens"])
    assert set(attention_scores(tiny, Text(bitext, "files"))) == {"attention_entropy"}
    blind = load_trained(Run(runs / "runs" / "blind"))
    assert attention_scores(blind, Text(bitext, "phrasebook")) == {}
    scores = json.loads((runs / "runs/tiny/evaluation/test/scores.json").read_text("utf-8"))
    assert 0 < scores["attention_entropy"] < 3
