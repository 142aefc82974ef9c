"""A league table as Markdown."""

from collections.abc import Callable, Iterator

from nmt.evaluation.league import FINISHED, League, Row

NOTHING = "–"


def markdown(league: League) -> str:
    """What all have in common, a row for each run, and an explanation of the columns."""
    return "\n".join(_lines(league)) + "\n"


def _lines(league: League) -> Iterator[str]:
    yield f"# League table: {len(league.rows)} models, {league.corpus}\n"
    pairs = ", ".join(f"{count:,} {name}" for name, count in league.pairs.items())
    yield f"- Corpus: `{league.corpus}`, pairs: {pairs}; measured on its {league.split} split"
    yield f"- Budget: {league.budget}"
    yield f"- Machine: {league.compute}; {league.system}"
    yield f"- Versions: {', '.join(f'{name} {value}' for name, value in league.versions.items())}"
    yield f"- Date: {league.date}\n"
    yield f"| {' | '.join(('model', *COLUMNS, 'mechanism'))} |"
    yield f"|---|{'---:|' * len(COLUMNS)}---|"
    for row in league.rows:
        cells = (_cell(shown(row)) for shown in COLUMNS.values())
        yield f"| {' | '.join((row.name, *cells, _mechanism(row)))} |"
    yield ""
    yield NOTES
    for name, signature in league.signatures.items():
        yield f"Signature of {SIGNED[name]}: `{signature}`.  "


SIGNED = {"bleu": "BLEU", "chrf": "chrF"}

COLUMNS: dict[str, Callable[[Row], str | None]] = {
    "BLEU": lambda row: _number(row.bleu, ".2f"),
    "chrF": lambda row: _number(row.chrf, ".2f"),
    "AER %": lambda row: _number(None if row.aer is None else 100 * row.aer, ".1f"),
    "entropy": lambda row: _number(row.entropy, ".2f"),
    "parameters": lambda row: _number(row.parameters, ",d"),
    "trained tok/s": lambda row: _number(row.tokens_per_second, ",.0f"),
    "decoded sent/s": lambda row: _number(row.sentences_per_second, ",.0f"),
    "minutes": lambda row: _number(row.minutes, ".1f"),
    "epochs": lambda row: _number(row.epochs, ",d"),
}
"""Each column, and the text of a row in it."""

NOTES = f"""\
AER: alignment error rate of the attention against the gold links of the corpus, lower is better;
entropy: mean entropy of an attention row, in nats; {NOTHING}: not available, since there is no
attention or no gold link. Trained tok/s: target tokens, median over the log; minutes: training
and validation. `nmt sweep` wrote this table from the files of the runs.
"""


def _number(value: float | None, form: str) -> str | None:
    return None if value is None else format(value, form)


def _cell(text: str | None) -> str:
    return NOTHING if text is None else text


def _mechanism(row: Row) -> str:
    if row.state == FINISHED:
        return row.mechanism
    reason = " ".join((row.reason or "").split()).replace("|", "\\|")
    return f"{row.mechanism}; **{row.state}**: {reason}"
