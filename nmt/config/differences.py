"""What differs between two configs, key by key."""

from collections.abc import Iterator
from typing import Any


def differences(
    one: dict[str, Any], other: dict[str, Any], *, prefix: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """Each key whose values differ, in the order of the first config.

    >>> list(differences({"seed": 1, "model": {"size": 2}}, {"seed": 1, "model": {"size": 3}}))
    [('model.size', 2, 3)]
    """
    for key in dict.fromkeys((*one, *other)):
        mine, theirs = one.get(key), other.get(key)
        if isinstance(mine, dict) and isinstance(theirs, dict):
            yield from differences(mine, theirs, prefix=f"{prefix}{key}.")
        elif mine != theirs:
            yield f"{prefix}{key}", mine, theirs
