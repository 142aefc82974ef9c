"""Untrusted YAML: the core schema of YAML 1.2, and bounds on every value."""

import math
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nmt.config import Config, load, shipped
from nmt.config.document import DEEPEST, LARGEST, MOST_VALUES, YamlMistake, parse
from nmt.config.scalars import Spelled, scalar
from nmt.errors import ConfigError, NmtError, printable
from test_config import shown

LEAST = "name: small\ndata:\n  corpus: phrasebook\n"


def plain(value: Any) -> Any:
    """The data with numbers where text stands for numbers."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.value if isinstance(value, Spelled) else value


def mistake(text: str) -> str:
    with pytest.raises(YamlMistake) as caught:
        parse(text)
    line = caught.value.line
    return str(caught.value) if line is None else f"{line}: {caught.value}"


# The core schema


@pytest.mark.parametrize(
    ("text", "value"),
    [  # the examples of section 10.3.2 first
        ("null", None), ("~", None), ("", None), ("Null", None), ("NULL", None),
        ("true", True), ("True", True), ("false", False), ("FALSE", False),
        ("0", 0), ("0o7", 7), ("0x3A", 58), ("-19", -19),
        ("0.", 0.0), ("-0.0", -0.0), (".5", 0.5), ("+12e03", 12000.0), ("-2E+05", -200000.0),
        (".inf", math.inf), ("-.Inf", -math.inf), ("+.INF", math.inf),
        # what YAML 1.1 read differently
        ("010", 10), ("0123456", 123456), ("-010", -10), ("+12", 12), ("1.", 1.0), ("1e3", 1000.0),
        ("5e-4", 5e-4), ("0o10", 8), ("0x1F", 31), ("1234567e10", 1234567e10),
        *((text, text) for text in (
            "10:30", "1:30:00", "2024-05-01", "2024-05-01T10:30:00Z", "1_000", "0b11", "yes", "no",
            "on", "off", "y", "n", "Yes", "NO", "=", "tRUE", "nULL", "-0x1F", "0X1F", "0o8", "0x",
            "1e", ".", "+", "-.5.", "e5", ".iNF", "1,5", "\u0661\u0662", "\u00b2", "\u0967",
        )),
    ],
)  # fmt: skip
def test_a_plain_word_is_what_the_core_schema_says(text: str, value: Any) -> None:
    found = plain(parse(f"key: {text}").value)["key"]
    assert found == value
    assert type(found) is type(value)


def test_not_a_number_is_a_number_of_the_core_schema() -> None:
    assert math.isnan(plain(parse(".nan").value))
    assert parse("+.nan").value == "+.nan"


@pytest.mark.parametrize("quoted", ["'010'", '"010"', "!!str 010", "! 010", "|-\n  010"])
def test_what_is_quoted_is_text(quoted: str) -> None:
    assert parse(f"key: {quoted}").value == {"key": "010"}


@pytest.mark.parametrize(
    ("text", "value"),
    [("!!int 5", 5), ("!!float 5", 5), ("!!float '.5'", 0.5), ("!!bool true", True),
     ("!!null ''", None), ("!!seq [1]", [1]), ("!!map {a: 1}", {"a": 1}), ("!!int '0x10'", 16)],
)  # fmt: skip
def test_the_tags_of_the_core_schema_are_read(text: str, value: Any) -> None:
    assert plain(parse(text).value) == value


@pytest.mark.parametrize(
    "text",
    ["!!binary aGVsbG8=", "!!set {a, b}", "!!omap [a: 1]", "!!timestamp 2024-05-01", "!!int x",
     "!!bool yes", "!!int 1.5", "!!seq {}", "!!map []", "!!python/tuple [1]", "!mine 1",
     "!!python/object/apply:os.system [exit]", "!!null x", "!<tag:yaml.org,2002:value> ="],
)  # fmt: skip
def test_other_tags_are_refused_with_their_line(text: str) -> None:
    assert mistake(f"\nkey: {text}").startswith("2: ")


@given(st.integers(-(10**30), 10**30), st.integers(0, 12))
@settings(max_examples=50)
def test_a_decimal_is_itself_whatever_zeros_stand_before_it(number: int, zeros: int) -> None:
    text = f"{'-' if number < 0 else ''}{'0' * zeros}{abs(number)}"
    assert scalar(text) == Spelled(number, text)


# Text fields keep the text as written

TEXTS = ["2024", "0123456", "1234567e10", "1e5", "0x1F", "0o17", "1_000", "2024-05-01", "10:30",
         "no", ".5", "+12", "1.", "1.10", ".inf", ".NaN", "0b11", "1:2:3",
         "9" * 300, "007", "1e400"]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_keeps_the_letters_that_were_written(text: str, tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(f"{LEAST}  revision: {text}\n  splits: {{train: {text}}}\n", encoding="utf-8")
    config = load(path).config
    assert (config.data.revision, config.data.splits.train) == (text, text)
    changed = load(path, [f"data.splits.test={text}", f"data.config={text}"])
    assert changed.config.data.splits.test == changed.config.data.config == text
    path.write_text(changed.resolved(), encoding="utf-8")
    assert load(path).config == changed.config


@pytest.mark.parametrize(
    ("text", "column"),
    [("3", 3), ("2024", 2024), ("'3'", "3"), ("03", "03"), ("1e3", "1e3"), ("0x3", "0x3"),
     ("-3", "-3"), ("3.0", "3.0"), ("9" * 30, "9" * 30), ("null", None)],
)  # fmt: skip
def test_a_column_is_a_plain_number_or_a_name(
    text: str, column: int | str | None, tmp_path: Path
) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(f"{LEAST}  source_column: {text}\n", encoding="utf-8")
    loaded = load(path)
    assert loaded.config.data.source_column == column
    path.write_text(loaded.resolved(), encoding="utf-8")
    assert load(path).config == loaded.config


@pytest.mark.parametrize("name", ["2024", "2024-05-01", "010", "1e5", "3.10"])
def test_a_run_may_be_called_by_a_number(name: str, tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(LEAST.replace("small", name), encoding="utf-8")
    assert load(path).config.name == name
    assert load(path, [f"name={name}x", f"name={name}"]).config.name == name


def test_file_names_in_a_list_keep_their_letters_too(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text("name: s\ndata: {corpus: files, files: {train: [010, 1e3]}}", encoding="utf-8")
    files = load(path).config.data.files
    assert files is not None
    assert files.train == ("010", "1e3")


LETTERS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=30)


@given(LETTERS | st.from_regex(r"[-+.0-9_:xobeE~=]{1,8}", fullmatch=True))
@example("0o10").via("YAML 1.1 writes it without quotes")
@example("1e5").via("the same")
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_comes_back_from_the_resolved_config(tmp_path: Path, text: str) -> None:
    values = {"name": "s", "data": {"corpus": "phrasebook", "revision": text, "source": text}}
    path = tmp_path / "resolved.yaml"
    path.write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")
    assert load(path).config == Config.model_validate(values)


# Aliases


def test_an_alias_stands_for_a_copy(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(
        f"{LEAST}model:\n  encoder: &e\n    layers: 2\n  decoder: *e\n", encoding="utf-8"
    )
    loaded = load(path, ["model.decoder.layers=3"])
    assert (loaded.config.model.encoder.layers, loaded.config.model.decoder.layers) == (2, 3)
    assert loaded.sources["model.decoder"] == f"{path}:7"


def test_an_alias_means_the_last_anchor_before_what_holds_it() -> None:
    text = "a: &x 1\nb: &y {k: *x}\nc: &x 2\nd: *y\ne: *x\nf: &x {*x : *x}"
    assert mistake(text) == "6: a section contains itself through an alias; write it out"
    assert plain(parse(text.partition("\nf")[0]).value) == {
        "a": 1, "b": {"k": 1}, "c": 2, "d": {"k": 1}, "e": 2
    }  # fmt: skip


def test_an_undefined_alias_is_named() -> None:
    assert mistake("a: 1\nb: *c") == "2: there is no anchor '&c' before this alias"


@pytest.mark.parametrize("levels", [12, 30, 1000])
@pytest.mark.parametrize("first", ["[x, x]", "{x: 1, y: 2}"])
def test_aliases_of_aliases_without_end_are_refused(levels: int, first: str) -> None:
    text = f"a0: &a0 {first}\n"
    for level in range(1, levels):
        inner = f"*a{level - 1}, y: *a{level - 1}"
        inner = f"{{x: {inner}}}" if first[0] == "{" else f"[{inner.replace('y: ', '')}]"
        text += f"a{level}: &a{level} {inner}\n"
    assert "more than 2,000 values" in mistake(text) or "more than 40" in mistake(text)


def test_aliases_cannot_nest_deeper_than_sections() -> None:
    chain = "a0: &a0 [1]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 200))
    assert "sections nested more than 40 deep" in mistake(chain)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("<<: {a: 1}", {"a": 1}),
        ("a: 1\n<<: {a: 2, b: 3}", {"a": 1, "b": 3}),
        ("<<: {a: 2}\na: 1", {"a": 1}),
        ("<<: [{a: 1}, {a: 2, b: 3}]", {"a": 1, "b": 3}),
        ("x: &x {a: {b: 1}}\ny: {<<: *x, c: 2}", {"x": {"a": {"b": 1}},
                                               "y": {"a": {"b": 1}, "c": 2}}),
        ("'<<': 1", {"<<": 1}),
    ],
)  # fmt: skip
def test_a_merge_key_copies_what_is_not_written(text: str, value: Any) -> None:
    assert plain(parse(text).value) == value == yaml.safe_load(text)


@pytest.mark.parametrize("text", ["<<: 1", "<<: [1]", "<<: null", "<<: [[{a: 1}]]"])
def test_a_merge_key_takes_sections(text: str) -> None:
    assert mistake(text).startswith("1: '<<' takes a section")


def test_a_merged_mistake_is_reported_where_it_is_merged(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(f"{LEAST}model:\n  <<: {{dropout: 2}}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"small.yaml:5: model.dropout: input should be less"):
        load(path)


# Bounds


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[" * DEEPEST + "]" * DEEPEST, None),
        ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "nested more than 40 deep"),
        ("{a: " * (DEEPEST + 1), "nested more than 40 deep"),
        ("- " * 5000 + "x", "nested more than 40 deep"),
        ("[" + "a," * (MOST_VALUES - 2) + "a]", None),
        ("[" + "a," * MOST_VALUES + "a]", "more than 2,000 values"),
        ("a: 1\n" * MOST_VALUES * 2, "more than 2,000 values"),
        ("a: " + "x" * LARGEST, "longer than 250,000 characters"),
        ("? " + "k" * 2000 + "\n: 1", "a key has more than 1,000 characters"),
        ("--- 1\n--- 2", "2: a config is one YAML document"),
        ("? [a]\n: 1", "1: a key is one word, not a list or a section"),
        ('a: "\\UFFFFFFFF"', "not YAML: "),
        ("%YAML " + "1" * 5000 + ".1\n---\na", "not YAML: "),
        ("a: 1\nb: \x1b[2J", "2: the character U+001B is not allowed"),
        ("a: 1\nb: \ud800", "2: the character U+D800 is not allowed"),
    ],
    ids=range(15),
)
def test_a_text_has_bounds(text: str, problem: str | None) -> None:
    if problem is None:
        parse(text)
    else:
        assert problem in mistake(text)


# Nothing but a ConfigError comes out

SHIPPED = [path.read_text(encoding="utf-8") for path in shipped().values()]
YAMLISH = st.lists(
    st.sampled_from(
        [*"abxyz019.:,-+_~=?!|>&*%@`#'\"{}[]<> \n\t\\", *"\r\u00e9\u2028\ufeff\x85\ud800",
         "data", "name", "extends", "&a ", "*a", "!!int ", "---\n", ": ", "- ", "\n  ",
         "model:\n  ", "0x", "1e5"]
    ),
    max_size=60,
).map("".join)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A shipped config with some parts removed, doubled or replaced."""
    text = draw(st.sampled_from(SHIPPED))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 30)))
        text = (
            text[:start] + draw(st.just("") | st.just(text[start:end] * 2) | YAMLISH) + text[end:]
        )
    return text


def only_config_errors(path: Path, *overrides: str) -> None:
    try:
        load(path, overrides).resolved()
    except ConfigError as error:
        for line in str(error).split("\n"):
            assert shown(line)
            assert 0 < len(line) <= 2100


@given(YAMLISH | mutated() | st.text(max_size=80))
@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_file_is_a_config_or_printable_lines(tmp_path: Path, text: str) -> None:
    path = tmp_path / "fuzz.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    only_config_errors(path)


KEYS = st.sampled_from(
    ["name", "seed", "data", "data.corpus", "data.files.train", "training.betas", "model.attention",
     "extends", "evaluation.splits", "training.learning_rate", "decoding.beam_size", "device"]
)  # fmt: skip


@given(st.lists(st.builds("{}={}".format, KEYS | YAMLISH, YAMLISH) | YAMLISH, max_size=3))
@example(["data.source_column=\udcff"])
@example(["name=\x1b]0;owned\x07"])
@example(["seed=" + "9" * 5000])
@example(["seed=0x" + "f" * 5000])
@example([f"model.{'a' * 100_000}=1"])
@example([f"{'a.' * 5000}b=1"])
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_overrides_are_values_or_printable_lines(tmp_path: Path, overrides: list[str]) -> None:
    path = tmp_path / "least.yaml"
    path.write_text(LEAST, encoding="utf-8")
    only_config_errors(path, *overrides)


@given(st.binary(max_size=60))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_a_config_or_printable_lines(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bytes.yaml"
    path.write_bytes(content)
    only_config_errors(path)


# Messages


@given(st.text(max_size=700), st.integers(10, 300))
@settings(max_examples=200)
def test_quoted_values_in_messages_are_short_and_printable(text: str, longest: int) -> None:
    said = printable(text, most=longest)
    assert shown(said)
    assert len(said) <= 6 * longest + 3
    if len(text) <= longest and text.isprintable():
        assert said == text


def test_the_lines_of_an_error_are_those_that_were_meant() -> None:
    assert str(NmtError("one\ntwo\x1b", "three")) == "one\\x0atwo\\x1b\nthree"
    assert len(str(NmtError("x" * 10**6))) <= 2003


def test_of_very_many_mistakes_the_first_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "many.yaml"
    path.write_text(LEAST + "".join(f"key{i}: {i}\n" for i in range(500)), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path)
    lines = str(caught.value).split("\n")
    assert len(lines) == 21
    assert lines[-1] == f"{path}: there are 480 more mistakes"


def test_a_long_name_is_reported_in_a_short_line(tmp_path: Path) -> None:
    path = tmp_path / "long.yaml"
    path.write_text(f"{LEAST}model: {{decoder: {{cell: {'x' * 100_000}}}}}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert len(str(caught.value)) < 600
    assert "it has 100,000 characters" in str(caught.value)


@pytest.mark.parametrize("value", ['"a\\nb"', '"\\e[2J"', '"\\u2028"', '"\\ud800"', '"\\x85"'])
def test_text_that_cannot_be_shown_or_stored_is_refused(value: str, tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(f"{LEAST}  source_column: {value}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"small.yaml:4: data.source_column: .* contains "):
        load(path)


@pytest.mark.parametrize("value", ['"0.1"', "'1e-3'", '" 5 "'])
def test_a_quoted_number_is_not_a_number(value: str, tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(f"{LEAST}training: {{learning_rate: {value}}}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="is text: write .* without quotes"):
        load(path)


def test_the_name_of_a_run_fits_into_a_file_system(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(LEAST, encoding="utf-8")
    assert os.fsencode(load(path, [f"name=a{'é' * 99}"]).config.name)
    with pytest.raises(ConfigError, match="up to 100 letters"):
        load(path, [f"name=a{'é' * 100}"])
