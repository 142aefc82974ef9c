"""A library's first import pauses Python's garbage collector; nothing else does."""

import gc
import sys

import pytest

from nmt.imports import first_import


@pytest.fixture(autouse=True)
def _unfrozen():
    yield
    gc.enable()
    gc.unfreeze()


def test_objects_of_a_first_import_are_not_searched_for_garbage():
    before = gc.get_freeze_count()
    with first_import("no_such_library"):
        assert not gc.isenabled()
        made = [[number] for number in range(50_000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() - before >= len(made)


def test_the_collector_runs_again_after_a_failed_import():
    with pytest.raises(ModuleNotFoundError), first_import("no_such_library"):
        import no_such_library  # noqa: F401
    assert gc.isenabled()


def test_a_second_import_changes_nothing():
    assert "pytest" in sys.modules
    before = gc.get_freeze_count()
    with first_import("pytest"):
        assert gc.isenabled()
    assert gc.get_freeze_count() == before


def test_a_collector_that_was_off_stays_off():
    gc.disable()
    with first_import("no_such_library"):
        assert not gc.isenabled()
    assert not gc.isenabled()
