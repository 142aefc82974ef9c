"""Remove private details of this machine from files that people share, such as a run's."""

import re
from pathlib import Path
from typing import Any

_PASSWORD = re.compile(r"(?<=://)[^\s/@]+@")  # of https://name:password@host


def shareable(text: str) -> str:
    """A text without user names and passwords: home becomes `~`, URLs lose their credentials.

    >>> shareable("see https://alice:secret@host/x")
    'see https://host/x'
    """
    return _PASSWORD.sub("", _without_home(text))


def _without_home(text: str) -> str:
    try:
        home = str(Path.home())
    except RuntimeError:  # the user of this process is unknown
        return text
    if len(home) < 2:  # the file system's root is not a home
        return text
    return re.sub(rf"(?<![\w.~/-]){re.escape(home)}(?![\w.-])", "~", text)


def shareable_values(value: Any) -> Any:
    """A JSON value with `shareable` applied to every string in it."""
    if isinstance(value, str):
        return shareable(value)
    if isinstance(value, dict):
        return {shareable_values(key): shareable_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [shareable_values(item) for item in value]
    return value
