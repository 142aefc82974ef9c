"""Files that appear whole or not at all."""

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nmt.errors import NmtError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, which takes its place when the block ends well.

    Raises:
        NmtError: the disk is full, or the place cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft{path.suffix}")
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield draft
            _sync(draft)
            draft.replace(path)
            _sync(path.parent)
        finally:
            draft.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """The same for a folder: what is written into the draft appears as `path` by one rename."""
    draft = path.with_name(f".{path.name}.draft")
    with explained(path):
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        try:
            yield draft
            for file in draft.iterdir():
                _sync(file)
            _sync(draft)
            if path.exists():
                shutil.rmtree(path)
            draft.rename(path)
            _sync(path.parent)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8, whole or not at all."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def point(link: Path, name: str) -> None:
    """Make `link` stand for its neighbour `name`: by a symbolic link, or else by a file."""
    draft = link.with_name(f".{link.name}.{os.getpid()}.draft")
    with explained(link):
        draft.unlink(missing_ok=True)
        try:
            draft.symlink_to(name, target_is_directory=True)
        except OSError:  # Windows grants links to administrators alone
            draft.write_text(name, encoding="utf-8")
        draft.replace(link)


def pointed(link: Path) -> Path:
    """The folder that `link` stands for; itself where it is no link."""
    if link.is_file():
        return link.with_name(link.read_text(encoding="utf-8").strip())
    return link.resolve() if link.is_symlink() else link


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write into one line.

    Raises:
        NmtError: the disk is full, or the place cannot be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise NmtError(
                f"the disk is full: cannot write {path}; free some space and run the command again"
            ) from error
        if error.errno in (
            errno.EACCES,
            errno.EPERM,
            errno.EROFS,
            errno.ENOTDIR,
            errno.EEXIST,
            errno.EISDIR,
            errno.ENAMETOOLONG,
            errno.EDQUOT,
        ):
            raise NmtError(
                f"cannot write {path}: {error.strerror}; choose another place or mend its rights"
            ) from error
        raise


def _sync(path: Path) -> None:
    """Ask the system to have it on the disk, so that a rename never outruns the bytes."""
    if os.name == "nt" and path.is_dir():
        return  # folders cannot be opened there
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
