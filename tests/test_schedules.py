import math

import pytest

from nmt.errors import ConfigError
from nmt.training.schedules import NEEDS_END, SchedulePoint, check, factor, schedules


def curve(name: str, *steps: int, total: int | None = 110, bad_validations: int = 0) -> list[float]:
    return [
        factor(name, SchedulePoint(step, warmup=10, total=total, bad_validations=bad_validations))
        for step in steps
    ]


@pytest.mark.parametrize("name", list(schedules))
def test_every_warm_up_is_linear(name: str) -> None:
    assert curve(name, 1, 4, 9, 10) == pytest.approx([0.1, 0.4, 0.9, 1.0])


@pytest.mark.parametrize("name", list(schedules))
def test_no_schedule_rises_after_the_warm_up(name: str) -> None:
    values = curve(name, *range(10, 111))
    assert values == sorted(values, reverse=True)
    assert 0 <= values[-1] <= 1


@pytest.mark.parametrize("name", list(schedules))
def test_without_a_warm_up_the_first_step_has_the_full_rate(name: str) -> None:
    assert factor(name, SchedulePoint(1, warmup=0, total=10**6)) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", sorted(NEEDS_END))
def test_a_schedule_that_falls_to_the_end_is_zero_only_after_it(name: str) -> None:
    last, *after = curve(name, 110, 111, 300)
    assert 0 < last < 0.011
    assert after == pytest.approx([0, 0])
    assert curve(name, 61) == pytest.approx([0.5])


@pytest.mark.parametrize("total", [1, 2, 3, 11])
@pytest.mark.parametrize("warmup", [0, 1, 2])
@pytest.mark.parametrize("name", sorted(NEEDS_END))
def test_every_update_has_a_rate_and_one_has_the_full_rate(
    name: str, warmup: int, total: int
) -> None:
    rates = [factor(name, SchedulePoint(step, warmup, total)) for step in range(1, total + 1)]
    assert min(rates) > 0
    assert max(rates) == rates[min(max(warmup, 1), total) - 1]
    if total > warmup:
        assert rates[warmup] == 1  # the first update after the warm-up


@pytest.mark.parametrize("name", sorted(NEEDS_END))
def test_a_schedule_that_falls_to_the_end_needs_one(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check(name, None)
    assert str(caught.value) == (
        f"training.schedule '{name}' needs to know the end of the training: "
        "set training.epochs or training.max_steps"
    )


@pytest.mark.parametrize("name", sorted(set(schedules) - NEEDS_END))
def test_the_others_need_no_end(name: str) -> None:
    check(name, None)
    assert math.isfinite(curve(name, 500, total=None)[0])


def test_the_curves_are_their_formulas() -> None:
    assert curve("constant", 50) == [1.0]
    assert curve("linear", 36, 86) == pytest.approx([0.75, 0.25])
    assert curve("cosine", 36, 86) == pytest.approx(
        [(1 + math.cos(math.pi / 4)) / 2, (1 + math.cos(3 * math.pi / 4)) / 2]
    )
    assert curve("inverse_sqrt", 40, 90) == pytest.approx([1 / 2, 1 / 3])


def test_a_plateau_halves_with_each_stall() -> None:
    assert [
        curve("plateau", 50, bad_validations=bad_validations)[0] for bad_validations in range(4)
    ] == [1, 0.5, 0.25, 0.125]


def test_an_unknown_schedule_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        ConfigError, match="unknown learning-rate schedule 'cosin'; did you mean 'c"
    ):
        check("cosin", 10)
