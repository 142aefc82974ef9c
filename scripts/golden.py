"""Check that a change is bit-identical: losses, weights and hypotheses of three short trainings.

python scripts/golden.py golden.json             record them, if there is no such file
python scripts/golden.py golden.json             after the change: compare; status 1 if not equal
python scripts/golden.py golden.json --updates 9 --only configs/quickstart.yaml

Each config is trained for 60 updates with its own seed in one thread, validated at 30 and 60, and
its test split is translated by beam search. Only the command line and the files of a run are used,
so that any two versions of the program can be compared, on the same machine, since another
processor rounds differently.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = (
    "configs/quickstart.yaml",
    "configs/lecture/07-bahdanau.yaml",
    "configs/lecture/31-transformer.yaml",
)
UPDATES = 60
TIMES = ("seconds", "tokens_per_second", "waiting_share")
"""Metrics that vary from run to run."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("golden", type=Path)
    parser.add_argument("--only", nargs="+", default=CONFIGS)
    parser.add_argument("--updates", type=int, default=UPDATES)
    options = parser.parse_args()
    now = {config: results(config, options.updates) for config in options.only}
    if not options.golden.exists():
        options.golden.write_text(json.dumps(now, indent=2) + "\n", encoding="utf-8")
        print(f"recorded in {options.golden}")
        return
    wrong = differences(json.loads(options.golden.read_text(encoding="utf-8")), now)
    print("\n".join(wrong) or "identical to the last bit")
    sys.exit(min(len(wrong), 1))


def results(config: str, updates: int) -> dict[str, Any]:
    """The results of a short training of a config."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        command = [sys.executable, "-m", "nmt", "train", config, "--run-dir", str(run)]
        options = [f"max_steps={updates}", "log_every=1", f"validate_every={updates // 2}"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "NMT_CACHE": f"{folder}/cache"}
        subprocess.run(
            [*command, *(f"training.{option}" for option in options)],
            cwd=ROOT, env=environment, check=True, stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        metrics = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        [weights] = run.glob(f"checkpoints/step-{updates}/model.safetensors")
        hypotheses = sorted((run / "evaluation/test").glob("*hypotheses*"))
        return {
            "metrics": [_timeless(json.loads(line)) for line in metrics],
            "weights": _digest(*_tensors(weights.read_bytes())),
            "hypotheses": _digest(*(path.read_bytes() for path in hypotheses)),
        }


def _timeless(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name not in TIMES}


def _tensors(safetensors: bytes) -> list[bytes]:
    """The values in the file, sorted by content, since parameter names may change."""
    start = 8 + int.from_bytes(safetensors[:8], "little")
    header = json.loads(safetensors[8:start])
    places = (entry["data_offsets"] for name, entry in header.items() if name != "__metadata__")
    return sorted(safetensors[start + first : start + last] for first, last in places)


def _digest(*parts: bytes) -> str:
    if not parts:
        raise SystemExit("the run lacks the files to compare")
    return sha256(b"".join(parts)).hexdigest()[:16]


def differences(before: dict[str, Any], now: dict[str, Any]) -> Sequence[str]:
    """A line for each config and result that differs."""
    return [
        f"{config}: {name} differ"
        for config in now
        for name in now[config]
        if now[config][name] != before.get(config, {}).get(name)
    ]


if __name__ == "__main__":
    main()
