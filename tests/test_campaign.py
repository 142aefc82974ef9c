"""The reliability campaign in short: a few kills, faults and broken inputs of each kind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow

SHORT = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from reliability import faults, forks, fuzz, kills, points, starts
from reliability.ledger import Ledger
forks.LATE = ("torch._dynamo", "pyarrow.parquet", "sacrebleu.metrics", "jinja2")
forks.import_everything()
folder = Path(sys.argv[3])
kills.SHARES, kills.STREAMED, kills.MOMENTS = {"train": 1.0}, 0.0, ["point", "phase"]
counts = {"SIGKILL": 1, "SIGTERM": 1, "SIGINT": 1}
kills.campaign(Ledger(folder / "kills"), seed=1, counts=counts, workers=1)
faults.LIGHT, faults.QUICK = ("translate",), 8
faults.campaign(Ledger(folder / "faults"), seed=0, quick=True, workers=1, only=("calls", "clocks"))
kinds = [name for name in fuzz.KINDS if name not in ("run folders", "arguments", "input files")]
fuzz.campaign(Ledger(folder / "fuzz"), seed=0, quick=True, workers=1, only=kinds)
"""


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """The result of each trial, by part."""
    folder = tmp_path_factory.mktemp("campaign")
    command = [sys.executable, "-c", SHORT, str(ROOT), str(ROOT / "scripts"), str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ARROW_NUM_THREADS": "1"}
    subprocess.run(command, env=environment, check=True, timeout=1800, stdout=subprocess.PIPE)
    return {
        part: list(map(json.loads, (folder / part).read_text(encoding="utf-8").splitlines()))
        for part in ("kills", "faults", "fuzz")
    }


@pytest.mark.parametrize(("part", "least"), [("kills", 3), ("faults", 6), ("fuzz", 25)])
def test_no_trial_loses_anything(rows, part, least):
    assert len(rows[part]) >= least
    assert {row["key"]: row["faults"] for row in rows[part] if row["faults"]} == {}


def test_trials_do_what_they_should(rows):
    assert all(row["status"] != 0 for row in rows["kills"])
    assert "one line" in {row["outcome"] for row in rows["faults"]}
    assert sum(row["refused"] for row in rows["fuzz"]) > 50
    assert sum(row["inputs"] for row in rows["fuzz"]) > 200
