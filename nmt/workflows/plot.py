"""`nmt plot-attention`: pictures of attention records, of old translations or of new ones."""

from collections.abc import Sequence
from pathlib import Path

from nmt.checkpoint.run import Run
from nmt.config import DecodingConfig
from nmt.errors import UsageError
from nmt.evaluation.records import AttentionRecord, read_records
from nmt.plots.heatmap import save_heatmaps


def plot_file(path: Path, output: Path, *, pieces: bool) -> list[Path]:
    """Draw the best hypotheses of an attention file; returns the files written.

    Raises:
        DataError: the file is missing or holds no attention records.
    """
    return save_heatmaps(_best(list(read_records(path))), output, pieces=pieces)


def plot_last(run: Run, output: Path, *, pieces: bool) -> list[Path]:
    """Draw the last translations of a run.

    Raises:
        UsageError: nothing was translated yet.
    """
    if not run.translations.exists():
        raise UsageError(
            f'{run.folder} has translated nothing yet; try nmt plot-attention "I love you"'
        )
    return plot_file(run.translations, output, pieces=pieces)


def plot_sentences(
    run: Run, sentences: Sequence[str], output: Path, *, pieces: bool, checkpoint: str
) -> list[Path]:
    """Translate sentences, and draw the attention of their translations."""
    from nmt.workflows.model import load_trained
    from nmt.workflows.translate import translate_lines

    trained = load_trained(run, checkpoint=checkpoint)
    records: list[AttentionRecord] = []
    decoding = DecodingConfig.model_validate({**trained.config.decoding.model_dump(), "n_best": 1})
    translate_lines(
        trained, sentences, decoding, write=lambda translated, found: records.extend(found)
    )
    return save_heatmaps(records, output, pieces=pieces)


def _best(records: list[AttentionRecord]) -> list[AttentionRecord]:
    """The translations, without the rest of their n-best lists."""
    return [record for record in records if record.rank == 0]
