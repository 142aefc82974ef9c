"""Files that appear whole or not at all."""

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nmt.errors import WriteError

LONGEST_PATH = 4096  # bytes


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, which takes its place when the block ends well.

    Raises:
        WriteError: the disk is full, or the place cannot be written.
    """
    if path.exists() and not path.is_file():  # a device or a pipe: there is nothing to replace
        with explained(path):
            yield path
        return
    path = path.resolve()  # what a link stands for is replaced, not the link
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft{path.suffix}")
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield draft
            sync(draft)
            draft.replace(path)
            sync(path.parent)
        finally:
            draft.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """The same for a folder: what is written into the draft appears as `path` by one rename."""
    draft, old = (path.with_name(f".{path.name}.{part}") for part in ("draft", "old"))
    with explained(path):
        if old.exists() and not path.exists():  # killed between two renames
            old.rename(path)
        for rest in (draft, old):
            shutil.rmtree(rest, ignore_errors=True)
        draft.mkdir(parents=True)
        try:
            yield draft
            for file in draft.iterdir():
                sync(file)
            sync(draft)
            if path.exists():
                path.rename(old)
            draft.rename(path)
            sync(path.parent)
        except BaseException:
            if old.exists() and not path.exists():
                old.rename(path)
            raise
        finally:
            for rest in (draft, old):
                shutil.rmtree(rest, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8, whole or not at all."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def point(link: Path, target: str) -> None:
    """Make `link` stand for `target`, a path from where it lies: by a symbolic link, or a file."""
    draft = link.with_name(f".{link.name}.{os.getpid()}.draft")
    with explained(link):
        link.parent.mkdir(parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        try:
            draft.symlink_to(target, target_is_directory=True)
        except OSError:  # Windows grants links to administrators alone
            draft.write_text(target, encoding="utf-8")
        draft.replace(link)


def pointed(link: Path) -> Path:
    """The folder that `link` stands for; itself where it is no link."""
    if link.is_symlink():
        return link.resolve()
    if link.is_file() and link.stat().st_size < LONGEST_PATH:
        target = link.read_bytes().decode("utf-8", errors="replace")
        if "\n" not in target:
            return link.parent / target
    return link


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write into one line.

    Raises:
        WriteError: the disk is full, or the place cannot be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise WriteError(
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
            raise WriteError(
                f"cannot write {path}: {error.strerror}; choose another place or mend its rights"
            ) from error
        if error.errno == errno.ENOENT and Path(str(error.filename)).parent == path.parent:
            raise WriteError(
                f"cannot write {path}: nothing can be made there; choose another place"
            ) from error
        raise


def sync(path: Path) -> None:
    """Ask the system to have it on the disk, so that a rename never outruns the bytes."""
    if os.name == "nt" and path.is_dir():
        return  # folders cannot be opened there
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
