"""Every command of the README runs, on a small corpus and with the names used there."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from support.commands import CONFIG, Commands, lay_out

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def nmt(tmp_path, monkeypatch, capsys):
    """A folder in which `configs/NAME.yaml` is a small config, for every name that is shipped."""
    lay_out(tmp_path)
    for shipped in (ROOT / "configs").rglob("*.yaml"):
        text = CONFIG.replace("name: tiny", f"name: {shipped.stem}")
        small = tmp_path / shipped.relative_to(ROOT)
        small.parent.mkdir(parents=True, exist_ok=True)
        small.write_text(text, encoding="utf-8")
    for language, sentence in (("en", "I love you"), ("fr", "je t'aime")):
        (tmp_path / f"sentences.{language}").write_text(f"{sentence}\n", encoding="utf-8")
    return Commands(tmp_path, monkeypatch, capsys)


def run(nmt, command):
    """Run one line as a shell would: it may start with an `echo` and end with a file."""
    words = shlex.split(command, comments=True)
    stdin = None
    if words[0] == "echo":
        stdin, words = f"{words[1]}\n", words[3:]
    if ">" in words:
        words = words[: words.index(">")]
    assert words[0] == "nmt"
    found = nmt(*words[1:], stdin=stdin)
    assert found.status == 0, f"{command}\n{found.err}"


def commands_in(text):
    return re.findall(r"^ {4}((?:nmt|echo) .*)$", text, flags=re.MULTILINE)


@pytest.mark.slow
def test_every_command_of_the_readme_runs_in_its_order(nmt):
    commands = commands_in(README)
    assert len(commands) >= 12
    for command in commands:
        run(nmt, command)
    run(nmt, re.search(r"`(nmt train configs/luong.yaml --resume)`", README)[1])
    snippet = re.search(r"```python\n(.*?)```", README, flags=re.DOTALL)[1]
    exec(compile(snippet, "README.md", "exec"), {})


@pytest.mark.slow
def test_the_steps_of_make_demo_run(nmt):
    recipe = re.search(r"^demo:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    steps = [line.strip().removeprefix("$(BIN)/") for line in recipe.strip().split("\n")]
    assert len(steps) == 4
    for step in steps:
        run(nmt, step)
    assert (nmt.folder / "attention.png").exists()


def test_the_readme_names_only_what_exists():
    for path in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / path).exists(), path
    configs = {path.stem for path in (ROOT / "configs").glob("*.yaml")}
    table = re.search(r"\| config \| what.*?\n\n", README, flags=re.DOTALL)[0]
    assert set(re.findall(r"`([\w-]+)`", table)) == configs


def test_make_lists_its_targets():
    found = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True, env={**os.environ}
    )
    assert all(target in found.stdout for target in ("demo", "test", "install", "check"))


def test_the_scripts_are_valid_and_executable():
    for script in (ROOT / "scripts").glob("*.sh"):
        subprocess.run(["bash", "-n", script], check=True)
        assert os.access(script, os.X_OK)
