"""Build a league table from run folders: every number is read from the files of its run."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Any

from nmt.checkpoint.run import Run
from nmt.checkpoint.state import read_state
from nmt.data.corpus.types import SplitName
from nmt.errors import CheckpointError, DataError, UsageError
from nmt.evaluation.league import FAILED, FINISHED, UNFINISHED, League, Row, ranked
from nmt.files import read_json
from nmt.models.summary import summary
from nmt.plots.curves import is_number, read_metrics
from nmt.workflows.evaluate import SEARCH
from nmt.workflows.sweep.members import Member, budget

SECONDS_PER_MINUTE = 60


def results_of(
    chosen: Sequence[Member], split: SplitName, *, failures: Mapping[str, str]
) -> League:
    """The table of all members, whether or not they are finished.

    failures: the reason of each failed member, by name.

    Raises:
        UsageError: no training has begun.
        DataError: two runs were trained on different texts.
        CheckpointError: a file of a run is missing or broken.
    """
    begun = [member for member in chosen if member.run.manifest.exists()]
    if not begun:
        raise UsageError(
            f"none of {', '.join(member.name for member in chosen)} has been trained yet: there is "
            "nothing to compare; leave out --table-only"
        )
    manifests = [member.run.read_manifest() for member in begun]
    _refuse_other_texts(begun, manifests)
    corpus = manifests[0]["corpus"]
    scores = [_scores(member, split) for member in begun if member.finished]
    return League(
        rows=ranked(_row(member, split, failures.get(member.name)) for member in chosen),
        corpus=" ".join(filter(None, [corpus["corpus"], corpus["config"]])),
        pairs=corpus["pairs"],
        split=split,
        compute=_common(manifest["compute"] for manifest in manifests),
        system=_common(manifest["host"]["system"] for manifest in manifests),
        versions=_versions(manifests),
        date=datetime.now(UTC).date().isoformat(),
        signatures={
            name: _common(score[name]["signature"] for score in scores)
            for name in ("bleu", "chrf")
            if scores
        },
    )


def _row(member: Member, split: SplitName, failure: str | None) -> Row:
    state, reason = _state(member, failure)
    measured = _measured(member, split) if state == FINISHED else {}
    return Row(
        name=member.name,
        run=member.run.folder.as_posix(),
        mechanism=summary(member.config),
        budget=budget(member.config),
        state=state,
        reason=reason,
        **measured,
        **_trained(member.run),
    )


def _state(member: Member, failure: str | None) -> tuple[str, str | None]:
    if member.finished:
        return FINISHED, None
    if failure is not None:
        return FAILED, failure
    steps = member.run.steps()
    return UNFINISHED, f"interrupted after step {steps[-1]:,}" if steps else "not trained yet"


def _scores(member: Member, split: SplitName) -> dict[str, Any]:
    """The run's own result: its best checkpoint, run by torch, with the search of its config.

    Raises:
        CheckpointError: it is missing or broken, or it is a different measurement.
    """
    run = member.run
    path = run.evaluation(split) / "scores.json"
    again = f"write it again: nmt evaluate {run.folder} --split {split} --engine torch"
    try:
        scores = read_json(path)
        for metric in ("bleu", "chrf"):
            float(scores[metric]["value"])
            str(scores[metric]["signature"])
        float(scores["sentences_per_second"])
        step, decoding, engine = scores["model"]["step"], scores["decoding"], scores["engine"]
        own = member.config.decoding.model_dump(mode="json")
        search = {name: decoding[name] for name in SEARCH}
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing; {again}") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise CheckpointError(f"{path} is broken, or was cut short; {again}") from None
    best = read_state(run.checkpoint("best"))["step"]
    if search != {name: own[name] for name in SEARCH} or not str(engine).startswith("torch"):
        raise CheckpointError(f"{path} is of another decoding than the run's own; {again}")
    if step != best:
        raise CheckpointError(f"{path} is of step {step}, but the best is step {best}; {again}")
    return scores


def _measured(member: Member, split: SplitName) -> dict[str, Any]:
    """The numbers from the evaluation."""
    scores = _scores(member, split)
    alignment = scores.get("alignment") or {}
    return {
        "bleu": scores["bleu"]["value"],
        "chrf": scores["chrf"]["value"],
        "sentences_per_second": scores["sentences_per_second"],
        "entropy": scores.get("attention_entropy"),
        **{name: alignment.get(name) for name in ("aer", "precision", "recall")},
    }


def _trained(run: Run) -> dict[str, Any]:
    """The numbers from the training so far."""
    if not run.manifest.exists():
        return {}
    numbers: dict[str, Any] = {"parameters": sum(run.read_manifest()["parameters"].values())}
    if run.metrics.exists():
        speeds = [
            event["tokens_per_second"]
            for event in read_metrics(run.metrics)
            if event.get("event") == "train" and is_number(event.get("tokens_per_second"))
        ]
        numbers["tokens_per_second"] = median(speeds) if speeds else None
    if run.steps():
        state = read_state(run.checkpoint("last"))
        numbers["minutes"] = state.get("seconds", 0) / SECONDS_PER_MINUTE
        numbers["steps"] = state["step"]
        numbers["epochs"] = state.get("epoch")
    return numbers


def _refuse_other_texts(begun: Sequence[Member], manifests: Sequence[dict[str, Any]]) -> None:
    known = manifests[0]["corpus"]
    for member, manifest in zip(begun, manifests, strict=True):
        corpus = manifest["corpus"]
        if corpus["fingerprints"] != known["fingerprints"]:
            raise DataError(
                f"{begun[0].run.folder} and {member.run.folder} were trained on different texts "
                f"({known['corpus']} and {corpus['corpus']}, fingerprints of train "
                f"{known['fingerprints']['train']} and {corpus['fingerprints']['train']}): a table "
                "would compare the texts; delete one of them and sweep again"
            )


def _versions(manifests: Sequence[dict[str, Any]]) -> dict[str, str]:
    names = ("torch", "sentencepiece", "sacrebleu", "python")
    return {"nmt": _common(manifest["nmt"] for manifest in manifests)} | {
        name: _common(manifest["versions"][name] for manifest in manifests) for name in names
    }


def _common(values: Any) -> str:
    """The common value, or all the different ones."""
    return " / ".join(dict.fromkeys(values))
