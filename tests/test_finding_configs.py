"""The file that a name means: a user's own, a shipped one, a pipe; and what extends what."""

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from nmt.checkpoint.run import Run
from nmt.config import load, shipped
from nmt.config.finding import is_stream
from nmt.errors import CheckpointError, ConfigError
from support.commands import Commands

LEAST = "name: small\ndata:\n  corpus: phrasebook\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def mistake(path: Path | str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(Path(path))
    message = str(caught.value)
    assert message.isprintable()
    return message


@pytest.fixture
def pipe() -> Iterator[Path]:
    """A pipe that holds the least config, by the name that a shell gives it."""
    reading, writing = os.pipe()
    os.write(writing, LEAST.encode())
    os.close(writing)
    yield Path(f"/dev/fd/{reading}")
    os.close(reading)


# Names


@pytest.mark.parametrize(
    "base", ["quickstart", "quickstart.yaml", "configs/quickstart.yaml", "02-dot", "lecture/02-dot"]
)
def test_a_shipped_config_is_extended_by_its_name_from_anywhere(here: Path, base: str) -> None:
    mine = load(written(here / "mine.yaml", f"extends: {base}\nname: mine\n"))
    theirs = load(shipped()[Path(base).stem])
    assert mine.config == theirs.config.model_copy(update={"name": "mine"})
    assert mine.sources["data.corpus"] == theirs.sources["data.corpus"]


def test_a_users_own_file_takes_precedence_over_a_shipped_config(here: Path) -> None:
    written(here / "quickstart.yaml", LEAST.replace("small", "own"))
    assert load(Path("quickstart")).config.name == "own"
    assert load(Path("quickstart.yaml")).config.name == "own"
    for base in ("quickstart", "quickstart.yaml"):
        mine = written(here / "mine.yaml", f"extends: {base}\nname: mine\nseed: 9\n")
        assert load(mine).config.model_dump() == {
            **load(Path("quickstart.yaml")).config.model_dump(), "name": "mine", "seed": 9
        }  # fmt: skip


def test_a_folder_of_that_name_is_not_in_the_way(here: Path) -> None:
    (here / "quickstart").mkdir()
    assert load(Path("quickstart")).config.name == "quickstart"
    mine = written(here / "mine.yaml", "extends: quickstart\n")
    assert load(mine).config.name == "quickstart"


def test_a_copy_of_a_shipped_config_may_extend_what_it_is_a_copy_of(here: Path) -> None:
    mine = written(here / "quickstart.yaml", "extends: quickstart.yaml\nseed: 77\n")
    assert load(mine).config == load(shipped()["quickstart"], ["seed=77"]).config


@pytest.mark.parametrize(
    "name", ["a" * 300, "a/" * 3000, "x\0y", "x\udcffy", "x\x1b[2Jy", "x\ny", ""]
)
def test_a_name_that_no_file_has_is_one_line(here: Path, name: str) -> None:
    mistake(name)


# Pipes


def test_a_config_may_come_from_a_pipe(pipe: Path) -> None:
    loaded = load(pipe, ["seed=4"])
    assert (loaded.config.name, loaded.config.seed) == ("small", 4)
    assert loaded.text == LEAST
    assert loaded.sources["data.corpus"] == f"{pipe}:3"


def test_a_config_from_a_named_pipe_extends_files_of_this_folder(here: Path) -> None:
    written(here / "base.yaml", LEAST)
    fifo = here / "elsewhere" / "fifo"
    fifo.parent.mkdir()
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_text, args=("extends: base.yaml\nseed: 3\n",))
    writer.start()
    config = load(fifo).config
    writer.join()
    assert (config.name, config.seed) == ("small", 3)


def test_a_dash_is_standard_input(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    nmt = Commands(here, monkeypatch, capsys)
    with written(here / "typed", LEAST).open(encoding="utf-8") as typed:
        monkeypatch.setattr(sys, "stdin", typed)
        found = nmt("config", "show", "-", "seed=8")
    assert found.status == 0
    assert 'name: "small"  # standard input:1' in found.out
    assert "seed: 8  # command line" in found.out
    with written(here / "typed", f"{LEAST}sed: 1\n").open(encoding="utf-8") as typed:
        monkeypatch.setattr(sys, "stdin", typed)
        wrong = nmt("config", "validate", "-")
    assert wrong.status == 2
    assert wrong.err == ("nmt: standard input:4: config: unknown key 'sed'; did you mean 'seed'?\n")


def test_standard_input_that_is_closed_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert mistake("-") == "cannot read standard input: it is closed"


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/full", "/dev/null", "/dev/urandom"])
def test_a_device_without_end_is_one_line(device: str) -> None:
    assert device in mistake(device)


def test_streams_are_recognised(here: Path, pipe: Path) -> None:
    os.mkfifo(here / "fifo")
    file = written(here / "mine.yaml", LEAST)
    assert all(is_stream(each) for each in (Path("-"), pipe, here / "fifo"))
    assert [is_stream(each) for each in (file, Path("quickstart"))] == [False, False]


# What extends what


@pytest.mark.parametrize("base", [".", "folder", "fifo", "/dev/zero", "/dev/null"])
def test_only_an_ordinary_file_can_be_extended(here: Path, base: str) -> None:
    (here / "folder").mkdir()
    os.mkfifo(here / "fifo")
    assert mistake(written(here / "mine.yaml", f"extends: {base}\n{LEAST}")) == (
        f"{here}/mine.yaml: extends {base}, which is not an ordinary file"
    )


@pytest.mark.parametrize("base", ["[a, b]", "{a: b}", "[]"])
def test_only_one_file_can_be_extended(here: Path, base: str) -> None:
    assert mistake(written(here / "mine.yaml", f"{LEAST}extends: {base}\n")) == (
        f"{here}/mine.yaml:4: extends: must be the name of one file"
    )


def test_the_name_of_a_file_may_be_a_number(here: Path) -> None:
    written(here / "010", LEAST)
    assert load(written(here / "mine.yaml", "extends: 010\n")).config.name == "small"


@pytest.mark.parametrize("length", [20, 21])
def test_a_chain_of_configs_has_an_end(here: Path, length: int) -> None:
    written(here / "0.yaml", LEAST)
    for number in range(1, length):
        written(here / f"{number}.yaml", f"extends: {number - 1}.yaml\nseed: {number}\n")
    last = here / f"{length - 1}.yaml"
    if length == 20:
        assert load(last).config.seed == length - 1
    else:
        assert "extends a chain of more than 19 files" in mistake(last)


def test_a_loop_through_links_is_reported(here: Path) -> None:
    one = written(here / "one.yaml", "extends: folder/link.yaml\n")
    (here / "folder").mkdir()
    (here / "folder" / "link.yaml").symlink_to(one)
    assert "extends itself" in mistake(one)


def test_a_link_to_itself_is_one_line(here: Path) -> None:
    (here / "link.yaml").symlink_to("link.yaml")
    mistake("link.yaml")
    mistake(written(here / "mine.yaml", "extends: link.yaml\n"))


def test_a_binary_file_is_one_line(here: Path) -> None:
    (here / "base.yaml").write_bytes(b"\x7fELF\x02\x01\x01\0" + bytes(range(256)))
    assert "not UTF-8" in mistake(written(here / "mine.yaml", "extends: base.yaml\n"))
    (here / "base.yaml").write_bytes(b"a: \0")
    assert "base.yaml:1: the character U+0000" in mistake("mine.yaml")


def test_a_large_file_is_reported_and_not_read(here: Path) -> None:
    with (here / "base.yaml").open("wb") as file:
        file.truncate(2**40)  # a terabyte that takes no space
    written(here / "mine.yaml", "extends: base.yaml\n")
    assert "1,099,511,627,776 bytes, more than 250,000" in mistake("mine.yaml")
    assert "larger than 250,000 bytes" in mistake("base.yaml")


# The config of a run


@pytest.mark.parametrize("base", ["/etc/passwd", "secret.yaml", "quickstart", "null", "[]"])
def test_the_config_of_a_run_extends_nothing(here: Path, base: str) -> None:
    written(here / "secret.yaml", f"{LEAST}password: hunter2\n")
    path = written(here / "run" / "config.resolved.yaml", f"extends: {base}\n{LEAST}")
    with pytest.raises(ConfigError) as caught:
        load(path, whole=True)
    assert str(caught.value) == (
        f"{path}:1: the config of a run extends nothing: it was edited, so do not trust this run"
    )
    with pytest.raises(CheckpointError) as refused:
        Run(here / "run").read_config()
    assert "hunter2" not in str(refused.value)


def test_the_config_of_a_run_is_an_ordinary_file(here: Path) -> None:
    (here / "run").mkdir()
    for make in (os.mkfifo, Path.mkdir):
        path = here / "run" / make.__name__
        make(path)
        with pytest.raises(ConfigError, match="cannot read"):
            load(path, whole=True)


def test_the_mistakes_in_the_config_of_a_run_are_one_line(here: Path) -> None:
    path = written(here / "run" / "config.resolved.yaml", "seed: -1\nsize: 2\n")
    with pytest.raises(ConfigError) as caught:
        load(path, whole=True)
    assert str(caught.value).isprintable()
    for part in ("name is missing", "unknown key 'size'", "seed: input"):
        assert part in str(caught.value)
