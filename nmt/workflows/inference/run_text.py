"""The text that a run was measured on: kept in the run, or else read from its corpus again."""

from dataclasses import dataclass

from nmt.checkpoint.run import Run
from nmt.checkpoint.texts import kept
from nmt.config import Config
from nmt.data.corpus.types import Bitext, Corpus, SplitName
from nmt.data.read import read_corpus
from nmt.errors import DataError


@dataclass(frozen=True)
class Text:
    """A split of a run's corpus."""

    bitext: Bitext
    corpus: str
    """What it is a split of, such as `phrasebook`."""


def text_of(run: Run, config: Config, split: SplitName) -> Text:
    """A split, the same that the run was trained or measured on.

    Raises:
        DataError: it cannot be read, or is not the run's any more.
    """
    bitext = None if split == "train" else kept(run, split)
    if bitext is not None:
        return Text(bitext, str(run.read_manifest()["corpus"]["corpus"]))
    corpus = read_corpus(config.data, seed=config.seed)
    _refuse_other_text(run, corpus, split)
    return Text(corpus.split(split), corpus.origin.corpus)


def _refuse_other_text(run: Run, corpus: Corpus, split: SplitName) -> None:
    """A score on another text than the run's would pass for one on its own."""
    known = run.read_manifest()["corpus"]
    if known["fingerprints"][split] != corpus.split(split).fingerprint():
        raise DataError(
            f"the {split} split is not the one of {run.folder}: that was made from "
            f"{known['corpus']}, now there is {corpus.origin.corpus}; evaluate files of your own "
            "with --input and --reference"
        )
