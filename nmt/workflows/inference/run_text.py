"""The text that a run was evaluated on: kept in the run, or read from its corpus again."""

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
    """The name of the corpus, such as `phrasebook`."""


def text_of(run: Run, config: Config, split: SplitName) -> Text:
    """The split that the run was trained or evaluated on.

    Raises:
        DataError: it cannot be read, or is no longer the one of the run.
    """
    bitext = None if split == "train" else kept(run, split)
    if bitext is not None:
        return Text(bitext, str(run.read_manifest()["corpus"]["corpus"]))
    corpus = read_corpus(config.data, seed=config.seed)
    _refuse_other_text(run, corpus, split)
    return Text(corpus.split(split), corpus.origin.corpus)


def _refuse_other_text(run: Run, corpus: Corpus, split: SplitName) -> None:
    """Refuse another text than the run's, so that its score is not taken for the run's."""
    known = run.read_manifest()["corpus"]
    if known["fingerprints"][split] != corpus.split(split).fingerprint():
        raise DataError(
            f"the {split} split is not the one of {run.folder}: that came from {known['corpus']}, "
            f"this one comes from {corpus.origin.corpus}; evaluate your own files with --input "
            "and --reference"
        )
