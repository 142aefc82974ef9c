"""The training progress that a checkpoint records, read without torch."""

from pathlib import Path
from typing import Any

from nmt.errors import CheckpointError, printable
from nmt.files import read_json

FORMAT = "nmt.checkpoint/2"
STATE = "state.json"
ADVICE = "delete its folder to go on from the checkpoint before it"


def read_state(folder: Path) -> dict[str, Any]:
    """The contents of `state.json`, which always include `step`.

    Raises:
        CheckpointError: it is missing, cut short or not nmt's.
    """
    path = folder / STATE
    try:
        state = read_json(path)
    except FileNotFoundError:
        raise CheckpointError(f"{folder} is not a checkpoint: {STATE} is missing") from None
    except (OSError, ValueError):
        raise CheckpointError(f"{path} is not JSON, or was cut short; {ADVICE}") from None
    if not isinstance(state, dict) or state.pop("format", None) != FORMAT:
        raise CheckpointError(another_version(path))
    for name, value in state.items():
        if not _is_known(name, value):
            raise CheckpointError(
                f"{path}: '{printable(name, most=40)}' has an unexpected value: "
                f"{printable(repr(value), most=40)}; {ADVICE}"
            )
    if "step" not in state:
        raise CheckpointError(f"{path} does not say at which step it was saved; {ADVICE}")
    return state


def another_version(path: Path) -> str:
    """The error message for a file whose format is not FORMAT."""
    return (
        f"{path} was not written by this version of nmt ({FORMAT}): retrain with --overwrite, or "
        "use the version that trained it"
    )


def _is_known(name: str, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, KINDS.get(name, object)):
        return False
    least = -MOST if name in SIGNED else 0
    return not isinstance(value, int | float) or least <= value < MOST


NUMBER = (int, float)
KINDS: dict[str, type | tuple[type, ...]] = {
    "step": int, "epoch": int, "batch": int, "seconds": NUMBER, "waiting": NUMBER,
    "target_tokens": int, "validated": int, "best_score": (int, float, type(None)),
    "best_step": int, "validations_since_best": int, "bad_validations": int,
    "ended": (str, type(None)),
}  # fmt: skip
"""The known keys and their types; other keys may hold anything."""
SIGNED = {"best_score"}  # negative for a loss, so that higher is always better
MOST = 2**62
