"""How far a checkpoint's training had come, read without torch."""

import json
from pathlib import Path
from typing import Any

from nmt.errors import CheckpointError

FORMAT = "nmt.checkpoint/1"
STATE = "state.json"
MEND = "delete its folder to go on from the checkpoint before it"


def read_state(folder: Path) -> dict[str, Any]:
    """What `state.json` says, `step` among it.

    Raises:
        CheckpointError: it is missing, cut short or foreign.
    """
    path = folder / STATE
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"{folder} is no checkpoint: it has no {STATE}") from None
    except ValueError:
        raise CheckpointError(f"{path} is no JSON, or was cut short; {MEND}") from None
    if not isinstance(state, dict) or state.pop("format", None) != FORMAT:
        raise CheckpointError(f"{path} was not written by this version of nmt ({FORMAT})")
    return state
