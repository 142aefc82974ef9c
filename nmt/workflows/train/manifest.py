"""The manifest of a run: versions, machine, corpus, seed, command line."""

import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nmt import __version__
from nmt.checkpoint.shareable import shareable_values
from nmt.data.corpus.types import SPLITS
from nmt.models import parameter_table
from nmt.workflows.train.setup import TrainingSetup, padding_share

RECORDED = ("torch", "sentencepiece", "datasets", "sacrebleu", "numpy", "safetensors", "pyarrow")


def manifest(setup: TrainingSetup, command: Sequence[str]) -> dict[str, Any]:
    """Everything needed to identify and repeat a training run; no user names or passwords."""
    corpus = setup.corpus
    facts = {
        "nmt": __version__,
        "versions": {name: version(name) for name in RECORDED}
        | {"python": platform.python_version()},
        "git": _commit(),
        "host": {"system": platform.platform(), "machine": platform.machine()},
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": list(command),
        "seed": setup.config.seed,
        "compute": str(setup.compute),
        "precision_trial": setup.timings and asdict(setup.timings),
        "corpus": {
            **asdict(corpus.origin),
            "pairs": {name: len(corpus.split(name)) for name in SPLITS},
            "fingerprints": {name: corpus.split(name).fingerprint() for name in SPLITS},
            "cleaning": {name: asdict(report) for name, report in corpus.cleaning.items()},
        },
        "tokenizer": {
            "fingerprint": setup.tokenizers.fingerprint,
            **setup.tokenizers.vocabularies._asdict(),
        },
        "parameters": dict(parameter_table(setup.model)),
        "padding_share": round(padding_share(setup), 4),
    }
    without_names: dict[str, Any] = shareable_values(facts)
    return without_names


def _commit() -> str | None:
    """The commit of the git checkout that nmt runs from, if it runs from one."""
    checkout = Path(__file__).parents[2]
    if not (checkout / ".git").exists():
        return None
    try:
        result = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607 - the user's own git
            cwd=checkout,
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None
