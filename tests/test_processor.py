"""What is asked of the processor, and what Linux tells of it."""

import os
from pathlib import Path

import pytest

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
def test_a_feature_is_there_or_not_or_unknown(
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
