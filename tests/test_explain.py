import json
import re

import pytest
import torch

from nmt.cli import explain as command
from nmt.config import load, shipped
from nmt.data.tokenizers.base import Vocabularies
from nmt.errors import ConfigError, UsageError
from nmt.models import build_model
from nmt.workflows.explain import components, explain, listed
from nmt.workflows.explain.flops import elements, formulas, products
from support.commands import Commands

PIECES = list(components())
SCHEDULES = {"teacher-forcing", "learning-rate"}


@pytest.fixture
def nmt(tmp_path, monkeypatch, capsys) -> Commands:
    return Commands(tmp_path, monkeypatch, capsys)


def costs(name: str, kind: str = "attention score") -> dict[str, str]:
    (found,) = [each for each in explain(name) if each.kind == kind]
    return {cost.grows: cost.formula for cost in found.cost}


@pytest.mark.parametrize(
    "component", PIECES, ids=lambda component: f"{component.kind}-{component.name}"
)
def test_the_docstring_of_every_piece_begins_with_its_formula_and_names_its_paper(
    component,
) -> None:
    assert len(component.formula) < 250
    if component.kind not in SCHEDULES:
        assert re.search(r"\(\d{4}\)", component.paper), component.where
        assert component.paper not in component.notes


def test_all_pieces_are_listed_with_the_key_that_chooses_them() -> None:
    rows = listed()
    assert rows["attention score (model.attention.score)"]["dot"] == "score(q, k) = q . k"
    assert sum(map(len, rows.values())) == len(PIECES)


def test_costs_are_the_products_that_the_formulas_need() -> None:
    assert costs("dot") == {"S T": "2 q"}  # q = m: score, and average
    assert costs("general") == {"S": "q m", "S T": "m + q"}
    assert costs("additive") == {"S": "m z", "T": "q z", "S T": "z + m"}
    assert costs("location") == {"S T": "m + q"}
    assert costs("none") == {}
    assert costs("coverage", "attention coverage") == {"S": "m z", "T": "q z", "S T": "2 z + m"}


def test_the_cost_of_several_heads_is_that_of_their_projections_too() -> None:
    assert costs("multi-head", "attention heads") == {  # 4 heads of d, a W of d x d for each
        "S": "4 d d + 8 m d", "T": "4 m d + 4 q d", "S T": "8 d",
    }  # fmt: skip


def test_the_cost_of_a_window_does_not_grow_with_the_source() -> None:
    assert costs("local-m", "attention scope") == {"S": "q m", "T": "9 m + 9 q"}


def test_the_cost_of_a_cell_is_that_of_its_gates() -> None:
    assert costs("lstm", "recurrent cell") == {"T": "4 h h + 4 f h + 4 e h"}
    assert costs("gru", "recurrent cell") == {"T": "3 h h + 3 f h + 3 e h"}


def test_parameters_are_those_of_the_module_in_the_sizes_of_the_config() -> None:
    found = explain("additive", load(shipped()["07-bahdanau"], ["model.attention.size=96"]))[0]
    shapes = {parameter.name: parameter.shape for parameter in found.parameters}
    assert shapes == {
        "W.weight": (96, 256),
        "U.weight": (96, 256),
        "U.bias": (96,),
        "v.weight": (1, 96),
    }
    assert found.shapes["keys"] == "(batch, source, 96)"
    assert found.lecture[0] == "07-bahdanau"
    assert found.config == "model.attention.score: additive"


@pytest.mark.parametrize("name", ["additive", "multi-head", "coverage"])
def test_with_several_heads_the_parameters_are_those_of_the_model(name: str) -> None:
    changes = ["model.attention.heads=8", f"model.attention.coverage={name == 'coverage'}"]
    loaded = load(shipped()["26-multi-head-additive"], changes)
    with torch.device("meta"):
        model = build_model(loaded.config.model, Vocabularies(16, 16))
    start = "decoder.attention."
    built = {
        parameter.removeprefix(start): tuple(tensor.shape)
        for parameter, tensor in model.named_parameters()
        if parameter.startswith(start)
    }
    (found,) = explain(name, loaded)
    assert {parameter.name: parameter.shape for parameter in found.parameters} == built
    assert built["inner.score.W.weight"] == (16, 16)
    assert found.shapes["weights of each head"] == "(batch, 8, target, source)"
    assert found.remarks == ["of the whole attention, by score 'additive', 8 heads"]


def test_a_scope_below_several_heads_is_that_of_a_head() -> None:
    (found,) = explain("local-p", load(shipped()["25-multi-head"]))
    shapes = {parameter.name: parameter.shape for parameter in found.parameters}
    assert shapes == {"W_p.weight": (64, 64), "v_p.weight": (1, 64)}


@pytest.mark.parametrize(
    ("name", "line", "shown"),
    [
        ("multi-head", "model.attention.heads: 4", "25-multi-head"),
        ("coverage", "model.attention.coverage: true", "23-coverage"),
        ("coverage-loss", "training.coverage_loss: 0.1", "24-coverage-loss"),
        ("learned", "model.encoder.self_attention.positions: learned", "33-transformer-learned"),
        ("rotary", "model.encoder.self_attention.positions: rotary", "34-transformer-rotary"),
    ],
)
def test_what_no_registry_holds_is_explained_by_the_line_that_turns_it_on(name, line, shown):
    (found,) = explain(name)
    assert (found.config, found.lecture[0]) == (line, shown)


def test_a_config_that_has_the_piece_keeps_its_own_number() -> None:
    (found,) = explain("multi-head", load(shipped()["25-multi-head"], ["model.attention.heads=2"]))
    assert found.config == "model.attention.heads: 2"
    (found,) = explain("multi-head", load(shipped()["04-general"]))
    assert found.config == "model.attention.heads: 4"


def test_learned_positions_are_as_many_as_the_config_says() -> None:
    key = "model.encoder.self_attention.max_positions"
    (found,) = explain("learned", load(shipped()["33-transformer-learned"], [f"{key}=77"]))
    assert [parameter.shape for parameter in found.parameters] == [(77, 128)]
    with pytest.raises(ConfigError, match="rotary"):
        explain("rotary", load(shipped()["28-self-qkv"]))


def test_a_piece_that_does_not_fit_the_config_is_refused() -> None:
    with pytest.raises(ConfigError, match="256.*general"):
        explain("dot", load(shipped()["quickstart"], ["model.encoder.size=100"]))


def test_a_name_of_two_kinds_is_explained_twice() -> None:
    kinds = {found.kind for found in explain("linear")}
    assert kinds == {"teacher-forcing schedule", "learning-rate schedule"}


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="unknown component 'cosin'; did you mean 'cosine'"):
        explain("cosin")


def test_the_command_prints_all_properties(nmt: Commands) -> None:
    found = nmt("explain", "qkv")
    assert found.status == 0, found.err
    wanted = ("formula", "paper", "config", "shown in", "shapes", "parameters", "cost")
    labels = [line.split("  ")[1] for line in found.out.splitlines() if re.match(r"  \w", line)]
    assert [label for label in labels if label in wanted] == list(wanted)
    assert "W_v.weight 256 x 256 = 65,536" in found.out
    assert "configs/lecture/11-qkv.yaml" in found.out


def test_the_command_lists_and_speaks_json(nmt: Commands) -> None:
    assert "  cosine  " in nmt("explain").out
    assert (
        "dot" in json.loads(nmt("explain", "--json").out)["attention score (model.attention.score)"]
    )
    (found,) = json.loads(nmt("explain", "general", "--json").out)["pieces"]
    assert found["cost"][0] == {"grows": "S", "formula": "q m", "count": 65536}
    wrong = nmt("explain", "bahdanu")
    assert (wrong.status, wrong.out) == (2, "")
    assert "did you mean 'bahdanau'" in wrong.err


def test_the_listing_has_a_line_for_each_piece() -> None:
    shown = command.as_lines({"a": {"one": "x = 1", "two": "y"}, "b": {"three": "z"}})
    assert len(shown.splitlines()) == 6  # an empty line between the kinds


# Counting


def test_a_cost_that_is_not_polynomial_in_the_lengths_is_a_bug() -> None:
    def read(source: int, target: int) -> None:
        torch.ones(2**source, 3) @ torch.ones(3, 5)

    with pytest.raises(ValueError, match="not a polynomial"):
        products(read)


def test_formulas_are_found_in_any_widths() -> None:
    def build(widths):
        def read(source: int, target: int) -> None:
            torch.ones(source * target, widths["a"], device="meta") @ torch.ones(
                widths["a"], 2 * widths["b"], device="meta"
            )

        return read

    assert formulas(build, ["a", "b"]) == {"S T": "2 a b"}


def test_numbers_written_are_counted_but_not_views() -> None:
    assert elements(lambda length: torch.ones(length).view(1, -1).t() + 1) == "2 S"
