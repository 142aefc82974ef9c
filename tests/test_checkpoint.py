import json
import os
import platform
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from nmt.checkpoint import store
from nmt.checkpoint.run import Run, open_run
from nmt.checkpoint.shareable import shareable, shareable_values
from nmt.checkpoint.state import read_state
from nmt.config import load
from nmt.data.tokenizers.base import Vocabularies
from nmt.errors import CheckpointError, UsageError
from nmt.models import build_model
from support.tiny_models import VOCABULARIES, Kind

TENSORS = {"random.cpu": torch.arange(7, dtype=torch.uint8), "optimizer.step.a": torch.tensor(3.0)}
MANIFEST: dict[str, Any] = {
    "nmt": "0.1.0", "versions": {"torch": "2.13.0"}, "host": {"system": "a machine"},
    "created": "2026-11-28", "seed": 1, "compute": "cpu", "parameters": {"encoder": 7},
    "corpus": {
        "corpus": "prêt", "config": None, "revision": None, "instead_of": None, "because": None,
        "pairs": {"train": 5}, "splits": {"test": "its own"},
        "fingerprints": {"train": "a", "validation": "b", "test": "c"},
    },
}  # fmt: skip
STATE = {"step": 3, "best_score": None, "ended": "3 steps are done", "seconds": 1.25}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "checkpoints" / "step-3"
    store.save(folder, Kind().build(), TENSORS, STATE)
    return folder


INSTEAD = ": retrain with --overwrite, or use the version that trained it"


def message(folder: Path, model: nn.Module | None = None) -> str:
    """The message for a checkpoint that cannot be loaded, without the path of the folder."""
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
    assert json.loads((folder / "state.json").read_text())["format"] == "nmt.checkpoint/2"


def test_nothing_half_written_is_left(folder: Path) -> None:
    assert [path.name for path in folder.parent.iterdir()] == ["step-3"]


def test_an_interrupted_save_leaves_the_old_checkpoint(
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
def test_a_truncated_file_is_named(folder: Path, name: str, share: float) -> None:
    path = folder / name
    whole = path.read_bytes()
    path.write_bytes(whole[: min(int(share * len(whole)), len(whole) - 3)])
    found = message(folder, Kind().build() if name == "model.safetensors" else None)
    assert found.startswith(f"{name} is not ")
    assert ", or was cut short" in found
    assert found.endswith("delete its folder to go on from the checkpoint before it")
    assert "\n" not in found


def test_a_truncated_model_changes_no_parameter(folder: Path) -> None:
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
    assert found == f"{name} was not written by this version of nmt (nmt.checkpoint/2){INSTEAD}"


@pytest.mark.parametrize("text", ['{"step": 3}', "[3]", '{"format": "nmt.checkpoint/0"}'])
def test_another_programs_state_is_refused(folder: Path, text: str) -> None:
    (folder / "state.json").write_text(text)
    assert message(folder) == (
        f"state.json was not written by this version of nmt (nmt.checkpoint/2){INSTEAD}"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("step", "3"), ("step", -1), ("step", True), ("step", 2**70), ("seconds", "long"),
        ("seconds", -0.5), ("seconds", 1e300), ("waiting", 2**62), ("best_score", -1e300),
        ("best_score", [1]), ("ended", 3), ("batch", 1.5), ("epoch", {}),
        ("validations_since_best", None),
    ],
)  # fmt: skip
def test_a_state_of_other_types_is_refused(folder: Path, name: str, value: object) -> None:
    state = json.loads((folder / "state.json").read_text())
    (folder / "state.json").write_text(json.dumps({**state, name: value}))
    assert message(folder).startswith(f"state.json: '{name}' has an unexpected value: ")


def test_a_state_without_a_step_is_refused(folder: Path) -> None:
    (folder / "state.json").write_text('{"format": "nmt.checkpoint/2", "epoch": 1}')
    assert message(folder).startswith("state.json does not say at which step it was saved; ")


def test_a_loss_is_a_score_below_zero(folder: Path) -> None:
    store.save(folder, Kind().build(), TENSORS, {**STATE, "best_score": -2.5})
    assert store.load_training(folder)[1]["best_score"] == -2.5


@pytest.mark.parametrize("text", ["[" * 100_000, '{"format": NaN}', '{"a": ' * 100_000])
def test_a_deeply_nested_state_is_refused(folder: Path, text: str) -> None:
    (folder / "state.json").write_text(text)
    assert message(folder).startswith("state.json is not JSON, or was cut short; ")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_numbers_are_refused(folder: Path, value: float) -> None:
    model = Kind().build()
    with torch.no_grad():
        model.get_parameter("vocabulary.bias")[3] = value
    store.save(folder, model, TENSORS, STATE)
    found = message(folder, Kind().build())
    assert found.startswith("model.safetensors: vocabulary.bias has values that are not finite: ")


def test_weights_of_another_type_are_refused(folder: Path) -> None:
    store.save(folder, Kind().build().half(), TENSORS, STATE)
    found = message(folder, Kind().build())
    assert "source_embedding.weight is torch.float16, not torch." in found


def with_header(path: Path, header: bytes, *, length: int | None = None) -> None:
    """Replace the header of a file of tensors, and its length."""
    whole = path.read_bytes()
    body = whole[8 + int.from_bytes(whole[:8], "little") :]
    length = len(header) if length is None else length
    path.write_bytes(length.to_bytes(8, "little") + header + body)


@pytest.mark.parametrize(
    ("header", "length"),
    [
        (b"{}", 2**62),
        (b"{}", 2**24 + 1),
        (b"[" * 10_000 + b"]" * 10_000, None),
        (b'{"__metadata__": {"format": "nmt.checkpoint/2"}, "a": 3}', None),
        (b'{"__metadata__": {"format": ["nmt.checkpoint/2"]}}', None),
        (b'{"a": {"dtype": "F32", "shape": [99999999999], "data_offsets": [0, 4]}}', None),
        (b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}}', None),
        (b"\xff\xfe", None),
    ],
)
@pytest.mark.parametrize("name", ["model.safetensors", "training.safetensors"])
def test_a_malicious_header_is_refused(
    folder: Path, name: str, header: bytes, length: int | None
) -> None:
    with_header(folder / name, header, length=length)
    found = message(folder, Kind().build() if name == "model.safetensors" else None)
    assert found.startswith(f"{name} is not a safetensors file, or was cut short (")
    assert found.isprintable()
    assert len(found) < 300


def test_a_model_of_another_size_is_refused_before_it_is_read(folder: Path) -> None:
    """A file of 4 GiB of zeros, which takes no space on the disk."""
    claim = {"dtype": "F32", "shape": [2**30], "data_offsets": [0, 2**32]}
    model = Kind().build()
    named = {name: claim for name, _ in list(model.named_parameters())[:1]}
    header = json.dumps({"__metadata__": {"format": "nmt.checkpoint/2"}, **named}).encode()
    for name in ("model.safetensors", "training.safetensors"):
        path = folder / name
        path.write_bytes(len(header).to_bytes(8, "little") + header)
        os.truncate(path, path.stat().st_size + 2**32)
    assert "holds another model than the config describes" in message(folder, model)
    store.save(folder.with_name("whole"), model, TENSORS, STATE)
    shutil.copy(folder.with_name("whole") / "model.safetensors", folder)
    assert "is not the training state of this model: 4,294,96" in message(folder)


def test_a_pipe_does_not_block(folder: Path) -> None:
    for name in ("model.safetensors", "state.json"):
        (folder / name).unlink()
        os.mkfifo(folder / name)
    assert "is not a safetensors file" in message(folder, Kind().build())
    assert "is not JSON" in message(folder)


def test_a_file_that_cannot_be_opened_is_reported_in_one_line(folder: Path) -> None:
    import resource

    model = Kind().build()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + 1, hard))  # torch opens a file once more
    try:
        found = message(folder, model)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert found == "model.safetensors cannot be read: Too many open files (24)"


def test_missing_files_are_named(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    assert message(folder, Kind().build()) == (
        "model.safetensors is missing: the checkpoint is not complete"
    )
    (folder / "training.safetensors").unlink()
    assert message(folder) == "training.safetensors is missing: the checkpoint is not complete"
    (folder / "state.json").unlink()
    assert message(folder) == "FOLDER is not a checkpoint: state.json is missing"


def test_a_model_of_other_sizes_is_refused(folder: Path) -> None:
    model = build_model(Kind().config(), Vocabularies(17, 14))
    assert message(folder, model) == (
        "model.safetensors holds another model than the config describes: "
        "target_embedding.weight is (13, 6), not (14, 6)"
    )


def test_a_model_of_other_parts_is_refused(folder: Path) -> None:
    found = message(folder, Kind(layers=2).build())
    assert found.startswith("model.safetensors holds another model than the config describes: ")
    assert found.endswith("are in only one of them")
    found = message(folder, build_model(Kind().config(tie_embeddings="target"), VOCABULARIES))
    assert found.endswith("is in only one of them")


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


def test_a_missing_checkpoint_is_answered_with_the_existing_ones(run: Run) -> None:
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
    run.write_manifest(MANIFEST)
    assert run.read_config() == loaded.config
    assert run.config.read_text(encoding="utf-8") == loaded.text
    assert run.read_manifest() == {"format": "nmt.run/1", **MANIFEST}


def test_a_run_without_its_files_is_not_a_run(run: Run) -> None:
    with pytest.raises(
        CheckpointError, match=r"is not a complete run: config\.resolved\.yaml is miss"
    ):
        run.read_config()
    with pytest.raises(CheckpointError, match=r"is not a run folder: manifest\.json is missing"):
        run.read_manifest()
    run.manifest.write_text('{"corpus": ')
    with pytest.raises(CheckpointError, match="is not JSON, or was cut short"):
        run.read_manifest()
    run.resolved.write_text("name: luong\ndta: {}\n")
    with pytest.raises(
        CheckpointError, match=r"(?s)this version of nmt cannot read the run: .*'dta'"
    ):
        run.read_config()


@pytest.mark.parametrize(
    "text",
    ['{"name": "an extension", "manifest_version": 3}', "[1]", '{"format": "nmt.run/0"}', "{"],
)
def test_a_run_is_known_by_the_format_of_its_manifest(run: Run, text: str) -> None:
    run.manifest.write_text(text)
    assert not run.exists
    assert not run.empty
    run.write_manifest(MANIFEST)
    assert run.exists


def test_a_manifest_with_invalid_fields_is_refused(run: Run) -> None:
    for key, wrong in (
        ("versions", {}), ("seed", "1"), ("compute", None), ("parameters", {"a": "many"}),
        ("corpus", {**MANIFEST["corpus"], "pairs": [3]}), ("host", "here"),
        ("corpus", {**MANIFEST["corpus"], "fingerprints": {"train": "1"}}),
    ):  # fmt: skip
        run.write_manifest({**MANIFEST, key: wrong})
        with pytest.raises(CheckpointError, match=f"has no valid value for '{key}"):
            run.read_manifest()


# Copies, kills and links


def saved(run: Run, step: int, best: int) -> None:
    store.save(run.step(step), Kind().build(), TENSORS, {**STATE, "step": step, "best_step": best})


@pytest.fixture
def two_steps(tmp_path: Path) -> Run:
    """A run with step 3, the best, and step 8, the last."""
    run = Run(tmp_path / "run")
    for step in (3, 8):
        saved(run, step, best=3)
    run.keep(newest=2, best=3)
    return run


def test_best_and_last_survive_copies_that_follow_drop_or_spell_out_links(two_steps: Run) -> None:
    for name, copy in COPIES.items():
        other = Run(two_steps.folder.with_name(name))
        copy(two_steps.folder, other.folder)
        assert read_state(other.checkpoint("best"))["step"] == 3, name
        assert read_state(other.checkpoint("last"))["step"] == 8, name
        saved(other, 9, best=9)
        other.keep(newest=1, best=9)
        assert other.steps() == [9], name
        assert other.checkpoint("best") == other.checkpoint("last"), name
        assert sorted(path.name for path in other.checkpoints.iterdir()) == [
            "best", "last", "step-9",
        ], name  # fmt: skip


def with_links_dropped(source: Path, target: Path) -> None:
    shutil.copytree(source, target, ignore=lambda _, names: {"best", "last"} & set(names))


def with_links_spelled_out(source: Path, target: Path) -> None:
    with_links_dropped(source, target)
    (target / "checkpoints/best").write_text("step-3")
    (target / "checkpoints/last").write_text("step-8")


COPIES = {
    "followed": shutil.copytree, "dropped": with_links_dropped, "spelled": with_links_spelled_out
}  # fmt: skip


def test_a_real_folder_in_place_of_a_link_is_not_lost(two_steps: Run) -> None:
    best = two_steps.checkpoints / "best"
    best.unlink()
    two_steps.step(3).rename(best)  # the only copy of step 3
    two_steps.keep(newest=2, best=3)
    assert two_steps.steps() == [3, 8]
    assert two_steps.checkpoint("best").name == "step-3"


def test_a_checkpoint_put_aside_by_a_killed_process_is_found(two_steps: Run) -> None:
    two_steps.step(3).rename(two_steps.checkpoints / ".step-3.put-aside")
    assert read_state(two_steps.checkpoint("best"))["step"] == 3
    two_steps.step(3).rename(two_steps.checkpoints / ".step-3.put-aside")
    with two_steps.locked():
        assert two_steps.steps() == [3, 8]


def test_a_run_has_one_trainer_at_a_time(two_steps: Run) -> None:
    with two_steps.locked():
        with pytest.raises(UsageError) as caught, two_steps.locked():
            pass
        told = f"{two_steps.folder} is in use: process {os.getpid()} on '{platform.node()}' since '"
        assert str(caught.value).startswith(told)
    with two_steps.locked():  # it is free again
        pass
    assert not (two_steps.folder / ".lock").exists()


def test_the_lock_of_a_killed_process_is_taken_over(two_steps: Run) -> None:
    (two_steps.folder / ".lock").write_text('{"host": "elsewhere", "pid": 1, "since": "2020"}')
    (two_steps.checkpoints / ".step-9.0123456789ab.draft").mkdir()
    with two_steps.locked():
        assert json.loads((two_steps.folder / ".lock").read_text())["pid"] == os.getpid()
    names = sorted(path.name for path in two_steps.checkpoints.iterdir())
    assert names == ["best", "last", "step-3", "step-8"]


def test_folders_made_only_for_a_lock_are_removed(tmp_path: Path) -> None:
    run = Run(tmp_path / "runs" / "new")
    with pytest.raises(ZeroDivisionError), run.locked():
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_deleting_a_run_leaves_what_others_put_there(two_steps: Run) -> None:
    two_steps.write_manifest(MANIFEST)
    (two_steps.folder / "notes.txt").write_text("mine")
    two_steps.delete()
    assert [path.name for path in two_steps.folder.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("which", ["²", "٣", "3 ", "-3", "", "../checkpoints/step-3"])
def test_only_digits_are_a_step(two_steps: Run, which: str) -> None:
    with pytest.raises(CheckpointError, match="has no checkpoint"):
        two_steps.checkpoint(which)


def test_a_finished_run_is_reported_even_if_nothing_can_be_written(
    two_steps: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").touch()  # in the way
    two_steps.finish()
    assert "runs/latest does not point to it" in caplog.text
    (tmp_path / "runs").unlink()
    shutil.copytree(two_steps.folder, tmp_path / "runs/latest")
    two_steps.finish()
    assert "runs/latest is a folder" in caplog.text
    assert Run(tmp_path / "runs/latest").steps() == [3, 8]


# Sharing


@pytest.mark.parametrize(
    ("text", "shared"),
    [
        ("/home/alice/tr.tsv", "~/tr.tsv"),
        ("train: ['/home/alice/a.en', \"/home/alice/a.fr\"]", "train: ['~/a.en', \"~/a.fr\"]"),
        ("--run-dir=/home/alice", "--run-dir=~"),
        ("/home/alices/tr.tsv", "/home/alices/tr.tsv"),
        ("/mnt/home/alice/tr.tsv", "/mnt/home/alice/tr.tsv"),
        ("http://alice:s3cret@127.0.0.1:9/x cannot", "http://127.0.0.1:9/x cannot"),
        ("https://token@host", "https://host"),
        ("an address: a@b.c, https://host/@x", "an address: a@b.c, https://host/@x"),
    ],
)
def test_user_names_and_passwords_are_not_shared(
    text: str, shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    assert shareable(text) == shared
    assert shareable_values({text: [text, 3]}) == {shared: [shared, 3]}


def finished(folder: Path) -> Run:
    run = Run(folder)
    folder.mkdir(parents=True)
    run.write_config(load(Path("luong")))
    run.write_manifest(MANIFEST)
    run.card.touch()
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
    Path("runs/latest").unlink()  # as a copy may do
    with pytest.raises(UsageError, match="name one of runs/first, runs/second$"):
        open_run(None)
    shutil.rmtree("runs/first")
    assert open_run(None).folder == Path("runs/second")


def test_a_folder_that_is_not_a_run_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("other").mkdir()
    with pytest.raises(UsageError) as caught:
        open_run(Path("other"))
    assert str(caught.value) == (
        "other is not a run folder; train one: nmt train configs/luong.yaml"
    )
    Path("other/manifest.json").write_text("{")
    with pytest.raises(UsageError, match=r"manifest.json is not JSON, or was cut short"):
        open_run(Path("other"))
