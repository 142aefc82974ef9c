"""English-French corpora that nmt was tested with or that users ask for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class KnownCorpus:
    """A corpus for `nmt data list`."""

    corpus: str
    config: str | None
    pairs: int
    size: str
    """The size of the download, which is the text columns only."""
    remark: str
    ready: str | None = None
    """The shipped config that uses it."""


KNOWN_CORPORA = (
    KnownCorpus("phrasebook", None, 25_000, "built in",
                "made by a grammar, with gold word alignments; no network", "quickstart"),
    KnownCorpus("sentence-transformers/parallel-sentences-tatoeba", "en-fr", 165_130, "4.5 MB",
                "short everyday sentences; CC BY 2.0 FR, credit tatoeba.org", "luong"),
    KnownCorpus("romrawinjp/multi30k", None, 31_014, "2 MB of 10.5 GB",
                "captions of pictures; research use", "luong-multi30k"),
    KnownCorpus("Helsinki-NLP/opus_books", "en-fr", 127_085, "21 MB",
                "novels, literary and hard; research use", "opus-books"),
    KnownCorpus("Helsinki-NLP/opus-100", "en-fr", 1_004_000, "142 MB",
                "many sources, noisy; licences differ by source", "opus-100"),
    KnownCorpus("Helsinki-NLP/news_commentary", "en-fr", 209_479, "43 MB", "newspaper commentary"),
    KnownCorpus("wmt/wmt14", "fr-en", 40_842_000, "8 GB",
                "parliament, news, web: the benchmark of the papers"),
    KnownCorpus("Helsinki-NLP/multiun", "en-fr", 13_172_019, "2.3 GB", "United Nations documents"),
    KnownCorpus("sethjsa/flores_en_fr", None, 2_009, "1 MB",
                "dev and test only: nothing to train on"),
)  # fmt: skip
CATALOGUE: dict[str, KnownCorpus] = {entry.corpus: entry for entry in KNOWN_CORPORA}
