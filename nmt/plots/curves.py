"""Learning curves: losses and BLEU over the minutes of training, one colour per run."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from nmt.errors import DataError, UsageError, printable
from nmt.files import read_bytes
from nmt.plots.pictures import DOTS_PER_INCH, kind_of, save_figures, substitutes

Events = Sequence[Mapping[str, Any]]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Seven colour-blind-safe colours: Okabe and Ito (2008), https://jfly.uni-koeln.de/color"""
SECONDS_PER_MINUTE = 60
LARGEST = 2**28  # bytes of metrics
MOST = 1e30  # a diverged loss may be large, but matplotlib squares it


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The events of a `metrics.jsonl`; an incomplete last line is left out.

    Raises:
        DataError: the file cannot be read, or a line other than the last is broken.
    """
    try:
        text = read_bytes(path, largest=LARGEST).decode("utf-8", errors="replace")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{path}: cannot be read: {reason or error}") from error
    lines = text.split("\n")
    events = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            event = json.loads(line)
        except json.JSONDecodeError as error:
            if number == len(lines):  # no line feed: the run is still writing it, or was killed
                break
            raise DataError(f"{path}:{number}: broken JSON: {error.msg}") from error
        except (ValueError, RecursionError):  # thousands of digits in a number, or of brackets
            raise DataError(f"{path}:{number}: not a training event") from None
        if not isinstance(event, dict):
            raise DataError(f"{path}:{number}: not an event: {printable(line, most=40)}")
        events.append(event)
    return events


def save_curves(runs: Mapping[str, Events], path: Path) -> list[Path]:
    """Draw the losses (left) and the validation BLEU (right) of runs over training time.

    Returns the files written.

    Raises:
        UsageError: the kind of file is not png, svg or pdf, or no run has an event to draw.
    """
    kind_of(path)
    if not any(_points(events, kind, "loss") for events in runs.values() for kind in _LINES):
        raise UsageError(f"{path}: nothing to draw, since no run has an event with a loss")
    return save_figures([draw(runs)], path, count=1)


_LINES: dict[str, dict[str, Any]] = {
    "train": {"linewidth": 0.9, "alpha": 0.55},
    "validation": {"linewidth": 1.8, "marker": "o", "markersize": 3.5},
}


def draw(runs: Mapping[str, Events]) -> Figure:
    """Two panels: training and validation losses, and validation BLEU."""
    figure = Figure(figsize=(10, 4), dpi=DOTS_PER_INCH, layout="constrained")
    losses, bleu = figure.subplots(1, 2, sharex=True)
    names = substitutes(runs)
    for place, (name, events) in enumerate(runs.items()):
        label = name.translate(names)
        color = COLOURS[place % len(COLOURS)]
        dashes = ("-", "--", ":")[place // len(COLOURS) % 3]
        for kind, style in _LINES.items():
            losses.plot(*_columns(_points(events, kind, "loss")), dashes, color=color, **style)
        points = _points(events, "validation", "bleu")
        bleu.plot(*_columns(points), dashes, color=color, label=label, **_LINES["validation"])
    _finish(losses, "loss (nats per token)")
    _finish(bleu, "validation BLEU")
    bleu.set_ylim(bottom=0)
    kinds = [Line2D([], [], color="0.3", label=kind, **style) for kind, style in _LINES.items()]
    losses.legend(handles=kinds, frameon=False)
    legend = bleu.legend(frameon=False, loc="lower right")
    for text in (*legend.get_texts(), *bleu.get_xticklabels()):
        text.set_parse_math(False)
    return figure


def _points(events: Events, kind: str, value: str) -> list[tuple[float, float]]:
    """(minutes, value) of the finite values, in the order of time.

    A resumed run logs the steps after its last checkpoint again; the later line wins.
    """
    points = {
        event.get("step"): (event["seconds"] / SECONDS_PER_MINUTE, event[value])
        for event in events
        if event.get("event") == kind and is_number(event.get(value))
        if is_number(event.get("seconds")) and _is_step(event.get("step"))
    }
    return sorted(points.values())


def is_number(value: object) -> bool:
    """Whether an untrusted value is a number that can be drawn: finite, and not too large."""
    return type(value) in (int, float) and -MOST <= value <= MOST  # type: ignore[operator]


def _is_step(value: object) -> bool:
    return value is None or (is_number(value) and isinstance(value, int))


def _columns(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]


def _finish(axes: Axes, name: str) -> None:
    axes.set_xlabel("minutes of training")
    axes.set_ylabel(name)
    axes.set_xlim(left=0)
    axes.grid(color="0.9", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
