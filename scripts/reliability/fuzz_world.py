"""What inputs are tried on: a finished run, its files as seeds, and the program in this process."""

import io
import logging
import os
import shutil
import sys
import unicodedata
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from nmt.errors import ConfigError, NmtError
from reliability.ledger import ROOT

LONGEST = 1000  # characters of a message
BIDI = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


def refuse_unprintable(text: str, what: str) -> None:
    """What a terminal would obey instead of showing it."""
    odd = [c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or c in BIDI]
    assert not odd, f"{what} holds {odd[:3]}: {text[:200]!r}"


def check_message(error: NmtError) -> None:
    """One printable line; of a config, one for each mistake."""
    lines = str(error).split("\n") if isinstance(error, ConfigError) else [str(error)]
    for line in lines:
        assert 0 < len(line) <= LONGEST, f"a message of {len(line)} characters: {line[:200]!r}"
        refuse_unprintable(line, "a message")
    assert len(lines) <= 30, f"a message of {len(lines)} lines"


class World:
    """A folder of this process, with a copy of the run in it."""

    def __init__(self, done: Path, scratch: Path) -> None:
        self.done, self.scratch = done, scratch
        self.run = scratch / "runs/tiny"
        shutil.copytree(done, scratch, symlinks=True, dirs_exist_ok=True)
        os.chdir(scratch)
        os.environ["NMT_CACHE"] = str(scratch / "cache")
        logging.getLogger("nmt").addHandler(logging.NullHandler())
        logging.getLogger("nmt").propagate = False

    def renew(self) -> None:
        """The run as it was."""
        shutil.rmtree(self.scratch / "runs")
        shutil.copytree(self.done / "runs", self.scratch / "runs", symlinks=True)

    def seed(self, name: str) -> bytes:
        """A file of the run."""
        return (self.done / "runs/tiny" / name).read_bytes()

    def write(self, name: str, data: bytes) -> Path:
        path = self.scratch / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    @cached_property
    def trained(self) -> Any:
        from nmt.checkpoint.run import Run
        from nmt.workflows.model import load_trained

        return load_trained(Run(self.done / "runs/tiny"), device="cpu")

    @cached_property
    def model(self) -> Any:
        """A model of the run's shape, for checkpoints to be loaded into."""
        return self.trained.model

    @cached_property
    def shipped(self) -> list[bytes]:
        """The configs that come with the program, with what they extend written out."""
        from nmt.config import load

        folder = ROOT / "configs"
        texts = [path.read_bytes() for path in sorted(folder.rglob("*.yaml"))]
        whole = [load(path).resolved().encode() for path in sorted(folder.glob("*.yaml"))]
        return [text for text in texts if b"extends" not in text] + whole

    @cached_property
    def records(self) -> list[bytes]:
        """Records of the run, some at a time."""
        lines = self.seed("evaluation/test/attention.jsonl").split(b"\n")
        return [lines[0] + b"\n", b"\n".join(lines[:3]) + b"\n"]

    def decoding(self, **changes: Any) -> Any:
        limits = {"beam_size": 2, "max_length_factor": 1.0, "max_source_length": 1 << 30}
        return self.trained.config.decoding.model_copy(update={**limits, **changes})

    def tokenizer(self, kind: str) -> Any:
        return self._tokenizers[kind]

    @cached_property
    def _tokenizers(self) -> dict[str, Any]:
        from nmt.data.tokenizer import Tokenizers
        from nmt.data.whole_words import WordTokenizer

        subwords = Tokenizers.load(self.done / "runs/tiny/tokenizer").source
        return {"subwords": subwords, "words": WordTokenizer(self.word_list)}

    @cached_property
    def word_list(self) -> bytes:
        from nmt.data.whole_words import learn_words

        lines = (self.done / "train.tsv").read_text(encoding="utf-8").split("\n")
        return learn_words([line.replace("\t", " ") for line in lines], 60)

    @cached_property
    def _scripts(self) -> int:
        import nmt.plots

        template = Path(nmt.plots.__file__).parent / "page.html.j2"
        return template.read_text(encoding="utf-8").count("</script>")

    def scripts_of_a_page(self) -> int:
        return self._scripts

    def command(self, *arguments: str) -> str | None:
        """Run a command in this process; what it prints, or None where it refuses in one line."""
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
            told = [line for line in said.split("\n") if line.startswith("nmt: ")]
            assert 1 <= len(told) <= 30, f"status {status} with {len(told)} lines: {said[-300:]!r}"
            assert len(told[0]) <= LONGEST, f"a message of {len(told[0])} characters"
            return None
        return bytes(out.buffer.getvalue()).decode()  # type: ignore[attr-defined]

    def close(self) -> None:
        with suppress(OSError):
            shutil.rmtree(self.scratch)
