import json
import os
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nmt.config import Config, load, shipped
from nmt.config.sections import Section
from nmt.errors import ConfigError

SNIPPETS = st.sampled_from(
    ["*a", "&a ", "<<: *a", "!!int ", "!!binary ", "%YAML 1.1\n", "---\n", "{[", ": ", "\n- ",
     "'", '"', "|\n", "\t", "0x", "2024-01-01", "\x00", "\x85", "?"]
)  # fmt: skip
LEAST = """\
name: small
data:
  corpus: phrasebook
"""


def written(folder: Path, text: str, name: str = "small.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def mistake(path: Path, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path, overrides)
    return str(caught.value).replace(f"{path.parent}/", "")


def shown(line: str) -> bool:
    """Whether a line has nothing that moves the cursor, changes direction or cannot be encoded."""
    bad = {"Cc", "Cs", "Zl", "Zp"}
    return not any(
        unicodedata.category(letter) in bad or "\u202a" <= letter <= "\u202e" for letter in line
    )


@pytest.fixture
def least(tmp_path: Path) -> Path:
    return written(tmp_path, LEAST)


# What is read


def test_what_is_not_written_has_its_default(least: Path) -> None:
    config = load(least).config
    assert config.data.corpus == "phrasebook"
    assert config.model.attention.score == "general"
    assert config.training.betas == (0.9, 0.98)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5e-4", 5e-4),
        ("1e3", 1000.0),
        ("2.5E-3", 2.5e-3),
        ("1.", 1.0),
        (".5", 0.5),
        ("3", 3.0),
        ("1_000.5", 1000.5),
    ],
)
def test_numbers_are_read_as_people_write_them(tmp_path: Path, text: str, value: float) -> None:
    path = written(tmp_path, f"{LEAST}training: {{learning_rate: {text}}}\n")
    assert load(path).config.training.learning_rate == value
    assert load(path, [f"training.learning_rate={text}"]).config.training.learning_rate == value


def test_a_whole_number_may_have_an_exponent_too(least: Path) -> None:
    assert load(least, ["training.max_steps=1e3"]).config.training.max_steps == 1000


@pytest.mark.parametrize("code", ["no", "on", "off", "yes", "n", "y"])
def test_language_codes_are_words_and_no_booleans(tmp_path: Path, code: str) -> None:
    path = written(tmp_path, f"{LEAST}  target: {code}\n")
    assert load(path).config.data.target == code
    assert load(path, [f"data.target={code}"]).config.data.target == code


@pytest.mark.parametrize(("text", "value"), [("true", True), ("False", False), ("TRUE", True)])
def test_true_and_false_are_booleans(tmp_path: Path, text: str, value: bool) -> None:
    path = written(tmp_path, f"{LEAST}tokenizer: {{joint: {text}}}\n")
    assert load(path).config.tokenizer.joint is value


@pytest.mark.parametrize("name", sorted(shipped()))
def test_shipped_configs_are_right_and_found_by_their_names(name: str) -> None:
    assert load(Path(name)).config == load(shipped()[name]).config


def test_all_values_written_out_are_read_back_alike(tmp_path: Path) -> None:
    changes = ["training.learning_rate=5e-4", "data.target=no", "training.patience=null"]
    for name in shipped():
        loaded = load(Path(name), changes)
        again = load(written(tmp_path, loaded.resolved()))
        assert again.config == loaded.config
        assert again.resolved() == loaded.resolved()


def test_a_config_remembers_its_text(least: Path) -> None:
    assert load(least, ["seed=9"]).text == LEAST


# Overrides


def test_an_override_goes_above_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, f"{LEAST}model:\n  dropout: 0.3\n")
    loaded = load(path, ["model.dropout=0.1", "model.encoder.layers=3", "seed=5"])
    assert loaded.config.model.dropout == 0.1
    assert loaded.config.model.encoder.layers == 3
    assert loaded.config.seed == 5
    assert loaded.sources["model.dropout"] == "command line"
    assert loaded.sources["data.corpus"] == f"{path}:3"


def test_the_last_of_two_overrides_counts(least: Path) -> None:
    assert load(least, ["seed=2", "seed=3"]).config.seed == 3


def test_an_override_may_be_a_list_or_a_section(least: Path) -> None:
    config = load(least, ["training.betas=[0.8, 0.9]", "model.decoder={cell: gru, size: 9}"]).config
    assert config.training.betas == (0.8, 0.9)
    assert (config.model.decoder.cell, config.model.decoder.size) == ("gru", 9)


def test_an_override_reaches_into_a_section_that_is_null(tmp_path: Path) -> None:
    path = written(tmp_path, "name: small\ndata: {corpus: files, files: null}\nmodel:\n")
    config = load(path, ["data.files.train=a.tsv", "model.dropout=0.1"]).config
    assert config.data.files is not None
    assert config.data.files.train == "a.tsv"
    assert config.model.dropout == 0.1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "data: &d {corpus: files, files: *d}",
            ":2: a section contains itself through an alias; write i",
        ),
        (f"data: {'[' * 30}{']' * 30}", None),
        (f"data: {'[' * 50}{']' * 50}", ":2: sections nested more than 40 deep, which no config"),
        (f"data: {'[' * 3000}{']' * 3000}", ":2: sections nested more than 40 deep, which no con"),
        (f"data: {'{a: ' * 3000}", ":2: sections nested more than 40 deep, which no config ne"),
        (f"# {'x' * (1 << 20)}", " is larger than 250,000 bytes, which no config is"),
        (
            f"data: [{'1, ' * 30_000}]",
            ":2: more than 2,000 values, with aliases expanded, which no",
        ),
    ],
)
def test_endlessly_nested_sections_are_refused(
    tmp_path: Path, text: str, message: str | None
) -> None:
    found = mistake(written(tmp_path, f"name: small\n{text}\n"))
    if message is None:
        assert "data: input should be a valid dict" in found
    else:
        assert found.startswith(f"small.yaml{message}")
    assert len(found) < 300
    assert "\n" not in found


@pytest.mark.parametrize(
    "form", ["a{n}: &a{n} [*a{m}, *a{m}]", "a{n}: &a{n} {{<<: [*a{m}, *a{m}]}}"]
)
@pytest.mark.parametrize("levels", [30, 300])
def test_aliases_that_stand_for_billions_are_refused(
    tmp_path: Path, form: str, levels: int
) -> None:
    first = "a0: &a0 {x: 1}"
    lines = [first, *(form.format(n=n, m=n - 1) for n in range(1, levels))]
    path = written(tmp_path, f"{LEAST}{chr(10).join(lines)}\n")
    assert "more than" in mistake(path)
    least = written(tmp_path, LEAST, "least.yaml")
    inline = ", ".join(lines)
    assert "more than" in mistake(least, f"data={{{inline}}}")


def test_an_alias_that_is_used_sparingly_is_read(tmp_path: Path) -> None:
    own = "{heads: 2, feed_forward: 32}"
    path = written(
        tmp_path,
        f"{LEAST}model:\n  encoder: {{self_attention: &own {own}}}\n"
        "  decoder: {self_attention: *own}\n",
    )
    model = load(path).config.model
    assert model.decoder.self_attention == model.encoder.self_attention
    assert model.decoder.self_attention.heads == 2


# Scalars, as the core schema of YAML 1.2 has them


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("010", 10), ("0123456", 123456), ("0o17", 15), ("0x1F", 31), ("+12", 12), ("00", 0),
        ("1_000", 1000), ("12e1", 120),
    ],
)  # fmt: skip
def test_whole_numbers_are_decimal_unless_they_say_otherwise(
    least: Path, text: str, value: int
) -> None:
    assert load(least, [f"training.batch_tokens={max(value, 1)}"]).config  # it may be so
    assert load(least, [f"seed={text}"]).config.seed == value


@pytest.mark.parametrize(
    "text",
    [
        "010", "0123456", "10:30", "2024-05-01", "1e10", "1234567e10", "0x1F", "1_000", "1.50",
        ".5", "+12", "on", "off", "yes", "no", "y", "n", "=", "0b11", "2024-05-01T10:30:00Z",
        "190:20:30", "-.inf", "1" * 64,
    ],
)  # fmt: skip
def test_a_text_field_keeps_what_was_written(tmp_path: Path, text: str) -> None:
    least = written(tmp_path, LEAST)
    assert load(least, [f"data.revision={text}"]).config.data.revision == text
    path = written(tmp_path, f"{LEAST}  config: {text}\n  files: null\n")
    assert load(path).config.data.config == text
    files = "files: {train: [" + text + ", b]}"
    path = written(tmp_path, f"name: small\ndata: {{corpus: files, {files}}}\n")
    assert load(path).config.data.files.train == (text, "b")
    again = written(tmp_path, load(least, [f"data.revision={text}"]).resolved(), "again.yaml")
    assert load(again).config.data.revision == text


@pytest.mark.parametrize("text", ["true", "False"])
def test_true_in_a_text_field_needs_quotes(least: Path, text: str) -> None:
    assert mistake(least, f"name={text}").endswith("; put it in quotes")
    assert load(least, [f"name='{text}'"]).config.name == text


def test_null_is_nothing_in_every_spelling(least: Path) -> None:
    for text in ("", "~", "null", "Null", "NULL"):
        assert load(least, [f"data.revision={text}"]).config.data.revision is None


@pytest.mark.parametrize(
    "override", ["seed=10:30", "seed=2024-05-01", "seed=1e400", f"seed={'9' * 5000}", "seed=.nan"]
)
def test_an_invalid_number_is_one_line(least: Path, override: str) -> None:
    found = mistake(least, override)
    assert found.startswith("command line: seed: ")
    assert len(found) < 350


@pytest.mark.parametrize("bound", ["1e300", "9" * 30, "-1", "0"])
def test_huge_numbers_are_refused_or_work(least: Path, bound: str) -> None:
    """Every accepted number can be multiplied with any number of a corpus in 64 bits."""
    for section, fields in NUMBERS.items():
        for name in fields:
            try:
                config = load(least, [f"{section}{name}={bound}"]).config
            except ConfigError as error:
                said = str(error)
                assert "\n" not in said
            else:
                for part in section.split(".")[:-1]:
                    config = getattr(config, part)
                assert abs(getattr(config, name)) < 2**53, name


NUMBERS = {
    "": ["seed"],
    "data.": ["validation_size", "test_size", "max_pairs"],
    "data.cleaning.": ["max_words", "max_characters", "max_ratio"],
    "tokenizer.": ["vocabulary_size", "max_sentences"],
    "model.": ["embedding_size", "dropout"],
    "model.attention.": ["heads", "size", "temperature", "max_positions", "window"],
    "training.": [
        "batch_tokens", "accumulate", "learning_rate", "weight_decay", "warmup_steps", "clip_norm",
        "label_smoothing", "coverage_loss", "epochs", "max_steps", "max_minutes",
        "validate_every", "log_every", "checkpoint_every", "keep_checkpoints", "patience",
        "samples",
    ],
    "decoding.": [
        "beam_size", "length_penalty", "n_best", "batch_tokens", "max_source_length",
        "max_length_factor", "shortlist",
    ],
}  # fmt: skip


# Text from elsewhere in messages


@pytest.mark.parametrize(
    "override",
    ["\x1b]0;owned\x07=1", "se\ned=3", f"{'x' * 100_000}=1", "seed=\udcff", "name=\u202ename",
     "model.\x1b[2J=1", "name=\x9b", f"name={'y' * 100_000}"],
)  # fmt: skip
def test_a_message_is_one_short_line_whatever_was_given(least: Path, override: str) -> None:
    found = mistake(least, override)
    assert shown(found)
    assert len(found) < 1000


@pytest.mark.parametrize("tag", ["python/object/apply:os.system [exit]", "python/name:os.system"])
def test_a_config_that_asks_for_an_object_of_python_is_refused(tmp_path: Path, tag: str) -> None:
    path = written(tmp_path, f"{LEAST}seed: !!{tag}\n")
    assert mistake(path).startswith("small.yaml:4: could not determine a constructor for the tag")
    least = written(tmp_path, LEAST, "least.yaml")
    assert "could not determine a constructor" in mistake(least, f"seed=!!{tag}")


def test_an_endless_override_is_refused(least: Path) -> None:
    found = mistake(least, f"data={'[' * 3000}")
    assert found.startswith("command line: data: cannot read '[[[")
    assert found.endswith("sections nested more than 40 deep, which no config needs")


def test_a_key_given_twice_in_an_override_is_refused(least: Path) -> None:
    assert "'model.dropout' is written twice" in mistake(least, "model={dropout: 0.1, dropout: 0}")


def test_an_override_may_hold_an_equals_sign(least: Path) -> None:
    assert load(least, ["data.corpus=a=b"]).config.data.corpus == "a=b"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed", "'seed' is not an override; write section.key=value"),
        ("=3", "'=3' is not an override; write section.key=value"),
        ("name.first=3", "command line: name.first: 'name' is a value, not a section"),
        (
            "model.dropuot=0.3",
            "command line: model: unknown key 'dropuot'; did you mean 'dropout'?",
        ),
        (
            "training.max_steps=many",
            "command line: training.max_steps: input should be a valid integer, "
            "unable to parse string as an integer (got 'many')",
        ),
        ("model..size=3", "'model..size=3' is not an override; write section.key=value"),
        (
            "model.attention.score.x=dot",
            "command line: model.attention.score: input should be a valid string "
            "(got {'x': 'dot'})",
        ),
        ("model.decoder.size=true", "command line: model.decoder.size: true is not a number"),
        (
            "training.learning_rate=false",
            "command line: training.learning_rate: false is not a number",
        ),
        (
            'training.max_minutes="5"',
            "command line: training.max_minutes: '5' is text: write 5 without quotes",
        ),
        (
            "model.embedding_size=1000000000000000000000",
            "command line: model.embedding_size: input should be less than or equal to 1000000000 "
            "(got 1000000000000000000000)",
        ),
        (
            "model.encoder.layers=1001",
            "command line: model.encoder.layers: input should be less than or equal to 1000 "
            "(got 1001)",
        ),
        (
            "seed=9223372036854775808",
            "command line: seed: input should be less than or equal to 281474976710656 "
            "(got 9223372036854775808)",
        ),
        (
            "model.dropout=1.0",
            "command line: model.dropout: input should be less than 1 (got 1.0)",
        ),
    ],
)
def test_a_wrong_override_is_named(least: Path, override: str, message: str) -> None:
    assert mistake(least, override) == message


def test_an_override_that_is_not_yaml_is_named(least: Path) -> None:
    assert mistake(least, "training.betas=[0.8").startswith(
        "command line: training.betas: cannot read '[0.8': "
    )


# Mistakes in a file


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            "model:\n  attention:\n    scor: dot\n",
            "small.yaml:6: model.attention: unknown key 'scor'; did you mean 'score'?",
        ),
        (
            "trainning: {}\n",
            "small.yaml:4: config: unknown key 'trainning'; did you mean 'training'?",
        ),
        (
            "evaluation:\n  zzz: 1\n",
            "small.yaml:5: evaluation: unknown key 'zzz'; there are: splits",
        ),
        (
            "seed: one\n",
            "small.yaml:4: seed: input should be a valid integer, "
            "unable to parse string as an integer (got 'one')",
        ),
        (
            "training:\n  epochs: 0\n",
            "small.yaml:5: training.epochs: input should be greater than 0 (got 0)",
        ),
        (
            "tokenizer:\n  kind: bpee\n",
            "small.yaml:5: tokenizer.kind: input should be 'bpe', 'unigram' or 'word' (got 'bpee')",
        ),
        (
            "device: gpu\n",
            "small.yaml:4: device: unknown device 'gpu': it is auto, cpu, mps, cuda or cuda:N",
        ),
        (
            "training:\n  epochs: null\n",
            "small.yaml:4: training: nothing ends the training: "
            "set epochs, max_steps or max_minutes",
        ),
        (
            "decoding:\n  beam_size: 2\n  n_best: 3\n",
            "small.yaml:4: decoding: n_best is 3, more than beam_size 2: "
            "raise beam_size or lower n_best",
        ),
        (
            "tokenizer: {joint: false}\nmodel: {tie_embeddings: all}\n",
            "small.yaml: model.tie_embeddings is 'all', but tokenizer.joint is false: "
            "sharing all embeddings needs one vocabulary",
        ),
    ],
)
def test_a_mistake_is_named_with_its_file_and_line(tmp_path: Path, more: str, message: str) -> None:
    assert mistake(written(tmp_path, LEAST + more)) == message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("config: en-fr", "data.corpus is missing"),
        ("corpus: files", "data: corpus is 'files', so data.files must name the files"),
        (
            "{corpus: a/b, files: {train: a.tsv}}",
            "data: data.files is given, but corpus is 'a/b', not 'files'",
        ),
        (
            "{corpus: phrasebook, fallback: phrasebook}",
            "data: fallback must differ from corpus",
        ),
    ],
)
def test_a_section_that_contradicts_itself_is_named(
    tmp_path: Path, data: str, message: str
) -> None:
    text = f"name: small\n\ndata:\n  {data}\n"
    assert mistake(written(tmp_path, text)) == f"small.yaml:3: {message}"


@pytest.mark.parametrize("name", ["latest", "a/b", "..", "", "-x", "é/"])
def test_an_unsuitable_folder_name_is_refused(least: Path, name: str) -> None:
    assert mistake(least, f"name='{name}'") == (
        "command line: name: must be up to 100 letters, digits, '.', '_', '+' and '-', "
        "and not 'latest'"
    )


def test_every_mistake_has_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, LEAST + "model:\n  dropout: 2\n  layers: 1\nseed: -1\n")
    assert [line.split(": ")[0] for line in mistake(path).splitlines()] == [
        "small.yaml:7",
        "small.yaml:5",
        "small.yaml:6",
    ]


def test_all_missing_keys_are_named(tmp_path: Path) -> None:
    path = written(tmp_path, "seed: 2\n")
    assert mistake(path).splitlines() == [
        "small.yaml: name is missing",
        "small.yaml: data is missing",
    ]


def test_one_wrong_value_is_one_mistake_even_of_a_key_with_two_forms(tmp_path: Path) -> None:
    path = written(
        tmp_path, "name: small\ndata:\n  corpus: files\n  files:\n    train: [a, b, c]\n"
    )
    lines = mistake(path).splitlines()
    assert lines
    assert all(line.startswith("small.yaml:5: data.files.train: ") for line in lines)


def test_a_key_written_twice_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, LEAST + "model:\n  dropout: 0.1\n  dropout: 0.2\n")
    assert mistake(path) == "small.yaml:6: 'model.dropout' is written twice, first in line 5"


def test_a_section_written_twice_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, LEAST + "data: {corpus: files}\n")
    assert mistake(path) == "small.yaml:4: 'data' is written twice, first in line 2"


def test_broken_yaml_is_named_with_its_line(tmp_path: Path) -> None:
    message = mistake(written(tmp_path, LEAST + "model: [1, 2\nseed: 3\n"))
    assert message.startswith("small.yaml:5: ")
    assert "\n" not in message


@pytest.mark.parametrize("text", ["", "just words\n", "- a\n- b\n", "# nothing\n"])
def test_a_file_without_sections_is_refused(tmp_path: Path, text: str) -> None:
    message = mistake(written(tmp_path, text))
    assert message == "small.yaml: a config has sections such as 'data:', but this file has none"


def test_a_missing_file_is_answered_with_the_nearest_shipped_one(tmp_path: Path) -> None:
    message = mistake(tmp_path / "luonk.yaml")
    assert message.startswith("no config file luonk.yaml; unknown config 'luonk'")
    assert "did you mean 'luong'?" in message


def test_a_shipped_config_in_a_wrong_folder_is_named_without_one(tmp_path: Path) -> None:
    message = mistake(tmp_path / "luong.yaml")
    assert message == (
        "no config file luong.yaml; the one that comes with nmt is luong.yaml, without a folder"
    )


def test_a_folder_is_not_a_config(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a folder, not a config file"):
        load(tmp_path)


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_bytes("name: small  # prêt\n".encode("latin-1"))
    assert mistake(path) == "small.yaml: not UTF-8 (byte 17); save it as UTF-8"


# Configs that extend others


def test_a_config_overrides_what_it_extends(tmp_path: Path) -> None:
    base = written(tmp_path, LEAST + "model:\n  dropout: 0.3\n  embedding_size: 9\n", "base.yaml")
    path = written(tmp_path, "extends: base.yaml\nname: mine\nmodel: {dropout: 0.4}\n")
    loaded = load(path)
    assert loaded.config.name == "mine"
    assert loaded.config.model.dropout == 0.4
    assert loaded.config.model.embedding_size == 9
    assert loaded.sources["model.dropout"] == f"{path}:3"
    assert loaded.sources["model.embedding_size"] == f"{base}:6"


def test_a_chain_of_bases_is_followed_across_folders(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    written(tmp_path, LEAST + "seed: 7\n", "base.yaml")
    written(tmp_path / "in", "extends: ../base.yaml\nname: middle\n", "middle.yaml")
    config = load(written(tmp_path, "extends: in/middle.yaml\ndevice: cpu\n", "top.yaml")).config
    assert (config.name, config.seed, config.device) == ("middle", 7, "cpu")


def test_a_mistake_in_the_base_is_named_there(tmp_path: Path) -> None:
    written(tmp_path, LEAST + "model:\n  dropuot: 0.3\n", "base.yaml")
    path = written(tmp_path, "extends: base.yaml\nname: mine\n")
    assert mistake(path) == "base.yaml:5: model: unknown key 'dropuot'; did you mean 'dropout'?"


def test_a_missing_base_is_named(tmp_path: Path) -> None:
    message = mistake(written(tmp_path, "extends: bse.yaml\n"))
    assert message == "small.yaml: extends bse.yaml, but there is no bse.yaml"


def test_a_shipped_config_is_extended_by_its_name_from_anywhere(tmp_path: Path) -> None:
    for name in ("quickstart", "quickstart.yaml", "configs/quickstart.yaml"):
        path = written(tmp_path, f"extends: {name}\nname: mine\n")
        assert load(path).config.training == load(Path("quickstart")).config.training
    written(tmp_path, f"{LEAST}seed: 7\n", "quickstart.yaml")  # one close to it comes first
    assert load(written(tmp_path, "extends: quickstart.yaml\nname: mine\n")).config.seed == 7


@pytest.mark.parametrize("base", ["[a]", "{a: b}", "1", "/dev/null/x", "nothing\0", "\x1b[2J"])
def test_what_cannot_be_extended_is_one_line(tmp_path: Path, base: str) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(f"{LEAST}extends: {json.dumps(base)}\n", encoding="utf-8")
    assert "extends" in mistake(path)


def test_a_chain_of_configs_has_an_end(tmp_path: Path) -> None:
    for number in range(30):
        written(tmp_path, f"{LEAST}extends: {number + 1}.yaml\n", f"{number}.yaml")
    written(tmp_path, LEAST, "30.yaml")
    assert "0.yaml: extends a chain of more than 19 files" in mistake(tmp_path / "0.yaml")


def test_the_config_of_a_run_extends_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, f"{LEAST}extends: /etc/passwd\n")
    with pytest.raises(ConfigError, match="the config of a run extends nothing"):
        load(path, whole=True)


def test_a_config_can_come_from_a_pipe(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, f"{LEAST}seed: 9\n".encode())
    os.close(writing)
    loaded = load(Path(f"/dev/fd/{reading}"))
    os.close(reading)
    assert loaded.config.seed == 9
    assert loaded.text.endswith("seed: 9\n")


MUTATIONS = st.lists(
    st.tuples(st.integers(0, 2000), st.integers(0, 30), st.text(max_size=8) | SNIPPETS),
    min_size=1, max_size=4,
)  # fmt: skip


@given(st.sampled_from(sorted(shipped())), MUTATIONS)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_mutated_config_is_read_or_refused_with_one_line_per_mistake(
    tmp_path: Path, name: str, changes: list[tuple[int, int, str]]
) -> None:
    text = shipped()[name].read_text(encoding="utf-8")
    for place, length, new in changes:
        text = text[:place] + new + text[place + length :]
    path = tmp_path / "small.yaml"
    path.write_text(text, encoding="utf-8", errors="replace")
    try:
        load(path)
    except ConfigError as error:
        lines = str(error).split("\n")
        assert all(shown(line) and len(line) < 1000 for line in lines)


def test_a_config_that_extends_itself_is_refused(tmp_path: Path) -> None:
    written(tmp_path, "extends: small.yaml\n", "base.yaml")
    message = mistake(written(tmp_path, "extends: base.yaml\n"))
    assert "small.yaml: extends itself, through " in message


# The schema


def sections(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [schema, *schema["$defs"].values()]


def test_the_schema_knows_every_section_and_refuses_unknown_keys() -> None:
    schema = json.loads(json.dumps(Config.model_json_schema()))
    assert set(schema["properties"]) == set(Config.model_fields)
    assert all(section["additionalProperties"] is False for section in sections(schema))


def test_the_schema_explains_what_the_code_explains() -> None:
    schema = Config.model_json_schema()
    assert schema["$defs"]["DataConfig"]["properties"]["revision"]["description"].startswith(
        "A branch, tag or commit"
    )
    assert all(section.get("description") for section in sections(schema))


def test_the_schema_describes_each_field_by_its_own_docstring() -> None:
    class Base(Section):
        plain: int = 1
        kept: int = 2
        """Inherited."""
        replaced: str = "a"
        """The first text."""
        renewed: str = "b"
        """Of the base."""

    class Derived(Base):
        replaced: str = "c"
        renewed: str = "d"
        """Three lines,
        the second,
            the third indented.
        """
        last: float = 1.5

    described = Derived.model_json_schema()["properties"]
    assert {name: field.get("description") for name, field in described.items()} == {
        "plain": None,
        "kept": "Inherited.",
        "replaced": None,
        "renewed": "Three lines,\nthe second,\n    the third indented.",
        "last": None,
    }


def test_reading_a_config_parses_no_source(least: Path) -> None:
    code = (
        "import ast, sys; from pathlib import Path; ast.parse = None; from nmt.config import load; "
        f"load(Path({str(least)!r}))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_config_can_not_be_changed_after_reading(least: Path) -> None:
    config = load(least).config
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 3


def test_reading_a_config_needs_no_torch(least: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from nmt.config import load; "
        f"load(Path({str(least)!r})); "
        "assert not {'torch', 'datasets', 'sentencepiece', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_resolved_config_is_plain_yaml(least: Path) -> None:
    assert yaml.safe_load(load(least).resolved())["training"]["betas"] == [0.9, 0.98]


def test_a_key_of_an_earlier_version_is_answered_with_its_new_name(tmp_path: Path) -> None:
    path = tmp_path / "old.yaml"
    path.write_text("model:\n  attention: {choice: gumbel}\n", encoding="utf-8")
    said = "old.yaml:2: model.attention: unknown key 'choice'; did you mean 'selection'?"
    assert said in mistake(path).split("\n")
