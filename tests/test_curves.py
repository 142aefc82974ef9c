import json
import math
import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nmt.errors import DataError, UsageError
from nmt.plots.curves import draw, read_metrics, save_curves

EVENTS = [
    {"event": "train", "step": 50, "epoch": 0.1, "seconds": 30.0, "loss": 6.0},
    {"event": "train", "step": 100, "epoch": 0.2, "seconds": 60.0, "loss": 4.5},
    {"event": "validation", "step": 100, "seconds": 60.0, "loss": 5.0, "bleu": 3.5, "chrf": 20.0},
    {"event": "train", "step": 150, "epoch": 0.3, "seconds": 90.0, "loss": 4.0},
    {"event": "validation", "step": 200, "seconds": 120.0, "loss": 3.0, "bleu": 31.25, "chrf": 50},
]


def lines(axes) -> list[list[tuple[float, float]]]:
    return [list(zip(line.get_xdata(), line.get_ydata(), strict=True)) for line in axes.lines]


def test_losses_and_bleu_run_over_minutes() -> None:
    losses, bleu = draw({"luong": EVENTS}).axes
    assert lines(losses) == [[(0.5, 6.0), (1.0, 4.5), (1.5, 4.0)], [(1.0, 5.0), (2.0, 3.0)]]
    assert lines(bleu) == [[(1.0, 3.5), (2.0, 31.25)]]
    assert "minutes" in losses.get_xlabel()
    assert "nats per token" in losses.get_ylabel()


def test_steps_that_a_resumed_run_repeats_count_once() -> None:
    again = {"event": "train", "step": 100, "seconds": 75.0, "loss": 4.25}
    between = {"event": "train", "step": 120, "seconds": 81.0, "loss": 4.125}
    losses, _ = draw({"luong": [*EVENTS, again, between]}).axes
    assert lines(losses)[0] == [(0.5, 6.0), (1.25, 4.25), (1.35, 4.125), (1.5, 4.0)]


def test_values_that_are_no_numbers_are_left_out() -> None:
    odd = [
        {"event": "validation", "step": 300, "seconds": 150.0, "loss": math.nan, "bleu": None},
        {"event": "train", "step": 300, "loss": 1.0},
        {"event": "saved", "step": 300, "seconds": 150.0},
    ]
    losses, bleu = draw({"luong": [*EVENTS, *odd]}).axes
    assert [len(points) for points in [*lines(losses), *lines(bleu)]] == [3, 2, 2]


def test_every_run_has_its_own_line_style_and_name(tmp_path: Path) -> None:
    runs = {f"run {n}": EVENTS for n in range(9)} | {"$x^2$ à <b>": EVENTS}
    losses, bleu = draw(runs).axes
    looks = [(line.get_color(), line.get_linestyle()) for line in bleu.lines]
    assert len(set(looks)) == 10
    assert [line.get_color() for line in losses.lines[::2]] == [color for color, _ in looks]
    (path,) = save_curves(runs, tmp_path / "curves.svg")
    texts = re.findall(r"<text[^>]*>(.*?)</text>", path.read_text(encoding="utf-8"), re.DOTALL)
    assert {"run 0", "run 8", "$x^2$ à &lt;b&gt;", "train", "validation"} <= set(
        map(str.strip, texts)
    )


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_curves_are_written_alike_each_time(kind: str, tmp_path: Path) -> None:
    one, other = (save_curves({"a": EVENTS}, tmp_path / f"{n}.{kind}")[0] for n in "ab")
    assert one.read_bytes() == other.read_bytes()


def test_curves_are_drawn_in_their_colour(tmp_path: Path) -> None:
    (path,) = save_curves({"a": EVENTS}, tmp_path / "a.png")
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    assert (pixels == (0x00, 0x72, 0xB2)).all(axis=1).sum() > 100


def test_nothing_to_draw_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run has an event with a loss"):
        save_curves({"a": []}, tmp_path / "a.png")
    with pytest.raises(UsageError, match="use one of: png, svg, pdf$"):
        save_curves({"a": EVENTS}, tmp_path / "a.html")


def test_a_run_without_validations_yet_is_drawn(tmp_path: Path) -> None:
    assert save_curves({"a": EVENTS[:2]}, tmp_path / "a.png")


def test_metrics_are_read_up_to_an_incomplete_line(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    text = "\n".join(map(json.dumps, EVENTS))
    path.write_text(text + '\n{"event": "train", "st', encoding="utf-8")
    assert read_metrics(path) == EVENTS
    path.write_bytes((text + "\n").encode() + b'{"name": "\xc3')
    assert read_metrics(path) == EVENTS
    path.write_text(text + "\n", encoding="utf-8")
    assert read_metrics(path) == EVENTS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": \n{}\n', "metrics.jsonl:1: broken JSON"),
        ("{}\n[1]\n", "metrics.jsonl:2: not an event"),
    ],
)
def test_a_broken_line_is_named(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_metrics(path)


@pytest.mark.parametrize(
    "line",
    ["[" * 100_000, '{"step": ' + "1" * 5000 + "}", '"\x1b[2J"', "[1]", '{"a": ' * 100_000],
)
def test_a_malicious_line_is_one_line_of_error(line: str, tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(f'{{"event": "train"}}\n{line}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"metrics\.jsonl:2: ") as caught:
        read_metrics(path)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < len(str(path)) + 100


def test_a_pipe_in_place_of_metrics_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "metrics.jsonl")
    with pytest.raises(DataError, match="cannot be read: not an ordinary file"):
        read_metrics(tmp_path / "metrics.jsonl")


ODD = [[1], {"a": 1}, True, None, "3", 10**400, 1e300, -1e300, float("nan"), "\ud800"]


@pytest.mark.parametrize("name", ["step", "seconds", "loss", "bleu", "event"])
def test_invalid_values_are_left_out_of_the_picture(name: str, tmp_path: Path) -> None:
    odd = [
        {**event, name: value}
        for event in EVENTS
        for value in ODD
        if (name, value) != ("step", None)
    ]
    (path,) = save_curves({"run": [*odd, *EVENTS]}, tmp_path / "curves.png")
    drawn, wanted = (lines(draw({"run": events}).axes[0]) for events in ([*odd, *EVENTS], EVENTS))
    assert [line[-2:] for line in drawn] == [line[-2:] for line in wanted]
    assert path.stat().st_size


def test_missing_metrics_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="metrics.jsonl: cannot be read: No such file"):
        read_metrics(tmp_path / "metrics.jsonl")
