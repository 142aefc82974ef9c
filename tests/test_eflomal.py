"""`scripts/eflomal.py` with a stand-in for the program, and without one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"
STAND_IN = f"""#!{sys.executable}
import sys
places = dict(zip(sys.argv[1:], sys.argv[2:]))
pairs = len(open(places["-s"]).read().splitlines())
assert pairs == len(open(places["-t"]).read().splitlines()) == 3
assert open(places["-s"]).read() == "many dogs\\nI see dogs\\nyou\\n"
open(places["-f"], "w").write("9-9\\n0-0 1-1\\n0-1\\n")
open(places["-r"], "w").write("9-9\\n0-0 2-2\\n\\n")
"""


@pytest.fixture
def folder(tmp_path):
    for name, text in {
        "train.en": "many dogs\n",
        "train.fr": "beaucoup de chiens\n",
        "in.en": "I see dogs\nyou\n",
        "in.fr": "je vois chiens\nle tu\n",
        "in.gold": "0-0 2-2\n0-1\n",
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "bin").mkdir()
    return tmp_path


def run(folder: Path, *, train: str = "train.en") -> subprocess.CompletedProcess[str]:
    texts = ["in.en", "in.fr", "in.gold", "--train", train, "train.fr"]
    return subprocess.run(
        [sys.executable, SCRIPTS / "eflomal.py", *texts],
        cwd=folder,
        env={**os.environ, "PATH": str(folder / "bin"), "PYTHONPATH": str(SCRIPTS.parent)},
        capture_output=True,
        text=True,
    )


def test_links_of_the_measured_pairs_are_scored_and_those_of_training_are_not(folder):
    program = folder / "bin" / "eflomal-align"
    program.write_text(STAND_IN, encoding="utf-8")
    program.chmod(0o755)
    found = run(folder)
    assert found.returncode == 0, found.stderr
    rows = {line.split(" | ")[0].strip("| "): line for line in found.stdout.splitlines()[2:]}
    assert rows["forward"] == "| forward | 0.6667 | 0.6667 | 0.3333 |"
    assert rows["reverse"] == "| reverse | 1.0000 | 0.6667 | 0.2000 |"
    assert rows["intersection"] == "| intersection | 1.0000 | 0.3333 | 0.5000 |"
    assert rows["union"] == "| union | 0.7500 | 1.0000 | 0.1429 |"


def test_a_missing_or_failing_program_and_a_missing_file_are_one_line(folder):
    found = run(folder)
    assert (found.returncode, found.stdout, found.stderr.count("\n")) == (1, "", 1)
    assert "eflomal-align is not on the PATH: install it with  pip install eflomal" in found.stderr
    (folder / "bin" / "eflomal-align").write_text("#!/bin/sh\nexit 3\n", encoding="utf-8")
    (folder / "bin" / "eflomal-align").chmod(0o755)
    assert run(folder).stderr == "eflomal-align failed: status 3\n"
    assert "no file nothing (looked in " in run(folder, train="nothing").stderr
