"""`nmt plot-attention`: pictures of attention records, of old translations or of new ones."""

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
    """Between subword pieces, not words."""
    maps: bool = False
    """Every layer and head, not the one attention."""

    def save(self, records: Sequence[AttentionRecord]) -> list[Path]:
        """Returns the files written.

        Raises:
            UsageError: there is nothing to draw, or no such kind of picture.
        """
        if self.maps:
            return save_maps(records, self.output)
        if records and not any(record.looks for record in records):
            raise UsageError(
                "the model has no attention (model.attention.score is none), so there is no matrix "
                "to draw; what its encoder looks at, if it does, is drawn by --maps"
            )
        return save_heatmaps(records, self.output, pieces=self.pieces)


def plot_file(path: Path, picture: Picture) -> list[Path]:
    """Draw the best hypotheses of an attention file; returns the files written.

    Raises:
        DataError: the file is missing or holds no attention records.
    """
    return picture.save(_best(list(read_records(path))))


def plot_last(run: Run, picture: Picture, *, device: str | None = None) -> list[Path]:
    """Draw the last translations of a run.

    Raises:
        UsageError: nothing was translated yet.
    """
    if not run.translations.is_file():
        raise UsageError(
            f'{run.folder} has translated nothing yet; try nmt plot-attention "I love you"'
        )
    last = _best(list(read_records(run.translations)))
    if picture.maps and not any(record.maps for record in last):  # they cost, and are seldom kept
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
    """Translate sentences, and draw the attention of their translations."""
    from nmt.workflows.inference.load import load_trained
    from nmt.workflows.translate import translating

    trained = load_trained(run, checkpoint=checkpoint, device=device)
    records: list[AttentionRecord] = []
    decoding = DecodingConfig.model_validate({**trained.config.decoding.model_dump(), "n_best": 1})
    with translating(trained, sentences, decoding, maps=picture.maps) as results:
        for _, found in results:
            records.extend(found)
    return picture.save(records)


def _best(records: list[AttentionRecord]) -> list[AttentionRecord]:
    """The translations, without the rest of their n-best lists."""
    return [record for record in records if record.rank == 0]
