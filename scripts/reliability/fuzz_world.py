"""The setting of fuzzing: a finished run, its files as seeds, and the program in this process."""

import io
import logging
import os
import shutil
import sys
import unicodedata
from pathlib import Path
from typing import Any

import nmt.plots
from nmt.errors import ConfigError, NmtError
from reliability.ledger import ROOT

LONGEST = 1000  # characters of a message
BIDI = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


def refuse_unprintable(text: str, what: str) -> None:
    """Refuse characters that a terminal would interpret instead of showing them."""
    bad = [c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or c in BIDI]
    assert not bad, f"{what} holds {bad[:3]}: {text[:200]!r}"


def check_message(error: NmtError) -> None:
    """Expect one printable line; for a config, one for each mistake."""
    lines = str(error).split("\n") if isinstance(error, ConfigError) else [str(error)]
    for line in lines:
        assert 0 < len(line) <= LONGEST, f"a message of {len(line)} characters: {line[:200]!r}"
        refuse_unprintable(line, "a message")
    assert len(lines) <= 30, f"a message of {len(lines)} lines"


class Seeds:
    """A finished run, its loaded model and tokenizers, and its files, made before any fork."""

    def __init__(self, done: Path) -> None:
        from nmt.checkpoint.run import Run
        from nmt.config import load
        from nmt.data.tokenizers.learn import Tokenizers
        from nmt.data.tokenizers.word_level import WordTokenizer, learn_words
        from nmt.workflows.inference.load import load_trained

        self.done = done
        self.trained = load_trained(Run(done / "runs/tiny"), device="cpu")
        self.model = self.trained.model
        """A model of the run's shape, to load checkpoints into."""
        text = (done / "train.tsv").read_text(encoding="utf-8").replace("\t", " ")
        self.word_list = learn_words(text.split("\n"), 60)
        self.tokenizers = {
            "subwords": Tokenizers.load(done / "runs/tiny/tokenizer").source,
            "words": WordTokenizer(self.word_list),
        }
        lines = self.file("evaluation/test/attention.jsonl").split(b"\n")
        self.records = [lines[0] + b"\n", b"\n".join(lines[:3]) + b"\n"]
        configs = ROOT / "configs"
        texts = [path.read_bytes() for path in sorted(configs.rglob("*.yaml"))]
        whole = [load(path).resolved().encode() for path in sorted(configs.glob("*.yaml"))]
        self.shipped = [text for text in texts if b"extends" not in text] + whole
        """The shipped configs, with their bases written out."""
        template = Path(nmt.plots.__file__).parent / "page.html.j2"
        self.scripts_of_a_page = template.read_text(encoding="utf-8").count("</script>")

    def file(self, name: str) -> bytes:
        """A file of the run."""
        return (self.done / "runs/tiny" / name).read_bytes()


class World:
    """A folder of this process, with a copy of the run in it."""

    def __init__(self, seeds: Seeds, scratch: Path) -> None:
        self.seeds, self.done, self.scratch = seeds, seeds.done, scratch
        self.run = scratch / "runs/tiny"
        shutil.copytree(self.done, scratch, symlinks=True, dirs_exist_ok=True)
        os.chdir(scratch)
        os.environ["NMT_CACHE"] = str(scratch / "cache")
        logging.getLogger("nmt").addHandler(logging.NullHandler())
        logging.getLogger("nmt").propagate = False

    def renew(self) -> None:
        """Restore the run."""
        shutil.rmtree(self.scratch / "runs")
        shutil.copytree(self.done / "runs", self.scratch / "runs", symlinks=True)

    def write(self, name: str, data: bytes) -> Path:
        path = self.scratch / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def decoding(self, n_best: int) -> Any:
        """Decoding settings for short translations."""
        changes = {"beam_size": 2, "max_length_factor": 1.0, "n_best": n_best}
        return self.seeds.trained.config.decoding.model_copy(update=changes)

    def command(self, *arguments: str) -> str | None:
        """Run a command in this process; its output, or None if it fails with a one-line error."""
        from nmt.cli import main

        out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
        before = sys.argv, sys.stdout, sys.stderr
        sys.argv, sys.stdout, sys.stderr = ["nmt", *arguments], out, err
        status: Any = 0
        try:
            main()
        except SystemExit as ended:
            status = ended.code
        finally:
            sys.argv, sys.stdout, sys.stderr = before
            logger = logging.getLogger("nmt")
            for handler in list(logger.handlers):
                logger.removeHandler(handler)
        out.flush()
        said = err.getvalue()
        for line in said.split("\n"):
            refuse_unprintable(line, "a line on standard error")
        assert "Traceback" not in said, said[-500:]
        if status:
            lines = [line for line in said.split("\n") if line.startswith("nmt: ")]
            assert 1 <= len(lines) <= 30, f"status {status}, {len(lines)} lines: {said[-300:]!r}"
            assert len(lines[0]) <= LONGEST, f"a message of {len(lines[0])} characters"
            return None
        return bytes(out.buffer.getvalue()).decode()  # type: ignore[attr-defined]
