"""Train the members of a sweep one after another, and write their results."""

import logging
from collections.abc import Sequence
from pathlib import Path

from nmt.errors import CheckpointError, ConfigError, DataError, TrainingError
from nmt.evaluation.league import FINISHED, League
from nmt.files import os_errors_as_write_error, read_json, write_json, write_text
from nmt.plots.league import save_league
from nmt.workflows.sweep.members import Member, budget, measured_split
from nmt.workflows.sweep.page import save_attention
from nmt.workflows.sweep.results import results_of
from nmt.workflows.sweep.table import markdown
from nmt.workflows.train.train import Request, train

log = logging.getLogger(__name__)

TABLE, NUMBERS, PICTURE = "league.md", "league.json", "league.png"
FAILURES = "failures.json"


def run_sweep(chosen: Sequence[Member], folder: Path, *, command: Sequence[str] = ()) -> None:
    """Train every member that is not finished, and update the table in `folder` after each.

    A member that cannot be trained is recorded, and the others are still trained. None of them
    becomes `runs/latest`.

    Raises:
        TrainingError: none of them could even begin.
        NmtError: a failure that does not concern one member alone, such as a full disk.
        Interrupted: a signal asked to stop; everything is saved.
    """
    _warn_of_unequal(chosen)
    if _begun(chosen):
        write_table(chosen, folder)  # reports a broken file before hours of training
    for number, member in enumerate(chosen, start=1):
        log.info("sweep %d/%d: %s", number, len(chosen), member.name)
        if member.finished:
            log.info("%s is already finished: %s", member.name, member.run.folder)
            member.run.clear()
            _note(folder, member.name, None)
            continue
        assert member.loaded is not None, "only configs are trained"
        request = Request(
            member.run.folder, resume=not member.run.empty, command=command, latest=False
        )
        try:
            train(member.loaded, request)
        except (TrainingError, ConfigError, DataError, CheckpointError) as error:
            log.warning("%s failed, and the sweep continues: %s", member.name, error)
            _note(folder, member.name, str(error))
        else:
            _note(folder, member.name, None)
        if _begun(chosen):
            write_table(chosen, folder)
    if not _begun(chosen):
        raise TrainingError(
            f"none of {', '.join(member.name for member in chosen)} could be trained; "
            f"{folder / FAILURES} says why, and the same command tries them again"
        )


def compare(chosen: Sequence[Member], folder: Path, *, sentences: Sequence[str]) -> list[Path]:
    """Write the table, its picture, and the page of `sentences`; returns the files.

    Raises:
        UsageError: nothing has been trained yet.
    """
    league = write_table(chosen, folder)
    files = [folder / TABLE, folder / NUMBERS]
    known = {member.name for member in chosen}
    for name, reason in _noted(folder).items():
        if name not in known:
            log.warning("%s failed before it had a run, and is left out: %s", name, reason)
    finished = [row for row in league.rows if row.state == FINISHED]
    for row in finished:
        aer = "" if row.aer is None else f"  AER {100 * row.aer:4.1f} %"
        log.info("BLEU %6.2f%s  %s", row.bleu, aer, row.name)
    if not finished:
        log.warning("no picture and no page are written, since no training is finished")
        return files
    save_league(league, folder / PICTURE)
    runs = {member.name: member.run for member in chosen}
    return [*files, folder / PICTURE, *save_attention(league, runs, folder, sentences)]


def write_table(chosen: Sequence[Member], folder: Path) -> League:
    """Write the table as Markdown and as JSON."""
    league = results_of(chosen, measured_split(chosen), failures=_noted(folder))
    write_json(folder / NUMBERS, league.as_dict())
    write_text(folder / TABLE, markdown(league))
    return league


def refuse_failed(chosen: Sequence[Member], folder: Path) -> None:
    """Report failed members at the end of a sweep.

    Raises:
        TrainingError: some of the members could not be trained.
    """
    noted = _noted(folder)
    failed = [member.name for member in chosen if member.name in noted and not member.finished]
    if failed:
        raise TrainingError(
            f"{len(failed)} of {len(chosen)} could not be trained: {', '.join(failed)}; "
            f"{folder / TABLE} says why, and the same command tries them again"
        )


def _begun(chosen: Sequence[Member]) -> bool:
    """Whether any member has a run to put into the table."""
    return any(member.run.manifest.exists() for member in chosen)


def _warn_of_unequal(chosen: Sequence[Member]) -> None:
    budgets: dict[str, list[str]] = {}
    for member in chosen:
        budgets.setdefault(budget(member.config), []).append(member.name)
    if len(budgets) > 1:
        groups = "; ".join(f"{each}: {', '.join(names)}" for each, names in budgets.items())
        log.warning("the budgets are not equal, as the table will say: %s", groups)


def _noted(folder: Path) -> dict[str, str]:
    """The reasons of failed members, by name."""
    path = folder / FAILURES
    try:
        noted = read_json(path)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        raise CheckpointError(
            f"{path} cannot be read as JSON, or was cut short; delete it"
        ) from None
    if not isinstance(noted, dict):
        raise CheckpointError(f"{path} was not written by nmt sweep; delete it")
    return noted


def _note(folder: Path, name: str, reason: str | None) -> None:
    """Record why a member failed, or remove its record if it did not."""
    noted = _noted(folder)
    before = dict(noted)
    noted.pop(name, None)
    if reason is not None:
        noted[name] = reason
    if noted and noted != before:
        write_json(folder / FAILURES, noted)
    elif not noted:
        with os_errors_as_write_error(folder / FAILURES):
            (folder / FAILURES).unlink(missing_ok=True)
