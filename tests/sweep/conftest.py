"""A sweep that was stopped and continued, trained once for all tests of `nmt sweep`."""

import shutil
import signal

import pytest

from support.commands import Commands
from support.sweeps import FOLDER, STOPPED_AT, lay_out_configs, run_in


@pytest.fixture(scope="session")
def swept(tmp_path_factory):
    """A folder in which a sweep was stopped in its second training and then continued."""
    folder = tmp_path_factory.mktemp("swept")
    configs = lay_out_configs(folder)
    assert run_in(folder, "sweep", *configs, stop_at=STOPPED_AT) == 128 + signal.SIGTERM
    shutil.copytree(folder / FOLDER, folder / "stopped", symlinks=True)
    assert run_in(folder, "sweep", *configs) == 0
    return folder


@pytest.fixture
def nmt(swept, tmp_path, monkeypatch, capsys):
    """The command, in a copy of that folder."""
    shutil.copytree(swept, tmp_path / "work", symlinks=True)
    return Commands(tmp_path / "work", monkeypatch, capsys)


@pytest.fixture
def fresh(tmp_path, monkeypatch, capsys):
    """The command in a folder where nothing has been trained yet."""
    lay_out_configs(tmp_path)
    return Commands(tmp_path, monkeypatch, capsys)
