"""A corpus and a config that train in a second, and a comparison of their runs."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from nmt.files import drafted_name

SUBJECTS = {"I": "je", "you": "tu", "he": "il", "she": "elle", "we": "nous", "they": "ils"}
VERBS = {"see": "vois", "love": "aime", "know": "connais", "hear": "entends", "follow": "suis"}
OBJECTS = {"dogs": "chiens", "cats": "chats", "birds": "oiseaux", "trees": "arbres", "men": "gens"}
CONFIG = """
name: tiny
data:
  corpus: files
  files: {train: train.tsv}
  validation_size: 12
  test_size: 13
tokenizer: {vocabulary_size: 300}
model:
  embedding_size: 12
  encoder: {size: 8}
  decoder: {size: 12}
  dropout: 0.1
training:
  batch_tokens: 128
  epochs: 1
  validate_every: 8
  warmup_steps: 4
  learning_rate: 0.01
  checkpoint_every: 5
  keep_checkpoints: 2
  log_every: 2
  tensorboard: false
precision: float32
decoding: {beam_size: 2, max_length_factor: 1.0}
"""
RUN = Path("runs/tiny")
TRAIN = ["train", "tiny.yaml"]
SWEEP = ["sweep", "first.yaml", "second.yaml", "--folder", "runs/sweep"]
TIMES = {
    "seconds", "tokens_per_second", "waiting_share", "sentences_per_second", "waiting", "created",
    "speed", "tokens_a_second", "words_per_second", "training_seconds", "minutes", "command", "git",
}  # fmt: skip
"""Keys whose values vary from run to run, or after resuming."""
LOSSES = {"loss", "gradient_norm", "learning_rate"}
"""Means since the last line, which start again after resuming."""


def lay_out(folder: Path) -> None:
    """A corpus of 150 pairs, the config of a run, and two for a sweep."""
    folder.mkdir(parents=True, exist_ok=True)
    pairs = [
        f"{s} {v} {o}\t{subject} {verb} les {thing}"
        for s, subject in SUBJECTS.items()
        for v, verb in VERBS.items()
        for o, thing in OBJECTS.items()
    ]
    (folder / "train.tsv").write_text("\n".join(pairs) + "\n", encoding="utf-8")
    (folder / "tiny.yaml").write_text(CONFIG, encoding="utf-8")
    short = CONFIG.replace("epochs: 1", "max_steps: 4").replace("every: 5", "every: 1")
    for name in ("first", "second"):
        text = short.replace("name: tiny", f"name: {name}")
        if name == "second":
            text += "seed: 2\n"
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def result(folder: Path) -> dict[str, str]:
    """A digest of every file in a folder, over the content that must be the same in every run."""
    return {
        path.relative_to(folder).as_posix(): _digest(path)
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def differences(found: dict[str, str], wanted: dict[str, str]) -> list[str]:
    """What is missing, left over, or different."""
    missing = [f"lost: {name}" for name in sorted(wanted.keys() - found.keys())]
    orphans = [f"left over: {name}" for name in sorted(found.keys() - wanted.keys())]
    both = sorted(wanted.keys() & found.keys())
    return [*missing, *orphans, *(f"differs: {n}" for n in both if found[n] != wanted[n])]


def _digest(path: Path) -> str:
    if path.is_symlink():
        return f"-> {path.readlink()}"
    return sha256(_settled(path)).hexdigest()[:16]


def _settled(path: Path) -> bytes:
    """The content without times; nothing for logs and pictures, which only have to exist."""
    if path.suffix in (".log", ".png", ".html", ".md"):
        return b""
    data = path.read_bytes()
    if path.suffix == ".jsonl" and path.name == "metrics.jsonl":
        return json.dumps(_validations(data), sort_keys=True).encode()
    if path.suffix == ".json" and drafted_name(path.name) is None:
        return json.dumps(_without(json.loads(data), TIMES), sort_keys=True).encode()
    return data


def _validations(data: bytes) -> list[Any]:
    """The validations in metrics.jsonl, up to an incomplete line left by a crash."""
    validations = []
    for text in data.splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            break
        if line["event"] == "validation":
            validations.append(_without(line, TIMES | LOSSES))
    return validations


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {key: _without(inner, names) for key, inner in value.items() if key not in names}
    return [_without(inner, names) for inner in value] if isinstance(value, list) else value
