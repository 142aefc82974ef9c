"""Mutated files of every kind that the program reads."""

import gzip
import io
import json
import random
import shutil
from collections.abc import Callable, Sequence
from typing import Any

from reliability.fuzz_world import World
from reliability.ledger import ROOT
from reliability.mutations import mutated
from reliability.sentences import sentence

PAIRS = [("I love cats", "j'aime les chats"), ("you see \u00ab dogs \u00bb", "tu vois des chiens")]


def _tsv(rows: Sequence[tuple[str, str]]) -> bytes:
    return "".join(f"{s}\t{t}\n" for s, t in rows).encode("utf-8", "surrogatepass")


def _csv(rows: Sequence[tuple[str, str]]) -> bytes:
    lines = "".join(f'"{s}",{t}\n' for s, t in rows)
    return ("en,fr\n" + lines).encode("utf-8", "surrogatepass")


def _jsonl(rows: Sequence[tuple[str, str]]) -> bytes:
    return "".join(json.dumps({"en": s, "fr": t}) + "\n" for s, t in rows).encode()


def _nested(rows: Sequence[tuple[str, str]]) -> bytes:
    return "".join(
        json.dumps({"id": n, "translation": {"en": s, "fr": t}}) + "\n"
        for n, (s, t) in enumerate(rows)
    ).encode()


def _json(rows: Sequence[tuple[str, str]]) -> bytes:
    return json.dumps([{"en": s, "fr": t} for s, t in rows], indent=1).encode()


def _parquet(rows: Sequence[tuple[str, str]]) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    file = io.BytesIO()
    sides = {"en": [s for s, _ in rows], "fr": [t for _, t in rows]}
    parquet.write_table(pa.table(sides), file)
    return file.getvalue()


def _rows(rng: random.Random) -> list[tuple[str, str]]:
    if rng.random() < 0.3:
        count = rng.choice([1, 3, 30])
        return [(_whole(rng), _whole(rng)) for _ in range(count)]
    return [(f"{s} {n}", f"{t} {n}") for n in range(rng.choice([1, 12, 40])) for s, t in PAIRS]


def _whole(rng: random.Random) -> str:
    """A sentence without half surrogate pairs, which cannot be encoded."""
    return sentence(rng)[:500].encode("utf-8", "replace").decode()


def corpus(suffix: str, *writers: Callable[[Sequence[tuple[str, str]]], bytes]) -> Any:
    """One file of pairs, read, cleaned and split."""

    def tried(world: World, rng: random.Random) -> None:
        data = rng.choice(writers)(_rows(rng))
        if suffix.endswith(".gz") and rng.random() < 0.5:
            data = mutated(rng, [data])  # inside the compressed file
        if suffix.endswith(".gz"):
            data = gzip.compress(data, mtime=0)
        if not suffix.endswith(".gz") or rng.random() < 0.5:
            data = mutated(rng, [data])
        path = world.write(f"corpus{suffix}", data)
        _read(world, {"train": str(path)}, rng)

    return tried


def aligned(world: World, rng: random.Random) -> None:
    """Two texts, aligned line by line."""
    rows = _rows(rng)
    sides = ["\n".join(side).encode("utf-8", "surrogatepass") for side in zip(*rows, strict=True)]
    changed = rng.randrange(2)
    sides[changed] = mutated(rng, [sides[changed]])
    suffix = ".gz" if rng.random() < 0.1 else ""
    paths = []
    for name, data in zip(("en", "fr"), sides, strict=True):
        packed = gzip.compress(data, mtime=0) if suffix else data
        paths.append(str(world.write(f"corpus.{name}{suffix}", packed)))
    _read(world, {"train": paths}, rng)


def _read(world: World, files: dict[str, Any], rng: random.Random) -> None:
    from nmt.config.sections import DataConfig
    from nmt.data.corpus.types import SPLITS
    from nmt.data.formats import local
    from nmt.data.read import read_corpus

    if rng.random() < 0.2:
        local.LARGE_BYTES = 100  # so that it is read like a large file
    try:
        config = DataConfig.model_validate(
            {"corpus": "files", "files": files, "validation_size": 2, "test_size": 2}
        )
        read = read_corpus(config, seed=1)
        for split in SPLITS:
            for pair in read.split(split):
                for side in pair:
                    assert side, "an empty side"
                    assert side.isprintable() or "\n" not in side, f"not one line: {side!r}"
                    side.encode()
    finally:
        local.LARGE_BYTES = 32_000_000


def config(world: World, rng: random.Random) -> None:
    """The shipped configs, mutated; for one in ten the model is checked, too."""
    from nmt.config import load
    from nmt.workflows.train.validate import check_model

    seeds = world.seeds.shipped
    path = world.write("fuzzed.yaml", mutated(rng, seeds))
    loaded = load(path)
    loaded.resolved()
    if rng.random() < 0.1:
        check_model(loaded)


KEYS = (
    "model.dropout", "training.epochs", "data.files", "data.files.train", "seed", "name", "x",
    "model", "training.schedule.kind", "decoding.beam_size", "model.attention.score",
    "data.cleaning", "", ".", "model.encoder.size.x", "extends", "data.source", "precision",
    "training.batch_tokens", "decoding.max_length_factor", "model.source_vectors.file",
    "evaluation.splits",
)  # fmt: skip


def overrides(world: World, rng: random.Random) -> None:
    """`section.key=value` with any value."""
    from nmt.config import load

    given = []
    for _ in range(rng.choice([1, 1, 2, 3])):
        values = [b"0.3", b"3", b"true", b"{a: 1}", b"[1, 2]", b"null", b"word", b"1e3"]
        value = mutated(rng, values).decode("utf-8", "surrogateescape")[:3000]
        given.append(f"{rng.choice(KEYS)}{rng.choice(['=', '=', '=', '==', '', ' = '])}{value}")
    load(ROOT / "configs/quickstart.yaml", given).resolved()


def manifest(world: World, rng: random.Random) -> None:
    """The manifest of a run from somebody else."""
    from nmt.checkpoint.run import Run, open_run
    from nmt.workflows.train.model_card import write_card

    world.write("runs/tiny/manifest.json", mutated(rng, [world.seeds.file("manifest.json")]))
    run = Run(world.run)
    run.why_not()
    open_run(world.run).read_manifest()
    write_card(run)


def state(world: World, rng: random.Random) -> None:
    """The state.json of a checkpoint."""
    from nmt.checkpoint.run import Run
    from nmt.checkpoint.state import read_state

    folder = _last(world)
    world.write(
        f"{folder}/state.json", mutated(rng, [world.seeds.file(f"{folder[10:]}/state.json")])
    )
    read_state(world.scratch / folder)
    Run(world.run).checkpoint("best")


def _last(world: World) -> str:
    step = (world.done / "runs/tiny/checkpoints/last").resolve().name
    return f"runs/tiny/checkpoints/{step}"


def tensors(world: World, rng: random.Random) -> None:
    """Headers and bodies of safetensors."""
    from nmt.checkpoint import store

    folder = _last(world)
    name = rng.choice(["model", "training"])
    data = world.seeds.file(f"{folder[10:]}/{name}.safetensors")
    size = int.from_bytes(data[:8], "little") + 8
    if rng.random() < 0.8:  # only the header, mostly with its right length
        header = mutated(rng, [data[8:size]])
        length = len(header) if rng.random() < 0.8 else rng.randrange(1 << 62)
        data = length.to_bytes(8, "little") + header + data[size:]
    else:
        data = mutated(rng, [data])
    path = world.write(f"{folder}/{name}.safetensors", data)
    try:
        if name == "model":
            store.load_model(path.parent, world.seeds.model)
        else:
            store.load_training(path.parent)
    finally:
        shutil.copyfile(world.done / folder / path.name, path)


def record(world: World, rng: random.Random) -> None:
    """Attention records; valid ones are shown."""
    from nmt.evaluation.records import read_records
    from nmt.plots.page import save_page
    from nmt.plots.terminal import table

    seeds = world.seeds.records
    path = world.write("fuzzed.jsonl", mutated(rng, seeds))
    records = list(read_records(path))
    for each in records[:3]:
        if len(each.target_pieces) < 60 and len(each.source_pieces) < 60:
            each.matrix(pieces=True)
            table(each, color=True, width=80)
    if records and rng.random() < 0.1:
        save_page(records, world.scratch / "fuzzed.html")
    if records and rng.random() < 0.01:
        from nmt.plots.heatmap import save_heatmaps

        save_heatmaps(records[:1], world.scratch / "fuzzed.png")


GOLD = b"0-0 1-1 2-2\n0-0 1?1 2-1\n\n0-0 0-1\n"


def gold(world: World, rng: random.Random) -> None:
    """Gold links in the Pharaoh format."""
    from nmt.workflows.align import measure, read_gold_file, read_pairs

    sides = [world.write(f"gold.{name}", b"a b c\nd e f\n\ng h\n") for name in ("en", "fr")]
    pairs = read_pairs(*sides, plainly=False)
    links = read_gold_file(world.write("fuzzed.gold", mutated(rng, [GOLD])), pairs)
    measure([each.sure for each in links], links, pairs)


def vectors(world: World, rng: random.Random) -> None:
    """GloVe's and word2vec's text files."""
    from nmt.data.tokenizers.word_vectors import inspect, read_vectors

    words = enumerate(["I", "love", "you"])
    lines = "".join(f"{word} {0.1 * n:.2f} -1.5 2e-3\n" for n, word in words)
    seeds = [lines.encode(), b"3 3\n" + lines.encode(), b"2 2\n. . . 0.5 1\nchats 1 2\n"]
    file = inspect(world.write("fuzzed.vec", mutated(rng, seeds)))
    read = read_vectors(file, {4: "I", 5: "love", 6: "Chats", 7: ".", 8: ""})
    assert read.table.shape == (len(read.ids), file.width), "a vector for each word"


def tokenizer(name: str) -> Any:
    """A word list or sentencepiece model from somebody else, used as far as it works."""

    def tried(world: World, rng: random.Random) -> None:
        from nmt.data.tokenizers.learn import Tokenizers

        words = name.endswith(".json")
        seed = world.seeds.word_list if words else world.seeds.file(f"tokenizer/{name}")
        folder = world.scratch / f"tokenizer-{name}"
        world.write(f"{folder.name}/{name}", mutated(rng, [seed]))
        loaded = Tokenizers.load(folder).source
        ids = loaded.encode_with_offsets(_whole(rng)[:300]).ids
        text, _ = loaded.decode_with_offsets([id for id in ids if id < len(loaded)])
        assert "\n" not in text, f"more than one line: {text!r}"
        text, _ = loaded.decode_with_offsets([rng.randrange(len(loaded)) for _ in range(20)])
        assert "\n" not in text, f"more than one line: {text!r}"
        assert "\x1b" not in text, f"a terminal would obey {text!r}"
        assert len(loaded.names) == len(loaded)

    return tried


def export(world: World, rng: random.Random) -> None:
    """The export.json of an export from somebody else."""
    from nmt.decoding.exported import Export

    description = {
        "format": "nmt.export/1", "model": {"run": "tiny", "step": 16, "fingerprint": "0" * 16},
        "attends_from": "target", "attention": {"score": "dot"},
        "graphs": {"float32": ["encoder.float32.onnx", "step.float32.onnx"]}, "auto": "float32",
        "files": {"encoder.float32.onnx": "0" * 64, "step.float32.onnx": "0" * 64}, "quality": None,
    }  # fmt: skip
    seed = json.dumps(description, indent=2).encode()
    world.write("exported/export.json", mutated(rng, [seed]))
    exported = Export(world.scratch / "exported")
    exported.choose("auto")
    dict(exported.identity)
    exported.engine("auto")


def metrics(world: World, rng: random.Random) -> None:
    """The metrics of a training, read for its curves and for resuming."""
    from nmt.plots.curves import read_metrics
    from nmt.workflows.train.reporter import trim_metrics

    path = world.write("metrics.jsonl", mutated(rng, [world.seeds.file("metrics.jsonl")]))
    trim_metrics(path, 8, 8, root=world.scratch)
    read_metrics(path)


COMMANDS = (
    ("translate", "I love cats", "--run", "runs/tiny"), ("evaluate", "runs/tiny"),
    ("plot-attention", "--run", "runs/tiny", "--output", "picture.html"),
    ("plot-attention", "I love you", "--run", "runs/tiny", "--output", "picture.html", "--maps"),
    ("train", "tiny.yaml", "--resume"), ("train", "tiny.yaml"),
    ("align", "in.txt", "in.txt", "--run", "runs/tiny", "--plain"),
    ("sweep", "--table-only", "--folder", "runs"),
)  # fmt: skip


def run_folder(world: World, rng: random.Random) -> bool:
    """One file of a run is mutated, and a command uses the run."""
    files = [
        path for path in sorted((world.done / "runs/tiny").rglob("*"))
        if path.is_file() and not path.is_symlink()
    ]  # fmt: skip
    chosen = rng.choice(files)
    name = chosen.relative_to(world.done)
    world.write(str(name), mutated(rng, [chosen.read_bytes()]))
    try:
        return world.command(*rng.choice(COMMANDS)) is not None
    finally:
        world.renew()


def lines_in(world: World, rng: random.Random) -> bool:
    """Arbitrary bytes as the input of a command: one line out for each line in."""
    data = b"\n".join(sentence(rng)[:200].encode("utf-8", "replace") for _ in range(5)) + b"\n"
    if rng.random() < 0.3:
        data = mutated(rng, [data])[:5000]
    path = world.write("fuzzed.txt", data)
    out = world.command("translate", "--run", "runs/tiny", "--input", str(path))
    if out is not None:
        wanted = data.count(b"\n") + (not data.endswith(b"\n") and bool(data))
        count = out.count("\n")
        assert count == wanted, f"{count} lines for {wanted}"
    return out is not None
