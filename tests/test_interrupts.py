"""A signal at any step of the interpreter leads to a saved training, never to a traceback."""

import contextlib
import signal
import sys
from collections.abc import Callable
from threading import Thread
from types import FrameType
from typing import Any, NoReturn

import pytest

from nmt.training import interrupts, loop
from nmt.training.interrupts import Interrupted, Interrupts
from test_loop import Training

WATCHED = {interrupts.__file__, loop.__file__, contextlib.__file__}


class _Tracing:
    """Sends a signal before the n-th operation of the watched modules, and counts operations."""

    def __init__(self, at: int | None, number: signal.Signals = signal.SIGTERM) -> None:
        self.at, self.number, self.count = at, number, 0

    def __enter__(self) -> "_Tracing":
        self.before = sys.gettrace()
        sys.settrace(self._enter)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self.before)

    def _enter(self, frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename not in WATCHED or frame.f_code.co_name == "_arrived":
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self._operate

    def _operate(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "opcode":
            self.count += 1
            if self.count - 1 == self.at:
                signal.raise_signal(self.number)
        return self._operate


def broken_off(at: int | None) -> tuple[int, list[str]]:
    """The result of a signal at one operation of a block that changes nothing."""
    told: list[str] = []
    watching = Interrupts()

    def stop() -> NoReturn:
        told.append("saved")
        watching.leave()

    def work() -> str:
        told.append("worked")
        return "found"

    try:
        with watching.watched():
            tracing = _Tracing(at)
            with tracing:
                result = watching.at_once(work, stop)
            told.append(result)
    except Interrupted:
        told.append("left")
    return tracing.count, told


def test_a_signal_at_any_moment_of_a_block_is_handled_and_everything_is_saved() -> None:
    count, told = broken_off(None)
    assert told == ["worked", "found"]
    assert count > 20
    ends = {tuple(broken_off(at)[1]) for at in range(count)}
    assert ends <= {
        ("saved", "left"),
        ("worked", "saved", "left"),
        ("worked", "found", "left"),  # it came at the very end: nothing is left to save
    }
    assert len(ends) == 3


def trained(at: int | None, number: signal.Signals) -> tuple[int, Training, bool]:
    training = Training(max_steps=3, validate_every=2, checkpoint_every=1)
    tracing, interrupted = _Tracing(at, number), False
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    try:
        with training.interrupts.watched(), tracing:
            training.run()
    except Interrupted as stop:
        interrupted = stop.number == number
    assert before == [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    return tracing.count, training, interrupted


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_any_moment_of_a_training_loses_no_update(number: signal.Signals) -> None:
    whole, straight, _ = trained(None, number)
    assert whole > 500
    for at in range(number % 7, whole, 17):
        _, first, interrupted = trained(at, number)
        assert interrupted
        assert first.saved[-1].step == first.progress.step == len(first.read)
        second = Training(max_steps=3, validate_every=2, checkpoint_every=1)
        second.progress = first.saved[-1]
        second.run()
        assert first.read + second.read == straight.read
        assert second.progress.ended == "3 steps are done"


def test_a_training_outside_the_main_thread_runs_normally() -> None:
    training, failed = Training(max_steps=2), []

    def run() -> None:
        try:
            with training.interrupts.watched():
                training.run()
        except BaseException as error:
            failed.append(error)

    thread = Thread(target=run)
    thread.start()
    thread.join()
    assert failed == []
    assert training.progress.step == 2


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_an_error_inside_a_block_is_not_changed(kind: type[BaseException]) -> None:
    watching = Interrupts()

    def work() -> None:
        raise kind

    with pytest.raises(kind):
        watching.at_once(work, watching.leave)


def test_a_signal_between_two_blocks_keeps_the_second_from_beginning() -> None:
    watching = Interrupts()
    with watching.watched():
        watching.at_once(lambda: None, watching.leave)
        signal.raise_signal(signal.SIGTERM)  # remembered, and nothing is raised
        with pytest.raises(Interrupted):
            watching.at_once(lambda: pytest.fail("it had been asked to stop"), watching.leave)


def test_an_unchecked_signal_is_not_lost() -> None:
    """Such as Ctrl-C just after one of several trainings: the next one must not begin."""
    with pytest.raises(Interrupted), Interrupts().watched():
        signal.raise_signal(signal.SIGINT)


def test_what_is_saved_already_is_not_written_again() -> None:
    training = Training(max_steps=9, checkpoint_every=1, validate_every=9)
    save = training.save

    def interrupted(progress: Any) -> None:
        save(progress)
        signal.raise_signal(signal.SIGTERM)

    training.save: Callable[..., None] = interrupted  # type: ignore[method-assign]
    with training.interrupts.watched(), pytest.raises(Interrupted):
        training.run()
    assert [progress.step for progress in training.saved] == [1]
