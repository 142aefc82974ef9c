import json
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from nmt.checkpoint import store
from nmt.checkpoint.run import Run, open_run
from nmt.config import load
from nmt.data.vocabulary import Vocabularies
from nmt.errors import CheckpointError, UsageError
from nmt.models import build_model
from tiny_models import VOCABULARIES, Kind

TENSORS = {"random.cpu": torch.arange(7, dtype=torch.uint8), "optimizer.step.a": torch.tensor(3.0)}
STATE = {"step": 3, "best_score": None, "ended": "3 steps are done", "seconds": 1.25}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "checkpoints" / "step-3"
    store.save(folder, Kind().build(), TENSORS, STATE)
    return folder


def message(folder: Path, model: nn.Module | None = None) -> str:
    """What is said of a checkpoint that cannot be loaded, without the place of the folder."""
    load_it = partial(store.load_training if model is None else store.load_model, folder)
    with pytest.raises(CheckpointError) as caught:
        load_it(*([] if model is None else [model]))
    return str(caught.value).replace(f"{folder}/", "").replace(str(folder), "FOLDER")


# Checkpoints


@pytest.mark.parametrize("tie", ["none", "target", "all"])
def test_a_checkpoint_comes_back_whole(tmp_path: Path, tie: str) -> None:
    config = Kind(layers=2).config(tie_embeddings=tie)
    first, second = (build_model(config, Vocabularies(17, 17)) for _ in range(2))
    store.save(tmp_path / "step-1", first, TENSORS, STATE)
    store.load_model(tmp_path / "step-1", second)
    for (name, p), (_, q) in zip(
        first.state_dict().items(), second.state_dict().items(), strict=True
    ):
        assert torch.equal(p, q), name
    assert (second.vocabulary.weight is second.get_parameter("target_embedding.weight")) == (
        tie != "none"
    )
    tensors, state = store.load_training(tmp_path / "step-1")
    assert state == STATE
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)


def test_a_checkpoint_is_three_files_and_no_pickle(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == [
        "model.safetensors",
        "state.json",
        "training.safetensors",
    ]
    assert len(load_file(folder / "model.safetensors")) == len(list(Kind().build().parameters()))
    assert json.loads((folder / "state.json").read_text())["format"] == "nmt.checkpoint/1"


def test_nothing_half_written_is_left(folder: Path) -> None:
    assert [path.name for path in folder.parent.iterdir()] == ["step-3"]


def test_a_save_that_breaks_off_leaves_the_old_checkpoint(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("out of memory")

    before = (folder / "model.safetensors").read_bytes()
    monkeypatch.setattr(store, "write_json", broken)
    for place in (folder, folder.with_name("step-4")):
        with pytest.raises(RuntimeError, match="out of memory"):
            store.save(place, Kind().build(), TENSORS, STATE)
    assert (folder / "model.safetensors").read_bytes() == before
    assert [path.name for path in folder.parent.iterdir()] == ["step-3"]


def test_a_checkpoint_saved_again_replaces_the_old_one(folder: Path) -> None:
    (folder / "stray").touch()
    store.save(folder, Kind().build(), TENSORS, {**STATE, "step": 4})
    assert store.load_training(folder)[1]["step"] == 4
    assert not (folder / "stray").exists()


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.5, 0.99, 0.9999])
@pytest.mark.parametrize("name", ["model.safetensors", "training.safetensors", "state.json"])
def test_a_file_that_was_cut_short_is_named(folder: Path, name: str, share: float) -> None:
    path = folder / name
    whole = path.read_bytes()
    path.write_bytes(whole[: min(int(share * len(whole)), len(whole) - 3)])
    found = message(folder, Kind().build() if name == "model.safetensors" else None)
    assert found.startswith(f"{name} is no ")
    assert ", or was cut short" in found
    assert found.endswith("delete its folder to go on from the checkpoint before it")
    assert "\n" not in found


def test_a_model_cut_short_changes_no_parameter(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-40])
    model = Kind().build()
    before = [p.clone() for p in model.parameters()]
    message(folder, model)
    assert all(torch.equal(p, q) for p, q in zip(before, model.parameters(), strict=True))


@pytest.mark.parametrize("name", ["model.safetensors", "training.safetensors"])
def test_another_programs_file_is_refused(folder: Path, name: str) -> None:
    save_file({"weight": torch.zeros(3)}, folder / name, metadata={"format": "pt"})
    found = message(folder, Kind().build() if name == "model.safetensors" else None)
    assert found == f"{name} was not written by this version of nmt (nmt.checkpoint/1)"


@pytest.mark.parametrize("text", ['{"step": 3}', "[3]", '{"format": "nmt.checkpoint/0"}'])
def test_another_programs_state_is_refused(folder: Path, text: str) -> None:
    (folder / "state.json").write_text(text)
    assert message(folder) == "state.json was not written by this version of nmt (nmt.checkpoint/1)"


def test_missing_files_are_named(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    assert message(folder, Kind().build()) == (
        "model.safetensors is missing: the checkpoint is not complete"
    )
    (folder / "training.safetensors").unlink()
    assert message(folder) == "training.safetensors is missing: the checkpoint is not complete"
    (folder / "state.json").unlink()
    assert message(folder) == "FOLDER is no checkpoint: it has no state.json"


def test_a_model_of_other_sizes_is_refused(folder: Path) -> None:
    model = build_model(Kind().config(), Vocabularies(17, 14))
    assert message(folder, model) == (
        "model.safetensors holds another model than the config describes: "
        "target_embedding.weight is (13, 6), not (14, 6)"
    )


def test_a_model_of_other_parts_is_refused(folder: Path) -> None:
    found = message(folder, Kind(layers=2).build())
    assert found.startswith("model.safetensors holds another model than the config describes: ")
    assert found.endswith("are on one side only")
    found = message(folder, build_model(Kind().config(tie_embeddings="target"), VOCABULARIES))
    assert found.endswith("is on one side only")


# Runs


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run(tmp_path / "runs" / "luong")
    for step in (2, 30, 4, 100):
        run.step(step).mkdir(parents=True)
    return run


def test_steps_are_in_the_order_of_numbers(run: Run) -> None:
    (run.checkpoints / ".step-7.draft").mkdir()
    (run.checkpoints / "step-x").mkdir()
    assert run.steps() == [2, 4, 30, 100]


@pytest.mark.parametrize(
    ("newest", "best", "left"),
    [
        (1, 100, [100]),
        (1, 4, [4, 100]),
        (2, 4, [4, 30, 100]),
        (2, 30, [30, 100]),
        (9, 2, [2, 4, 30, 100]),
        (2, 0, [30, 100]),
    ],
)
def test_the_best_and_the_newest_checkpoints_stay(
    run: Run, newest: int, best: int, left: list[int]
) -> None:
    run.keep(newest=newest, best=best)
    assert run.steps() == left
    assert run.checkpoint("last").name == "step-100"
    if best:
        assert run.checkpoint("best").name == f"step-{best}"
        assert run.checkpoint().name == f"step-{best}"


def test_pointers_move(run: Run) -> None:
    run.keep(newest=9, best=4)
    run.step(200).mkdir()
    run.keep(newest=9, best=200)
    assert run.checkpoint("best") == run.checkpoint("last")
    assert run.checkpoint("30").name == "step-30"
    assert sorted(p.name for p in run.checkpoints.iterdir() if p.name.startswith(".")) == []


def test_a_checkpoint_that_is_not_there_is_answered_with_those_that_are(run: Run) -> None:
    for which in ("best", "7"):
        with pytest.raises(CheckpointError) as caught:
            run.checkpoint(which)
        assert str(caught.value) == (
            f"{run.folder} has no checkpoint '{which}' (steps there: 2, 4, 30, 100); "
            "train it, or wait for its first validation"
        )
    with pytest.raises(CheckpointError, match=r"\(steps there: none\)"):
        Run(run.folder / "empty").checkpoint()


def test_the_config_and_the_manifest_come_back(run: Run) -> None:
    loaded = load(Path("luong"), ["training.learning_rate=5e-4"])
    run.write_config(loaded)
    run.write_manifest({"corpus": {"name": "prêt"}})
    assert run.read_config() == loaded.config
    assert run.config.read_text(encoding="utf-8") == loaded.text
    assert run.read_manifest() == {"corpus": {"name": "prêt"}}


def test_a_run_without_its_files_is_no_run(run: Run) -> None:
    with pytest.raises(CheckpointError, match="is no run: it has no config.resolved.yaml"):
        run.read_config()
    with pytest.raises(CheckpointError, match="is no run: it has no manifest.json"):
        run.read_manifest()
    run.manifest.write_text('{"corpus": ')
    with pytest.raises(CheckpointError, match="is no JSON, or was cut short"):
        run.read_manifest()
    run.resolved.write_text("name: luong\ndta: {}\n")
    with pytest.raises(
        CheckpointError, match=r"(?s)this version of nmt cannot read the run: .*'dta'"
    ):
        run.read_config()


def finished(folder: Path) -> Run:
    run = Run(folder)
    folder.mkdir(parents=True)
    run.write_config(load(Path("luong")))
    run.finish()
    return run


def test_the_run_that_finished_last_is_taken_when_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        open_run(None)
    assert str(caught.value) == (
        "no trained run here (runs/latest is missing); train one: nmt train configs/luong.yaml, "
        "or name a run folder"
    )
    finished(Path("runs/first"))
    finished(Path("runs/second"))
    assert open_run(None).folder == Path("runs/second")
    assert open_run(Path("runs/first")).folder == Path("runs/first")
    assert open_run(Path("first")).folder == Path("runs/first")
    assert open_run(Path("runs/latest")).folder.resolve() == (tmp_path / "runs/second").resolve()


def test_a_folder_that_is_no_run_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("other").mkdir()
    with pytest.raises(UsageError) as caught:
        open_run(Path("other"))
    assert str(caught.value) == ("other is no run folder; train one: nmt train configs/luong.yaml")
