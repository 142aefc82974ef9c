"""All input and output of the commands: results, or one line and the right status."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from nmt.checkpoint.run import open_run
from nmt.cli.places import written
from nmt.cli.streams import say_json
from nmt.errors import WriteError
from nmt.evaluation.records import read_records
from nmt.workflows.inference import teacher_forcing as forced
from nmt.workflows.inference.load import load_trained
from support.commands import Commands, Outcome, lay_out

TRAINING = ["training.epochs=1", "evaluation.splits=[]", "training.learning_rate=0.02"]
POSITIONS = 20
needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
posix = pytest.mark.skipif(os.name == "nt", reason="names of streams are files on POSIX alone")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with two runs; `short` has parameters for POSITIONS positions of the source."""
    folder = tmp_path_factory.mktemp("trained")
    lay_out(folder)
    patch = pytest.MonkeyPatch()
    patch.chdir(folder)
    from nmt.cli import main

    location = ["model.attention.score=location", f"model.attention.max_positions={POSITIONS}"]
    for options in (["name=short", *location], []):
        patch.setattr(sys, "argv", ["nmt", "train", "tiny.yaml", *TRAINING, *options])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
    patch.undo()
    return folder


@pytest.fixture
def nmt(trained, tmp_path, monkeypatch, capsys):
    """The command, in a copy of that folder."""
    shutil.copytree(trained, tmp_path / "work", symlinks=True)
    (tmp_path / "work" / "in.txt").write_text("I see dogs\nwe love trees\n", encoding="utf-8")
    return Commands(tmp_path / "work", monkeypatch, capsys)


def one_line(found: Outcome, status: int, *parts: str) -> None:
    complaints = [line for line in found.err.split("\n") if line.startswith("nmt: ")]
    assert found.status == status, found.err
    assert len(complaints) == 1, found.err
    assert "Traceback" not in found.err
    for part in parts:
        assert part in complaints[0]


def into(nmt: Commands, stream: io.TextIOWrapper, *arguments: object) -> Outcome:
    """Run a command with that stream as its standard output."""
    with nmt.monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        return nmt(*arguments)


PRINTING = [
    ["--help"],
    ["--version"],
    ["config", "schema"],
    ["config", "show", "tiny.yaml"],
    ["config", "validate", "tiny.yaml"],
    ["data", "list"],
    ["data", "list", "--json"],
    ["data", "check", "tiny.yaml"],
    ["explain"],
    ["explain", "dot", "--json"],
    ["translate", "I see dogs"],
    ["translate", "I see dogs", "--output", "-"],
    ["evaluate", "--json"],
    ["align", "in.txt", "in.txt"],
    ["plot-attention", "I see dogs", "-o", "a.svg"],
]


@needs_full
@pytest.mark.parametrize("command", PRINTING, ids=" ".join)
def test_a_full_standard_output_is_one_line(nmt, command):
    with Path("/dev/full").open("w", encoding="utf-8") as stream:
        one_line(into(nmt, stream, *command), 2, "standard output", "No space left")


@needs_full
def test_a_full_unbuffered_standard_output_is_one_line(nmt):
    with io.TextIOWrapper(io.FileIO("/dev/full", "w"), "utf-8") as stream:
        one_line(into(nmt, stream, "config", "schema"), 2, "standard output", "No space left")


@pytest.mark.parametrize("command", PRINTING, ids=" ".join)
def test_a_reader_that_closes_the_pipe_ends_a_command_quietly(nmt, command):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="ascii") as stream:
        found = into(nmt, stream, *command)
    assert found.status == 0
    assert "nmt: " not in found.err


def test_standard_output_is_utf8_whatever_the_locale_says(nmt):
    place = nmt.folder / "shown.txt"
    with place.open("w", encoding="ascii") as stream:
        assert into(nmt, stream, "config", "show", "tiny.yaml", "data.revision=été").status == 0
    assert 'data.revision: "été"' in place.read_text(encoding="utf-8")


def test_the_previous_stream_is_restored(nmt):
    place = nmt.folder / "shown.txt"
    with place.open("w", encoding="utf-8") as stream:
        into(nmt, stream, "--version")
        stream.write("after")
    assert place.read_text(encoding="utf-8").startswith("nmt ")
    assert place.read_text(encoding="utf-8").endswith("\nafter")


@posix
@pytest.mark.parametrize(
    ("closed", "status", "out", "err"),
    [
        ("<&-", 0, "nmt ", ""),
        ("2>&-", 0, "nmt ", ""),
        (">&-", 2, "", "nmt: cannot write standard output: it is closed\n"),
        ("<&- >&- 2>&-", 2, "", ""),
    ],
)
def test_closed_streams_are_handled(closed, status, out, err):
    command = f"{sys.executable} -m nmt --version {closed}"
    found = subprocess.run(
        command, shell=True, capture_output=True, text=True, check=False,
        cwd=Path(__file__).parents[1],
    )  # fmt: skip
    assert (found.returncode, found.stderr) == (status, err)
    assert found.stdout.startswith(out)


def test_json_on_a_terminal_has_no_control_characters(capsys):
    value = {"name": "a\x1b[2J\x85\u202e\ud800 é"}
    say_json(value)
    text = capsys.readouterr().out
    assert json.loads(text) == value
    assert "é" in text
    assert not any(ord(letter) in {0x1B, 0x85, 0x202E} for letter in text)


@posix
@pytest.mark.parametrize("output", ["in.txt", "./in.txt", "link.txt", "hard.txt"])
@pytest.mark.parametrize("option", ["--output", "--attention"])
def test_no_input_is_overwritten(nmt, output, option):
    (nmt.folder / "link.txt").symlink_to("in.txt")
    os.link(nmt.folder / "in.txt", nmt.folder / "hard.txt")
    before = (nmt.folder / "in.txt").read_bytes()
    one_line(nmt("translate", "-i", "in.txt", option, output), 2, "--input", option, "same file")
    assert (nmt.folder / "in.txt").read_bytes() == before
    assert (nmt.folder / "link.txt").is_symlink()


def test_standard_input_is_not_overwritten(nmt):
    found = nmt("translate", "-o", "stdin.txt", stdin="I see dogs\n")
    one_line(found, 2, "standard input", "same file")
    assert (nmt.folder / "stdin.txt").read_text(encoding="utf-8") == "I see dogs\n"


def test_a_file_is_not_appended_to_itself(nmt):
    with (nmt.folder / "in.txt").open("a", encoding="utf-8") as stream:
        found = into(nmt, stream, "translate", "-i", "in.txt")
    one_line(found, 2, "--input", "standard output", "same file")


def test_two_outputs_do_not_share_a_file_but_a_device(nmt):
    one_line(nmt("translate", "a", "-o", "o", "--attention", "o"), 2, "--output", "--attention")
    one_line(nmt("translate", "a", "--attention", "-"), 2, "standard output", "--attention -")
    assert nmt("translate", "a", "-o", os.devnull, "--attention", os.devnull).status == 0


def test_pictures_do_not_replace_their_records(nmt):
    nmt("translate", "I see dogs", "--attention", "records.svg")
    one_line(nmt("plot-attention", "-i", "records.svg", "-o", "records.svg"), 2, "same file")
    assert len(list(read_records(nmt.folder / "records.svg"))) == 1


@posix
def test_what_a_named_descriptor_already_holds_is_kept(nmt):
    place = nmt.folder / "all.txt"
    place.write_text("before\n", encoding="utf-8")
    with place.open("a", encoding="utf-8") as file:
        name = f"/dev/fd/{file.fileno()}"
        assert nmt("translate", "I see dogs", "--output", name).status == 0
        assert nmt("translate", "I see dogs", "--attention", name).status == 0
    first, text, record = place.read_text(encoding="utf-8").split("\n")[:-1]
    assert first == "before"
    assert json.loads(record)["target"] == text
    one_line(nmt("translate", "I see dogs", "--output", "/dev/fd/777"), 2, "/dev/fd/777")


def test_a_dash_is_a_standard_stream(nmt):
    plain = nmt("translate", stdin="I see dogs\n").out
    assert nmt("translate", "-i", "-", "-o", "-", stdin="I see dogs\n").out == plain
    assert not (nmt.folder / "-").exists()
    one_line(nmt("align", "-", "-"), 2, "standard input")
    one_line(nmt("evaluate", "-i", "-", "--reference", "-"), 2, "standard input")


@posix
def test_a_pipe_whose_reader_left_is_one_line(nmt):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        found = nmt("translate", "I see dogs", "--output", f"/dev/fd/{writer}")
    finally:
        os.close(writer)
    one_line(found, 2, f"/dev/fd/{writer}")


@pytest.mark.parametrize(
    ("source", "reason"), [("runs", "directory"), ("nothing.txt", "No such file")]
)
def test_an_input_that_cannot_be_read_is_one_line(nmt, source, reason):
    one_line(nmt("translate", "-i", source, "-o", "out.txt"), 3, source, reason)
    assert not list(nmt.folder.glob("*out.txt*"))


BAD = b"I see dogs\nwe love trees\ncaf\xe9\nI see dogs\n"


def test_good_lines_before_a_bad_one_are_translated_and_kept(nmt):
    (nmt.folder / "bad.txt").write_bytes(BAD)
    good = nmt("translate", "-i", "in.txt").out
    found = nmt("translate", "-i", "bad.txt", "--attention", "a.jsonl")
    one_line(found, 3, "bad.txt:3", "UTF-8")
    assert found.out == good
    kept = (nmt.folder / "runs/tiny/translations/attention.jsonl").read_bytes()
    assert (nmt.folder / "a.jsonl").read_bytes() == kept
    assert [record.id for record in read_records(nmt.folder / "a.jsonl")] == ["1", "2"]

    one_line(nmt("translate", "-i", "bad.txt", "-o", "out.txt"), 3, "bad.txt:3", "out.txt.partial")
    assert not (nmt.folder / "out.txt").exists()
    assert (nmt.folder / "out.txt.partial").read_text(encoding="utf-8") == good


def broken_off(place: Path, text: str, failure: BaseException) -> None:
    with written(place) as file:
        file.write(text)
        raise failure


def test_a_partial_output_has_whole_lines(tmp_path):
    place, partial = tmp_path / "text", tmp_path / "text.partial"
    with pytest.raises(WriteError, match="no; the lines before that are in .*text.partial$"):
        broken_off(place, "one\ntwo\nthr", WriteError("no"))
    assert partial.read_bytes() == b"one\ntwo\n"
    assert not place.exists()
    with pytest.raises(KeyboardInterrupt):
        broken_off(place, "x" * 200_000 + "\n" + "y" * 200_000, KeyboardInterrupt())
    assert partial.read_bytes() == b"x" * 200_000 + b"\n"
    partial.unlink()
    with pytest.raises(WriteError, match="^no$"):
        broken_off(place, "no whole line", WriteError("no"))
    assert list(tmp_path.iterdir()) == []


LONG = "we see dogs " * 40  # words; and `short` has POSITIONS positions


@pytest.mark.parametrize("limit", ["decoding", "positions"])
def test_a_line_that_is_too_long_is_translated_in_parts(nmt, limit):
    run = nmt.folder / ("runs/short" if limit == "positions" else "runs/tiny")
    if limit == "decoding":
        config = run / "config.resolved.yaml"
        text = config.read_text(encoding="utf-8")
        assert "max_source_length: 1000" in text
        config.write_text(text.replace("max_source_length: 1000", "max_source_length: 30"), "utf-8")
    lines = f"I see dogs\n{LONG}\nwe love trees\n"
    found = nmt("translate", "--run", run, "--attention", "a.jsonl", stdin=lines)
    assert found.status == 0
    assert found.out.count("\n") == 3
    assert "warning: 1 line (2) is longer than" in found.err
    records = list(read_records(nmt.folder / "a.jsonl"))
    parts = [record for record in records if record.id.startswith("2.")]
    assert [record.id for record in records] == [
        "1", *(f"2.{number}" for number in range(1, len(parts) + 1)), "3",
    ]  # fmt: skip
    assert len(parts) > 2
    assert " ".join(record.source for record in parts) == LONG.strip()
    joined = " ".join(record.target for record in parts if record.target)
    assert found.out.split("\n")[1] == joined

    strict = nmt("translate", "--run", run, "--strict", stdin=lines)
    one_line(strict, 3, "line 2")
    assert strict.out == found.out[: found.out.index("\n") + 1]
    several = nmt("translate", "--run", run, "--n-best", 2, "--format", "tsv", stdin=lines).out
    assert several.count("\n") == 6


def test_a_huge_line_is_skipped_unread(nmt, monkeypatch):
    from nmt.cli import translate

    monkeypatch.setattr(translate, "LONGEST", 100)
    lines = f"I see dogs\n{'a' * 5_000}\n{'b' * 100}\n" + "c" * 250
    found = nmt("translate", stdin=lines)
    assert found.status == 0
    assert [bool(line) for line in found.out.split("\n")[:-1]] == [True, False, True, False]
    assert "2 lines (2, 4) are much too long" in found.err
    one_line(nmt("translate", "--strict", stdin=lines), 3, "standard input:2", "100 bytes")


def test_files_with_a_long_line_are_evaluated(nmt):
    (nmt.folder / "long.en").write_text(f"I see dogs\n{LONG}\n", encoding="utf-8")
    (nmt.folder / "long.fr").write_text("je vois les chiens\nnous\n", encoding="utf-8")
    options = ["--input", "long.en", "--reference", "long.fr"]
    found = nmt("evaluate", "runs/short", *options)
    assert found.status == 0
    assert "1 line (2) is longer" in found.err
    folder = nmt.folder / "runs/short/evaluation/long"
    assert folder.joinpath("hypotheses.txt").read_text(encoding="utf-8").count("\n") == 2


def test_a_pair_that_is_too_long_has_no_links(nmt, monkeypatch):
    lines = ["I see dogs", LONG.strip(), "we love trees"] * 9
    (nmt.folder / "a.en").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    alone = [nmt("align", "in.txt", "in.txt", "--run", "runs/short").out.split("\n")]
    found = nmt("align", "a.en", "a.en", "--run", "runs/short")
    assert found.status == 0
    links = found.out.split("\n")[:-1]
    assert links == [alone[0][0], "", alone[0][1]] * 9
    assert "9 lines (2, 5, 8, 11, 14, ...) are too long" in found.err
    one_line(nmt("align", "a.en", "a.en", "--run", "runs/short", "--strict"), 3, "line ")
    monkeypatch.setattr(forced, "LARGEST", 400)
    found = nmt("align", "a.en", "a.en", "--run", "runs/tiny")
    assert "9 lines (2, 5, 8, 11, 14, ...) are too long" in found.err
    one_line(nmt("align", "a.en", "a.en", "--run", "runs/tiny", "--strict"), 3, "line 2")


class Terminal(io.StringIO):
    """What a person types; a Ctrl-C is a line of its own."""

    def isatty(self):
        return True

    def readline(self, *size):
        line = super().readline(*size)
        if line == "^C\n":
            raise KeyboardInterrupt
        return line


@pytest.mark.parametrize("ending", ["", "^C\n"])
def test_a_session_keeps_the_attention_of_all_its_lines(nmt, monkeypatch, ending):
    typed = f"I see dogs\nwe love trees\n\nhe knows cats\n{ending}"
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    found = nmt("translate", "--attention", "a.jsonl")
    assert found.status == (130 if ending else 0)
    records = list(read_records(nmt.folder / "a.jsonl"))
    assert [record.id for record in records] == ["1", "2", "3", "4"]
    assert [record.source for record in records] == [
        "I see dogs", "we love trees", "", "he knows cats",
    ]  # fmt: skip
    kept = nmt.folder / "runs/tiny/translations/attention.jsonl"
    assert kept.read_bytes() == (nmt.folder / "a.jsonl").read_bytes()


def test_a_session_answers_each_line_before_the_next(nmt, monkeypatch):
    seen = []

    class Watching(Terminal):
        def readline(self, *size):
            seen.append(sys.stdout.getvalue().count("\n"))
            return super().readline(*size)

    monkeypatch.setattr(sys, "stdin", Watching("I see dogs\nwe love trees\n"))
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    nmt("translate")
    assert seen == [0, 1, 2]


def test_a_session_writes_all_its_lines_to_one_file(nmt, monkeypatch):
    monkeypatch.setattr(sys, "stdin", Terminal("I see dogs\nwe love trees\n"))
    assert nmt("translate", "--output", "o.txt").status == 0
    assert (nmt.folder / "o.txt").read_text("utf-8") == nmt("translate", "-i", "in.txt").out


def test_an_unwritable_run_is_reported_once(nmt, monkeypatch):
    (nmt.folder / "runs/tiny/translations").write_text("no folder", encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", Terminal("I see dogs\nwe love trees\nhe knows cats\n"))
    found = nmt("translate")
    assert found.status == 0
    assert found.err.count("warning") == 1


@posix
@pytest.mark.slow
def test_a_session_at_a_real_terminal(trained, tmp_path):
    import pty

    terminal, end = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "nmt", "translate", "--attention", str(tmp_path / "a")],
        cwd=trained, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=end, stdout=end, stderr=end,
    ) as process:  # fmt: skip
        os.close(end)
        shown = b""
        for line in (b"I see dogs\n", b"we love trees\n", b"\n", b"\x04"):
            while not shown.endswith(b"> "):
                shown += os.read(terminal, 1000)
            os.write(terminal, line)
            shown = b""
    os.close(terminal)
    assert process.returncode == 0
    assert [record.id for record in read_records(tmp_path / "a")] == ["1", "2", "3"]


ROOT = Path(__file__).parents[1]


@posix
@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_ends_a_command_without_a_traceback(trained, tmp_path, name):
    number = getattr(signal, name)
    command = [sys.executable, "-m", "nmt", "translate", "-o", str(tmp_path / "out.txt")]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    try:
        process = subprocess.Popen(
            command, cwd=trained, env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
    finally:
        signal.signal(signal.SIGINT, before)
    process.stderr.readline()  # the model is loaded
    process.send_signal(number)
    try:
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 128 + number
    assert errors == b""
    assert list(tmp_path.iterdir()) == []


def test_signals_are_remembered_where_their_exception_is_lost():
    from nmt.__main__ import _Signals

    signals = _Signals()
    with pytest.raises(KeyboardInterrupt):
        signals._arrived(signal.SIGINT, None)
    assert signals.number == signal.SIGINT
    with pytest.raises(SystemExit) as ended:
        signals._arrived(signal.SIGTERM, None)
    assert ended.value.code == 128 + signal.SIGTERM


@pytest.mark.parametrize("n_best", [1, 2, 3, 5])
def test_n_best_gives_n_lines_with_distinct_texts_and_falling_scores(nmt, n_best):
    lines = "I see dogs\n\nwe love trees\n \u200b\n"
    options = ["--n-best", n_best, "--beam-size", max(2, n_best)]
    text = nmt("translate", *options, stdin=lines).out.split("\n")[:-1]
    tsv = nmt("translate", *options, "--format", "tsv", stdin=lines).out.split("\n")[:-1]
    jsonl = nmt("translate", *options, "--format", "jsonl", stdin=lines).out.split("\n")[:-1]
    assert len(text) == len(tsv) == 4 * n_best
    rows = [row.split("\t") for row in tsv]
    assert [row[3] for row in rows] == text
    assert [row[1] for row in rows] == [str(rank) for rank in range(n_best)] * 4
    for number, line in enumerate(map(json.loads, jsonl)):
        part = slice(number * n_best, (number + 1) * n_best)
        assert [each["text"] for each in line["translations"]] == text[part]
        shown = [each["score"] for each in line["translations"]]
        assert [round(score, 4) for score in shown] == [float(row[2]) for row in rows[part]]
        assert shown == sorted(shown, reverse=True)
        if line["source"]:
            assert len(set(text[part])) == n_best
        else:
            assert text[part] == [""] * n_best


def test_translations_are_ranked_by_their_score(nmt):
    found = json.loads(
        nmt("translate", "I see dogs", "--n-best", 3, "--format", "jsonl",
            "--length-penalty", 0.6).out
    )  # fmt: skip
    records = list(read_records(nmt.folder / "runs/tiny/translations/attention.jsonl"))
    for shown, record in zip(found["translations"], records, strict=True):
        assert shown["log_probability"] == pytest.approx(record.score, abs=1e-5)
        ranked = record.score / len(record.token_scores) ** 0.6
        assert shown["score"] == pytest.approx(ranked, abs=1e-5)


def test_translations_hold_no_control_characters():
    from nmt.data.tokenizers.learn import Piece
    from nmt.decoding.hypothesis import Hypothesis
    from nmt.decoding.translator import Translated, Translation
    from nmt.workflows.translate import forms

    hypothesis = Hypothesis([5, 3], [-0.25, -0.25], -0.25, None)
    text = "a\x1b]0;owned\x07b\x9b\x7f"
    translated = Translated("s\to\x1b", [Piece("</s>", 0, 0)], [Translation(text, [], hypothesis)])
    assert forms["text"](translated, 2) == "a]0;ownedb\n"
    assert forms["tsv"](translated, 2) == "s o\t0\t-0.2500\ta]0;ownedb\ns o\t1\t-inf\t"
    found = json.loads(forms["jsonl"](translated, 2))
    assert [each["score"] for each in found["translations"]] == [-0.25, None]


def test_arguments_are_read_as_utf8_whatever_the_locale_says(nmt):
    found = nmt("translate", "un caf\udcc3\udca9", "--format", "jsonl")
    assert json.loads(found.out)["source"] == "un café"
    for command in ("translate", "plot-attention"):
        one_line(nmt(command, "fine", "caf\udce9"), 2, "text 2", r"caf\xe9", "UTF-8")


@posix
def test_an_ascii_locale_is_left_for_utf8(tmp_path):
    lay_out(tmp_path)
    (tmp_path / "tiny.yaml").rename(tmp_path / "été.yaml")
    ascii_only = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    found = subprocess.run(
        [sys.executable, "-m", "nmt", "config", "show", "été.yaml", "data.revision=café"],
        capture_output=True, check=True, cwd=tmp_path,
        env={**os.environ, **ascii_only, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert 'data.revision: "café"' in found.stdout.decode("utf-8")


@posix
def test_names_that_are_not_utf8_are_shown_and_written(nmt):
    name = os.fsdecode(b"a\xff\x1b.txt")
    one_line(nmt("translate", "-i", name), 3, r"a\xff\x1b.txt")
    assert nmt("translate", "I see dogs", "-o", name).status == 0
    place = nmt.folder / "shown"
    with place.open("w", encoding="ascii") as stream:
        picture = os.fsdecode(b"a\xff.svg")
        assert into(nmt, stream, "plot-attention", "hi", "-o", picture).status == 0
    assert place.read_bytes() == b"a\xff.svg\n"


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["translat"], ["no such command 'translat'", "'translate'"]),
        (["xyzzy"], ["no such command 'xyzzy'", "plot-attention"]),
        (["config", "shw"], ["'show'", "nmt config --help"]),
        (["translate", "--beem-size", "3"], ["--beem-size", "did you mean --beam-size"]),
        (["translate", "-5 degrees"], ["goes after --", "nmt translate -- TEXT"]),
        (["plot-attention", "--well, he said"], ["goes after --"]),
        (["translate", "--beam-size"], ["--beam-size"]),
        (["translate", "a", "--beam-size", "two"], ["--beam-size", "nmt translate --help"]),
        (["align", "a.txt"], ["target", "nmt align --help"]),
        (["explain", "dot", "general"], ["general"]),
        (["--verbos"], ["--verbose"]),
    ],
)
def test_a_command_line_that_cannot_be_read_is_one_line(nmt, arguments, parts):
    found = nmt(*arguments)
    one_line(found, 2, *parts)
    assert found.err.count("\n") == 1
    assert found.out == ""


def test_a_text_that_starts_with_a_dash_goes_after_a_double_dash(nmt):
    assert nmt("translate", "--format", "jsonl", "--", "-5 degrees").out.startswith(
        '{"source": "-5 degrees"'
    )


def test_a_missing_device_is_replaced_unless_it_was_requested(nmt):
    config = nmt.folder / "runs/tiny/config.resolved.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("device: auto", "device: cuda:7"), encoding="utf-8")
    plain = nmt("translate", "I see dogs", "--device", "cpu").out
    for command in (["translate", "I see dogs"], ["evaluate"]):
        found = nmt(*command)
        assert found.status == 0
        assert found.err.count("cuda:7, is not available here") == 1
        one_line(nmt(*command, "--device", "cuda:7"), 2, "cuda")
    assert nmt("translate", "I see dogs").out == plain


def test_threads_load_a_model_once(nmt, monkeypatch):
    from nmt.workflows.inference import load as workflow

    trained = load_trained(open_run(nmt.folder / "runs/tiny"))
    loads, real = [], workflow._load_model
    monkeypatch.setattr(workflow, "_load_model", lambda *a: loads.append(a) or real(*a))
    found = []
    threads = [threading.Thread(target=lambda: found.append(trained.model)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1
    assert len(found) == 5
    assert all(model is found[0] for model in found)


def test_log_lines_show_no_control_characters(nmt):
    config = nmt.folder / "runs/tiny/manifest.json"
    found = nmt("translate", "a", "--run", "no\x1b[2Jrun")
    one_line(found, 2, r"no\x1b[2Jrun")
    assert config.exists()


def test_an_unexpected_system_error_is_one_line(nmt, monkeypatch):
    from nmt.checkpoint import run

    def failing(*_: object) -> None:
        raise OSError(5, "Input/output error", "/mnt/runs/manifest.json")

    monkeypatch.setattr(run, "open_run", failing)
    one_line(nmt("translate", "a"), 2, "/mnt/runs/manifest.json", "Input/output error")
