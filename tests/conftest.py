"""What all tests share: a cache of their own, one thread, and a new seed for each test."""

import os
from collections.abc import Iterator

import pytest
import torch
from hypothesis import settings

settings.register_profile("nmt", deadline=None, derandomize=True, database=None)
settings.load_profile("nmt")


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
