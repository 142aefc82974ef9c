"""Write files and folders atomically, and read files from untrusted sources with care."""

import errno
import json
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from nmt import locks
from nmt.errors import WriteError

LONGEST_PATH = 4096  # bytes
LARGEST = 64 * 2**20  # bytes of a file that is read in one go, such as a manifest
STEM = 80  # characters of a file's name kept in its draft's name: names have at most 255 bytes


@contextmanager
def replacing(path: Path, *, root: Path | None = None) -> Iterator[Path]:
    """Yield a draft next to `path`; it replaces `path` if the block ends without an error.

    The draft has an unguessable name, so that two writers of one file do not collide, and the
    permissions of the file that it replaces. Drafts left by killed processes are removed.

    root: the folder, such as a run's, below which no symbolic link is followed. Without it, `path`
        was named by the user, and if it is a link, the link's target is replaced.

    Raises:
        WriteError: the disk is full, the path is not writable, or a link is in the way.
    """
    if root is None:
        descriptor = descriptor_of(path)
        if descriptor is not None:
            with os_errors_as_write_error(path), _for_descriptor(descriptor) as draft:
                yield draft
            return
        if path.exists() and not path.is_file():  # a device or a pipe: there is nothing to replace
            with os_errors_as_write_error(path):
                yield path
            return
        path = path.resolve()  # replace the target of a link, not the link
    with os_errors_as_write_error(path):
        refuse_links(path, root)
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_drafts(path.parent, of=path.name)
        with _draft_file(path) as draft:
            yield draft
            sync(draft)
            draft.replace(path)
            sync(path.parent)


@contextmanager
def replacing_folder(path: Path, *, root: Path | None = None) -> Iterator[Path]:
    """The same for a folder: the draft becomes `path` in one rename.

    An existing folder is renamed out of the way first. If the process is killed at that moment, the
    next reader or writer puts it back (`restore_folder`).
    """
    with os_errors_as_write_error(path):
        refuse_links(path, root)
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_drafts(path.parent, of=path.name)
        _settle(path)
        with _draft_folder(path) as draft:
            yield draft
            for folder, _, files in os.walk(draft, topdown=False):
                for name in files:
                    sync(Path(folder) / name)
                sync(Path(folder))
            with _stepped_aside(path):
                draft.rename(path)
            sync(path.parent)


def descriptor_of(path: Path) -> int | None:
    """The file descriptor that a name such as `/dev/stdout` or `/dev/fd/3` stands for.

    Opening or replacing such a name would truncate or replace the file that it stands for, and so
    lose what a shell's `>>` is meant to keep.
    """
    match = _DESCRIPTOR.fullmatch(path.as_posix())
    return None if match is None else int(match[1] or _STANDARD.index(match[2]))


_STANDARD = ("stdin", "stdout", "stderr")
_DESCRIPTOR = re.compile(r"(?:/dev/fd|/proc/self/fd)/(\d{1,9})|/dev/(stdin|stdout|stderr)")


@contextmanager
def _for_descriptor(descriptor: int) -> Iterator[Path]:
    """A draft whose content is written to an open file if the block ends without an error."""
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "draft"
        draft.touch()
        yield draft
        with draft.open("rb") as file, os.fdopen(os.dup(descriptor), "wb") as output:
            shutil.copyfileobj(file, output)


def restore_folder(path: Path) -> None:
    """Put back the folder that `replacing_folder` had renamed when its process was killed."""
    old = _aside(path)
    if old.exists() and not path.exists():
        with suppress(OSError):  # the disk is read-only, or another process was faster
            old.rename(path)


def remove_drafts(folder: Path, *, of: str | None = None) -> None:
    """Remove the drafts that killed processes left in a folder, but none that is being written.

    of: only drafts of the file or folder with this name
    """
    with suppress(OSError):
        for entry in list(os.scandir(folder)):
            drafted = drafted_name(entry.name)
            matches = drafted is not None and (of is None or drafted == of[:STEM])
            if matches and not entry.is_symlink():
                _remove_abandoned(Path(entry.path))


def settle_folders(folder: Path) -> None:
    """Put back, or remove, the folders that killed processes had renamed inside `folder`."""
    for old in folder.glob(f".*{_ASIDE}"):
        _settle(folder / old.name[1 : -len(_ASIDE)])


def _settle(path: Path) -> None:
    restore_folder(path)
    if path.exists():
        shutil.rmtree(_aside(path), ignore_errors=True)


def refuse_links(path: Path, root: Path | None) -> None:
    """Raise WriteError if a component of `path` below `root` is a symbolic link."""
    if root is None:
        return
    component = root
    for part in path.relative_to(root).parts:
        component = component / part
        if component.is_symlink():
            raise WriteError(
                f"{component} is a link, and nothing in {root} is written through links, since it "
                "may lead to one of your files; remove it if you did not create it"
            )


def write_text(path: Path, text: str, *, root: Path | None = None) -> None:
    """Write a text as UTF-8, atomically."""
    with replacing(path, root=root) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any, *, root: Path | None = None) -> None:
    """Write a value as indented JSON, atomically."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n", root=root)


def read_bytes(path: Path, *, largest: int = LARGEST) -> bytes:
    """The content of an ordinary file that others may have written.

    Raises:
        OSError: it is missing, unreadable, or not an ordinary file (a pipe might never end).
        ValueError: it is larger than `largest` bytes.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not an ordinary file", str(path))
        if status.st_size > largest:
            raise ValueError(f"{status.st_size:,} bytes, more than {largest:,}")
        return file.read()


def read_json(path: Path, *, largest: int = LARGEST) -> Any:
    """The value in a JSON file that others may have written.

    Raises:
        OSError: it is missing, unreadable, or not an ordinary file.
        ValueError: it is too large, or not JSON (see `parse_json`).
    """
    return parse_json(read_bytes(path, largest=largest).decode("utf-8"))


def parse_json(text: str) -> Any:
    """The value of a JSON text from an untrusted source.

    Raises:
        ValueError: it is not JSON (then a json.JSONDecodeError), is nested too deeply, or holds
            NaN or Infinity, which JSON does not have.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def make_link(link: Path, target: str, *, root: Path | None = None) -> None:
    """Make `link` point to `target`, a path relative to the link's folder.

    It is a symbolic link or, where links are not allowed, a text file that holds the path. A folder
    of that name is removed: it is what a copy that follows links makes of one.
    """
    with os_errors_as_write_error(link):
        refuse_links(link.parent, root)
        link.parent.mkdir(parents=True, exist_ok=True)
        remove_drafts(link.parent, of=link.name)
        with _draft_folder(link) as folder:  # a link cannot be locked as drafts are; a folder can
            draft = folder / link.name
            try:
                draft.symlink_to(target, target_is_directory=True)
            except OSError:  # Windows allows links to administrators only
                draft.write_text(target, encoding="utf-8")
            if link.is_dir() and not link.is_symlink():
                shutil.rmtree(link)
            elif os.name == "nt" and link.is_symlink():
                link.rmdir()  # a link to a folder cannot be replaced there
            draft.replace(link)


def resolve_link(link: Path) -> Path:
    """The folder that `link` points to; `link` itself if it is not a link."""
    if link.is_symlink():
        return link.resolve()
    if link.is_file() and link.stat().st_size < LONGEST_PATH:
        target = link.read_bytes().decode("utf-8", errors="replace")
        if "\n" not in target and "\0" not in target:
            return link.parent / target
    return link


@contextmanager
def os_errors_as_write_error(path: Path) -> Iterator[None]:
    """Turn an operating system error while writing into a one-line WriteError.

    Raises:
        WriteError: the disk is full, or the path is not writable.
    """
    try:
        yield
    except OSError as error:
        if message := write_error(path, error):
            raise message from error
        raise


def write_error(
    path: Path, error: OSError, *, elsewhere: str = "choose another path"
) -> WriteError | None:
    """What to report of an operating system error while writing; None if it has another cause.

    elsewhere: how the user can write to another place
    """
    if error.errno in FULL:
        return WriteError(
            f"the disk is full: cannot write {path}; free some space or {elsewhere}, and run the "
            "command again"
        )
    if error.errno in _REFUSALS:
        return WriteError(
            f"cannot write {path}: {error.strerror}; {elsewhere} or fix its permissions"
        )
    if error.errno in _BREAKDOWNS:
        return WriteError(
            f"cannot write {path}: {error.strerror}; check the disk and the limits of this "
            "machine, and run the command again"
        )
    if error.errno == errno.ENOENT and Path(str(error.filename)).parent == path.parent:
        return WriteError(f"cannot write {path}: nothing can be created there; {elsewhere}")
    return None


FULL = {errno.ENOSPC, errno.EDQUOT}
_REFUSALS = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.ELOOP,
    errno.ENXIO,
    errno.ENOTEMPTY,
    errno.EBADF,
    errno.EPIPE,
}
_BREAKDOWNS = {errno.EIO, errno.EMFILE, errno.ENFILE, errno.EFBIG, errno.ESTALE, errno.ETIMEDOUT}


def sync(path: Path) -> None:
    """Flush a file or folder to the disk, so that a rename never gets there before the content."""
    if os.name == "nt" and path.is_dir():
        return  # folders cannot be opened there
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_DRAFT = re.compile(r"\.(.+)\.[0-9a-f]{12}\.draft(?:\.[^.]*)?", re.DOTALL)


def draft_path(path: Path) -> Path:
    """A path for a draft of `path`: next to it, with an unguessable name."""
    suffix = path.suffix if len(path.suffix) < STEM else ""
    return path.with_name(f".{path.name[:STEM]}.{secrets.token_hex(6)}.draft{suffix}")


def drafted_name(name: str) -> str | None:
    """The beginning of the name of the file that a draft is for; None if it is not a draft."""
    match = _DRAFT.fullmatch(name)
    return match[1] if match else None


@contextmanager
def _draft_file(path: Path) -> Iterator[Path]:
    """An empty file, guaranteed to be new, locked while it is written and removed at the end."""
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    draft, descriptor = draft_path(path), -1
    try:  # from here on, because a signal may raise an exception at any moment
        descriptor = os.open(draft, flags, 0o666 if mode is None else mode)
        while not locks.held_by_us(descriptor, draft):
            os.close(descriptor)
            draft, descriptor = draft_path(path), -1
            descriptor = os.open(draft, flags, 0o666 if mode is None else mode)
        if mode is not None and hasattr(os, "fchmod"):
            os.fchmod(descriptor, mode)  # undo what the umask removed
        yield draft
    finally:
        draft.unlink(missing_ok=True)
        if descriptor >= 0:
            os.close(descriptor)


@contextmanager
def _draft_folder(path: Path) -> Iterator[Path]:
    """An empty folder, guaranteed to be new, locked while it is written and removed at the end."""
    draft, descriptor = draft_path(path), None
    try:  # from here on, because a signal may raise an exception at any moment
        draft.mkdir()
        descriptor = locks.open_folder(draft)
        while descriptor is not None and not locks.held_by_us(descriptor, draft):
            os.close(descriptor)
            draft, descriptor = draft_path(path), None
            draft.mkdir()
            descriptor = locks.open_folder(draft)
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        if descriptor is not None:
            os.close(descriptor)


@contextmanager
def _stepped_aside(path: Path) -> Iterator[None]:
    """Rename the folder at `path`, if there is one, for the block; remove it afterwards."""
    if not path.exists():
        yield
        return
    old = _aside(path)
    shutil.rmtree(old, ignore_errors=True)
    path.rename(old)
    try:
        yield
    except BaseException:
        old.rename(path)
        raise
    shutil.rmtree(old, ignore_errors=True)


_ASIDE = ".put-aside"


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}{_ASIDE}")


def _remove_abandoned(draft: Path) -> None:
    """Remove a draft, unless a process holds its lock."""
    with suppress(OSError), locks.if_free(draft) as free:
        if not free:
            return
        if draft.is_dir():
            shutil.rmtree(draft, ignore_errors=True)
        else:
            draft.unlink(missing_ok=True)
