"""The page of a sweep: the translation and attention of each model for the same sentences."""

import inspect
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from nmt.checkpoint.run import Run
from nmt.data.corpus.cleaning import normalized
from nmt.decoding.translator import Translated
from nmt.errors import NmtError, UsageError
from nmt.evaluation.league import FINISHED, League, Row
from nmt.evaluation.records import AttentionRecord, Matrix, write_records
from nmt.evaluation.words import join_words, side
from nmt.models.attention import scores
from nmt.models.encoders import encoders
from nmt.plots.side_by_side import ComparedSentence, Panel, save_side_by_side
from nmt.plots.small_multiples import save_small_multiples
from nmt.workflows.inference.load import TrainedModel, load_trained
from nmt.workflows.inference.teacher_forcing import has_attention

log = logging.getLogger(__name__)

PAGE, PICTURE, RECORDS = "attention.html", "attention.png", "attention.jsonl"
SENTENCES = (
    "I love you",
    "She would like to bring them to him this evening.",
    "The girl who wrote the funny message is not intelligent.",
)
"""The default sentences: their French has another word order and moves words far apart."""
NO_MATRIX = "no attention: the decoder sees the whole sentence as one vector"
HOW_TO_READ = (
    "A row is a word of the translation, and shows what the model attended to while generating it: "
    "the percentage of attention on each word of the source, without the end of the sentence. "
    "Entropy is in nats. Each model translated freely, so translations may differ."
)
SELF = "no attention in the decoder; this is the self-attention of the source, in the encoder"


def shown(sentences: Sequence[str]) -> list[str]:
    """Sentences as a model reads them; the default ones if none are given.

    Raises:
        UsageError: one is empty.
    """
    clean = [normalized(sentence, Counter()) for sentence in sentences or SENTENCES]
    if not all(clean):
        raise UsageError("a --sentence is empty: there is no attention to show; leave it out")
    return clean


def save_attention(
    league: League, runs: Mapping[str, Run], folder: Path, sentences: Sequence[str]
) -> list[Path]:
    """Translate sentences with the best checkpoint of every finished row; returns the files.

    The page is for readers, the picture of the first sentence for use in other documents, and the
    attention records for programs.
    """
    models: list[list[Panel]] = []
    records: list[AttentionRecord] = []
    for row in league.rows:
        if row.state == FINISHED:
            results = _panels(runs[row.name], row, sentences)
            models.append([panel for panel, _ in results])
            records += [record for _, of_panel in results for record in of_panel]
    sections = [
        ComparedSentence(*pair) for pair in zip(sentences, zip(*models, strict=True), strict=True)
    ]
    many = f"{len(models)} model{'s' * (len(models) != 1)}"
    save_side_by_side(
        sections,
        folder / PAGE,
        title=f"The same sentence, the attention of {many}",
        about=[
            f"Trained on {league.corpus}, {league.pairs['train']:,} pairs. Best BLEU first.",
            f"Budget: {league.budget}.",
        ],
        footer=HOW_TO_READ,
    )
    write_records(folder / RECORDS, records)
    pictures = save_small_multiples(sections[0], folder / PICTURE)
    return [folder / PAGE, *pictures, folder / RECORDS]


def _panels(
    run: Run, row: Row, sentences: Sequence[str]
) -> list[tuple[Panel, list[AttentionRecord]]]:
    """For each sentence, the panel of one model and its attention record."""
    try:
        trained = _load(run)
    except NmtError as error:  # for example a deleted checkpoint; the others are still shown
        log.warning("%s is not shown: %s", row.name, error)
        note = f"not shown: {error}"
        return [(Panel(name=row.name, matrix=None, mechanism=row.mechanism, note=note), [])] * len(
            sentences
        )
    return [
        _panel(trained, row, sentence, f"sentence-{number}")
        for number, sentence in enumerate(sentences, start=1)
    ]


def _load(run: Run) -> TrainedModel:
    config = run.read_config()
    in_torch = {"engine": "torch", "precision": "auto", "n_best": 1}
    return load_trained(run, decoding=config.decoding.model_copy(update=in_torch))


def _panel(
    trained: TrainedModel, row: Row, sentence: str, name: str
) -> tuple[Panel, list[AttentionRecord]]:
    """The panel of one model for a sentence, and its attention record."""
    try:
        (translated,) = trained.translator(trained.config.decoding).translate([sentence])
    except NmtError as error:  # for example a sentence that is too long for this model
        log.warning("%s does not translate '%s': %s", row.name, sentence, error)
        return _described(trained, row, None, None, f"not translated: {error}"), []
    (record,) = trained.records(translated, name, maps=True)[:1]
    if has_attention(trained):
        return _described(trained, row, record.target, record.matrix(), ""), [record]
    matrix = _of_encoder(record, translated)
    note = NO_MATRIX if matrix is None else SELF
    return _described(trained, row, record.target, matrix, note), [record] if matrix else []


def _described(
    trained: TrainedModel, row: Row, translation: str | None, matrix: Matrix | None, note: str
) -> Panel:
    return Panel(
        name=row.name,
        mechanism=row.mechanism,
        formula=_formula(trained),
        scores=" · ".join(_scores(row)),
        translation=translation,
        matrix=matrix,
        note=note,
    )


def _scores(row: Row) -> Iterator[str]:
    yield f"BLEU {row.bleu:.1f}"
    if row.aer is not None:
        yield f"AER {100 * row.aer:.1f} %"
    if row.entropy is not None:
        yield f"entropy {row.entropy:.2f}"


def _formula(trained: TrainedModel) -> str | None:
    """The formula of the score, from the start of its docstring."""
    model = trained.config.model
    name = model.attention.score
    if not has_attention(trained):
        if not encoders[model.encoder.kind].has_maps:
            return None
        name = model.encoder.self_attention.score
    text = inspect.getdoc(scores[name]) or ""
    first = " ".join(text.partition("\n\n")[0].split())
    return first if "=" in first else None


def _of_encoder(record: AttentionRecord, translated: Translated) -> Matrix | None:
    """The self-attention of the encoder's last layer, if it has any.

    The mean over its heads, between words, without the end of the sentence.
    """
    names = [name for name in record.maps if name.startswith("encoder")]
    if not names:
        return None
    heads = [record.maps[name] for name in names if _layer(name) == _layer(names[-1])]
    words = side(record.source, translated.pieces)
    joined = join_words(words, words, np.mean(heads, axis=0))
    return Matrix(words.words[:-1], words.words[:-1], joined[:-1, :-1])


def _layer(name: str) -> str:
    """The layer of a matrix: `encoder layer 2` for `encoder layer 2 head 1`."""
    return name.partition(" head ")[0]
