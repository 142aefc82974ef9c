"""What nmt asks about the processor, what Linux reports, and how torch is configured."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from nmt.errors import ConfigError
from nmt.models.devices import (
    Compute,
    choose,
    networks_take_bfloat16,
    networks_take_cast_weights,
    resumed_elsewhere,
)
from nmt.processor import cores, processor_has
from nmt.workflows.inference import load


@pytest.mark.parametrize(
    ("listing", "wanted"),
    [
        ("processor\t: 0\nflags\t\t: fpu avx2 avx_vnni\n", True),
        ("processor\t: 0\nflags\t\t: fpu avx2 avx_vnni_int8\n", False),
        ("processor\t: 0\nFeatures\t: fp asimd\n", None),
        (None, None),
    ],
)
def test_a_cpu_feature_is_present_absent_or_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listing: str | None, wanted: bool | None
) -> None:
    monkeypatch.setattr("nmt.processor.LISTING", tmp_path / "cpuinfo")
    if listing is not None:
        (tmp_path / "cpuinfo").write_text(listing, encoding="utf-8")
    assert processor_has("avx512_vnni", "avx_vnni") is wanted


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no such setting")
def test_cores_are_those_that_this_process_may_use() -> None:
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert cores() == len(allowed)


# The precision settings


@pytest.mark.parametrize(
    ("machine", "flags", "wanted"),
    [
        ("x86_64", "flags : fpu avx2", "medium"),
        ("AMD64", "flags : fpu avx512_bf16", "medium"),
        ("x86_64", "flags : fpu amx_bf16 amx_tile", "highest"),
        ("aarch64", "Features : fp asimd bf16", "highest"),
        ("arm64", None, "highest"),
        ("AMD64", None, "highest"),  # Windows does not report it
    ],
)
def test_float32_products_keep_full_precision_on_every_processor(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    machine: str,
    flags: str | None,
    wanted: str,
) -> None:
    """On ARM and with AMX "medium" would multiply in bfloat16; elsewhere it is only faster."""
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("nmt.processor.LISTING", tmp_path / "cpuinfo")
    if flags is not None:
        (tmp_path / "cpuinfo").write_text(f"processor : 0\n{flags}\n", encoding="utf-8")
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        choose("cpu", "float32")
        assert torch.get_float32_matmul_precision() == wanted
    finally:
        torch.set_float32_matmul_precision(before)


def test_bfloat16_that_the_library_does_not_know_is_refused_or_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nmt.models.devices.networks_take_bfloat16", lambda kind: False)
    monkeypatch.setattr("nmt.models.devices.processor_has", lambda *features: True)
    assert choose("cpu", "auto").bfloat16 is False
    with pytest.raises(ConfigError, match="use precision: float32"):
        choose("cpu", "bfloat16")


def test_whether_networks_take_bfloat16_is_found_out_without_random_numbers() -> None:
    networks_take_bfloat16.cache_clear()
    state = torch.get_rng_state()
    assert isinstance(networks_take_bfloat16("cpu"), bool)
    assert torch.equal(torch.get_rng_state(), state)
    assert not networks_take_bfloat16("cuda")  # where autocast means float16 to them
    assert not networks_take_bfloat16("mps")


@pytest.mark.parametrize(
    ("acceptable", "fails", "wanted"),
    [(True, False, True), (False, False, False), (True, True, False)],
)
def test_on_cuda_networks_take_cast_weights_where_cudnn_does_and_a_small_one_runs(
    acceptable: bool, fails: bool, wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    zeros, lstm, asked = torch.zeros, torch.lstm, list[torch.dtype]()

    def on_the_cpu(*size: int, device: str, **rest: Any) -> torch.Tensor:
        assert (device, rest.pop("dtype")) == ("cuda", torch.bfloat16)
        return zeros(*size, **rest)

    def network(*arguments: Any) -> Any:
        assert not torch.is_autocast_enabled("cuda")
        if fails:
            raise RuntimeError("CUDNN_STATUS_NOT_SUPPORTED")
        return lstm(*arguments)

    def accepted(probe: torch.Tensor) -> bool:
        asked.append(probe.dtype)
        return acceptable

    monkeypatch.setattr(torch, "zeros", on_the_cpu)
    monkeypatch.setattr(torch, "lstm", network)
    monkeypatch.setattr(torch, "cudnn_is_acceptable", accepted)
    networks_take_cast_weights.cache_clear()
    try:
        assert networks_take_cast_weights("cuda") is wanted
    finally:
        networks_take_cast_weights.cache_clear()
    assert len(asked) == 1
    assert not networks_take_cast_weights("cpu")  # there autocast does it
    assert not networks_take_cast_weights("mps")


@pytest.mark.parametrize(
    ("there", "build", "wanted"),
    [
        ([], "2.13.0", True),
        (["/dev/nvidiactl"], "2.13.0+cu130", False),
        (["/dev/dxg"], "", False),
        (["/dev/kfd"], "2.13.0+rocm7.0", False),
        (["/dev/kfd"], "2.13.0+cpu", True),  # a laptop with an AMD processor
        ([], "2.13.0+rocm7.0", True),
    ],
)
def test_auto_guesses_whether_there_is_a_gpu_that_torch_would_use(
    there: list[str], build: str, wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "exists", lambda path: str(path) in there)
    monkeypatch.setattr(load, "_torch_build", lambda: build)
    assert load._on_processor("auto") is wanted
    assert load._on_processor("cpu")
    assert not load._on_processor("cuda")


def test_the_build_of_torch_is_known_without_importing_it() -> None:
    assert load._torch_build() == torch.__version__


def test_a_training_resumed_on_another_device_is_reported() -> None:
    here = Compute(torch.device("cpu"), bfloat16=False)
    assert resumed_elsewhere(str(here), here) is None
    before = "cuda, bfloat16 products"
    said = resumed_elsewhere(before, here)
    assert said is not None
    assert before in said
    assert str(here) in said
    assert "\n" not in said
