"""`nmt plot-attention`: pictures of attention records, from earlier or new translations."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nmt.checkpoint.run import Run
from nmt.config import DecodingConfig
from nmt.errors import UsageError
from nmt.evaluation.records import AttentionRecord, read_records
from nmt.plots.heatmap import save_heatmaps
from nmt.plots.maps import save_maps


@dataclass(frozen=True)
class Picture:
    """What to draw, and where."""

    output: Path
    pieces: bool = False
    """Show subword pieces instead of words."""
    maps: bool = False
    """Show every layer and head instead of one matrix."""

    def save(self, records: Sequence[AttentionRecord]) -> list[Path]:
        """Draw the records; returns the files written.

        Raises:
            UsageError: there is nothing to draw, or the kind of picture is unknown.
        """
        if self.maps:
            return save_maps(records, self.output)
        if records and not any(record.looks for record in records):
            raise UsageError(
                "the model has no attention (model.attention.score is none), so there is no matrix "
                "to draw; --maps draws the self-attention of its encoder, if it has any"
            )
        return save_heatmaps(records, self.output, pieces=self.pieces)


def plot_file(path: Path, picture: Picture) -> list[Path]:
    """Draw the best hypotheses in an attention file; returns the files written.

    Raises:
        DataError: the file is missing or holds no attention records.
    """
    return picture.save(_best(list(read_records(path))))


def plot_last(run: Run, picture: Picture, *, device: str | None = None) -> list[Path]:
    """Draw the last translations of a run.

    Raises:
        UsageError: the run has not translated anything yet.
    """
    if not run.translations.is_file():
        raise UsageError(
            f'{run.folder} has translated nothing yet; try nmt plot-attention "I love you"'
        )
    last = _best(list(read_records(run.translations)))
    if picture.maps and not any(record.maps for record in last):  # expensive, so rarely kept
        sentences = [record.source for record in last]
        return plot_sentences(run, sentences, picture, checkpoint="best", device=device)
    return picture.save(last)


def plot_sentences(
    run: Run,
    sentences: Sequence[str],
    picture: Picture,
    *,
    checkpoint: str,
    device: str | None = None,
) -> list[Path]:
    """Translate sentences and draw the attention of the translations."""
    from nmt.workflows.inference.load import load_trained
    from nmt.workflows.translate import translating

    trained = load_trained(run, checkpoint=checkpoint, device=device)
    records: list[AttentionRecord] = []
    decoding = DecodingConfig.model_validate({**trained.config.decoding.model_dump(), "n_best": 1})
    with translating(trained, sentences, decoding, maps=picture.maps) as results:
        for _, new_records in results:
            records.extend(new_records)
    return picture.save(records)


def _best(records: list[AttentionRecord]) -> list[AttentionRecord]:
    """The records of the best hypotheses, without the rest of their n-best lists."""
    return [record for record in records if record.rank == 0]
