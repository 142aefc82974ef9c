"""Shared by all tests: a cache of their own, one thread, and a fresh seed for each test."""

import os
from collections.abc import Iterator

import pytest
import torch
from hypothesis import settings

settings.register_profile("nmt", deadline=None, derandomize=True, database=None)
settings.load_profile("nmt")

if "PYTEST_XDIST_WORKER" in os.environ:  # processes that tests start use one core, too
    os.environ["OMP_NUM_THREADS"] = "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run files that train something first, so that no worker has to wait for them at the end.

    The Makefile makes xdist keep this order; by default it puts files with few tests last.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    before = os.environ.get("NMT_CACHE")
    os.environ["NMT_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        del os.environ["NMT_CACHE"]
    else:
        os.environ["NMT_CACHE"] = before


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(1)
