"""What nmt asks about the processor, what Linux reports, and how torch is configured."""

import os
from pathlib import Path

import pytest
import torch

from nmt.errors import ConfigError
from nmt.models.devices import Compute, choose, networks_take_bfloat16, resumed_elsewhere
from nmt.processor import cores, processor_has


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


def test_a_training_resumed_on_another_device_is_reported() -> None:
    here = Compute(torch.device("cpu"), bfloat16=False)
    assert resumed_elsewhere(str(here), here) is None
    before = "cuda, bfloat16 products"
    said = resumed_elsewhere(before, here)
    assert said is not None
    assert before in said
    assert str(here) in said
    assert "\n" not in said
