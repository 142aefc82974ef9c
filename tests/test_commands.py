"""The commands as a user sees them: one small run, and everything that is done with it."""

import io
import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from nmt.evaluation.records import read_records
from nmt.models.precision import Timings
from support.commands import Commands, lay_out

FOLDERS = {"checkpoints", "data", "evaluation", "samples", "tokenizer"}
FILES = {
    "README.md",
    "config.resolved.yaml",
    "config.yaml",
    "manifest.json",
    "metrics.jsonl",
    "train.log",
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder in which `nmt train tiny.yaml` has ended."""
    folder = tmp_path_factory.mktemp("trained")
    lay_out(folder)
    patch = pytest.MonkeyPatch()
    patch.chdir(folder)
    patch.setattr(sys, "argv", ["nmt", "train", "tiny.yaml"])
    from nmt.cli import main

    with pytest.raises(SystemExit) as ended:
        main()
    patch.undo()
    assert not ended.value.code
    return folder


@pytest.fixture
def nmt(trained, tmp_path, monkeypatch, capsys):
    """The command, in a copy of that folder."""
    shutil.copytree(trained, tmp_path / "work", symlinks=True)
    return Commands(tmp_path / "work", monkeypatch, capsys)


@pytest.fixture
def fresh(tmp_path, monkeypatch, capsys):
    """The command in a folder where nothing has been trained yet."""
    lay_out(tmp_path)
    return Commands(tmp_path, monkeypatch, capsys)


def test_a_run_folder_holds_all_that_the_design_names(trained):
    run = trained / "runs" / "tiny"
    assert {path.name for path in run.iterdir()} == FOLDERS | FILES
    assert (trained / "runs" / "latest").resolve() == run
    assert {path.name for path in (run / "evaluation" / "test").iterdir()} == {
        "attention.jsonl", "hypotheses.txt", "scores.json",
    }  # fmt: skip
    last = run / "checkpoints" / "last"
    assert {path.suffix for path in last.iterdir()} == {".safetensors", ".json"}


def test_every_test_sentence_has_its_hypothesis_and_its_attention(trained):
    test = trained / "runs" / "tiny" / "evaluation" / "test"
    hypotheses = test.joinpath("hypotheses.txt").read_text(encoding="utf-8").split("\n")[:-1]
    records = list(read_records(test / "attention.jsonl"))
    assert len(hypotheses) == len(records) == 13
    assert [record.target for record in records] == hypotheses
    for record in records:
        assert all(abs(sum(row) - 1) < 1e-4 for row in record.weights)
    assert records[0].attention == {
        "score": "general", "normalizer": "softmax", "scope": "global", "choice": "soft",
        "heads": 1, "state": "s_t",
    }  # fmt: skip


def test_the_manifest_records_what_the_run_learned_from(trained):
    manifest = json.loads((trained / "runs" / "tiny" / "manifest.json").read_text("utf-8"))
    assert manifest["corpus"]["pairs"] == {"train": 125, "validation": 12, "test": 13}
    assert manifest["corpus"]["corpus"] == "files"
    assert manifest["command"] == ["nmt", "train", "tiny.yaml"]


def test_translate_writes_one_line_per_line_including_empty_ones(nmt):
    found = nmt("translate", stdin="I see dogs\n\n  \nhe knows cats\r\n")
    assert found.status == 0
    lines = found.out.split("\n")
    assert len(lines) == 5
    assert lines[1] == lines[2] == lines[4] == ""
    assert lines[0]


def test_a_line_separator_inside_a_line_ends_no_line(nmt):
    found = nmt("translate", "--format", "jsonl", stdin="I see\u2028dogs\x85\nwe love trees\n")
    sources = [json.loads(line)["source"] for line in found.out.split("\n")[:-1]]
    assert sources == ["I see dogs", "we love trees"]


def test_arguments_a_file_and_standard_input_are_translated_alike(nmt):
    (nmt.folder / "in.txt").write_text("I see dogs\nwe love trees\n", encoding="utf-8")
    by_file = nmt("translate", "--input", "in.txt", "--output", "out.txt")
    assert by_file.out == ""
    expected = (nmt.folder / "out.txt").read_text(encoding="utf-8")
    assert nmt("translate", "I see dogs", "we love trees").out == expected
    assert nmt("translate", stdin="I see dogs\nwe love trees").out == expected


def test_n_best_in_each_format(nmt):
    text = nmt("translate", "I see dogs", "--n-best", 3).out.split("\n")[:-1]
    rows = [
        row.split("\t")
        for row in nmt("translate", "I see dogs", "--n-best", 3, "--format", "tsv").out.split("\n")[
            :-1
        ]
    ]
    found = json.loads(nmt("translate", "I see dogs", "--n-best", 3, "--format", "jsonl").out)
    assert [row[3] for row in rows] == text
    assert [best["text"] for best in found["translations"]] == text
    assert [row[1] for row in rows] == ["0", "1", "2"]
    records = list(read_records(nmt.folder / "runs/latest/translations/attention.jsonl"))
    assert [(record.rank, record.target) for record in records] == list(enumerate(text))
    scores = [record.score / len(record.token_scores) for record in records]  # length_penalty: 1
    assert [float(row[2]) for row in rows] == pytest.approx(scores, abs=1e-4)
    assert scores == sorted(scores, reverse=True)


def test_show_attention_prints_the_matrix_with_the_translation(nmt):
    found = nmt("translate", "I see dogs", "--show-attention")
    assert found.out.count("\n") == 1
    assert all(word in found.err for word in ("I", "see", "dogs", "*", "0."))


def test_attention_goes_to_the_requested_file(nmt):
    nmt("translate", "I see dogs", "--attention", "here.jsonl")
    kept = (nmt.folder / "runs/latest/translations/attention.jsonl").read_bytes()
    assert (nmt.folder / "here.jsonl").read_bytes() == kept


def test_typing_sentences_translates_each(nmt, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdin", Terminal("I see dogs\nwe love trees\n"))
    found = nmt("translate")
    assert found.status == 0
    assert len(found.out.replace("> ", "").strip().split("\n")) == 2


def test_a_bare_plot_shows_the_last_translation(nmt):
    nmt("translate", "I see dogs")
    found = nmt("plot-attention", "--output", "a.svg")
    assert found.out == "a.svg\n"
    drawn = (nmt.folder / "a.svg").read_text(encoding="utf-8")
    assert "dogs" in drawn


def test_plot_attention_translates_and_draws_in_every_format(nmt):
    for name in ("a.png", "a.pdf", "a.html", "a.svg"):
        assert nmt("plot-attention", "we love trees", "-o", name, "--pieces").out == f"{name}\n"
        assert (nmt.folder / name).stat().st_size > 1000


def test_evaluate_prints_what_it_keeps(nmt):
    found = json.loads(nmt("evaluate", "--split", "validation", "--json").out)
    kept = (nmt.folder / "runs/tiny/evaluation/validation/scores.json").read_text("utf-8")
    assert json.loads(kept) == found
    assert found["sentences"] == 12
    assert "tok:13a" in found["bleu"]["signature"]


def test_evaluate_scores_files_of_the_users_own(nmt):
    (nmt.folder / "new.en").write_text("I see dogs\nwe love trees\n", encoding="utf-8")
    (nmt.folder / "new.fr").write_text("je vois les chiens\nnous aime les arbres\n", "utf-8")
    found = nmt("evaluate", "runs/tiny", "--input", "new.en", "--reference", "new.fr")
    assert found.status == 0
    assert "2 sentences" in found.out
    assert (nmt.folder / "runs/tiny/evaluation/new/hypotheses.txt").exists()


def test_a_dry_run_says_everything_and_writes_nothing(fresh):
    found = fresh("train", "tiny.yaml", "--dry-run")
    assert found.status == 0
    assert not (fresh.folder / "runs").exists()
    for part in ("125 pairs", "joint pieces", "parameters", "padding", "about 0:"):
        assert part in found.err


def test_config_show_says_where_a_value_comes_from(fresh):
    lines = fresh("config", "show", "tiny.yaml", "model.dropout=0.3").out.split("\n")
    assert "model.dropout: 0.3  # command line" in lines
    assert "training.epochs: 2  # tiny.yaml:16" in lines
    assert "seed: 1  # default" in lines


def test_config_schema_is_a_schema(fresh):
    schema = json.loads(fresh("config", "schema").out)
    assert schema["properties"].keys() >= {"data", "model", "training"}


def refused(found, status, *parts):
    """Expect one line with everything that it should name, and nothing on standard output."""
    assert found.status == status
    assert found.out == ""
    complaints = [line for line in found.err.split("\n") if line.startswith("nmt: ")]
    assert len(complaints) == 1, found.err
    assert "Traceback" not in found.err
    for part in parts:
        assert part in complaints[0]


def test_a_run_that_exists_is_refused_with_three_ways_out(nmt):
    refused(nmt("train", "tiny.yaml"), 2, "runs/tiny", "--resume", "--overwrite", "--run-dir")


def test_overwrite_deletes_no_folder_that_is_not_a_run(fresh):
    (fresh.folder / "thesis").mkdir()
    (fresh.folder / "thesis" / "only-copy.txt").write_text("years", encoding="utf-8")
    refused(
        fresh("train", "tiny.yaml", "--run-dir", "thesis", "--overwrite"), 2, "not a run of nmt"
    )
    assert (fresh.folder / "thesis" / "only-copy.txt").exists()


def test_resume_touches_no_folder_that_is_not_a_run(fresh):
    (fresh.folder / "thesis").mkdir()
    (fresh.folder / "thesis" / "only-copy.txt").write_text("years", encoding="utf-8")
    refused(fresh("train", "tiny.yaml", "--run-dir", "thesis", "--resume"), 2, "not a run of nmt")
    assert (fresh.folder / "thesis" / "only-copy.txt").exists()


FOREIGN = '{"name": "an extension", "manifest_version": 3}'


@pytest.mark.parametrize("option", ["--resume", "--overwrite"])
def test_a_folder_with_another_programs_manifest_is_not_touched(fresh, option):
    folder = fresh.folder / "extension"
    folder.mkdir()
    (folder / "manifest.json").write_text(FOREIGN)
    (folder / "precious.js").write_text("years", encoding="utf-8")
    found = fresh("train", "tiny.yaml", "--run-dir", "extension", option)
    refused(found, 2, "is not a run of nmt", "was not written by this version of nmt")
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "precious.js"]
    assert (folder / "manifest.json").read_text() == FOREIGN


def test_resume_never_deletes_a_run(nmt):
    run = nmt.folder / "runs/tiny"
    (run / "keepsake.txt").write_text("mine")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    del before[run / "config.resolved.yaml"]
    (run / "config.resolved.yaml").unlink()
    refused(nmt("train", "tiny.yaml", "--resume"), 3, "config.resolved.yaml is missing")
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_a_run_without_checkpoints_is_begun_in_its_folder(nmt):
    run = nmt.folder / "runs/tiny"
    weights = (run / "checkpoints/last/model.safetensors").read_bytes()
    (run / "keepsake.txt").write_text("mine")
    shutil.rmtree(run / "checkpoints")
    assert nmt("train", "tiny.yaml", "--resume").status == 0
    assert (run / "keepsake.txt").read_text() == "mine"
    assert (run / "checkpoints/last/model.safetensors").read_bytes() == weights


def test_overwrite_deletes_the_run_and_nothing_of_others(nmt):
    run = nmt.folder / "runs/tiny"
    (run / "keepsake.txt").write_text("mine")
    (run / "evaluation/validation").mkdir()
    assert nmt("train", "tiny.yaml", "--overwrite").status == 0
    assert (run / "keepsake.txt").read_text() == "mine"
    assert not (run / "evaluation/validation").exists()


def test_a_second_training_in_the_same_folder_is_refused(nmt):
    from nmt.checkpoint.run import Run

    with Run(nmt.folder / "runs/tiny").locked():
        for option in ("--resume", "--overwrite"):
            refused(nmt("train", "tiny.yaml", option), 2, "is in use: process")


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_run_is_not_resumed_on_another_validation_or_test_text(fresh, split):
    for name, pair in (("v", "they run\tils courent\n"), ("t", "they fly\tils volent\n")):
        (fresh.folder / f"{name}.tsv").write_text(pair * 3, encoding="utf-8")
    own = "{train: train.tsv, validation: v.tsv, test: t.tsv}"
    config = (fresh.folder / "tiny.yaml").read_text("utf-8").replace("{train: train.tsv}", own)
    (fresh.folder / "tiny.yaml").write_text(config, encoding="utf-8")
    assert fresh("train", "tiny.yaml").status == 0
    with (fresh.folder / f"{split[0]}.tsv").open("a", encoding="utf-8") as file:
        file.write("you fly\ttu voles\n")
    refused(fresh("train", "tiny.yaml", "--resume"), 3, f"another {split} split")


def test_links_in_a_foreign_run_are_not_written_through(nmt):
    precious = nmt.folder / "precious"
    run = nmt.folder / "runs/tiny"
    (run / "translations").mkdir()
    for place in ("translations/attention.jsonl", "evaluation/validation", "README.md"):
        (run / place).unlink(missing_ok=True)
        (run / place).symlink_to(precious)
    for place in ("metrics.jsonl", "train.log", "config.yaml", "data/test.source"):
        (run / place).rename(run / f"{place}.kept")
        (run / place).symlink_to(precious)
    precious.write_text("mine")
    assert "not kept" in nmt("translate", "I see dogs").err
    refused_softly = nmt("evaluate", "--split", "validation")
    assert "is a link, and nothing in runs/tiny is written" in refused_softly.err
    assert nmt("train", "tiny.yaml", "--resume", "training.epochs=3").status == 2
    (run / "export").symlink_to(nmt.folder)
    assert nmt("export").status == 2
    assert precious.read_text() == "mine"
    assert (nmt.folder / "train.tsv").exists()


def test_what_people_share_names_no_home_folder(fresh, monkeypatch):
    monkeypatch.setenv("HOME", str(fresh.folder))
    config = (fresh.folder / "tiny.yaml").read_text("utf-8")
    absolute = config.replace("train: train.tsv", f"train: {fresh.folder / 'train.tsv'}")
    (fresh.folder / "tiny.yaml").write_text(absolute, encoding="utf-8")
    monkeypatch.setenv("NMT_CACHE", str(fresh.folder / "cache"))
    place = ("--run-dir", str(fresh.folder / "runs/tiny"))
    assert fresh("train", "tiny.yaml", *place).status == 0
    run = fresh.folder / "runs/tiny"
    texts = [path for path in run.rglob("*") if path.suffix in {".md", ".json", ".yaml", ".log"}]
    assert len(texts) > 6
    for path in texts:
        assert str(fresh.folder) not in path.read_text("utf-8"), path
    assert "train: 125 pairs (set aside" not in (run / "README.md").read_text("utf-8")
    assert fresh("train", "tiny.yaml", *place, "--resume", "training.epochs=3").status == 0


def test_what_may_change_on_resumption_is_kept(nmt):
    assert nmt("train", "tiny.yaml", "--resume", "decoding.beam_size=3").status == 0
    scores = json.loads((nmt.folder / "runs/tiny/evaluation/test/scores.json").read_text("utf-8"))
    assert scores["decoding"]["beam_size"] == 3


def change(corpus):
    pairs = corpus.read_text(encoding="utf-8").replace("dogs", "wolves")
    corpus.write_text(pairs, encoding="utf-8")


def test_a_run_is_evaluated_on_its_own_text_whatever_became_of_the_corpus(nmt):
    own = nmt.folder / "runs/tiny/evaluation/test/scores.json"
    before = json.loads(own.read_text("utf-8"))
    change(nmt.folder / "train.tsv")
    assert nmt("evaluate").status == 0
    after = json.loads(own.read_text("utf-8"))
    assert after["bleu"] == before["bleu"]
    assert after["text"] == before["text"]
    (nmt.folder / "train.tsv").unlink()
    assert nmt("evaluate", "--split", "validation").status == 0


def test_the_references_of_a_split_set_aside_are_kept_for_others_to_check(nmt):
    from sacrebleu.metrics import BLEU

    run = nmt.folder / "runs/tiny"
    references, hypotheses = (
        (run / place).read_text("utf-8").split("\n")[:-1]
        for place in ("data/test.target", "evaluation/test/hypotheses.txt")
    )
    scores = json.loads((run / "evaluation/test/scores.json").read_text("utf-8"))
    assert len(references) == 13
    assert BLEU().corpus_score(hypotheses, [references]).score == scores["bleu"]["value"]


def test_a_split_that_is_not_the_runs_own_is_not_scored_as_such(nmt):
    change(nmt.folder / "train.tsv")
    refused_softly = nmt("evaluate", "--split", "train")
    assert refused_softly.status == 3
    assert "the train split is not the one of runs/tiny" in refused_softly.err
    kept = nmt.folder / "runs/tiny/data/test.target"
    kept.write_text(kept.read_text("utf-8").replace("je", "tu"), encoding="utf-8")
    before = (nmt.folder / "runs/tiny/evaluation/test/scores.json").read_bytes()
    changed = nmt("evaluate")
    assert changed.status == 3
    assert "test.target was changed since runs/tiny was trained" in changed.err
    assert (nmt.folder / "runs/tiny/evaluation/test/scores.json").read_bytes() == before


def test_another_decoding_does_not_replace_the_runs_own_result(nmt):
    test = nmt.folder / "runs/tiny/evaluation/test"
    before = (test / "scores.json").read_bytes()
    assert nmt("evaluate", "--beam-size", 1).status == 0
    assert nmt("evaluate", "--length-penalty", 0, "--precision", "bfloat16").status == 0
    step = json.loads((nmt.folder / "runs/tiny/checkpoints/best/state.json").read_text())["step"]
    others = [path.name for path in (nmt.folder / "runs/tiny/checkpoints").glob("step-*")]
    other = next(name for name in others if name != f"step-{step}")
    assert nmt("evaluate", "--checkpoint", other.removeprefix("step-")).status == 0
    assert (test / "scores.json").read_bytes() == before
    found = {path.parent.name for path in test.glob("*/scores.json")}
    assert found == {"beam-1", "length-penalty-0+bfloat16", other}
    card = (nmt.folder / "runs/tiny/README.md").read_text("utf-8")
    assert card.count("| test |") == 1


def test_files_of_one_name_do_not_replace_each_others_results(nmt):
    for folder, text in (("a", "I see dogs"), ("b", "we love trees")):
        (nmt.folder / folder).mkdir()
        for side in ("en", "fr"):
            (nmt.folder / folder / f"news.{side}").write_text(f"{text}\n", encoding="utf-8")
    for folder in ("a", "b", "a"):
        files = (f"{folder}/news.en", "--reference", f"{folder}/news.fr")
        assert nmt("evaluate", "--input", *files).status == 0
    found = sorted((nmt.folder / "runs/tiny/evaluation").glob("news*"))
    assert [path.name.rstrip("0123456789abcdef") for path in found] == ["news", "news-"]


def test_files_called_test_do_not_replace_the_test_split(nmt):
    (nmt.folder / "test.en").write_text("I see dogs\n", encoding="utf-8")
    (nmt.folder / "test.fr").write_text("je vois les chiens\n", encoding="utf-8")
    before = (nmt.folder / "runs/tiny/evaluation/test/scores.json").read_bytes()
    assert nmt("evaluate", "--input", "test.en", "--reference", "test.fr").status == 0
    assert (nmt.folder / "runs/tiny/evaluation/test/scores.json").read_bytes() == before


def test_a_full_output_is_not_blamed_on_the_attention_file(nmt, monkeypatch):
    import builtins
    import errno

    real = builtins.print

    def full(*values, **options):
        if values and values[0] != "":
            raise OSError(errno.ENOSPC, "No space left on device")
        real(*values, **options)

    monkeypatch.setattr(builtins, "print", full)
    found = nmt("translate", "I see dogs", "we love trees", "--output", "out.txt")
    assert found.status == 2
    assert "out.txt" in found.err
    assert not (nmt.folder / "out.txt").exists()


def test_an_output_device_is_written_and_not_replaced(nmt):
    import os

    os.mkfifo(nmt.folder / "pipe")
    reader = os.open(nmt.folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert nmt("translate", "I see dogs", "--output", "pipe").status == 0
        assert os.read(reader, 1000).count(b"\n") == 1
    finally:
        os.close(reader)


def test_sizes_unlike_the_checkpoints_take_no_memory(nmt):
    config = nmt.folder / "runs/tiny/config.resolved.yaml"
    text = config.read_text("utf-8")
    config.write_text(re.sub(r"embedding_size: \d+", "embedding_size: 16777216", text), "utf-8")
    found = nmt("translate", "I see dogs")
    refused(found, 3, "model.safetensors holds another model than the config describes")


def test_a_pipe_in_place_of_the_last_translations_does_not_block(nmt):
    import os

    (nmt.folder / "runs/tiny/translations").mkdir()
    os.mkfifo(nmt.folder / "runs/tiny/translations/attention.jsonl")
    refused(nmt("plot-attention"), 2, "has translated nothing yet")


def test_resume_without_a_run_is_refused(fresh):
    refused(fresh("train", "tiny.yaml", "--resume"), 2, "no run to resume", "runs/tiny")


def test_resume_lists_what_changed(nmt):
    found = nmt("train", "tiny.yaml", "--resume", "model.dropout=0.4", "seed=7")
    refused(found, 2, "seed was 1, is 7", "model.dropout was 0.1, is 0.4")


def test_a_training_that_goes_on_elsewhere_says_so(nmt):
    manifest = nmt.folder / "runs/tiny/manifest.json"
    content = json.loads(manifest.read_text("utf-8"))
    other = {**content, "compute": "cuda (1 GPU), bfloat16 products"}
    manifest.write_text(json.dumps(other), encoding="utf-8")
    found = nmt("train", "tiny.yaml", "--resume", "training.epochs=3")
    assert found.status == 0
    assert "the run began on cuda (1 GPU), bfloat16 products and goes on on cpu" in found.err


@pytest.mark.parametrize("faster", ["bfloat16", "float32"])
def test_a_training_takes_the_faster_precision_and_goes_on_in_it(fresh, faster):
    native = {"bfloat16": 3.0, "float32": 3.0} | {faster: 1.0}
    timed = "nmt.workflows.train.setup.time_precisions"
    fresh.monkeypatch.setattr("nmt.models.devices._multiplies_bfloat16", lambda device: True)
    fresh.monkeypatch.setattr(timed, lambda *_, **__: Timings(**native))
    found = fresh("train", "tiny.yaml", "precision=auto", "training.max_steps=2")
    assert found.status == 0
    assert f"products in {faster}, not" in found.err
    manifest = json.loads((fresh.folder / "runs/tiny/manifest.json").read_text("utf-8"))
    assert manifest["precision_trial"] == native
    assert manifest["compute"].endswith(f"{faster} products")
    fresh.monkeypatch.setattr(timed, lambda *_, **__: pytest.fail("it was decided"))
    longer = ("precision=auto", "training.max_steps=4")
    found = fresh("train", "tiny.yaml", "--resume", *longer)
    assert found.status == 0
    assert f", {faster} products; the target" in found.err
    assert "will not be bit-identical" not in found.err


def test_a_state_of_another_version_is_refused(nmt):
    last = nmt.folder / "runs/tiny/checkpoints/last/state.json"
    content = json.loads(last.read_text("utf-8"))
    last.write_text(json.dumps({**content, "novelty": 1}), encoding="utf-8")
    refused(nmt("train", "tiny.yaml", "--resume"), 3, "was saved by another version of nmt")


def test_resume_may_train_for_longer(nmt):
    found = nmt("train", "tiny.yaml", "--resume", "training.epochs=3")
    assert found.status == 0
    assert "training.epochs was 2, is 3" in found.err
    metrics = (nmt.folder / "runs/tiny/metrics.jsonl").read_text(encoding="utf-8").split("\n")
    assert json.loads(metrics[-2])["epoch"] == 3


def test_a_run_cannot_be_resumed_on_another_text(nmt):
    with (nmt.folder / "train.tsv").open("a", encoding="utf-8") as file:
        file.write("something new\tquelque chose\n")
    refused(nmt("train", "tiny.yaml", "--resume"), 3, "another train split")


def test_commands_without_a_run_say_how_to_train_one(fresh):
    for command in (["translate", "hello"], ["evaluate"], ["plot-attention"]):
        refused(fresh(*command), 2, "nmt train")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["train", "missing.yaml"], ["no config file missing.yaml"]),
        (["train", "tiny.yaml", "model.attention.scor=dot"], ["unknown key 'scor'", "'score'"]),
        (["train", "tiny.yaml", "training.epochs=many"], ["training.epochs", "'many'"]),
        (["train", "tiny.yaml", "model.attention.score=adttive"], ["did you mean 'additive'"]),
        (["train", "tiny.yaml", "model.attention.score=dot"], ["24", "general"]),
        (["train", "tiny.yaml", "model.decoder.kind=luon"], ["did you mean 'luong'"]),
        (["train", "tiny.yaml", "model.decoder.cell=lstn"], ["did you mean 'lstm'"]),
        (["train", "tiny.yaml", "training.schedule=cosin"], ["did you mean 'cosine'"]),
        (["train", "tiny.yaml", "device=cuda:77"], ["cuda"]),
        (["train", "tiny.yaml", "device=gpu"], ["unknown device 'gpu'"]),
        (["train", "tiny.yaml", "training.batch_tokens=2"], ["no sentence fits"]),
        (["train", "tiny.yaml", "model.encoder.cell=gruu"], ["model.encoder.cell", "'gru'"]),
        (["train", "tiny.yaml", "training.max_minutes=.inf"], ["training.max_minutes"]),
        (["train", "tiny.yaml", "--resume", "--overwrite"], ["choose one"]),
    ],
)
def test_a_wrong_config_is_one_line(fresh, arguments, parts):
    refused(fresh(*arguments), 2, *parts)
    assert not (fresh.folder / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["translate", "a", "--run", "nowhere"], ["nowhere is not a run folder"]),
        (["translate", "a", "--format", "xml"], ["unknown output format 'xml'", "jsonl"]),
        (["translate", "a", "--beam-size", "0"], ["--beam-size"]),
        (["translate", "a", "--beam-size", "2", "--n-best", "5"], ["n_best is 5"]),
        (["evaluate", "--split", "tset"], ["did you mean 'test'"]),
        (["evaluate", "--input", "x.en"], ["--reference"]),
        (["plot-attention", "a", "--output", "a.gif"], ["png, svg, pdf"]),
        (["plot-attention", "a", "--input", "b.jsonl"], ["choose one"]),
        (["translate", "a", "--input", "b.txt"], ["choose one"]),
        (["translate", "a", "--device", "gpu"], ["unknown device 'gpu'"]),
        (["translate", "a", "--run", "tiny.yaml"], ["tiny.yaml is not a run folder"]),
    ],
)
def test_a_wrong_option_is_one_line(nmt, arguments, parts):
    refused(nmt(*arguments), 2, *parts)


def test_an_unknown_option_points_to_the_help(fresh):
    found = fresh("translate", "--beem-size", 3)
    assert found.status == 2
    assert "--beem-size" in found.err


def test_an_endless_line_is_refused_by_its_number(nmt):
    found = nmt("translate", "--strict", stdin="I see dogs\n" + "dogs " * 10_000 + "\n")
    assert found.status == 3
    assert "line 2" in found.err
    assert "decoding.max_source_length" in found.err


def test_invalid_utf8_is_refused_with_file_and_line(nmt):
    (nmt.folder / "in.txt").write_bytes("I see dogs\ncaf\xe9\n".encode("latin-1"))
    refused(nmt("translate", "--input", "in.txt", "--output", "out.txt"), 3, "in.txt:2", "UTF-8")
    assert not (nmt.folder / "out.txt").exists()


def test_an_unknown_script_is_translated_somehow(nmt):
    found = nmt("translate", "日本語 😀")
    assert found.status == 0
    assert found.out.count("\n") == 1


def test_an_output_that_cannot_be_written_is_one_line(nmt):
    (nmt.folder / "file").write_text("", encoding="utf-8")
    for arguments in (
        ["translate", "I see dogs", "--output", "file/out.txt"],
        ["translate", "I see dogs", "--attention", "file/a.jsonl"],
        ["plot-attention", "I see dogs", "--output", "file/a.png"],
    ):
        found = nmt(*arguments)
        assert found.status == 2
        assert "cannot write" in found.err
        assert "Traceback" not in found.err


@pytest.mark.parametrize("name", ["model.safetensors", "training.safetensors", "state.json"])
def test_a_truncated_checkpoint_is_named(nmt, name):
    path = nmt.folder / "runs/tiny/checkpoints/last" / name
    path.write_bytes(path.read_bytes()[:-20])
    found = nmt("train", "tiny.yaml", "--resume", "training.epochs=3")
    assert found.status == 3
    assert name in found.err
    assert "cut short" in found.err
    assert "Traceback" not in found.err


def test_a_foreign_checkpoint_is_refused(nmt):
    from safetensors.torch import save_file
    from torch import ones

    save_file({"w": ones(2)}, nmt.folder / "runs/tiny/checkpoints/best/model.safetensors")
    refused(nmt("translate", "I see dogs"), 3, "model.safetensors", "not written by")


def test_a_full_disk_is_one_line_and_the_checkpoints_survive(nmt, monkeypatch):
    import errno

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    before = sorted(path.name for path in (nmt.folder / "runs/tiny/checkpoints").iterdir())
    monkeypatch.setattr(Path, "write_bytes", full)
    found = nmt("train", "tiny.yaml", "--resume", "training.epochs=3")
    assert found.status == 2
    assert "the disk is full" in found.err
    assert sorted(path.name for path in (nmt.folder / "runs/tiny/checkpoints").iterdir()) == before


def test_misaligned_files_are_refused_with_both_counts(fresh):
    (fresh.folder / "a.en").write_text("one\ntwo\nthree\n", encoding="utf-8")
    (fresh.folder / "a.fr").write_text("un\ndeux\n", encoding="utf-8")
    found = fresh("train", "tiny.yaml", "data.files.train=[a.en, a.fr]")
    refused(found, 3, "a.en", "3", "a.fr", "2")


def test_a_corpus_that_cleaning_empties_is_refused_with_the_reasons(fresh):
    (fresh.folder / "train.tsv").write_text("a b c d e f g h\tun\n" * 3, encoding="utf-8")
    found = fresh("train", "tiny.yaml", "data.cleaning.max_words=4")
    assert found.status == 3
    assert "max_words" in found.err


def test_help_starts_without_heavy_libraries():
    import subprocess

    code = (
        "import sys; sys.argv = ['nmt', '--help']\n"
        "from nmt.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'datasets', 'matplotlib', 'sacrebleu', 'pydantic_core', 'numpy'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[1],
    )  # fmt: skip
    assert "plot-attention" in found.stdout
    assert found.stderr.strip() == "[]"


@pytest.mark.parametrize(
    "command",
    [
        ["train"],
        ["translate"],
        ["plot-attention"],
        ["evaluate"],
        ["export"],
        ["bench"],
        ["bench", "decode"],
        ["data"],
        ["config"],
    ],  # fmt: skip
)
def test_every_help_ends_with_examples(fresh, command):
    found = fresh(*command, "--help")
    assert found.status == 0
    assert "Example" in found.out.strip().split("\n\n")[-1] or "nmt " in found.out.strip()[-300:]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("can't start new thread"),
        RuntimeError("could not create a primitive"),
        RuntimeError("could not execute a primitive"),
        ImportError("a.so: failed to map segment from shared object"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_running_out_of_memory_anywhere_is_one_line(nmt, monkeypatch, error):
    from nmt.workflows import evaluate

    def full(*_, **__):
        raise error

    monkeypatch.setattr(evaluate, "load_trained", full)
    refused(nmt("evaluate"), 1, "out of memory; close other programs")


def test_another_error_of_the_program_keeps_its_traceback(nmt, monkeypatch):
    from nmt.workflows import evaluate

    def broken(*_, **__):
        raise RuntimeError("a bug")

    monkeypatch.setattr(evaluate, "load_trained", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        nmt("evaluate")


def test_many_calls_in_one_process_build_the_commands_once(fresh):
    from nmt.cli.app import app

    fresh("--version")
    before = len(app.registered_commands)
    fresh("--version")
    assert len(app.registered_commands) == before
